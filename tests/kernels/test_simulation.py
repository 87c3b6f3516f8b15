"""Parts of simulated series, as plain Python, against what they say; compiled they are the same."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import signal, stats

from tsrnn.kernels.simulation import arima, draws, events, noise, seasons, series, trends, values
from tsrnn.kernels.simulation.filling import fill_series, shares_of


@pytest.fixture(autouse=True)
def _wrap_around():
    """Unsigned numbers wrap around, which NumPy's scalars warn of."""
    with np.errstate(over="ignore"):
        yield


def stream_of(series, seed=3):
    stream = np.zeros(1, np.uint64)
    draws.start(stream, seed, series)
    return stream


def path_of(part, *args, n=240, seed=0, n_space=0):
    """What a part adds to zeros."""
    path = np.zeros(n)
    space = (np.zeros(n_space),) if n_space else ()
    part(stream_of(seed), *args, path, *space)
    return path


def sample(draw, *args, n=1500):
    stream = stream_of(0)
    return np.array([draw(stream, *args) for _ in range(n)])


def test_bits_are_those_of_splitmix64():
    stream = np.zeros(1, np.uint64)  # with the outputs of the authors' program for the seed 0
    bits = []
    for _ in range(3):
        draws.uniform(stream)
        bits.append(int(draws.mix(stream[0])))
    assert bits == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (lambda: sample(draws.uniform), stats.uniform),
        (lambda: sample(draws.between, -2.0, 3.0), stats.uniform(-2, 5)),
        (lambda: np.log10(sample(draws.ten_to, -2.0, 3.0)), stats.uniform(-2, 5)),
        (lambda: sample(draws.normal), stats.norm),
        (lambda: sample(draws.gamma, 0.4), stats.gamma(0.4)),
        (lambda: sample(draws.gamma, 7.0), stats.gamma(7)),
    ],
)
def test_distributions(values, expected):
    assert stats.kstest(values(), expected.cdf).pvalue > 0.01


@pytest.mark.parametrize("n", [1, 2, 1501])
def test_filled_arrays(n):
    out = np.full(n, np.nan)
    draws.fill_normal(stream_of(0), out)
    assert stats.kstest(out, stats.norm.cdf).pvalue > 0.01
    draws.fill_student_t(stream_of(0), 3.0, out)
    assert stats.kstest(out, stats.t(3).cdf).pvalue > 0.01
    assert n < 3 or stats.kstest(out, stats.norm.cdf).pvalue < 0.01


@pytest.mark.parametrize("rate", [0.3, 6.0, 29.0, 31.0, 400.0])
def test_poisson_counts(rate):
    counts = sample(draws.poisson, rate)
    assert_array_equal(counts, np.abs(np.round(counts)))
    assert counts.mean() == pytest.approx(rate, rel=0.06)
    assert counts.var() == pytest.approx(rate, rel=0.12)


def test_streams_of_series_and_seeds_differ():
    keys = {int(stream_of(k, seed)[0]) for k in range(50) for seed in range(50)}
    assert len(keys) == 2500


def test_whole_numbers_signs_and_chances():
    assert set(sample(draws.whole, 3)) == {0, 1, 2}
    assert sample(draws.sign, 0.8).mean() == pytest.approx(0.6, abs=0.05)
    assert sample(draws.chance, 0.2).mean() == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("seed", range(8))
def test_trends(seed):
    linear = np.diff(path_of(trends.linear, 12.0, seed=seed))
    assert_allclose(linear, linear[0])
    damped = np.diff(path_of(trends.damped, 12.0, seed=seed))
    assert_allclose(damped[1:] / damped[:-1], damped[1] / damped[0])
    assert 0 < damped[1] / damped[0] < 1
    curve = np.diff(path_of(trends.s_curve, 12.0, seed=seed))
    assert np.all(curve * curve[100] > 0)
    turning = np.flatnonzero(np.diff(np.sign(np.diff(np.abs(curve)).round(12))))
    assert len(turning) <= 1  # quickest at one point


def test_a_changing_trend_is_of_few_straight_pieces():
    bends = np.abs(np.diff(path_of(trends.changing, 12.0, n=2000), 2)) > 1e-9
    assert 5 < bends.sum() < 120


