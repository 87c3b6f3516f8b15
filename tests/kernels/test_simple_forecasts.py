"""Simple forecasts and the inputs of the pretrained network, against loops in ``naive.py``."""

import naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.forecasting.pretrained import (
    LEVELS,
    PretrainedNetwork,
    Stretches,
    longer_season,
)
from tsrnn.kernels.simple_forecasts import candidates, inputs, seasons, smoothing
from tsrnn.kernels.simple_forecasts.autoregression import (
    continue_autoregression,
    fit_autoregression,
    one_step_ahead,
)
from tsrnn.kernels.simple_forecasts.filling import fill_inputs, longest_needed, steps_read


def seasonal(n, season=12, level=10.0, seed=0):
    """A series with trend, season and noise."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    waves = np.sin(2 * np.pi * t / season) + 0.5 * np.cos(4 * np.pi * t / season + 1)
    return level + 0.03 * t + waves + 0.3 * rng.standard_normal(n)


def wandering(n, seed=0):
    return np.random.default_rng(seed).standard_normal(n).cumsum()


def decomposed(values, season, long=None):
    long = season if long is None else long
    space = np.full(candidates.space_needed(values.size, long), np.nan)
    return candidates.decompose(values, season, long, space)


def filled(values, season, horizon, long=None):
    """Inputs, base and scale of one series by the kernel."""
    long = season if long is None else long
    columns = (np.array([k]) for k in (0, values.size, season, long, horizon))
    return fill_inputs(values, *columns)


SERIES = {
    "monthly": (seasonal(80), 12, 12),
    "odd season": (seasonal(41, 7), 7, 7),
    "season of two": (seasonal(23, 2), 2, 2),
    "season of three": (seasonal(23, 3), 3, 3),
    "negative": (seasonal(60, level=-5.0), 12, 12),
    "about zero": (seasonal(60, level=0.0), 12, 12),
    "two seasons": (np.tile(wandering(28), 4) + seasonal(112, 4), 4, 28),
    "two seasons, short": (seasonal(50, 4), 4, 28),
    "no season": (wandering(50), 1, 1),
    "long enough for high orders": (seasonal(220, 11, level=0.0), 1, 1),
    "shorter than a season": (seasonal(9), 12, 12),
    "short of two seasons": (seasonal(24), 12, 12),
    "just two seasons": (seasonal(25), 12, 12),
    "intermittent": (np.where(np.arange(40) % 3 == 0, 2.0, 0.0), 12, 12),
    **{f"{n} values": (wandering(n, seed=n), 1, 1) for n in range(1, 7)},
    **{f"{n} values of a year": (seasonal(n) + 20, 12, 12) for n in range(1, 6)},
}
every_series = pytest.mark.parametrize("name", SERIES)


@pytest.mark.parametrize("multiplicative", [True, False])
@pytest.mark.parametrize(
    ("m", "n"), [(12, 80), (12, 25), (7, 41), (2, 20), (3, 20), (4, 8), (1, 9)]
)
def test_seasonal_patterns(m, n, multiplicative):
    values, pattern = seasonal(n, max(m, 2)), np.full(m, np.nan)
    seasons.write_pattern(values, m, multiplicative, np.empty(n), np.empty((3, m)), pattern)
    assert_allclose(pattern, naive.seasonal_pattern(values, m, multiplicative), atol=1e-12)
    assert_allclose(pattern.mean(), float(multiplicative), atol=1e-12)


def test_noise_has_less_season_than_a_wave():
    noise = np.random.default_rng(0).standard_normal(49)
    sizes = []
    for values in (noise, np.sin(np.arange(49) * np.pi / 6) + 0.1 * noise):
        pattern = np.empty(12)
        seasons.write_pattern(values, 12, False, np.empty(49), np.empty((3, 12)), pattern)
        sizes.append(np.abs(pattern).max())
    assert sizes[0] < 0.75 < 0.9 < sizes[1] < 1.1


@pytest.mark.parametrize("multiplicative", [True, False])
@pytest.mark.parametrize("n", [112, 57, 56, 30])
def test_two_seasons(n, multiplicative):
    values = np.tile(2 + np.abs(wandering(28)), 4)[:n] + seasonal(n, 4)
    pattern = np.full(28, np.nan)
    seasons.write_seasons(values, 4, 28, multiplicative, np.full(2 * n + 4 * 28, np.nan), pattern)
    expected = naive.seasonal_patterns(values, 4, 28, multiplicative)
    assert_allclose(pattern, expected, atol=1e-12)
    out = np.empty(n)
    seasons.remove_season(values, pattern, multiplicative, out)
    assert_allclose(out, naive.without_season(values, expected, multiplicative))
    again = [seasons.with_season(value, pattern, multiplicative, t) for t, value in enumerate(out)]
    assert_allclose(again, values)


def test_a_year_of_days_is_smooth():
    values = seasonal(1100, 364) + np.tile(wandering(7), 158)[:1100]
    pattern = np.full(364, np.nan)
    seasons.write_seasons(values, 7, 364, False, np.full(2200 + 4 * 364, np.nan), pattern)
    assert_allclose(pattern, naive.seasonal_patterns(values, 7, 364, False), atol=1e-12)
    free = naive.seasonal_pattern(values, 364, False)
    truth = np.sin(2 * np.pi * np.arange(364) / 364) + 0.5 * np.cos(np.pi * np.arange(364) / 91 + 1)
    week = naive.seasonal_pattern(values, 7, False)[np.arange(364) % 7]
    assert np.abs(pattern - week - truth).mean() < np.abs(free - week - truth).mean() / 2


@pytest.mark.parametrize("shift", [-3.0, 0.0, 0.9, 1.1, 5.0])
def test_where_a_season_is_a_factor(shift):
    values = np.sin(np.arange(30.0)) + shift
    assert seasons.is_multiplicative(values) == naive.is_multiplicative(values)


@pytest.mark.parametrize("values", [wandering(50), seasonal(40), np.ones(9), wandering(1)])
def test_smoothing(values):
    levels, damped = np.empty(values.size), np.empty((2, values.size))
    rate, damping = smoothing.write_levels(values, levels), smoothing.write_damped(values, *damped)
    expected, expected_rate = naive.best_smoothing(values)
    assert rate == pytest.approx(expected_rate, rel=1e-12)
    assert_allclose(levels, expected, rtol=1e-12)
    *expected, expected_damping = naive.best_damped(values)
    assert damping == expected_damping
    assert_allclose(damped, expected, rtol=1e-9, atol=1e-12)
    for one in (0.01, 0.3, 0.99):
        assert_allclose(smoothing.smoothing_error(values, one), naive.smoothed(values, one)[1])
    for rates in ((0.1, 0.0, 0.8), (0.9, 0.35, 0.98)):
        assert_allclose(smoothing.damped_error(values, rates), naive.damped(values, rates)[2])


@pytest.mark.parametrize("multiplicative", [True, False])
@pytest.mark.parametrize(("n", "m"), [(60, 12), (30, 1), (7, 12), (1, 4), (2, 1)])
def test_holt_winters_smoothing(n, m, multiplicative):
    values, states = seasonal(n, max(m, 2)), np.full((3, n), np.nan)
    pattern = naive.seasonal_pattern(seasonal(60, max(m, 2)), m, multiplicative)
    damping = smoothing.write_holt_winters(values, pattern, multiplicative, np.empty(m), states)
    expected, expected_damping = naive.best_holt_winters(values, pattern, multiplicative)
    assert_allclose(states, expected, rtol=1e-9, atol=1e-9)
    assert damping == expected_damping
    least = 0.05 * values.mean() if multiplicative else 0.0
    for rates in ((0.05, 0.15, 0.2, 1.0), (0.75, 0.0, 0.1, 0.9)):
        error = smoothing.holt_winters_error(values, pattern, rates, least, np.empty(m))
        assert error == pytest.approx(naive.holt_winters(values, pattern, multiplicative, rates)[1])


@pytest.mark.parametrize("n", [1, 7, 8, 16, 60, 300])
def test_autoregressions(n):
    values = np.sin(np.arange(n) / 3) + 0.5 * np.random.default_rng(n).standard_normal(n)
    coefficients = np.full(24, np.nan)
    order = fit_autoregression(values, np.full(2 * n + 48, np.nan), coefficients)
    expected = naive.autoregression(values)
    assert order == expected.size
    assert_allclose(coefficients[:order], expected, rtol=1e-9)
    assert not coefficients[order:].any()
    assert n < 16 or order > 0
    for end in {1, n // 2, n}:
        found = np.full(30, np.nan)
        continue_autoregression(values, end, coefficients, order, found)
        assert_allclose(found, naive.continued(values[:end], expected, 30))
        assert one_step_ahead(values, end, coefficients, order) == pytest.approx(found[0])
        assert np.abs(found).max() <= 5 * np.abs(values).max()  # it is stable


@pytest.mark.parametrize("n", [1, 2, 3, 30])
def test_slopes_and_changes(n):
    values = wandering(n)
    assert smoothing.slope(values) == pytest.approx(naive.slope(values), abs=1e-12)
    assert smoothing.first_trend(2.0 + 3.0 * np.arange(n)) == (3.0 if n > 1 else 0.0)
    for lag in (1, 4):
        assert inputs.mean_change(values, lag) == pytest.approx(naive.mean_change(values, lag))


@every_series
def test_forecasts_and_errors(name):
    values, season, long = SERIES[name]
    parts, expected = decomposed(values, season, long), naive.SimpleForecasts(values, season, long)
    assert parts.multiplicative == expected.multiplicative
    assert_allclose(parts.pattern, expected.pattern, atol=1e-12)
    for end in {1, values.size // 2, values.size} - {0}:
        forecasts = np.full((candidates.N_CANDIDATES, 30), np.nan)
        candidates.write_forecasts(parts, end, forecasts)
        assert_allclose(forecasts, expected.at(end, 30), rtol=1e-9, atol=1e-9)
    for horizon in (1, 6, 13):
        scratch = np.empty((candidates.N_CANDIDATES, horizon))
        errors = np.full(candidates.N_CANDIDATES, np.nan)
        truth, n_origins = expected.errors(horizon)
        assert candidates.write_errors(parts, scratch, errors) == n_origins
        assert_allclose(errors, 0.0 if truth is None else truth, rtol=1e-9, atol=1e-9)


def test_names_of_forecasts():
    for name, values, best in [
        ("drift", 3.0 * np.arange(30), {"theta", "drift", "damped_trend", "recent_drift"}),
        ("seasonal_naive", np.tile(wandering(12), 3), {"seasonal_naive", "season_mean"}),
    ]:
        forecasts = np.empty((candidates.N_CANDIDATES, 5))
        candidates.write_forecasts(decomposed(values, 12), values.size, forecasts)
        row = forecasts[candidates.CANDIDATES.index(name)]
        step = 3.0 if name == "drift" else 0.0
        truth = values[-1] + 3 * np.arange(1, 6) if step else values[:5]
        assert_allclose(row, truth, rtol=1e-9)
        near = np.abs(forecasts - truth).max(axis=1) < 2
        assert best <= {candidates.CANDIDATES[k] for k in np.flatnonzero(near)} | {"theta"}


@pytest.mark.parametrize(("n", "n_origins"), [(71, 12), (72, 5), (20, 1)])
@pytest.mark.parametrize("errors", [np.arange(14.0), np.full(14, 3.0), np.zeros(14), None])
def test_weights(errors, n, n_origins):
    weights = np.full(candidates.N_CANDIDATES, np.nan)
    given, n_origins = (np.zeros(14), 0) if errors is None else (errors, n_origins)
    inputs.write_weights(given, n_origins, n, 0.5, weights)
    expected = naive.weights_of_errors(errors, n_origins, n, 0.5)
    assert_allclose(weights[: candidates.N_MIXED], expected)
    assert weights[: candidates.N_MIXED].sum() == pytest.approx(1)


def test_asinh():
    values = [0.0, 1e-9, 0.3, -0.3, 5.0, -1e6, 1e12]
    assert_allclose([inputs.asinh(x) for x in values], np.arcsinh(values), rtol=1e-7, atol=1e-16)


@every_series
@pytest.mark.parametrize("horizon", [1, 8])
def test_inputs(name, horizon):
    values, season, long = SERIES[name]
    found = filled(values, season, horizon, long)
    n_read = found.n_read[0]
    assert n_read == min(values.size, max(48, min(2 * season, 128)))
    expected, base, scale = naive.network_inputs(values, season, long, n_read, horizon)
    rounding = 1e-14 * np.abs(values).max() / (scale or 1)
    assert_allclose(found.inputs, expected, rtol=2e-6, atol=2e-6 + rounding)
    assert_allclose(found.base[n_read:], base, rtol=1e-9, atol=1e-9)
    assert_allclose(found.scales, scale, rtol=1e-9)


def test_only_the_last_values_are_read():
    for season, n_needed in ((1, 300), (7, 1820), (12, 300), (24, 840), (30, 600)):
        long = longer_season(season)
        assert longest_needed(np.array([season]), np.array([long])) == [n_needed]
        values = seasonal(n_needed + 50, max(season, 2))
        whole, end = (filled(v, season, 5, long) for v in (values, values[50:]))
        for one, other in zip(whole, end, strict=True):
            assert_array_equal(one, other)
    assert steps_read(np.array([5, 999]), np.array([12, 12])).tolist() == [5, 48]
    assert steps_read(np.array([999, 999]), np.array([30, 168])).tolist() == [60, 128]


def ragged(n_series=40, season=12):
    """Stretches of series of all lengths from 1 to 300."""
    rng = np.random.default_rng(1)
    lengths = np.concatenate([np.arange(1, 6), rng.integers(6, 300, n_series - 5)])
    values = np.concatenate([seasonal(n, seed=n) for n in lengths])
    return Stretches(values, np.cumsum(lengths) - lengths, lengths, season)


@pytest.fixture(scope="module")
def network():
    return PretrainedNetwork.of_shape(8, np.random.default_rng(0))


@pytest.mark.parametrize("season", [1, 12, 24])
def test_stretches_and_threads_do_not_change_each_other(network, season):
    stretches = ragged(season=season)
    together = network.forecast(stretches, 9)
    assert together.shape == (40, 9, len(LEVELS))
    assert (np.diff(together, axis=2) >= 0).all()
    assert_array_equal(network.forecast(stretches, 9, n_jobs=2), together)
    for k in (0, 3, 20):
        part = stretches.part(slice(k, k + 1))
        assert_array_equal(network.forecast(part, 9)[0], together[k])
        first, n = part.firsts[0], part.lengths[0]
        alone = Stretches(
            stretches.values[first : first + n].copy(), np.array([0]), part.lengths, season
        )
        assert_array_equal(network.forecast(alone, 9)[0], together[k])


def test_threads_fill_the_same():
    stretches = ragged()
    columns = [stretches.firsts, stretches.lengths, *np.full((3, 40), [[12], [12], [7]])]
    one, two = (fill_inputs(stretches.values, *columns, n_tasks=n) for n in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("season", [1, 12])
@pytest.mark.parametrize("level", [1e4, 1e8])
def test_digits_of_a_high_level_are_kept(network, level, season):
    values = np.round(64 * wandering(60)) / 64 - 100
    found = [
        network.forecast(Stretches(each, np.array([0]), np.array([60]), season), 9) - shift
        for each, shift in ((values, 0.0), (values + level, level))
    ]
    assert_allclose(found[1], found[0], atol=1e-4 if season == 1 else 1.0)


def test_no_stretches(network):
    nothing = Stretches(np.zeros(3), np.zeros(0, int), np.zeros(0, int), 1)
    assert network.forecast(nothing, 4).shape == (0, 4, len(LEVELS))


@pytest.mark.parametrize("season", [1, 12])
@pytest.mark.parametrize("n", [1, 2, 5, 60])
@pytest.mark.parametrize("value", [0.0, -3.0, 1e-320, 1e300])
def test_constant_series_go_on(network, value, n, season):
    stretches = Stretches(np.full(n, value), np.array([0]), np.array([n]), season)
    found = network.forecast(stretches, 20)
    assert_allclose(found, np.full((1, 20, len(LEVELS)), value), rtol=1e-12)


@pytest.mark.parametrize("exponent", [-1000, -40, 3, 900])
def test_powers_of_two_scale_forecasts_to_the_bit(network, exponent):
    stretches = ragged()
    scaled = Stretches(
        np.ldexp(stretches.values, exponent), stretches.firsts, stretches.lengths, stretches.season
    )
    expected = np.ldexp(network.forecast(stretches, 9), exponent)
    assert_array_equal(network.forecast(scaled, 9), expected)


@pytest.mark.parametrize("unit", [5e-324, 1e-310, 1e-150, 1e150, 1e300])
@pytest.mark.parametrize("season", [1, 12])
def test_extreme_sizes(network, unit, season):
    for values in (wandering(40), seasonal(80), -seasonal(30), np.array([3.0, -8.0]), seasonal(4)):
        rounded = np.round(values * 10) * unit
        stretches = Stretches(rounded, np.array([0]), np.array([values.size]), season)
        found = network.forecast(stretches, 12)
        assert np.isfinite(found).all()
        assert np.abs(found).max() < 50 * np.abs(rounded).max()


def test_sizes_that_differ_much(network):
    values = np.concatenate([np.full(20, 1e-300), [1e300], np.full(20, 1e-300), [0.0, -1e-310]])
    stretches = Stretches(values, np.array([0]), np.array([values.size]), 12)
    found = network.forecast(stretches, 12)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 1e301
