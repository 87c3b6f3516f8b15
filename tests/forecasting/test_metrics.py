import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from scipy import integrate, stats
from sklearn import metrics as peers

from tsrnn.forecasting import metrics
from tsrnn.forecasting.metrics import (
    coverage,
    crps_from_quantiles,
    crps_from_samples,
    crps_gaussian,
    interval_score,
    mae,
    mape,
    mase,
    owa,
    pinball,
    rmse,
    rmsse,
    seasonal_scale,
    smape,
)

NAN, INF = np.nan, np.inf
ACTUAL = np.array([[1.0, 2.0, 4.0], [5.0, -5.0, 8.0]])
FORECAST = np.array([[1.0, 4.0, 3.0], [4.0, 5.0, 5.0]])

# Each metric as a function of actual and forecast alone, and its scores of the above by hand.
SCORES = {
    "mae": (mae, [1.0, 14 / 3]),  # 0 2 1 and 1 10 3
    "rmse": (rmse, [np.sqrt(5 / 3), np.sqrt(110 / 3)]),
    "mape": (mape, [125 / 3, (20 + 200 + 37.5) / 3]),
    "smape": (smape, [200 * (2 / 6 + 1 / 7) / 3, 200 * (1 / 9 + 1 + 3 / 13) / 3]),
    "mase": (lambda y, f, **how: mase(y, f, [2.0, 4.0], **how), [0.5, 7 / 6]),
    "rmsse": (
        lambda y, f, **how: rmsse(y, f, [4.0, 16.0], **how),
        [np.sqrt(5 / 12), np.sqrt(110 / 48)],
    ),
    # y - f: 0 -2 1 and 1 -10 3
    "pinball": (lambda y, f, **how: pinball(y, f, 0.75, **how), [1.25 / 3, 5.5 / 3]),
    "crps_from_quantiles": (
        lambda y, f, **how: crps_from_quantiles(y, np.stack([f, f + 2], -1), [0.25, 0.75], **how),
        # losses at 0.25: 0 1.5 0.25 and 0.25 7.5 0.75; at 0.75, of 2 less: 0.5 1 0.25 and
        # 0.25 3 0.75; twice their mean is their sum
        [3.5 / 3, 12.5 / 3],
    ),
    "crps_gaussian": (
        lambda y, f, **how: crps_gaussian(y, f, np.zeros_like(f), **how),
        [1.0, 14 / 3],
    ),
    "crps_from_samples": (
        # mean |x - y|: 1 3 1 and 1 11 2; the four |x - x'| are 0 2 2 0, so 0.5 less
        lambda y, f, **how: crps_from_samples(y, np.stack([f + 2, f], -1), **how),
        [3.5 / 3, 12.5 / 3],
    ),
    # f - 1 to f + 1 hold errors up to 1
    "coverage": (lambda y, f, **how: coverage(y, f - 1, f + 1, **how), [2 / 3, 1 / 3]),
    # outside by 0 1 0, 0 9 2
    "interval_score": (
        lambda y, f, **how: interval_score(y, f - 1, f + 1, 0.75, **how),
        [2 + 8 / 3, 2 + 8 * 11 / 3],
    ),
}
every_metric = pytest.mark.parametrize(("metric", "by_hand"), SCORES.values(), ids=SCORES)


def finite(low=-1e6, high=1e6):
    return st.floats(low, high, allow_subnormal=False)


def several(*shape, low=-1e6, high=1e6):
    return arrays_of.arrays(float, shape, elements=finite(low, high))


def test_a_score_by_hand_stands_for_every_metric():
    public = {
        name
        for name, value in vars(metrics).items()
        if inspect.isfunction(value) and value.__module__.startswith(metrics.__name__)
    }
    assert public == SCORES.keys() | {"owa", "seasonal_scale"}


@every_metric
def test_by_hand(metric, by_hand):
    np.testing.assert_allclose(metric(ACTUAL, FORECAST), by_hand, rtol=1e-12)