def test_a_local_trend_changes_its_slope_smoothly():
    slopes = np.diff(path_of(trends.local, 24.0, n=1000))
    assert np.corrcoef(slopes[1:], slopes[:-1])[0, 1] > 0.9


def test_the_longer_a_season_the_less_a_step_changes():
    slope = [np.diff(path_of(trends.linear, pace, n=3, seed=4))[0] for pace in (1.0, 10.0)]
    assert slope[0] == pytest.approx(10 * slope[1])


@pytest.mark.parametrize("seed", range(4))
def test_a_walk_has_stationary_steps(seed):
    steps = np.diff(path_of(trends.add_walk, 4.0, n=4000, seed=seed, n_space=4000))
    early, late = steps[:2000].std(), steps[2000:].std()
    assert early == pytest.approx(late, rel=0.25)
    assert abs(steps.mean()) < 4 * steps.std() / np.sqrt(4000 / 20)


def test_a_cycle_has_its_period_and_size():
    for seed in range(12):
        stream = stream_of(seed)
        period = draws.between(stream, 2.5, 12.0) * (12.0 if draws.chance(stream, 0.7) else 1.0)
        size, kept = draws.ten_to(stream, -2.0, -0.4), 1 - draws.ten_to(stream, -3.5, -0.7)
        cycle = path_of(trends.add_cycle, 12.0, n=4000, seed=seed, n_space=8000)
        for lag in (1, 2, 3):
            correlation = np.mean(cycle[lag:] * cycle[:-lag]) / np.mean(cycle**2)
            expected = kept**lag * np.cos(2 * np.pi * lag / period)
            assert correlation == pytest.approx(expected, abs=0.04)
        if kept < 0.97:
            assert cycle.std() == pytest.approx(size, rel=0.2)


def test_a_long_way_is_shrunk():
    path = np.linspace(0, 100, 50)
    trends.limit_range(stream_of(1), path)
    assert 0.7 < np.ptp(path) < 6.4
    assert_allclose(np.diff(path), path[1])
    short = np.linspace(0, 0.5, 50)
    trends.limit_range(stream_of(1), short)
    assert_array_equal(short, np.linspace(0, 0.5, 50))


SHAPES = [seasons.waves, seasons.spikes, seasons.blocks, seasons.free]


@pytest.mark.parametrize("m", [2, 3, 7, 12, 168])
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_seasons(shape, m):
    patterns = []
    for seed in range(20):
        pattern = np.zeros(m)
        shape(stream_of(seed), pattern)
        assert np.isfinite(pattern).all()
        patterns.append(pattern - pattern.mean())
    spread = np.std(patterns, axis=1)
    assert np.median(spread) > 0.05
    assert len({tuple(np.round(p, 9)) for p in patterns}) > (1 if m < 4 else 10)
    if shape is seasons.waves:
        assert np.abs(np.fft.rfft(patterns)[:, 9:]).max(initial=0) < 1e-9
    if shape is seasons.spikes and m >= 7:
        assert all(len(np.unique(np.round(p, 9))) <= 4 for p in patterns)
    if shape is seasons.blocks:
        assert all(len(np.unique(np.round(p, 9))) <= 2 for p in patterns)


def test_free_shapes_close_on_themselves():
    """The last phase resembles the first one as much as any other its neighbour."""
    gaps = []
    for seed in range(300):
        pattern = np.zeros(40)
        seasons.free(stream_of(seed), pattern)
        gaps.append(np.abs(np.diff(np.r_[pattern, pattern[0]])) / np.ptp(pattern))
    gaps = np.mean(gaps, axis=0)
    assert gaps[-1] == pytest.approx(gaps[:-1].mean(), rel=0.2)


def test_patterns_have_their_size():
    pattern = np.zeros(12)
    seasons.draw_pattern(stream_of(0), 0.3, pattern)
    assert_allclose([pattern.mean(), pattern.std()], [0, 0.3], atol=1e-12)
    seasons.standardize(flat := np.ones(12), 0.3)
    assert_array_equal(flat, 0)


def evolved(evolution, n=240, m=12):
    patterns, path = np.zeros((2, m)), np.zeros(n)
    seasons.draw_pattern(stream_of(5), 0.3, patterns[0])
    first = patterns[0].copy()
    evolution(stream_of(6), 0.3, patterns, path)
    return first, patterns, path.reshape(-1, m)


