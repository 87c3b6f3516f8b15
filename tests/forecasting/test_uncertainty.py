"""Intervals, quantiles, samples, and networks in several."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import tsrnn
from tsrnn import RNNForecaster, backtest
from tsrnn.datasets import load_airline
from tsrnn.forecasting.uncertainty import ConformalWidths, HeldOutErrors, LossOutputs

pytestmark = pytest.mark.slow


def test_widths_cover_the_stated_share_of_exchangeable_errors():
    rng = np.random.default_rng(0)
    spread = np.array([1.0, 2.0, 3.0])
    inside = {0.5: [], 0.8: [], 0.95: []}
    for _ in range(300):
        widths = ConformalWidths(rng.standard_t(4, size=(40, 3)) * spread)
        new = np.abs(rng.standard_t(4, size=(200, 3)) * spread)
        for coverage, shares in inside.items():
            shares.append((new <= widths.half_width(coverage, 3)).mean())
    for coverage, shares in inside.items():
        # Never less, and more by no more than the step from one of 40 windows to the next.
        assert coverage - 0.005 < np.mean(shares) < coverage + 1 / 40 + 0.01


def test_widths_grow_with_the_step_and_the_coverage():
    rng = np.random.default_rng(0)
    widths = ConformalWidths(rng.normal(size=(30, 4)) * [2.0, 1.0, 3.0, 2.5])
    narrow, wide = widths.half_width(0.5, 4), widths.half_width(0.9, 4)
    assert (wide > narrow).all()
    assert (np.diff(wide) >= 0).all()


def test_a_coverage_beyond_the_pool_gives_its_largest_error():
    widths = ConformalWidths(np.array([[1.0], [-2.0], [3.0]]))
    assert widths.half_width(0.99, 1) == pytest.approx([3.0])


def test_errors_of_zero_give_no_width():
    np.testing.assert_array_equal(ConformalWidths(np.zeros((5, 2))).half_width(0.9, 2), [0, 0])


def test_each_series_counts_as_much_as_another():
    """A long series is not typical of the others."""
    rng = np.random.default_rng(0)
    series = np.repeat([0, 1], [900, 100])
    errors = rng.normal(size=(1000, 4)) * np.where(series, 5.0, 1.0)[:, None]
    widths = HeldOutErrors.from_windows(errors, np.ones(1000), series)
    inside = np.abs(errors) <= widths.half_width(0.8, 4)
    assert inside[series == 0].mean() / 2 + inside[series == 1].mean() / 2 == pytest.approx(
        0.8, abs=0.01
    )
    assert np.abs(widths.paths((5000,), rng)).mean() == pytest.approx(3 * 0.798, rel=0.1)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_windows_of_larger_scale_have_wider_intervals_if_errors_grow_with_it(power):
    rng = np.random.default_rng(0)
    scales = np.exp(rng.normal(size=3000))
    errors = rng.normal(size=(3000, 4)) * scales[:, None] ** power
    widths = HeldOutErrors.from_windows(errors, scales, np.zeros(3000, int))
    assert widths.power == pytest.approx(power, abs=0.05)
    np.testing.assert_allclose(widths.spread, 1, rtol=0.1)
    errors[:1000, 2] = np.nan
    errors[7] = np.nan
    again = HeldOutErrors.from_windows(errors, scales, np.zeros(3000, int))
    np.testing.assert_allclose(again.half_width(0.9, 4), widths.half_width(0.9, 4), rtol=0.1)
    assert np.isfinite(again.paths((50,), rng)).all()


AIRLINE = load_airline()
LOSSES = ["absolute_error", "squared_error", "huber", "quantile", "gaussian", "student_t"]
LEVELS = np.linspace(0.05, 0.95, 19)


def quick(**kwargs):
    return RNNForecaster(**{"horizon": 6, "max_iter": 30, "hidden_size": 8} | kwargs)


class TestLossOutputs:
    """Each loss's numbers against the distributions that they are of."""

    def test_normal(self):
        mean, raw = np.array([[1.0, -2.0]]), np.array([[0.5, -1.0]])
        forecasts = LossOutputs("gaussian", (), np.stack([mean, raw], axis=1)[None])
        scale = np.log1p(np.exp(raw))
        np.testing.assert_allclose(forecasts.point, mean)
        np.testing.assert_allclose(forecasts.units()[0], scale, rtol=1e-5)
        for level in (0.1, 0.5, 0.9):
            expected = stats.norm.ppf(level, mean, scale)
            np.testing.assert_allclose(forecasts.quantile(level), expected, rtol=1e-5)

    def test_students(self):
        parts = np.array([[1.0, -2.0]]), np.array([[0.5, -1.0]]), np.array([[2.0, 0.0]])
        forecasts = LossOutputs("student_t", (), np.stack(parts, axis=1)[None])
        scale, freedom = (np.log1p(np.exp(part)) for part in parts[1:])
        for level in (0.01, 0.5, 0.9):
            expected = stats.t.ppf(level, 2 + freedom, parts[0], scale)
            np.testing.assert_allclose(forecasts.quantile(level), expected, rtol=1e-5)

    def test_quantiles_that_cross_are_sorted(self):
        outputs = np.array([[[[3.0], [1.0], [2.0]]]])  # of 0.1, 0.5 and 0.9
        forecasts = LossOutputs("quantile", (0.1, 0.5, 0.9), outputs)
        result = [forecasts.quantile(level)[0, 0] for level in (0.1, 0.3, 0.5, 0.9)]
        np.testing.assert_allclose(result, [1.0, 1.5, 2.0, 3.0])
        below, above = forecasts.units()
        np.testing.assert_allclose([below[0, 0], above[0, 0]], [1.0, 1.0])
        levels = np.full((1, 1), 0.7)
        np.testing.assert_allclose(forecasts.quantile(levels), [[2.5]])
        one = LossOutputs("quantile", (0.9,), np.array([[[[4.0]]]]))
        np.testing.assert_allclose(one.point, [[4.0]])

    def test_of_several_the_median(self):
        outputs = np.array([1.0, 5.0, 2.0]).reshape(3, 1, 1, 1)
        np.testing.assert_array_equal(LossOutputs("huber", (1.0,), outputs).point, [[2.0]])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("conformal", [True, False])