@every_metric
def test_axes(metric, by_hand):
    each = metric(ACTUAL, FORECAST, axis=())
    assert each.shape == ACTUAL.shape
    power = 2 if metric in (rmse, SCORES["rmsse"][0]) else 1
    for axis in (-1, 0, 1, None, (0, 1)):
        whole = np.mean(each**power, axis=axis) ** (1 / power)
        np.testing.assert_allclose(metric(ACTUAL, FORECAST, axis=axis), whole, rtol=1e-12)


@every_metric
def test_leading_axes_are_kept(metric, by_hand):
    actual, forecast = np.stack([ACTUAL] * 5), np.stack([FORECAST] * 5)
    scores = metric(actual, forecast)  # the scales of mase go with the last leading axis
    assert scores.shape == (5, 2)
    np.testing.assert_allclose(scores, np.tile(by_hand, (5, 1)), rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in SCORES if name not in ("mase", "rmsse")])
def test_one_series_gives_a_float(name):
    metric, by_hand = SCORES[name]
    score = metric(ACTUAL[0], FORECAST[0])
    assert isinstance(score, float)
    assert score == pytest.approx(by_hand[0], rel=1e-12)


@every_metric
def test_missing_values_are_skipped_on_request(metric, by_hand):
    padded = np.hstack([[[NAN], [NAN]], ACTUAL]), np.hstack([[[7.0], [0.0]], FORECAST])
    np.testing.assert_allclose(metric(*padded, skip_missing=True), by_hand, rtol=1e-12)
    padded[0][0] = NAN
    scores = metric(*padded, skip_missing=True)  # nothing left of the first, and no warning
    assert np.isnan(scores[0])
    assert scores[1] == pytest.approx(by_hand[1], rel=1e-12)


@every_metric
def test_missing_and_infinite_values_are_refused_with_their_place(metric, by_hand):
    holes = ACTUAL.copy()
    holes[1, 1:] = NAN
    message = r"actual is missing \(NaN\) at \[1, 1\] and at 1 more. Fill it, or give skip_missing"
    with pytest.raises(ValueError, match=message):
        metric(holes, FORECAST)
    for skip in (False, True):
        with pytest.raises(ValueError, match=r"is missing \(NaN\) at \[1, 1.*Forecast every step"):
            metric(ACTUAL, np.where(np.isnan(holes), NAN, FORECAST), skip_missing=skip)
        with pytest.raises(ValueError, match=r"actual is infinite at \[1, 1\]"):
            metric(np.where(np.isnan(holes), INF, ACTUAL), FORECAST, skip_missing=skip)


@every_metric
def test_shapes_are_not_broadcast(metric, by_hand):
    with pytest.raises(ValueError, match=r"must have shape \(2, 3.*\) as actual asks, got \(2, 2"):
        metric(ACTUAL, FORECAST[:, :2])
    with pytest.raises(ValueError, match=r"must have shape .* got \(3,"):
        metric(ACTUAL, FORECAST[0])
    for nothing in (1.0, np.zeros((2, 0))):
        with pytest.raises(ValueError, match=r"actual must be .* with values, got shape"):
            metric(nothing, np.asarray(nothing))


# Labels of pandas objects