def test_a_season_may_stay():
    first, _, years = evolved(seasons.constant)
    assert_array_equal(years, np.tile(first, (20, 1)))


def test_a_season_may_grow_or_fade():
    first, _, years = evolved(seasons.growing)
    growth = years / first
    assert_allclose(np.diff(growth.ravel()), growth[0, 1] - 1, atol=1e-9)
    assert abs(growth[0, 1] - 1) > 1e-4


def test_a_season_may_become_another():
    first, patterns, years = evolved(seasons.shifting)
    assert_allclose(np.diff(years, 2, axis=0), 0, atol=1e-12)
    assert_allclose(years[0, 0], first[0])
    towards = (years[-1] - first) / (patterns[1] - first)
    assert_allclose(towards, towards[0], rtol=0.06)
    assert 0.15 < towards[0] < 1


def test_a_season_may_wander():
    first, _, years = evolved(seasons.wandering, n=12 * 400)
    steps = np.diff(years, axis=0)
    assert_array_equal(years[0], first)
    assert stats.kstest((steps / steps.std()).ravel(), stats.norm.cdf).pvalue > 0.01
    assert abs(np.corrcoef(steps[1:].ravel(), steps[:-1].ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("kind", [noise.volatile, noise.alternating, noise.growing, noise.seasonal])
def test_noise_of_changing_size(kind):
    ones = np.ones(480)
    kind(stream_of(2), 12.0, ones)
    assert (ones > 0).all()
    assert ones.std() > 0.05
    n_sizes = len(np.unique(ones.round(9)))
    assert n_sizes == 2 if kind in (noise.alternating, noise.seasonal) else n_sizes > 400
    if kind is noise.seasonal:
        assert_array_equal(ones[12:], ones[:-12])


def test_noise_has_unit_size_and_often_heavy_tails_or_memory():
    memory, tails, sizes = [], [], []
    for seed in range(60):
        path = path_of(noise.fill_noise, 12.0, n=400, seed=seed)
        sizes.append(np.subtract(*np.percentile(path, [75, 25])) / 1.349)
        memory.append(np.corrcoef(path[1:], path[:-1])[0, 1])
        tails.append(stats.kurtosis(path))
    assert np.median(sizes) == pytest.approx(1, abs=0.15)
    assert 15 < np.sum(np.abs(memory) > 0.15) < 45
    assert 10 < np.sum(np.array(tails) > 1.5) < 45
    small = path_of(noise.add_noise, 12.0, 0.01, n=400, n_space=400)
    assert_allclose(small, 0.01 * path_of(noise.fill_noise, 12.0, n=400))


@pytest.mark.parametrize("seed", range(5))
def test_events(seed):
    assert 1 <= np.count_nonzero(np.diff(np.r_[0, path_of(events.add_shifts, seed=seed)])) <= 2
    outliers = path_of(events.add_outliers, n=2000, seed=seed)
    assert 2 < np.count_nonzero(outliers) < 200
    assert len(np.unique(path_of(events.add_regimes, n=4000, seed=seed))) == 2
    shock = path_of(events.add_shock, seed=seed)
    first = np.flatnonzero(shock)[0]
    assert (shock[:first] == 0).all()
    assert (np.diff(np.abs(shock[first:])) <= 0).all()


def test_a_moving_feast_is_on_one_of_two_steps():
    feast = path_of(events.add_moving_feast, 12, n=1200)
    steps = np.flatnonzero(feast)
    assert len(np.unique(feast)) == 2
    assert len(steps) in (99, 100)
    assert len(np.unique(steps % 12)) == 2
    assert set(np.diff(steps)) <= {11, 12, 13}


def test_trading_days_of_months():
    days = path_of(events.add_trading_days, 12, n=1000)
    frequencies, power = signal.periodogram(days)
    assert frequencies[power.argmax()] == pytest.approx(0.348, abs=1e-3)


def test_roots_are_stable():
    for seed in range(300):
        a, b = arima.draw_roots(stream_of(seed))
        assert np.abs(np.roots([1, -a, -b])).max() < 0.99


@pytest.mark.parametrize("lag", [1, 4])
def test_filters_against_scipy(lag):
    x = np.random.default_rng(0).normal(size=60)
    a, b = 0.5, -0.3
    polynomial = np.zeros(2 * lag + 1)
    polynomial[[0, lag, 2 * lag]] = 1, -a, -b
    arima.auto_regress(a, b, lag, regressed := x.copy())
    arima.moving_average(a, b, lag, averaged := x.copy())
    assert_allclose(regressed, signal.lfilter([1], polynomial, x))
    assert_allclose(averaged, signal.lfilter(polynomial, [1], x))


def test_arima_processes_are_of_several_orders():
    """Some stay where they are, some do not; some repeat themselves."""
    season, space = np.tile([0.0, 1.0, -2.0, 1.0], 1), np.zeros(2000)
    stays, repeats = 0, 0
    for seed in range(60):
        path = np.zeros(400)
        arima.fill_arima(stream_of(seed), 4.0, 4, season, path, space)
        assert np.isfinite(path).all()
        stays += np.ptp(path[200:]) < 1.5 * np.ptp(np.diff(path)[200:])
        repeats += np.abs(np.diff(path[:5])).max() > 1
    assert 5 < stays < 40
    assert 10 < repeats < 45


def test_values_are_factors_or_sums_on_any_level():
    levels, negative, rounded = [], 0, 0
    for seed in range(200):
        path = 0.1 * np.sin(np.arange(50.0))
        values.write_values(stream_of(seed), path)
        levels.append(np.abs(path).max())
        negative += (path < 0).any()
        rounded += len(np.unique(path)) < 45
    assert stats.kstest(np.log10(levels), stats.uniform(-0.3, 5.5).cdf).pvalue > 1e-3
    assert 2 < negative < 20
    assert 5 < rounded < 50


def test_extreme_sums_stay_finite():
    path = np.array([-1e6, 1e6, 0.0])
    values.multiply(path)
    assert_allclose(path, np.exp([-7, 7, 0]))


def test_counts_follow_their_mean():
    means = np.zeros(3000)
    means[1500:] = np.log(4)
    for seed in range(8):
        values.write_counts(stream_of(seed), counts := means.copy())
        assert_array_equal(counts, np.abs(np.round(counts)))
        level = draws.ten_to(stream_of(seed), -0.5, 2.5)
        assert counts[:1500].mean() == pytest.approx(level, rel=0.2)
        assert counts[1500:].mean() == pytest.approx(4 * counts[:1500].mean(), rel=0.25)


def test_demand_is_zero_between():
    shares = []
    for seed in range(60):
        values.write_demand(stream_of(seed), demand := np.zeros(400))
        assert (demand >= 0).all()
        shares.append(np.mean(demand == 0))
    assert np.min(shares) < 0.4 < 0.85 < np.max(shares)


@pytest.mark.parametrize("kind", series.KINDS)
@pytest.mark.parametrize("lengths", [(1,), (4,), (3, 12)])
def test_compiled_as_in_python(kind, lengths):
    n_series, n_steps, m, shares = 12, 30, max(lengths), shares_of([kind])
    compiled = np.empty((n_series, n_steps))
    fill_series(compiled, 3, 100, np.array([lengths]), shares)
    patterns, space, path = np.zeros((2, m)), np.zeros(500), np.zeros(n_steps)
    for k in range(n_series):
        series.simulate(stream_of(100 + k), np.array(lengths), shares, path, patterns, space)
        assert_allclose(compiled[k], path, rtol=1e-9, atol=1e-9 * np.abs(path).max())


def test_seasons_of_each_series():
    lengths = np.array([[4], [12], [1]])
    out, alone = np.empty((3, 40)), np.empty((1, 40))
    fill_series(out, 3, 7, lengths, shares_of(series.KINDS))
    for k in range(3):
        fill_series(alone, 3, 7 + k, lengths[k : k + 1], shares_of(series.KINDS))
        assert_array_equal(out[k], alone[0])


def test_shares_of_kinds():
    assert_allclose(shares_of(series.KINDS), [0.73, 0.12, 0.1, 0.05])
    assert_allclose(shares_of(["counts", "intermittent"]), [0, 0, 2 / 3, 1 / 3])
