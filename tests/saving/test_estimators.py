"""Estimators that come back from files, to the bit."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from saving.conftest import (
    AIRLINE,
    DAYS,
    LONG,
    NUMBERS,
    WORDS,
    X,
    assert_same,
    classifier,
    forecaster,
    long_frame,
    regressor,
    round_trip,
)
from sklearn.pipeline import make_pipeline

import tsrnn
from tsrnn import RNNClassifier, RNNForecaster, Tokenizer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("cell", "loss", "dtype", "kwargs"),
    [
        ("lstm", "absolute_error", "float32", {}),
        ("gru", "squared_error", "float64", {"segment": 2, "head_size": 2}),
        ("rnn", "huber", "float32", {"n_layers": 2, "residual": True, "early_stopping": False}),
        ("rnn_relu", "absolute_error", "float64", {"bidirectional": True, "season": np.int64(12)}),
    ],
)
def test_round_trip_of_a_forecaster(cell, loss, dtype, kwargs, path):
    fitted = forecaster(cell=cell, loss=loss, dtype=dtype, **kwargs).fit(AIRLINE)
    loaded = round_trip(fitted, path)
    assert_same(loaded, fitted)
    assert_same(loaded.predict(), fitted.predict())
    if fitted.early_stopping:
        assert loaded.predict_interval(coverage=[0.5, 0.9]).equals(
            fitted.predict_interval(coverage=[0.5, 0.9])
        )
    assert_same(loaded.fit(AIRLINE).predict(), fitted.predict())


@pytest.mark.parametrize(
    "y",
    [
        AIRLINE.to_frame("passengers"),
        AIRLINE.rename(None).reset_index(drop=True),
        AIRLINE.rename(("a", 1)).to_period(),
        AIRLINE.set_axis(pd.date_range("2024-03-29", periods=60, freq="h", tz="Europe/Berlin")),
        AIRLINE.set_axis(pd.date_range("2024-03-29", periods=60, freq="B", unit="s", name="day")),
        AIRLINE.set_axis(pd.date_range("2024", periods=60, freq=pd.DateOffset(months=3))),
    ],
    ids=["frame", "range", "periods", "zone", "business days", "DateOffset"],
)
def test_time_continues_as_before(y, path):
    fitted = forecaster().fit(y)
    loaded = round_trip(fitted, path)
    assert_same(loaded, fitted)
    assert loaded.predict().equals(fitted.predict())
    assert_same(loaded.predict().index, fitted.predict().index)


@pytest.mark.parametrize(
    ("cell", "loss", "dtype"),
    [
        ("lstm", "squared_error", "float32"),
        ("gru", "absolute_error", "float64"),
        ("rnn", "huber", "float32"),
        ("rnn_relu", "quantile", "float64"),
        ("lstm", "gaussian", "float64"),
        ("gru", "student_t", "float32"),
        ("attention", "squared_error", "float32"),
    ],
)
def test_round_trip_of_a_regressor_that_trains_on(cell, loss, dtype, path):
    fitted = regressor(cell=cell, n_heads=3, loss=loss, dtype=dtype, quantiles=[0.25, 0.75]).fit(
        X, NUMBERS
    )
    assert_same(round_trip(fitted, path), fitted)
    fitted.partial_fit(X, NUMBERS)  # which has the optimiser's memory, and numbers to draw
    loaded = round_trip(fitted, path)
    assert_same(loaded, fitted)
    assert_same(loaded.predict(X), fitted.predict(X))
    assert_same(
        loaded.partial_fit(X[::-1], NUMBERS).predict(X),
        fitted.partial_fit(X[::-1], NUMBERS).predict(X),
    )
    assert_same(loaded.fit(X, NUMBERS), fitted.fit(X, NUMBERS))


@pytest.mark.parametrize(
    ("labels", "kwargs"),
    [
        (WORDS, {"class_weight": {"up": 1, "down": 2.5}, "random_state": np.random.RandomState(3)}),
        (WORDS.astype(object), {"cell": "gru", "class_weight": "balanced"}),
        (pd.Series(WORDS), {"cell": "rnn", "dtype": "float64"}),
        (X[:, 0] > 0, {"cell": "rnn_relu"}),
        (np.arange(40) % 3 - 1, {"early_stopping": True}),
    ],
    ids=["texts", "objects", "Series", "bools", "numbers"],
)
def test_round_trip_of_a_classifier_that_trains_on(labels, kwargs, path):
    gaps = np.where(np.arange(6) == 3, np.nan, X)  # the network is told what is missing
    frame = pd.DataFrame(gaps, columns=list("abcdef"))
    fitted = classifier(**kwargs).fit(frame, labels)
    loaded = round_trip(fitted, path)
    assert_same(loaded, fitted)
    assert loaded.feature_names_in_.tolist() == list("abcdef")
    for estimator in (loaded, fitted):
        estimator.partial_fit(frame, labels)
    loaded = round_trip(fitted, path)
    assert_same(loaded, fitted)
    assert_same(loaded.predict_proba(frame), fitted.predict_proba(frame))
    assert_same(loaded.predict(frame), fitted.predict(frame))


XY = ["x", "y"]


WIDE = pd.DataFrame(X[:, :4], DAYS, list("abcd")).where(np.arange(40)[:, None] >= np.arange(4) // 2)


@pytest.mark.parametrize(
    ("y", "kwargs"),
    [
        (WIDE, {}),
        (WIDE.set_axis(pd.date_range("2020", periods=4), axis=1).reset_index(drop=True), {}),
        (WIDE.set_axis(pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=XY), axis=1), {}),
        (WIDE.set_axis(pd.CategoricalIndex(list("dcba"), name="shop"), axis=1), {}),
        (WIDE.tz_localize(None).to_period(), {}),
        (long_frame(), LONG),
        (long_frame(id=lambda frame: frame["id"].astype("category")), LONG),
        (long_frame(t=lambda frame: frame["t"].dt.day_of_year.astype("int32")), LONG),
        (long_frame(id=lambda frame: frame["id"].str[1:].astype("int8")), LONG),
        (long_frame().set_index(["id", "t"])["v"], {}),
        (long_frame().set_index(["id", "t"]), {}),
    ],
    ids=[
        "wide",
        "wide by days",
        "wide by levels",
        "wide by categories",
        "wide in periods",
        "long",
        "categories",
        "counted time",
        "numbered",
        "levels",
        "frame in levels",
    ],
)
def test_round_trip_of_panels_in_all_forms(y, kwargs, path):
    fitted = forecaster(lookback=5, horizon=2, validation_fraction=0.05, **kwargs).fit(y)
    loaded = round_trip(fitted, path)
    assert_same(loaded, fitted)
    assert loaded.predict().equals(fitted.predict())
    assert loaded.predict_interval().equals(fitted.predict_interval())
    together = [axis is loaded.fitted_.history.axes[0] for axis in loaded.fitted_.history.axes]
    assert together == [
        axis is fitted.fitted_.history.axes[0] for axis in fitted.fitted_.history.axes
    ]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_round_trip_of_polars_panels(zone, path):
    polars = pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    y = long_frame(t=lambda frame: frame["t"].dt.tz_localize(None).dt.tz_localize(zone))
    y = polars.DataFrame({"id": y["id"].tolist(), "t": y["t"].tolist(), "v": y["v"].tolist()})
    fitted = forecaster(lookback=5, horizon=2, validation_fraction=0.05, **LONG).fit(y)
    loaded = round_trip(fitted, path)
    assert_same(loaded, fitted)
    assert loaded.predict().equals(fitted.predict())


def test_round_trip_of_thousands_of_series_with_different_starts(path):
    days, n = pd.date_range("2000-01-01", periods=2000), 1500
    parts = [pd.DataFrame({"id": k, "t": days[k : k + 20], "v": range(20)}) for k in range(n)]
    fitted = forecaster(lookback=4, horizon=2, max_iter=1, early_stopping=False, **LONG)
    fitted.fit(pd.concat(parts))
    loaded = round_trip(fitted, path)
    assert len({id(axis) for axis in loaded.fitted_.history.axes}) == n
    assert loaded.predict().equals(fitted.predict())


def test_round_trip_with_several_targets_and_channels(path):
    rows = X.reshape(40, 3, 2)
    fitted = regressor(n_channels=2).fit(rows, X[:, :2])
    assert_same(round_trip(fitted, path).predict(rows), fitted.predict(rows))


@pytest.mark.parametrize("estimator", [forecaster(), regressor(), classifier()], ids=repr)
def test_round_trip_of_an_unfitted_estimator(estimator, path):
    loaded = round_trip(estimator, path)
    assert_same(loaded, estimator)
    assert not hasattr(loaded, "network_")


def test_state_of_a_failed_fit_is_not_saved(path):
    unfit = classifier()
    with pytest.raises(ValueError, match="inconsistent"):
        unfit.partial_fit(X, WORDS[1:], classes=["up", "down"])
    unfit.n_features_in_ = 6
    assert_same(round_trip(unfit, path), classifier())


def test_round_trip_of_parameters_set_after_fit(path):
    fitted = forecaster().fit(AIRLINE).set_params(horizon=24, hidden_size=8)
    loaded = round_trip(fitted, path)
    assert loaded.get_params() == fitted.get_params()
    assert_same(loaded.predict(), fitted.predict())


def test_loaded_arrays_are_writable_and_no_memory_maps(path, tmp_path):
    fitted = forecaster().fit(AIRLINE)
    np.save(tmp_path / "parameters.npy", fitted.network_.parameters)
    mapped = np.load(tmp_path / "parameters.npy", mmap_mode="r")
    before, fitted.network_.parameters = fitted.predict(), mapped
    loaded = round_trip(fitted, path)
    assert type(loaded.network_.parameters) is np.ndarray
    loaded.network_.parameters += 0
    assert_same(loaded.predict(), before)


def test_a_fresh_process_predicts_the_same_bits(path, tmp_path):
    tsrnn.save(forecaster().fit(AIRLINE), path)
    tsrnn.save(classifier().fit(X, WORDS), tmp_path / "classifier.tsrnn")
    np.save(tmp_path / "X.npy", X)
    code = (
        "import sys, numpy, tsrnn; folder = sys.argv[1]\n"
        "f, c = (tsrnn.load(f'{folder}/{n}.tsrnn') for n in ('estimator', 'classifier'))\n"
        "print(f.predict().to_numpy().tobytes().hex(), f.predict_interval().to_numpy().sum().hex(),"
        " c.predict_proba(numpy.load(f'{folder}/X.npy')).tobytes().hex())"
    )
    root = str(Path(tsrnn.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": root},
    )
    loaded, other = tsrnn.load(path), tsrnn.load(tmp_path / "classifier.tsrnn")
    assert done.stdout.split() == [
        loaded.predict().to_numpy().tobytes().hex(),
        loaded.predict_interval().to_numpy().sum().hex(),
        other.predict_proba(X).tobytes().hex(),
    ], done.stderr


# What save refuses


class Subclass(RNNForecaster):
    pass


@pytest.mark.parametrize("thing", [Subclass(), make_pipeline(regressor()), None, RNNForecaster])
def test_other_things_are_refused(thing, path):
    with pytest.raises(ValueError, match=r"Cannot save a .*, only RNNForecaster, RNNRegressor"):
        tsrnn.save(thing, path)


def test_a_pipeline_is_saved_by_its_steps(tmp_path):
    texts, labels = ["a good film", "a bad one", "good", "bad"], [1, 0, 1, 0]
    classifier = RNNClassifier(embedding_size=3, hidden_size=3, max_iter=1)
    pipeline = make_pipeline(Tokenizer("word"), classifier).fit(texts, labels)
    with pytest.raises(ValueError, match=r"Cannot save a Pipeline.* Save each of its steps"):
        tsrnn.save(pipeline, tmp_path / "pipeline.tsrnn")
    steps = [round_trip(step, tmp_path / f"{name}.tsrnn") for name, step in pipeline.steps]
    expected = pipeline.predict_proba(texts)
    np.testing.assert_array_equal(make_pipeline(*steps).predict_proba(texts), expected)


def test_unknown_attributes_are_named(path):
    fitted = forecaster().fit(AIRLINE)
    fitted.note = "left out"
    assert not hasattr(round_trip(fitted, path), "note")
    fitted._memory = 1
    with pytest.raises(ValueError, match="attribute _memory is none that"):
        tsrnn.save(fitted, path)
    del fitted._memory
    named = forecaster().fit(AIRLINE.rename(frozenset("ab")))
    with pytest.raises(ValueError, match=r"attribute _collection.form.name is a builtins.frozen"):
        tsrnn.save(named, path)


def test_attributes_of_scikit_learn_are_not_saved(path):
    fitted = regressor()
    with sklearn.config_context(enable_metadata_routing=True):
        fitted.set_fit_request(sample_weight=True)
    if hasattr(fitted, "set_callbacks"):  # from scikit-learn 1.9 on
        from sklearn.callback import ScoringMonitor

        fitted.set_callbacks(ScoringMonitor(scoring="r2"))
    fitted.fit(X, NUMBERS)
    loaded = round_trip(fitted, path)
    assert "_metadata_request" in vars(fitted)
    not_saved = {"_metadata_request", "_skl_callbacks", "fit_time_"}
    assert vars(loaded).keys() == vars(fitted).keys() - not_saved


def test_what_load_would_refuse_is_not_saved(path):
    with pytest.raises(ValueError, match=r"Cannot save this RNNForecaster: .*hidden_size"):
        tsrnn.save(forecaster(hidden_size=-1), path)
    assert not path.exists()