DAYS = pd.date_range("2024-01-01", periods=3)
INDEXES = {
    "days": DAYS,
    "periods": DAYS.to_period(),
    "numbers": pd.RangeIndex(3),
    "texts": pd.Index(list("xyz")),
    "series and days": pd.MultiIndex.from_product([["shop"], DAYS]),
}
OF_SERIES = {  # each argument that has an entry for each of actual
    "mae": (mae, {"forecast": 0}),
    "rmse": (rmse, {"forecast": 0}),
    "mape": (mape, {"forecast": 0}),
    "smape": (smape, {"forecast": 0}),
    "mase": (lambda y, forecast: mase(y, forecast, 2.0), {"forecast": 0}),
    "rmsse": (lambda y, forecast: rmsse(y, forecast, 2.0), {"forecast": 0}),
    "pinball": (lambda y, quantile_forecast: pinball(y, quantile_forecast, 0.75), {"quantile": 0}),
    "crps_gaussian": (crps_gaussian, {"mean": 0, "scale": 1}),
    "coverage": (coverage, {"lower": 0, "upper": 1}),
    "interval_score": (
        lambda y, lower, upper: interval_score(y, lower, upper, 0.75),
        {"lower": 0, "upper": 1},
    ),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
@pytest.mark.parametrize(("metric", "names"), OF_SERIES.values(), ids=OF_SERIES)
def test_series_are_of_the_same_steps(metric, names, index):
    actual = pd.Series(ACTUAL[0], index)
    others = [pd.Series(FORECAST[0] + more, index) for more in names.values()]
    expected = metric(ACTUAL[0], *(FORECAST[0] + more for more in names.values()))
    assert metric(actual, *others) == expected
    assert metric(ACTUAL[0], *others) == expected  # an array goes with any index
    assert metric(actual, *(other.to_numpy() for other in others)) == expected
    assert metric(actual.astype("Float64"), *others) == expected
    for k, name in enumerate(names):
        for wrong, place in ((others[k][::-1], 0), (others[k].iloc[[0, 2, 1]], 1)):
            given = [*others[:k], wrong, *others[k + 1 :]]
            message = rf"{name}.* and actual have different indexes, first at \[{place}\]: "
            with pytest.raises(ValueError, match=message) as error:
                metric(actual, *given)
            assert f": {wrong.index[place]} and {index[place]}. Give" in str(error.value)
        with pytest.raises(ValueError, match=r"first at \[2\]: nothing and "):
            metric(actual, *others[:k], others[k][:2], *others[k + 1 :])


@pytest.mark.parametrize(("metric", "names"), OF_SERIES.values(), ids=OF_SERIES)
def test_frames_are_of_the_same_steps_and_series(metric, names):
    actual = pd.DataFrame(ACTUAL.T, DAYS, ["a", "b"])
    others = [pd.DataFrame(FORECAST.T + more, DAYS, ["a", "b"]) for more in names.values()]
    expected = metric(ACTUAL, *(FORECAST + more for more in names.values()))
    np.testing.assert_array_equal(metric(actual.T, *(other.T for other in others)), expected)
    metric(actual, *others)
    for k, name in enumerate(names):
        for wrong, message in (
            (others[k][["b", "a"]], r"different columns, first at \[0\]: b and a"),
            (others[k][::-1], r"different indexes, first at \[0\]: 2024-01-03 .* and 2024-01-01"),
            (others[k].set_axis(DAYS.shift(1)), r"different indexes, first at \[0\]: 2024-01-02 "),
        ):
            with pytest.raises(ValueError, match=f"{name}.* and actual have {message}"):
                metric(actual, *others[:k], wrong, *others[k + 1 :])
            with pytest.raises(ValueError, match="different"):
                metric(actual.T, *others[:k], wrong.T, *others[k + 1 :])


@pytest.mark.parametrize("metric", [coverage, lambda *args: interval_score(*args, 0.8)])
def test_bounds_of_other_steps_than_each_other(metric):
    lower = pd.Series(FORECAST[0] - 1, DAYS)
    with pytest.raises(ValueError, match=r"upper and lower have different indexes, first at \[0\]"):
        metric(ACTUAL[0], lower, (lower + 2)[::-1])


def test_samples_and_quantiles_of_other_steps():
    actual = pd.Series(ACTUAL[0], DAYS)
    frame = pd.DataFrame(np.stack([FORECAST[0], FORECAST[0] + 2], -1), DAYS, ["low", "high"])
    for metric in (crps_from_samples, lambda y, q: crps_from_quantiles(y, q, [0.25, 0.75])):
        assert metric(actual, frame) == metric(ACTUAL[0], frame.to_numpy())
        with pytest.raises(ValueError, match=r"and actual have different indexes, first at \[0\]"):
            metric(actual, frame[::-1])


def test_panels_in_another_order():
    keys = pd.MultiIndex.from_product([["a", "b"], DAYS], names=["id", "time"])
    actual, forecast = pd.Series(ACTUAL.ravel(), keys), pd.Series(FORECAST.ravel(), keys)
    assert mae(actual, forecast) == mae(ACTUAL, FORECAST, axis=None)
    with pytest.raises(ValueError, match=r"at \[0\]: \('b', Timestamp.* and \('a', Timestamp"):
        mae(actual, pd.concat([forecast["b"], forecast["a"]], keys=["b", "a"]))


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("times", [DAYS, range(3)])
def test_long_frames_are_refused(library, times):
    """Their ids and times are numbers too, maybe, and would be scored."""
    columns = {"unique_id": [7] * 3, "ds": list(times), "y": [1.0, 2.0, 3.0]}
    for names in (["unique_id", "ds"], ["ds"]):
        frame = pd.DataFrame(columns)[[*names, "y"]]
        values = frame.set_index(names)["y"]
        assert mae(values, values + 1) == 1
        if library == "polars":
            frame = pytest.importorskip("polars").DataFrame(frame.to_dict("list"))
        message = (
            rf"actual is a long frame, .*Give these on an index: actual.set_index\(\['{names[0]}'"
        )
        with pytest.raises(ValueError, match=message):
            mae(frame, frame)
        with pytest.raises(ValueError, match="lower is a long frame"):
            coverage([1, 2, 3], frame, frame)


def test_labels_that_differ_in_kind_only():
    actual = pd.Series(ACTUAL[0], DAYS.as_unit("s"), name="sold")
    assert mae(actual, pd.Series(FORECAST[0], DAYS.as_unit("ns").rename("day"))) == 1
    assert mae(actual.to_frame(), pd.DataFrame({"forecast": FORECAST[0]}, DAYS)).sum() == 3
    numbers = pd.Series(ACTUAL[0], [0, 1, 2])
    assert mae(numbers, pd.Series(FORECAST[0], [0.0, 1.0, 2.0])) == 1
    with pytest.raises(ValueError, match=r"first at \[0\]: 2024-01-01 and 2024-01-01 00:00:00"):
        mae(actual, pd.Series(FORECAST[0], DAYS.to_period()))


@pytest.mark.parametrize(
    ("labels", "others", "place"),
    [
        ([1, NAN, 2], [1.0, np.float64("nan"), 3], r"\[2\]: 3.0 and 2.0"),
        (pd.Index([1, pd.NA, 2], dtype="Int64"), [1, 5, 2], r"\[1\]: 5 and <NA>"),
        (pd.Index([1, pd.NA, 2], dtype="Int64"), [1, 2, pd.NA], r"\[1\]: 2 and <NA>"),
        ([*DAYS[:2], pd.NaT], [DAYS[0], pd.NaT, DAYS[1]], r"\[1\]: NaT and 2024-01-02"),
    ],
)
def test_missing_labels(labels, others, place):
    actual, forecast = pd.Series(ACTUAL[0], labels), pd.Series(FORECAST[0], others)
    assert mae(actual, forecast.set_axis(actual.index)) == 1
    with pytest.raises(ValueError, match=f"different indexes, first at {place}"):
        mae(actual, forecast)


@pytest.mark.parametrize("metric", [mase, rmsse])
def test_scales_of_other_series(metric):
    actual, forecast = (pd.DataFrame(x, ["a", "b"], DAYS) for x in (ACTUAL, FORECAST))
    scale = pd.Series([2.0, 4.0], ["a", "b"])
    np.testing.assert_array_equal(
        metric(actual, forecast, scale), metric(ACTUAL, FORECAST, [2.0, 4.0])
    )
    with pytest.raises(ValueError, match=r"scale and actual .* first at \[0\]: b and a"):
        metric(actual, forecast, scale[::-1])
    square = actual.iloc[:, :2].T, forecast.iloc[:, :2].T  # as many steps as series
    assert metric(*square, 2.0).shape == (2,)
    with pytest.raises(ValueError, match=r"actual is a frame with its time stamps down.*actual\.T"):
        metric(*square, [2.0, 4.0])


def test_a_history_is_in_the_order_of_time():
    days = pd.date_range("2024-01-01", periods=5)
    history = pd.Series([1.0, 5.0, 2.0, 8.0, 3.0], days)
    assert seasonal_scale(history, 2) == seasonal_scale(history.to_numpy(), 2)
    assert seasonal_scale(history.set_axis(list("edcba")), 2) == seasonal_scale(history, 2)
    frame = pd.DataFrame({"a": history, "b": history + 1})
    np.testing.assert_array_equal(seasonal_scale(frame.T, 2), [seasonal_scale(history, 2)] * 2)
    message = r"history is not in the order of its index, first at \[{}\]: 2024-01-0{} .* after"
    with pytest.raises(ValueError, match=message.format(2, 2)):
        seasonal_scale(history.iloc[[0, 2, 1, 3, 4]], 2)
    with pytest.raises(ValueError, match=message.format(1, 4)):
        seasonal_scale(frame.T.iloc[:, ::-1], 2)
    with pytest.raises(ValueError, match=r"time stamps down the rows. Give history.T"):
        seasonal_scale(frame, 2)
    panel = pd.concat({"a": history, "b": history})
    with pytest.raises(ValueError, match="history has 2 series end to end, 'a' and so on"):
        seasonal_scale(panel, 2)
    assert seasonal_scale(panel.loc[["a"]], 2) == seasonal_scale(history, 2)


def test_averages_of_other_methods():
    scores = pd.Series([1.0, 2.0], ["lstm", "gru"])
    assert owa(scores, scores, 1, 1).tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"mase and smape have different indexes, first at \[0\]"):
        owa(scores, scores[::-1], 1, 1)


