"""Detectors and thresholds that come back from files and go on to the bit."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from saving.conftest import DAYS, assert_same, detector, panel, parted, through, watched
from sklearn.base import clone

import tsrnn
from tsrnn import RNNAnomalyDetector
from tsrnn.anomaly import (
    ConformalThreshold,
    DynamicThreshold,
    QuantileThreshold,
    RobustZThreshold,
    TailThreshold,
)

SCORES = np.random.default_rng(0).exponential(size=300)
THRESHOLDS = [
    QuantileThreshold(0.05),
    RobustZThreshold(z=2),
    TailThreshold(0.01, 0.9),
    TailThreshold(risk=0.01, level=0.9, depth=7),
    DynamicThreshold(30, every=4, span=3, z_range=[1, 4], min_decrease=0),
    ConformalThreshold(0.05, random_state=0),
    ConformalThreshold(0.1, smoothed=True, window=25, random_state=3),
]
MOVING = THRESHOLDS[2:]
FITTED = clone(THRESHOLDS[-1]).fit(SCORES)
BY_SHARE = {"threshold": None, "contamination": 0.1}


def parts(fitted):
    """Attributes of a detector without streams, whose working memory is uninitialised."""
    state = dataclasses.replace(fitted.fitted_, streams=None)
    return dict(sorted((vars(fitted) | {"fitted_": state}).items()))


def assert_goes_on(loaded, fitted, y):
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
def test_a_detector_comes_back(kwargs, n_channels, path):
    fitted, y = detector(**({"online": False} | kwargs)), watched(n_channels=n_channels)
    loaded = through(fitted.fit(y), path)
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
        watched().to_numpy(),
        watched(n_channels=2).to_numpy(),
        watched(n_channels=2).reset_index(drop=True),
        watched().set_axis(range(7, 127, 2)),
        watched(freq="7min", begin="2024-03-29 00:01:30"),
        watched(freq="D", unit="s"),
        watched(tz="Europe/Berlin"),
        watched(freq="D", tz="Europe/Berlin"),
        watched(freq="B"),
        watched(freq="MS", unit="s").rename("sales"),
        watched(freq="MS").to_period(),
        watched(freq="2D").to_period("2D"),
    ],
    ids=[
        "array", "channels", "range", "every second", "7 minutes", "days", "zone", "days of a zone",
        "business days", "months", "periods", "periods of two",
    ],
)  # fmt: skip
def test_a_stream_goes_on_to_the_bit(method, y, path):
    known, some = parted(y, 40)
    fitted = detector(method=method, n_estimators=2).fit(known)
    for new in np.split(np.arange(20), [1, 4, 9, 15]):
        loaded = through(fitted, path)
        assert_same(parts(loaded), parts(fitted))
        new = some[new] if isinstance(some, np.ndarray) else some.iloc[new]
        assert_goes_on(loaded, fitted, new)
    loaded = through(fitted, path)
    for _ in range(3):  # without time stamps
        assert_goes_on(loaded, fitted, np.ones((2, fitted.n_features_in_)))
    assert_same(loaded.score_samples(y), fitted.score_samples(y))


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=repr)
def test_a_detector_with_any_threshold_goes_on(threshold, path):
    y, new = parted(watched(100), 80)
    fitted = detector(threshold=threshold).fit(y)
    loaded = through(fitted, path)
    assert_same(parts(loaded), parts(fitted))
    for rows in np.split(new, [2, 11]):
        assert_goes_on(loaded, fitted, rows)  # also threshold_, which is that of the stream
        loaded = through(loaded, path)


@pytest.mark.parametrize("method", ["forecast", "reconstruction"])
@pytest.mark.parametrize("threshold", THRESHOLDS, ids=repr)
def test_each_series_of_a_panel_goes_on(method, threshold, path):
    y, new = parted(panel(100, n_channels=2, n_series=3), 80)
    fitted = detector(method=method, threshold=threshold).fit(y)
    loaded = through(fitted, path)
    for rows in (parted(new, 1)[0], parted(new, 1)[1].loc[["s2"]]):
        assert_goes_on(loaded, fitted, rows)
        loaded = through(fitted, path)
    assert_goes_on(loaded, fitted, parted(new, 1)[1].loc[["s1", "s0"]])
    assert_same(loaded.score_samples(y), fitted.score_samples(y))


def test_a_panel_of_one_goes_on(path):
    y, new = parted(panel(n_series=1), 50)
    fitted = detector().fit(y)
    for rows in (new[:3], new[3:5], new[5:]):
        loaded = through(fitted, path)
        assert_goes_on(loaded, fitted, rows)  # also threshold_, which is that of the stream


def test_missing_values_and_rows_come_back(path):
    y = watched(n_channels=2).reset_index(names="t")
    y = pd.concat([y.assign(id=7), y.assign(id=8)[3:]])
    y.iloc[[5, 40, 50, 99], 1] = np.nan
    fitted = detector(missing="mask", id_column="id", time_column="t", season=4)
    known = y["t"] < y["t"].iloc[45]
    fitted.fit(y[known].drop(y.index[9]))
    assert_goes_on(through(fitted, path), fitted, y[~known])
    hours = pd.Timedelta(18, "h")  # without three
    assert_goes_on(through(fitted, path), fitted, y[~known].assign(t=lambda f: f["t"] + hours))


@pytest.mark.parametrize(
    "labels", [[3, 5], ["a", 5], [2.5, -1.0], [True, False], DAYS[:2], [DAYS[0].date(), "b"]]
)
def test_labels_of_series_come_back(labels, path):
    y = pd.concat([watched(), watched(59)], keys=pd.Index(labels))
    fitted = detector().fit(y)
    loaded = through(fitted, path)
    assert_same(loaded.fitted_.labels, fitted.fitted_.labels)
    assert_same(loaded.score_samples(y), fitted.score_samples(y))


def test_hundreds_of_series_that_go_on_come_back(path):
    y, new = parted(panel(30, n_series=600), 24)
    fitted = detector(threshold=TailThreshold(0.01, 0.9, depth=2), stretch=2).fit(y)
    fitted.update(parted(new, 2)[0])
    assert_goes_on(through(fitted, path), fitted, parted(new, 2)[1])


def test_parameters_set_after_the_fit_come_back(path):
    y, new = parted(watched(), 50)
    fitted = detector().fit(y).set_params(
        horizon=9, lookback=3, stretch=2, online=False, method="reconstruction", season=3
    )  # fmt: skip
    loaded = through(fitted, path)
    assert_same(loaded.get_params(), fitted.get_params())
    assert_same(loaded.score_samples(y), fitted.score_samples(y))
    assert_goes_on(loaded, fitted, new)


@pytest.mark.parametrize("threshold", [None, *THRESHOLDS, FITTED], ids=repr)
def test_parameters_alone_come_back(threshold, path):
    unfitted = detector(threshold=threshold)
    loaded = through(unfitted, path)
    assert_same(loaded, unfitted)
    assert not hasattr(loaded, "network_")
    y = watched(120)
    assert_same(loaded.fit(y).detect(y), unfitted.fit(y).detect(y))


def test_what_a_failed_fit_left_is_not_kept(path):
    unfit = detector(threshold=TailThreshold(level=0.99))
    with pytest.raises(ValueError, match="too few"):
        unfit.fit(watched())
    assert_same(through(unfit, path), detector(threshold=TailThreshold(level=0.99)))


# Thresholds by themselves


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=repr)
def test_a_threshold_comes_back(threshold, path):
    assert_same(through(threshold, path), threshold)
    threshold = clone(threshold).fit(SCORES[:200])
    loaded = through(threshold, path)
    assert_same(loaded, threshold)
    assert_same(loaded.predict(SCORES), threshold.predict(SCORES))
    assert_same(loaded.fit(SCORES), threshold.fit(SCORES))


@pytest.mark.parametrize("threshold", MOVING, ids=repr)
def test_a_threshold_that_moves_goes_on(threshold, path):
    threshold = clone(threshold).fit(SCORES[:100])
    for new in np.split(np.append(SCORES[100:], np.nan), [1, 20, 23, 90]):
        loaded = through(threshold, path)
        assert_same(loaded, threshold)
        assert_same(loaded.update(new), threshold.update(new))
        assert_same(loaded.threshold_, threshold.threshold_)
    assert_same(loaded, threshold)


def test_ties_are_broken_as_before(path):
    ties = ConformalThreshold(0.3, smoothed=True, random_state=np.random.RandomState(5))
    ties.fit(np.arange(50) % 3)
    ties.update(np.arange(9) % 3)
    loaded = through(ties, path)
    assert_same(loaded, ties)
    assert_same(loaded.p_values([0.0, 1.0, 2.0]), ties.p_values([0.0, 1.0, 2.0]))
    assert_same(loaded.update(np.ones(20)), ties.update(np.ones(20)))


def test_thresholds_at_their_limits_come_back(path):
    with pytest.warns(UserWarning, match="can make no alarm"):
        short = ConformalThreshold().fit([1, 2])
    for threshold in (short, TailThreshold(0.01, 0.9).fit(np.ones(20))):  # infinite, no peaks
        assert_same(through(threshold, path), threshold)


# What save refuses


class Own(RNNAnomalyDetector):
    pass


class OwnThreshold(QuantileThreshold):
    pass


@pytest.mark.parametrize("thing", [Own(), OwnThreshold()])
def test_subclasses_are_refused(thing, path):
    with pytest.raises(ValueError, match=r"Cannot save a Own.*RNNAnomalyDetector, QuantileT"):
        tsrnn.save(thing, path)


def test_what_save_does_not_know_is_named(path):
    with pytest.raises(ValueError, match=r"parameter threshold is a .*OwnThreshold, which"):
        tsrnn.save(detector(threshold=OwnThreshold()), path)
    fitted = detector().fit(watched())
    fitted.note = fitted.threshold_.note = "left out"
    loaded = through(fitted, path)
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
    labels = pd.Series([(1, 2)] * 60 + [(3, 4)] * 59)
    y = pd.concat([watched(), watched(59)]).rename_axis("t").reset_index().assign(id=labels)
    fitted = detector(id_column="id", time_column="t").fit(y)
    with pytest.raises(ValueError, match="_labels does not fit"):
        tsrnn.save(fitted, path)
