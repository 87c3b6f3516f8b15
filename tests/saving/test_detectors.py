"""Detectors and thresholds that come back from files and go on to the bit."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from saving.conftest import (
    DAYS,
    assert_same,
    detector,
    detector_panel,
    detector_series,
    round_trip,
    saved_attributes,
    split_rows,
)
from sklearn.base import clone

import tsrnn
from tsrnn import RNNAnomalyDetector
from tsrnn.anomaly import (
    ConformalThreshold,
    DynamicThreshold,
    FixedThreshold,
    QuantileThreshold,
    ReturnPeriodThreshold,
    RobustZThreshold,
    TailThreshold,
)

pytestmark = pytest.mark.slow

SCORES = np.random.default_rng(0).exponential(size=300)
THRESHOLDS = [
    FixedThreshold(1.5),
    QuantileThreshold(0.05),
    RobustZThreshold(z=2),
    TailThreshold(0.01, 0.9),
    TailThreshold(risk=0.01, level=0.9, depth=7),
    DynamicThreshold(30, every=4, span=3, z_range=[1, 4], min_decrease=0),
    ReturnPeriodThreshold(30, span=5, tail_share=0.05),
    ReturnPeriodThreshold(30, span=1, tail_share=0.05, window=25),
    ConformalThreshold(0.05, random_state=0),
    ConformalThreshold(0.1, smoothed=True, window=25, random_state=3),
]
MOVING = THRESHOLDS[3:]
FITTED = clone(THRESHOLDS[-1]).fit(SCORES)
BY_SHARE = {"threshold": None, "contamination": 0.1}


def parts(fitted):
    """Attributes of a detector without streams, whose working memory is uninitialised."""
    state = dataclasses.replace(fitted.fitted_, streams=None)
    return saved_attributes(fitted) | {"fitted_": state}


def assert_continues(loaded, fitted, y):
    assert_same(vars(loaded.update(y)), vars(fitted.update(y)))
    assert_same(loaded.threshold_, fitted.threshold_)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"cell": "lstm", "dtype": "float64"},
        {"cell": "gru", "loss": "gaussian", "n_estimators": 3} | BY_SHARE,
        {"cell": "rnn", "loss": "huber", "n_layers": 2, "season": (5, 7), "online": True},
        {"cell": "rnn_relu", "season": 1, "threshold": DynamicThreshold(span=3)},
        {"method": "reconstruction", "n_estimators": 2, "dtype": "float64"},
        {"method": "reconstruction", "n_layers": 2, "loss": "squared_error", "online": True},
    ],
)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_round_trip_of_a_detector(kwargs, n_channels, path):
    fitted, y = detector(**({"online": False} | kwargs)), detector_series(n_channels=n_channels)
    loaded = round_trip(fitted.fit(y), path)
    assert_same(parts(loaded), parts(fitted))
    for method in ("score_samples", "decision_function", "predict", "explain"):
        assert_same(getattr(loaded, method)(y), getattr(fitted, method)(y))
    assert loaded.detect(y, n_most=2).equals(fitted.detect(y, n_most=2))
    assert loaded.networks_[0] is loaded.network_
    assert_same(parts(loaded.fit(y)), parts(fitted.fit(y)))


@pytest.mark.parametrize("method", ["forecast", "reconstruction"])
@pytest.mark.parametrize(
    "y",
    [
        detector_series().to_numpy(),
        detector_series(n_channels=2).to_numpy(),
        detector_series(n_channels=2).reset_index(drop=True),
        detector_series().set_axis(range(7, 127, 2)),
        detector_series(freq="7min", begin="2024-03-29 00:01:30"),
        detector_series(freq="D", unit="s"),
        detector_series(tz="Europe/Berlin"),
        detector_series(freq="D", tz="Europe/Berlin"),
        detector_series(freq="B"),
        detector_series(freq="MS", unit="s").rename("sales"),
        detector_series(freq="MS").to_period(),
        detector_series(freq="2D").to_period("2D"),
    ],
    ids=[
        "array",
        "channels",
        "range",
        "every second",
        "7 minutes",
        "days",
        "zone",
        "days of a zone",
        "business days",
        "months",
        "periods",
        "periods of two",
    ],
)
def test_a_stream_continues_to_the_bit(method, y, path):
    known, some = split_rows(y, 40)
    fitted = detector(method=method, n_estimators=2).fit(known)
    for new in np.split(np.arange(20), [1, 4, 9, 15]):
        loaded = round_trip(fitted, path)
        assert_same(parts(loaded), parts(fitted))
        new = some[new] if isinstance(some, np.ndarray) else some.iloc[new]
        assert_continues(loaded, fitted, new)
    loaded = round_trip(fitted, path)
    for _ in range(3):  # without time stamps
        assert_continues(loaded, fitted, np.ones((2, fitted.n_features_in_)))
    assert_same(loaded.score_samples(y), fitted.score_samples(y))


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=repr)
def test_a_detector_with_any_threshold_continues(threshold, path):
    y, new = split_rows(detector_series(100), 80)
    fitted = detector(threshold=threshold).fit(y)
    loaded = round_trip(fitted, path)
    assert_same(parts(loaded), parts(fitted))
    for rows in np.split(new, [2, 11]):
        assert_continues(loaded, fitted, rows)  # also threshold_, which is that of the stream
        loaded = round_trip(loaded, path)


@pytest.mark.parametrize("method", ["forecast", "reconstruction"])
@pytest.mark.parametrize("threshold", THRESHOLDS, ids=repr)
def test_each_series_of_a_panel_continues(method, threshold, path):
    y, new = split_rows(detector_panel(100, n_channels=2, n_series=3), 80)
    fitted = detector(method=method, threshold=threshold).fit(y)
    loaded = round_trip(fitted, path)
    for rows in (split_rows(new, 1)[0], split_rows(new, 1)[1].loc[["s2"]]):
        assert_continues(loaded, fitted, rows)
        loaded = round_trip(fitted, path)
    assert_continues(loaded, fitted, split_rows(new, 1)[1].loc[["s1", "s0"]])
    assert_same(loaded.score_samples(y), fitted.score_samples(y))


def test_a_panel_of_one_series_continues(path):
    y, new = split_rows(detector_panel(n_series=1), 50)
    fitted = detector().fit(y)
    for rows in (new[:3], new[3:5], new[5:]):
        loaded = round_trip(fitted, path)
        assert_continues(loaded, fitted, rows)  # also threshold_, which is that of the stream


def test_round_trip_with_missing_values_and_rows(path):
    y = detector_series(n_channels=2).reset_index(names="t")
    y = pd.concat([y.assign(id=7), y.assign(id=8)[3:]])
    y.iloc[[5, 40, 50, 99], 1] = np.nan
    fitted = detector(missing="mask", id_column="id", time_column="t", season=4)
    known = y["t"] < y["t"].iloc[45]
    fitted.fit(y[known].drop(y.index[9]))
    assert_continues(round_trip(fitted, path), fitted, y[~known])
    hours = pd.Timedelta(18, "h")  # without three
    assert_continues(round_trip(fitted, path), fitted, y[~known].assign(t=lambda f: f["t"] + hours))


@pytest.mark.parametrize(
    "labels", [[3, 5], ["a", 5], [2.5, -1.0], [True, False], DAYS[:2], [DAYS[0].date(), "b"]]
)
def test_round_trip_of_series_labels(labels, path):
    y = pd.concat([detector_series(), detector_series(59)], keys=pd.Index(labels))
    fitted = detector().fit(y)
    loaded = round_trip(fitted, path)
    assert_same(loaded.fitted_.labels, fitted.fitted_.labels)
    assert_same(loaded.score_samples(y), fitted.score_samples(y))


def test_round_trip_of_hundreds_of_streams(path):
    y, new = split_rows(detector_panel(30, n_series=600), 24)
    fitted = detector(threshold=TailThreshold(0.01, 0.9, depth=2), stretch=2).fit(y)
    fitted.update(split_rows(new, 2)[0])
    assert_continues(round_trip(fitted, path), fitted, split_rows(new, 2)[1])


def test_round_trip_of_parameters_set_after_fit(path):
    y, new = split_rows(detector_series(), 50)
    fitted = (
        detector()
        .fit(y)
        .set_params(
            horizon=9, lookback=3, stretch=2, online=False, method="reconstruction", season=3
        )
    )
    loaded = round_trip(fitted, path)
    assert_same(loaded.get_params(), fitted.get_params())
    assert_same(loaded.score_samples(y), fitted.score_samples(y))
    assert_continues(loaded, fitted, new)


@pytest.mark.parametrize("threshold", [None, *THRESHOLDS, FITTED], ids=repr)
def test_round_trip_of_an_unfitted_estimator(threshold, path):
    unfitted = detector(threshold=threshold)
    loaded = round_trip(unfitted, path)
    assert_same(loaded, unfitted)
    assert not hasattr(loaded, "network_")
    y = detector_series(120)
    assert_same(loaded.fit(y).detect(y), unfitted.fit(y).detect(y))


def test_state_of_a_failed_fit_is_not_saved(path):
    unfit = detector(threshold=TailThreshold(level=0.99))
    with pytest.raises(ValueError, match="too few"):
        unfit.fit(detector_series())
    assert_same(round_trip(unfit, path), detector(threshold=TailThreshold(level=0.99)))


# Thresholds by themselves


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=repr)
def test_round_trip_of_a_threshold(threshold, path):
    assert_same(round_trip(threshold, path), threshold)
    threshold = clone(threshold).fit(SCORES[:200])
    loaded = round_trip(threshold, path)
    assert_same(loaded, threshold)
    assert_same(loaded.predict(SCORES), threshold.predict(SCORES))
    assert_same(loaded.fit(SCORES), threshold.fit(SCORES))


@pytest.mark.parametrize("threshold", MOVING, ids=repr)
def test_an_adaptive_threshold_continues(threshold, path):
    threshold = clone(threshold).fit(SCORES[:100])
    for new in np.split(np.append(SCORES[100:], np.nan), [1, 20, 23, 90]):
        loaded = round_trip(threshold, path)
        assert_same(loaded, threshold)
        assert_same(loaded.update(new), threshold.update(new))
        assert_same(loaded.threshold_, threshold.threshold_)
    assert_same(loaded, threshold)


def test_ties_are_broken_as_before(path):
    ties = ConformalThreshold(0.3, smoothed=True, random_state=np.random.RandomState(5))
    ties.fit(np.arange(50) % 3)
    ties.update(np.arange(9) % 3)
    loaded = round_trip(ties, path)
    assert_same(loaded, ties)
    assert_same(loaded.p_values([0.0, 1.0, 2.0]), ties.p_values([0.0, 1.0, 2.0]))
    assert_same(loaded.update(np.ones(20)), ties.update(np.ones(20)))


def test_round_trip_of_thresholds_at_their_limits(path):
    with pytest.warns(UserWarning, match="can make no alarm"):
        short = ConformalThreshold().fit([1, 2])
    for threshold in (short, TailThreshold(0.01, 0.9).fit(np.ones(20))):  # infinite, no peaks
        assert_same(round_trip(threshold, path), threshold)


# What save refuses


class Subclass(RNNAnomalyDetector):
    pass


class ThresholdSubclass(QuantileThreshold):
    pass


@pytest.mark.parametrize("thing", [Subclass(), ThresholdSubclass()])
def test_subclasses_are_refused(thing, path):
    name = type(thing).__name__
    with pytest.raises(ValueError, match=rf"Cannot save a {name}.*RNNAnomalyDetector, .*QuantileT"):
        tsrnn.save(thing, path)


def test_unknown_attributes_are_named(path):
    with pytest.raises(ValueError, match=r"parameter threshold is a .*ThresholdSubclass, which"):
        tsrnn.save(detector(threshold=ThresholdSubclass()), path)
    fitted = detector().fit(detector_series())
    fitted.note = fitted.threshold_.note = "left out"
    loaded = round_trip(fitted, path)
    assert not hasattr(loaded, "note")
    assert not hasattr(loaded.threshold_, "note")
    fitted._memory = 1
    with pytest.raises(ValueError, match="attribute _memory is none that"):
        tsrnn.save(fitted, path)
    del fitted._memory
    fitted.threshold_._memory = 1
    with pytest.raises(ValueError, match="threshold_ cannot be saved: attribute _memory is none"):
        tsrnn.save(fitted, path)
    with pytest.raises(ValueError, match=r"Cannot save this .*: attribute _memory is none"):
        tsrnn.save(fitted.threshold_, path)


def test_labels_that_are_no_keys_are_refused(path):
    labels = pd.Series([frozenset((1, 2))] * 60 + [frozenset((3, 4))] * 59)
    y = (
        pd.concat([detector_series(), detector_series(59)])
        .rename_axis("t")
        .reset_index()
        .assign(id=labels)
    )
    fitted = detector(id_column="id", time_column="t").fit(y)
    with pytest.raises(ValueError, match=r"a builtins.frozenset, which a file cannot hold"):
        tsrnn.save(fitted, path)


def test_constant_channels_and_first_rows_of_a_loaded_detector(path):
    hours = pd.date_range("2024-01-01", periods=900, freq="h")
    wave = np.sin(np.arange(900) * np.pi / 12)
    y = pd.DataFrame({"wave": wave, "flat": 0.1}, hours)
    fitted = RNNAnomalyDetector(stretch=10, online=True, n_jobs=1).fit(y[:700])
    loaded = round_trip(fitted, path)
    assert fitted.fitted_.start_weights.min() < 0.1
    pd.testing.assert_frame_equal(loaded.explain(y[700:800]), fitted.explain(y[700:800]))
    assert_continues(loaded, fitted, y[700:710])


@pytest.mark.parametrize("threshold", [DynamicThreshold(span=3, every=5), ConformalThreshold(0.05)])
def test_a_threshold_goes_on_after_an_incident(threshold, path):
    fitted = clone(threshold).fit(SCORES)
    fitted.update(np.r_[SCORES[:100], SCORES[:80] + 20])
    loaded = round_trip(fitted, path)
    np.testing.assert_array_equal(loaded.update(SCORES * 2), fitted.update(SCORES * 2))
    assert loaded.threshold_ == fitted.threshold_