@pytest.mark.parametrize("metric", [mae, rmse, mape, smape])
def test_infinite_forecasts_are_refused(metric):
    with pytest.raises(ValueError, match=r"forecast is infinite at \[2\]"):
        metric([1, 2, 3], [1, 2, INF])


@given(several(4, 5, low=0.5), several(4, 5), st.floats(0.01, 0.99))
def test_points_and_quantiles_as_scikit_learn(actual, forecast, level):
    for ours, theirs in (
        (mae, peers.mean_absolute_error),
        (rmse, peers.root_mean_squared_error),
        (lambda y, f: mape(y, f) / 100, peers.mean_absolute_percentage_error),
        (
            lambda y, f: pinball(y, f, level),
            lambda y, f, **how: peers.mean_pinball_loss(y, f, alpha=level, **how),
        ),
    ):
        expected = theirs(actual.T, forecast.T, multioutput="raw_values")
        np.testing.assert_allclose(ours(actual, forecast), expected, rtol=1e-12)


def test_a_percentage_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"actual is 0 at \[0, 1\].*smape or mase"):
        mape([[1, 0], [2, 3]], [[1, 1], [2, 3]])


def test_smape_where_both_are_zero():
    assert smape([0, 0, 1], [0, 1, 1]) == pytest.approx(200 / 3)


