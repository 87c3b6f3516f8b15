"""Losses of values that are never negative, and the lower bound of any loss."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import tsrnn
from tsrnn import RNNForecaster, RNNRegressor, backtest
from tsrnn.data import DataError
from tsrnn.forecasting.uncertainty import LossOutputs

LEVELS = [0.1, 0.25, 0.5, 0.75, 0.9]
COLUMNS = [f"quantile_{100 * level:g}" for level in LEVELS]
POSITIVE = ["poisson", "negative_binomial", "tweedie"]


def daily(values, start="2024-01-01"):
    return pd.Series(np.asarray(values, float), pd.date_range(start, periods=len(values)))


def sales(n=300, mean=0.6, seed=0):
    """Counts, of which more than half are 0 if the mean is small."""
    return daily(np.random.default_rng(seed).poisson(mean, n))


def quick(**kwargs):
    return RNNForecaster(**{"horizon": 7, "hidden_size": 8, "max_iter": 10} | kwargs)


def is_whole(frame):
    values = np.asarray(frame, float)
    return bool((values == np.rint(values)).all() and (values >= 0).all())


@pytest.mark.parametrize("conformal", [True, False])
@pytest.mark.parametrize("loss", POSITIVE)
@pytest.mark.parametrize("pretrained", ["auto", None])
def test_intervals_and_samples(loss, conformal, pretrained):
    y = sales()
    forecaster = quick(loss=loss, conformal=conformal, pretrained=pretrained).fit(y)
    forecast = forecaster.predict(10)  # beyond what is forecast at once too
    assert (forecast > 0).all()
    assert abs(forecast.mean() - y.mean()) < 0.5 * y.mean()  # the mean, not the median, which is 0
    quantiles = forecaster.predict_quantiles(10, quantiles=LEVELS)
    intervals = forecaster.predict_interval(10, coverage=[0.5, 0.8])
    samples = forecaster.predict_samples(10, n_samples=200)
    assert (quantiles.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    np.testing.assert_allclose(intervals["lower_80"], quantiles["quantile_10"])
    np.testing.assert_allclose(intervals["upper_50"], quantiles["quantile_75"])
    assert quantiles.to_numpy().min() >= 0
    assert samples.to_numpy().min() >= 0
    if conformal or loss != "tweedie":  # whose quasi-likelihood knows the variance, not the zeros
        assert quantiles["quantile_10"].eq(0).all()
        assert quantiles["quantile_90"].between(1, 4).all()
        assert 0.3 < (samples == 0).to_numpy().mean() < 0.8  # 0.55 are
    if loss != "tweedie":
        assert is_whole(quantiles)
        assert is_whole(intervals)
        assert is_whole(samples)


def test_coverage_of_counts_and_of_their_tails():
    """Levels of quantiles hold for skewed counts on either side, by a panel of known mean."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"s{k}": sales(120, mean, k) for k, mean in enumerate([0.5, 3, 20] * 8)})
    frame += rng.negative_binomial(1.0, 0.5, frame.shape)
    forecaster = quick(loss="negative_binomial", pretrained=None, lookback=14, season=1, segment=1)
    scored = backtest(
        forecaster, frame, n_windows=10, step=1, refit=False, quantiles=[0.1, 0.5, 0.9]
    ).forecasts
    for level, column in ((0.1, "quantile_10"), (0.5, "quantile_50"), (0.9, "quantile_90")):
        below, until = (scored["y"] < scored[column]).mean(), (scored["y"] <= scored[column]).mean()
        assert below - 0.05 < level < until + 0.05