def test_quantiles_never_cross_and_are_the_bounds_of_intervals(loss, conformal):
    own = {"pretrained": None, "quantiles": (0.9, 0.05, 0.5, 0.95)}
    forecaster = quick(loss=loss, conformal=conformal, **own)
    forecaster.fit(AIRLINE[:-12])
    if not conformal and loss in LOSSES[:3]:
        for ask in (forecaster.predict_interval, forecaster.predict_samples):
            with pytest.raises(ValueError, match=f"{loss}' learns none"):
                ask()
        return
    result = forecaster.predict_quantiles(14, quantiles=LEVELS)
    assert result.columns[0] == "quantile_5"
    assert (result.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    intervals = forecaster.predict_interval(14, coverage=[0.8, 0.9])
    for column, quantile in {"lower_80": 10, "upper_80": 90, "lower_90": 5}.items():
        np.testing.assert_allclose(intervals[column], result[f"quantile_{quantile}"], rtol=1e-9)
    middle = forecaster.predict(14)
    np.testing.assert_allclose(result["quantile_50"], middle, rtol=1e-6)
    samples = forecaster.predict_samples(14, n_samples=400)
    assert samples.shape == (14, 400)
    spread = samples.quantile([0.1, 0.9], axis=1).T
    ratio = (spread[0.9] - spread[0.1]) / (result["quantile_90"] - result["quantile_10"])
    assert 0.3 < ratio[:6].median() < 2.5
    again = forecaster.predict_samples(14, n_samples=400)
    pd.testing.assert_frame_equal(samples, again)
    assert not samples.equals(forecaster.predict_samples(14, n_samples=400, random_state=1))


def test_quantiles_beyond_the_fitted_ones_are_refused():
    forecaster = quick(loss="quantile", conformal=False, pretrained=None).fit(AIRLINE)
    with pytest.raises(ValueError, match=r"Quantiles from 0.025 to 0.975 are asked.*0.1 to 0.9"):
        forecaster.predict_interval(coverage=0.95)
    for bad in ([], [0.0], [1.5], [[0.5]]):
        with pytest.raises(ValueError, match=r"quantiles must be .* between 0 and 1"):
            forecaster.predict_quantiles(quantiles=bad)
    for bad in (0, True, 1.5):
        with pytest.raises(ValueError, match="n_samples must be a whole number"):
            forecaster.predict_samples(n_samples=bad)
    with pytest.raises(ValueError, match=r"quantiles.* must be .* between 0 and 1"):
        quick(loss="quantile", quantiles=[0.5, 1.0]).fit(AIRLINE)
    with pytest.raises(ValueError, match=r"quantiles must hold 0\.5, or some on either side"):
        quick(loss="quantile", quantiles=[0.9, 0.95]).fit(AIRLINE)


def noise(scale):
    """White noise: only its spread can be learnt."""
    rng = np.random.default_rng(0)
    return pd.Series(rng.normal(0, scale, 1500), pd.date_range("2000", periods=1500, freq="D"))


@pytest.mark.parametrize("loss", ["quantile", "gaussian", "student_t"])
def test_losses_learn_the_spread(loss):
    y = noise(3.0)
    sizes = {"season": 1, "horizon": 3, "lookback": 20, "max_iter": 40}
    forecaster = quick(loss=loss, conformal=False, pretrained=None, **sizes)
    origins = {"n_windows": 200, "step": 1, "refit": False}
    scored = backtest(forecaster, y, **origins, coverage=0.8, quantiles=[0.1, 0.5, 0.9])
    result = scored.metrics().loc["RNNForecaster"]
    assert 0.72 < result["coverage_80"] < 0.88
    # Of a normal distribution the least pinball loss at 0.1 is the deviation times .1755; that of
    # intervals around the last value would be larger by the root of two.
    assert 0.95 * 0.1755 * 3 < result["pinball_10"] < 0.9 * 0.1755 * 3 * 2**0.5
    assert result["pinball_50"] == pytest.approx(result["MAE"] / 2)
    assert result["CRPS"] == pytest.approx(
        2 * result[["pinball_10", "pinball_50", "pinball_90"]].mean()
    )


def test_paths_keep_the_errors_of_a_window_together():
    """Steps of a random walk's path are correlated, which the sum of a path shows."""
    rng = np.random.default_rng(0)
    walk = pd.Series(rng.normal(size=9000).cumsum(), pd.date_range("2000", periods=9000, freq="D"))
    sizes = {"season": 1, "horizon": 10, "lookback": 12, "max_iter": 3}
    forecaster = quick(pretrained=None, **sizes).fit(walk[:7000])
    variances = []
    for end in range(7000, 9000, 50):  # a window's own deviation is the scale: many windows
        samples = forecaster.predict_samples(40, y=walk[:end], n_samples=200)
        assert np.corrcoef(samples.iloc[8], samples.iloc[9])[0, 1] > 0.8
        variances.append(samples.var(axis=1).to_numpy()[[9, 39]])
    deviations = np.sqrt(np.mean(variances, axis=0))
    np.testing.assert_allclose(deviations, np.sqrt([10, 40]), rtol=0.3)


def test_panels_have_samples_in_their_form():
    wide = pd.DataFrame({"a": AIRLINE, "b": AIRLINE * 50.0})
    forecaster = quick(segment=4, batch_size=32).fit(wide)
    samples = forecaster.predict_samples(3, n_samples=7)
    assert samples.shape == (3, 14)
    assert samples["b"].mean(axis=1).iloc[0] > 20 * samples["a"].mean(axis=1).iloc[0]


class TestEnsembles:
    def test_members_are_what_each_would_be_alone(self):
        forecaster = quick(n_estimators=3).fit(AIRLINE)
        (members,) = forecaster.networks_
        assert len(members) == 3
        alone = quick().fit(AIRLINE)
        np.testing.assert_array_equal(members[0].parameters, alone.network_.parameters)
        np.testing.assert_array_equal(forecaster.network_.parameters, alone.network_.parameters)
        assert (members[1].parameters != members[2].parameters).any()
        assert forecaster.best_iter_ > 0
        forecasts = []
        for member in members:
            alone.fitted_ = alone.fitted_.with_weights(member.parameters[None, None])
            forecasts.append(alone.predict(9))
        # Beyond n_ahead steps each continues from the median, not from its own forecast.
        expected = pd.concat(forecasts, axis=1).median(axis=1)
        np.testing.assert_allclose(forecaster.predict(9)[:6], expected[:6], rtol=1e-9)

    def test_with_everything_else(self, tmp_path):
        wide = pd.DataFrame({"a": AIRLINE, "b": AIRLINE * 50.0})
        forecaster = quick(n_estimators=2, loss="student_t", segment=3).fit(wide)
        tsrnn.save(forecaster, tmp_path / "file")
        loaded = tsrnn.load(tmp_path / "file")
        pd.testing.assert_frame_equal(loaded.predict_interval(8), forecaster.predict_interval(8))
        pd.testing.assert_frame_equal(loaded.predict_samples(8), forecaster.predict_samples(8))
        assert len(loaded.networks_[0]) == 2