@given(several(3, 4), several(3, 4))
def test_smape_is_bounded_and_symmetric(actual, forecast):
    scores = smape(actual, forecast)
    assert (scores >= 0).all()
    assert (scores <= 200).all()
    np.testing.assert_array_equal(scores, smape(forecast, actual))


@pytest.mark.parametrize("season", [1, 4, 12])
def test_smape_and_mase_as_in_the_guide_of_m4(season):
    """Its sums, term by term."""
    rng = np.random.default_rng(season)
    history, actual, forecast = (rng.lognormal(3, 1, (5, n)) for n in (40, 6, 6))
    scores = smape(actual, forecast), mase(actual, forecast, seasonal_scale(history, season))
    for i in range(5):
        total = absolute = naive = 0.0
        for y, f in zip(actual[i], forecast[i], strict=True):
            total += 2 * abs(y - f) / (abs(y) + abs(f)) * 100
            absolute += abs(y - f)
        for t in range(season, 40):
            naive += abs(history[i, t] - history[i, t - season])
        assert scores[0][i] == pytest.approx(total / 6)
        assert scores[1][i] == pytest.approx(absolute / 6 / (naive / (40 - season)))


def test_the_seasonal_naive_forecast_scores_its_own_scale():
    y = np.random.default_rng(0).normal(size=(3, 50)).cumsum(axis=1)
    for season in (1, 7):
        scale, squared = (seasonal_scale(y, season, squared=how) for how in (False, True))
        np.testing.assert_allclose(mase(y[:, season:], y[:, :-season], scale), 1)
        np.testing.assert_allclose(rmsse(y[:, season:], y[:, :-season], squared), 1)