def stores(n_stores, n_new, seed=0, n_days=28, horizon=7):
    """Sales of stores with promotions, some of them new, and their formats."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=n_days + horizon)
    weekdays = np.array([0.8, 0.7, 0.8, 1.0, 1.3, 1.6, 0.8])[days.day_of_week]
    kinds, parts = rng.integers(3, size=n_stores), []
    for store, kind in enumerate(kinds):
        level = np.exp(rng.normal([-1.2, 0.0, 1.5][kind], 0.4))
        promotion = (rng.random(days.size) < 0.2).astype(float)
        mean = level * weekdays * np.where(promotion, [1.5, 2.0, 3.0][kind], 1.0)
        counts = rng.negative_binomial(1.5, 1.5 / (1.5 + mean)).astype(float)
        columns = {"unique_id": store, "ds": days, "y": counts, "promotion": promotion}
        parts.append(pd.DataFrame(columns)[n_days - 20 if store < n_new else 0 :])
    formats = np.take(["kiosk", "shop", "market"], kinds)
    static = pd.DataFrame({"unique_id": range(n_stores), "format": formats})
    return pd.concat(parts, ignore_index=True), static, days[n_days]


def weighted_pinball(truth, quantiles):
    """Pinball loss of all stores over their demand: those that sell more weigh more."""
    errors = truth[:, None] - quantiles
    losses = np.maximum(np.multiply(LEVELS, errors), np.subtract(LEVELS, 1) * errors)
    return 2 * losses.sum() / len(LEVELS) / truth.sum()


@pytest.mark.slow
def test_stores_with_promotions_and_many_zeros():
    frame, static, first = stores(100, 4)
    history, keys = frame[frame["ds"] < first], ["unique_id", "ds"]
    assert (history["y"] == 0).mean() > 0.4
    truth = frame[frame["ds"] >= first].sort_values(keys)["y"].to_numpy()
    scores = {}
    for loss in ("negative_binomial", "gaussian"):
        forecaster = RNNForecaster(horizon=7, loss=loss)
        forecaster.fit(history[[*keys, "y"]], frame[[*keys, "promotion"]], static)
        quantiles = forecaster.predict_quantiles(quantiles=LEVELS).sort_values(keys)[COLUMNS]
        scores[loss] = weighted_pinball(truth, quantiles.to_numpy())
        if loss == "negative_binomial":
            assert is_whole(quantiles)
    naive = []
    for _, store in history.groupby("unique_id"):
        counts = store["y"].to_numpy()
        changes = np.quantile(counts[7:] - counts[:-7], LEVELS)
        naive.append(np.maximum(counts[-7:, None] + changes, 0))
    assert scores["negative_binomial"] < 0.9 * weighted_pinball(truth, np.concatenate(naive))
    assert scores["negative_binomial"] < 0.97 * scores["gaussian"]


class TestLossOutputs:
    outputs = np.array(
        [[[0.3, -1.0], [0.5, 0.5]], [[1.0, 1.0], [0.5, 0.5]]]
    )  # windows, each, steps
    unit = np.array([[2.0], [5.0]])

    def test_levels_of_values(self):
        """Deviates are normal where the distribution is right; 0 has those of all its mass."""
        forecasts = LossOutputs("negative_binomial", (), self.outputs[None], self.unit)
        rng = np.random.default_rng(0)
        draws = np.stack([forecasts.draw(rng) for _ in range(2000)])
        assert (draws == 0).mean() > 0.1
        deviates = np.stack([forecasts.deviates(draw, rng) for draw in draws])
        for window, step in np.ndindex(2, 2):
            assert stats.kstest(deviates[:, window, step], "norm").pvalue > 0.001
        values = np.array([[0.5, np.nan], [0.0, 1.0]])
        assert np.isnan(forecasts.deviates(values, rng)).tolist() == [[False, True], [False] * 2]
        # What a value's deviate stands for is the value.
        again = forecasts.at(forecasts.deviates(draws[0], rng))
        np.testing.assert_allclose(again, draws[0])

    def test_other_means(self):
        forecasts = LossOutputs("tweedie", (), self.outputs[None], self.unit)
        np.testing.assert_allclose(forecasts.point, np.exp(self.outputs[:, 0]))
        point = np.array([[0.5, 2.0], [1.0, 0.0]])
        found = forecasts.with_point(point)
        np.testing.assert_allclose(found.point, point, atol=1e-6)
        np.testing.assert_array_equal(found.outputs[0, :, 1], self.outputs[:, 1])


@pytest.mark.parametrize("loss", ["absolute_error", "gaussian", "quantile"])
@pytest.mark.parametrize("pretrained", ["auto", None])
def test_a_lower_bound(loss, pretrained):
    y = sales(mean=1.0)
    free = quick(loss=loss, pretrained=pretrained).fit(y)
    bound = quick(loss=loss, pretrained=pretrained, lower=0).fit(y)
    for ask in (
        lambda f: f.predict(10),
        lambda f: f.predict_interval(10, coverage=[0.5, 0.95]),
        lambda f: f.predict_quantiles(10, quantiles=LEVELS),
        lambda f: f.predict_samples(10, n_samples=50),
    ):
        found, expected = np.asarray(ask(bound)), np.asarray(ask(free))
        np.testing.assert_array_equal(found, np.maximum(expected, 0))
    assert np.asarray(free.predict_interval(10, coverage=0.95)).min() < 0
    scored = backtest(bound, y, n_windows=3, refit=False, coverage=0.95).forecasts
    assert scored["lower_95"].min() >= 0


def test_the_pretrained_network_alone_keeps_bounds():
    """Where nothing is trained, and a lower bound does not ask for training."""
    y = sales(60)
    counts = RNNForecaster(horizon=7, max_iter=0, loss="poisson").fit(y)
    assert is_whole(counts.predict_interval(coverage=[0.5, 0.9]))
    assert is_whole(counts.predict_samples(n_samples=20))
    panel = pd.DataFrame({"a": y - 5, "b": y + 5})
    bound = RNNForecaster(horizon=7, lower=-5).fit(panel)
    assert bound.fitted_.is_zero_shot
    assert bound.predict_interval(coverage=0.99).to_numpy().min() == -5


def test_bad_values_are_named():
    y = sales(60)
    negative, broken = y.copy(), y.copy()
    negative.iloc[7], broken.iloc[9] = -1, 0.5
    for loss in POSITIVE:
        with pytest.raises(
            DataError, match=rf"0 or more for loss='{loss}', and is -1 at 2024-01-08"
        ):
            quick(loss=loss).fit(negative)
        with pytest.raises(ValueError, match=r"transform='log'.* Use transform=None"):
            quick(loss=loss, transform="log").fit(y + 1)
    with pytest.raises(DataError, match=r"whole numbers .*0.5 at 2024-01-10.* Use loss='tweedie'"):
        quick(loss="poisson").fit(broken)
    with pytest.raises(DataError, match=r"at least lower=0, and is -1 at 2024-01-08"):
        quick(lower=0).fit(negative)
    with pytest.raises(DataError, match=r"at least lower=0, and is -1"):
        quick(lower=0, max_iter=0).fit(negative)
    fitted = quick(loss="poisson", max_iter=1).fit(y)
    later = daily([2.5], y.index[-1] + pd.Timedelta(days=1))
    with pytest.raises(DataError, match="whole numbers"):
        fitted.update(later)
    with pytest.raises(DataError, match="whole numbers"):
        fitted.predict(y=broken)


def test_all_zeros_and_large_counts():
    options = {"loss": "negative_binomial", "pretrained": None, "max_iter": 30}
    forecaster = quick(**options).fit(daily(np.zeros(80)))
    assert forecaster.predict().between(0, 0.95).all()  # an untrained network's mean is 1
    assert is_whole(forecaster.predict_interval(coverage=0.8))
    large = daily(np.random.default_rng(0).poisson(3e5, 120))
    forecaster = quick(**options).fit(large)
    assert is_whole(forecaster.predict_interval())
    assert (forecaster.predict() / 3e5 - 1).abs().max() < 0.3


def test_amounts_have_no_unit():
    """Tweedie forecasts of amounts in cents are 100 times those in euros."""
    y = sales() * 1.5
    found = [quick(loss="tweedie", pretrained=None).fit(y * f).predict_interval() for f in (1, 128)]
    np.testing.assert_allclose(found[1], 128 * found[0], rtol=1e-4)


@pytest.mark.parametrize("loss", POSITIVE)
def test_saved_and_updated(loss, tmp_path):
    y = sales()
    forecaster = quick(loss=loss, lower=0).fit(y[:-20])
    tsrnn.save(forecaster, tmp_path / "file")
    loaded = tsrnn.load(tmp_path / "file")
    assert loaded.lower == 0
    for each in (forecaster, loaded):
        each.update(y[-20:-10]).partial_fit(y[-10:])
    pd.testing.assert_frame_equal(loaded.predict_interval(9), forecaster.predict_interval(9))
    pd.testing.assert_frame_equal(loaded.predict_samples(9), forecaster.predict_samples(9))


@pytest.mark.parametrize("loss", POSITIVE)
def test_regression_of_counts(loss):
    """Means that grow by factors: of the distribution what is known, whole and not negative."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 3))
    mean = np.exp(1.5 + X[:, -1])
    y = rng.poisson(mean).astype(float)
    options = {"hidden_size": 8, "max_iter": 40}
    regressor = RNNRegressor(loss=loss, **options).fit(X, y)
    found, deviation = regressor.predict(X, return_std=True)
    assert np.abs(found / mean - 1).mean() < 0.2
    assert np.abs(deviation / np.sqrt(mean) - 1).mean() < 0.3
    quantiles = regressor.predict_quantiles(X, quantiles=[0.1, 0.5, 0.9])
    assert loss == "tweedie" or is_whole(quantiles)
    assert quantiles.min() >= 0
    assert 0.75 < (y <= quantiles[:, 2]).mean() < 0.99
    with pytest.raises(ValueError, match=rf"y holds -1, and loss='{loss}'"):
        RNNRegressor(loss=loss, **options).fit(X, y - 1 - y.min())
