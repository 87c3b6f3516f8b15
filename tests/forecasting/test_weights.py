"""Weights of observations and series in the loss of a forecaster."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster
from tsrnn.data import DataError
from tsrnn.forecasting.fitter import Split
from tsrnn.forecasting.weights import weighted_splits, window_weights

DAYS = pd.date_range("2024-01-01", periods=60, name="ds")
RNG = np.random.default_rng(0)
WIDE = pd.DataFrame({"a": RNG.normal(size=60) + 5, "b": RNG.normal(size=60).cumsum()}, DAYS)
ONES = pd.DataFrame(1.0, DAYS, WIDE.columns)


def forecast(y, sample_weight=None, **kwargs):
    defaults = {"max_iter": 3, "hidden_size": 4, "horizon": 2, "lookback": 6, "season": 1}
    defaults |= {"segment": 1, "pretrained": None, "transform": None, "random_state": 3}
    forecaster = RNNForecaster(**(defaults | kwargs))
    return forecaster.fit(y, sample_weight=sample_weight).predict()


def test_equal_weights_change_nothing():
    expected = forecast(WIDE)
    pd.testing.assert_frame_equal(forecast(WIDE, {"a": 1, "b": 1}), expected)
    pd.testing.assert_frame_equal(forecast(WIDE, ONES), expected)
    assert not forecast(WIDE, {"a": 1, "b": 5}).equals(expected)


def test_weights_of_series_and_of_their_values_are_the_same():
    expected = forecast(WIDE, {"b": 3.0, "a": 1.0})
    values = ONES.assign(b=3.0)
    long = values.reset_index().melt("ds", var_name="unique_id", value_name="w")
    for weights in (pd.Series({"a": 1.0, "b": 3.0}), values, values.iloc[::-1], long):
        pd.testing.assert_frame_equal(forecast(WIDE, weights), expected)
    levels = long.set_index(["unique_id", "ds"])["w"]
    pd.testing.assert_frame_equal(forecast(WIDE, levels), expected)


def test_a_window_counts_by_the_mean_weight_of_what_it_forecasts():
    weights = window_weights(np.array([9.0, 9.0, 0.0, 0.0, 1.0, 2.0]), lookback=2, n_ahead=2)
    np.testing.assert_array_equal(weights[:3], [0.0, 0.5, 1.5])  # later ones have no horizon
    split = Split(np.array([0, 1]), np.array([0, 2]), np.arange(3))
    (kept,) = weighted_splits([split], weights)
    assert [part.tolist() for part in (kept.training, kept.validation, kept.whole)] == [
        [1],
        [2],
        [1, 2],
    ]


def test_what_has_weight_is_learned():
    """Half of the series falls after a high value, half rises; weights say which is learned."""
    signs = np.sign(RNG.normal(size=240))
    rise = np.repeat([1.0, -1.0], 120)
    y = pd.Series(np.zeros(240), pd.date_range("2024-01-01", periods=240))
    y.iloc[0::2] = signs[0::2]
    y.iloc[1::2] = signs[0::2] * rise[1::2]
    options = {"max_iter": 40, "hidden_size": 8, "horizon": 1, "learning_rate_init": 0.03}
    options |= {"early_stopping": False, "lookback": 4, "loss": "squared_error"}
    first = pd.Series(np.where(np.arange(240) < 120, 1.0, 0.0), y.index)
    first.iloc[0::2] = 0  # what can't be known
    second = first.to_numpy()[::-1].copy()
    second = pd.Series(np.roll(second, 1), y.index)
    tail = y.index[-1] + pd.offsets.Day(1)
    results = []
    for weights in (first, second):
        defaults = {"season": 1, "segment": 1, "pretrained": None, "transform": None}
        forecaster = RNNForecaster(**(defaults | options))
        forecaster.fit(y, sample_weight=weights)
        results.append(forecaster.update(pd.Series([1.0], [tail])).predict().iloc[0])
    assert results[0] > 0.5
    assert results[1] < -0.5


def test_a_single_series_in_two_columns():
    y = WIDE["a"].rename("y").reset_index()
    weights = pd.DataFrame({"ds": DAYS, "w": np.linspace(0, 1, 60)})
    result = forecast(y, weights)
    expected = forecast(WIDE["a"], pd.Series(np.linspace(0, 1, 60), DAYS))
    np.testing.assert_array_equal(result["y"], expected)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": 1.0}, "Series 'b' of sample_weight is missing, negative or infinite"),
        ({"a": 1.0, "b": -1.0}, "Series 'b' of sample_weight is missing, negative or infinite"),
        (ONES[:-1], "Series 'a' of sample_weight is missing.* at 2024-02-29"),
        ({"a": 0, "b": 0}, "sample_weight is 0 for all of y"),
    ],
)
def test_bad_weights(weights, message):
    with pytest.raises(DataError, match=message):
        forecast(WIDE, weights)


def test_weights_that_leave_nothing_to_train():
    with pytest.raises(ValueError, match="sample_weight is 0 for all steps"):
        forecast(WIDE, {"a": 0.0, "b": 1.0}, scope="local")
    with pytest.raises(ValueError, match="leave it out for max_iter=0"):
        forecast(WIDE, {"a": 1.0, "b": 1.0}, max_iter=0, pretrained="auto")