def test_seasonal_scale_by_hand():
    history = [[1.0, 2.0, 4.0, 8.0, 9.0], [NAN, NAN, 3.0, 4.0, 1.0]]
    assert seasonal_scale(history[0], 1) == 2  # 1 2 4 1
    assert seasonal_scale(history[0], 2) == pytest.approx(14 / 3)  # 3 6 5
    assert seasonal_scale(history[0], 2, squared=True) == pytest.approx(70 / 3)
    assert isinstance(seasonal_scale(history[0], 1), float)
    assert seasonal_scale(history, 1, skip_missing=True).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("history", "season", "how", "message"),
    [
        ([1, 2, 3], 3, {}, r"no two values 3 apart \(season=3\)\. Give more history"),
        ([1, 2, 3], 9, {}, r"no two values 9 apart"),
        ([1, 2, 1], 0, {}, "season must be a whole number from 1 .*got 0"),
        ([5, 5, 5], 1, {}, r"is constant, or repeats .*scale 0\. Give .* mae or rmse"),
        ([[1, 2, 4, 1], [1, 2, 1, 2]], 2, {}, r"repeats itself every 2 \(season=2\).* at \[1\]"),
        ([1, NAN, 3], 1, {}, r"history is missing \(NaN\) at \[1\]"),
        ([1, NAN, 3], 1, {"skip_missing": True}, "no two values 1 apart"),
        ([[1, 2], [NAN, 3]], 1, {"skip_missing": True}, r"no two values 1 apart.* at \[1\]"),
        ([1, INF, 3], 1, {}, r"history is infinite at \[1\]"),
    ],
)
def test_histories_without_a_scale(history, season, how, message):
    with pytest.raises(ValueError, match=message):
        seasonal_scale(history, season, **how)


@pytest.mark.parametrize("metric", [mase, rmsse])
def test_scales_go_with_series(metric):
    one = metric(ACTUAL, FORECAST, 3.0)
    np.testing.assert_array_equal(one, metric(ACTUAL, FORECAST, [3.0, 3.0]))
    np.testing.assert_array_equal(one[0], metric(ACTUAL[0], FORECAST[0], 3.0))
    with pytest.raises(ValueError, match=r"fit the leading axes of actual, \(2,\), got shape \(3"):
        metric(ACTUAL, FORECAST, [1.0, 2.0, 3.0])
    for bad in (0.0, -1.0, NAN, INF):
        with pytest.raises(ValueError, match=r"scale is not above 0 at \[1\].*seasonal_scale"):
            metric(ACTUAL, FORECAST, [1.0, bad])


def test_owa_of_m4():
    # The first, the second and the benchmark "Comb" in table 4 of Makridakis et al. (2020).
    scores = owa([11.374, 11.720, 12.555], [1.536, 1.551, 1.663], 13.564, 1.912)
    np.testing.assert_allclose(scores, [0.821, 0.838, 0.898], atol=5e-4)
    assert owa(13.564, 1.912, 13.564, 1.912) == 1
    np.testing.assert_allclose(owa([1, 2], [1, 4], 2, [1, 2]), [0.75, 1.5])
    with pytest.raises(ValueError, match="naive_mase is not above 0"):
        owa(1.0, 1.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="naive_smape is not above 0"):
        owa(1.0, 1.0, NAN, 1.0)


@given(several(3, 4), several(3, 4))
def test_pinball_at_the_median_is_half_the_absolute_error(actual, forecast):
    half = mae(actual, forecast) / 2
    np.testing.assert_allclose(pinball(actual, forecast, 0.5), half)
    np.testing.assert_allclose(crps_from_quantiles(actual, forecast[..., None], [0.5]), 2 * half)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_pinball_is_least_at_the_quantile(level):
    draws = np.sort(np.random.default_rng(0).normal(size=999))
    scores = [pinball(draws, np.full(999, q), level) for q in draws]
    assert np.argmin(scores) == pytest.approx(999 * level, abs=1)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 90, NAN])
def test_levels_are_between_0_and_1(level):
    with pytest.raises(ValueError, match=r"level must be .* between 0 and 1, got"):
        pinball(ACTUAL, FORECAST, level)
    with pytest.raises(ValueError, match=r"levels must be .* between 0 and 1, got"):
        crps_from_quantiles(ACTUAL, np.stack([FORECAST] * 2, -1), [0.5, level])
    with pytest.raises(ValueError, match=r"coverage must be .* between 0 and 1, got"):
        interval_score(ACTUAL, FORECAST, FORECAST, level)


def test_as_many_levels_as_quantiles():
    quantiles = np.stack([FORECAST] * 2, -1)
    with pytest.raises(ValueError, match=r"must have shape \(2, 3, 3\) .* got \(2, 3, 2\)"):
        crps_from_quantiles(ACTUAL, quantiles, [0.1, 0.5, 0.9])
    with pytest.raises(ValueError, match=r"levels must have one axis, got shape \(\)"):
        crps_from_quantiles(ACTUAL, quantiles, 0.5)


def crps_by_integration(y, distribution):
    """The definition: the squared distance of two distribution functions, below y and above."""
    below, _ = integrate.quad(lambda x: distribution.cdf(x) ** 2, -60, y, limit=200)
    above, _ = integrate.quad(lambda x: distribution.sf(x) ** 2, y, 60, limit=200)
    return below + above


@pytest.mark.parametrize(("y", "mean", "scale"), [(0, 0, 1), (3, 1, 0.5), (-4, 2, 3), (9, 0, 1)])
def test_three_ways_to_the_crps_of_a_normal(y, mean, scale):
    normal = stats.norm(mean, scale)
    exact = crps_by_integration(y, normal)
    assert crps_gaussian([y], [mean], [scale]) == pytest.approx(exact, rel=1e-7)
    levels = (np.arange(2000) + 0.5) / 2000
    quantiles = normal.ppf(levels)
    assert crps_from_quantiles([y], [quantiles], levels) == pytest.approx(exact, rel=1e-3)
    assert crps_from_samples([y], [quantiles]) == pytest.approx(exact, rel=1e-3)


@given(several(3), several(3), several(3, low=0.0))
def test_crps_of_a_normal_is_homogeneous_and_below_the_absolute_error(actual, mean, scale):
    scores = crps_gaussian(actual, mean, scale, axis=())
    error = np.abs(actual - mean)
    assert (scores >= 0).all()
    # A spread of s costs at most (sqrt(2) - 1) s / sqrt(pi) more than a sure forecast.
    assert (scores <= error + scale * 0.2337 + 1e-9).all()
    doubled = crps_gaussian(2 * actual, 2 * mean, 2 * scale, axis=())
    np.testing.assert_allclose(doubled, 2 * scores, rtol=1e-9, atol=1e-12)


def test_crps_of_a_normal_in_its_limits():
    sure = crps_gaussian([3.0, 5.0], [1.0, 5.0], [0.0, 0.0], axis=())
    assert sure.tolist() == [2.0, 0.0]
    assert crps_gaussian([1e200], [0.0], [1e-200]) == 1e200
    with pytest.raises(ValueError, match=r"scale is below 0 at \[1\]"):
        crps_gaussian([1, 2], [1, 2], [1, -1])


@given(several(2, 3), several(2, 3, 6))
def test_crps_of_samples_is_its_energy_form(actual, samples):
    pairs = np.abs(samples[..., :, None] - samples[..., None, :]).mean(axis=(-1, -2))
    energy = np.abs(samples - actual[..., None]).mean(axis=-1) - pairs / 2
    scores = crps_from_samples(actual, samples, axis=())
    np.testing.assert_allclose(scores, energy, rtol=1e-9, atol=1e-6)
    assert (scores >= 0).all()
    # Its samples are the quantiles at the middle of equal shares (Bröcker 2012).
    levels = (np.arange(6) + 0.5) / 6
    of_quantiles = crps_from_quantiles(actual, np.sort(samples), levels, axis=())
    np.testing.assert_allclose(scores, of_quantiles, rtol=1e-9, atol=1e-6)


def test_crps_of_samples_exceeds_that_of_their_distribution_as_documented():
    draws = np.random.default_rng(0).normal(size=(40_000, 1, 5))
    drawn = crps_from_samples(np.zeros((40_000, 1)), draws, axis=None)
    exact = crps_gaussian([0.0], [0.0], [1.0])
    assert drawn - exact == pytest.approx(2 / np.sqrt(np.pi) / 10, abs=5e-3)  # |x - x'| / 2n
    errors = np.abs(ACTUAL - FORECAST)
    one = crps_from_samples(ACTUAL, FORECAST[..., None], axis=())
    np.testing.assert_array_equal(one, errors)


@pytest.mark.parametrize("samples", [1.0, np.zeros((2, 3)), np.zeros((2, 3, 0))])
def test_no_samples(samples):
    with pytest.raises(ValueError, match="samples must have shape"):
        crps_from_samples(ACTUAL, samples)


def test_coverage_counts_the_bounds_in():
    assert coverage([1, 2, 3, 4], [1, 0, 4, 5], [1, 2, 5, 6]) == 0.5
    assert coverage([1, 2], [-INF, 3], [INF, INF]) == 0.5


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_true_intervals_are_kept_and_score_least(share):
    draws = np.random.default_rng(1).normal(size=200_000)

    def score(half_width):
        wide = np.full_like(draws, half_width)
        return interval_score(draws, -wide, wide, share)

    true = stats.norm.ppf((1 + share) / 2)
    wide = np.full_like(draws, true)
    assert coverage(draws, -wide, wide) == pytest.approx(share, abs=4e-3)
    # In expectation 4 pdf(u) / (1 - share) for a normal and its true interval to u.
    expected = 4 * stats.norm.pdf(true) / (1 - share)
    assert score(true) == pytest.approx(expected, rel=1e-2)
    assert score(true) < min(score(0.8 * true), score(1.2 * true))


@given(several(3, 4), several(3, 4), several(3, 4, low=0.0), st.floats(0.05, 0.95))
def test_the_interval_score_is_of_two_quantiles(actual, lower, width, share):
    upper = lower + width
    low = pinball(actual, lower, (1 - share) / 2)
    high = pinball(actual, upper, (1 + share) / 2)
    expected = 2 / (1 - share) * (low + high)
    scores = interval_score(actual, lower, upper, share)
    np.testing.assert_allclose(scores, expected, rtol=1e-7, atol=1e-6)


def test_bounds():
    assert interval_score([5.0], [-INF], [9.0], 0.9) == INF
    for metric in (coverage, lambda *args: interval_score(*args, 0.9)):
        with pytest.raises(ValueError, match=r"lower is above upper at \[1\].*sort the quantiles"):
            metric([1, 2], [0, 3], [1, 2])
