"""Long frames, a row for each step: the same sequences as arrays, and targets by their ids."""

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNClassifier, RNNRegressor
from tsrnn.inspection import gradient_flow, states

RNG = np.random.default_rng(0)
IDS = ["d", "b", "c", "a", "e"]  # in the order of their first rows, which is not sorted
SEQUENCES = {name: RNG.normal(size=(n, 2)) for name, n in zip(IDS, [4, 6, 5, 3, 4], strict=True)}
TARGETS = pd.Series({"a": 1.0, "b": 2.0, "c": 4.0, "d": 8.0, "e": 16.0})  # in another order
CLASSES = pd.Series({"a": "up", "b": "up", "c": "down", "d": "down", "e": "up"})
OPTIONS = {"max_iter": 3, "hidden_size": 4}
COLUMNS = {"id_column": "id", "time_column": "time"}


def long_frame(shuffled=False):
    parts = [
        pd.DataFrame(values, columns=["u", "v"]).assign(
            id=name, time=pd.date_range("2024", periods=len(values))
        )
        for name, values in SEQUENCES.items()
    ]
    frame = pd.concat(parts, ignore_index=True)[["id", "time", "u", "v"]]
    if shuffled:  # but for the first rows, which say the order of the sequences
        firsts = frame.groupby("id", sort=False).head(1)
        rest = frame.drop(index=firsts.index)
        frame = pd.concat([firsts, rest.sample(frac=1, random_state=0)])
    return frame


def polars_frame():
    return pytest.importorskip("polars").DataFrame(long_frame().to_dict("list"))


FORMS = {
    "long": (long_frame, COLUMNS),
    "any order": (lambda: long_frame(shuffled=True), COLUMNS),
    "channels in between": (lambda: long_frame()[["u", "id", "v", "time"]], COLUMNS),
    "whole numbers": (
        lambda: long_frame().assign(time=lambda frame: frame["time"].dt.day),
        COLUMNS,
    ),
    "periods": (lambda: long_frame().assign(time=lambda f: f["time"].dt.to_period("D")), COLUMNS),
    "Arrow": (lambda: long_frame().convert_dtypes(dtype_backend="pyarrow"), COLUMNS),
    "polars": (polars_frame, COLUMNS),
    "ids in the index": (lambda: long_frame().set_index("id"), COLUMNS),
    "levels": (lambda: long_frame().set_index(["id", "time"]), {}),
    "levels by name": (lambda: long_frame().set_index(["time", "id"]), COLUMNS),
}


def fitted(cls, form, y, **options):
    make, columns = FORMS[form]
    return cls(**OPTIONS | columns | options).fit(make(), y), make()


def arrays():
    return [SEQUENCES[name] for name in IDS]


@pytest.mark.parametrize("form", FORMS)
def test_a_regressor_reads_the_sequences_of_a_long_frame(form):
    expected = RNNRegressor(**OPTIONS, n_channels=2).fit(arrays(), TARGETS[IDS].to_numpy())
    regressor, X = fitted(RNNRegressor, form, TARGETS)
    assert regressor.n_channels_in_ == 2
    assert regressor.feature_names_in_.tolist() == ["u", "v"]
    np.testing.assert_array_equal(regressor.network_.parameters, expected.network_.parameters)
    result = regressor.predict(X)
    assert result.index.tolist() == IDS
    np.testing.assert_array_equal(result, expected.predict(arrays()))
    assert regressor.score(X, TARGETS) == expected.score(arrays(), TARGETS[IDS])
    np.testing.assert_array_equal(regressor.predict(arrays()), expected.predict(arrays()))


@pytest.mark.parametrize("form", FORMS)
def test_a_classifier_reads_the_sequences_of_a_long_frame(form):
    expected = RNNClassifier(**OPTIONS).fit(arrays(), CLASSES[IDS].to_numpy())
    classifier, X = fitted(RNNClassifier, form, CLASSES)
    result = classifier.predict_proba(X)
    assert (result.index.tolist(), result.columns.tolist()) == (IDS, ["down", "up"])
    np.testing.assert_array_equal(result, expected.predict_proba(arrays()))
    log_proba = classifier.predict_log_proba(X)
    np.testing.assert_array_equal(log_proba, expected.predict_log_proba(arrays()))
    assert classifier.predict(X).to_dict() == dict(
        zip(IDS, expected.predict(arrays()), strict=True)
    )
    assert classifier.score(X, CLASSES) == expected.score(arrays(), CLASSES[IDS].to_numpy())


@pytest.mark.parametrize("cls", [RNNRegressor, RNNClassifier])
def test_weights_and_targets_are_aligned_by_id(cls):
    y = TARGETS if cls is RNNRegressor else CLASSES
    weights = pd.Series({"e": 1.0, "d": 2.0, "c": 1.0, "b": 3.0, "a": 1.0})
    expected = cls(**OPTIONS).fit(arrays(), y[IDS].to_numpy(), weights[IDS].to_numpy())
    frame = y.rename("target").rename_axis("id").reset_index()
    for given in (y, y.sample(frac=1, random_state=1), frame, frame.set_index("id")["target"]):
        estimator = cls(**OPTIONS, **COLUMNS).fit(long_frame(), given, weights)
        np.testing.assert_array_equal(estimator.network_.parameters, expected.network_.parameters)
        assert estimator.score(long_frame(), given, weights) == pytest.approx(
            expected.score(arrays(), y[IDS].to_numpy(), weights[IDS].to_numpy())
        )


def test_several_targets_and_quantiles_have_ids():
    y = pd.DataFrame({"p": TARGETS, "q": -TARGETS})
    regressor, X = fitted(RNNRegressor, "long", y)
    expected = RNNRegressor(**OPTIONS).fit(arrays(), y.loc[IDS].to_numpy())
    np.testing.assert_array_equal(regressor.predict(X), expected.predict(arrays()))
    assert regressor.predict(X).index.tolist() == IDS
    regressor, X = fitted(RNNRegressor, "long", TARGETS, loss="gaussian")
    mean, deviation = regressor.predict(X, return_std=True)
    assert mean.index.tolist() == deviation.index.tolist() == IDS
    result = regressor.predict_quantiles(X, [0.1, 0.9])
    assert (result.index.tolist(), result.columns.tolist()) == (IDS, [0.1, 0.9])


def test_ids_may_be_tuples():
    X, ids = long_frame(), pd.Index([("site", name) for name in IDS], tupleize_cols=False)
    X["id"] = [("site", name) for name in X["id"]]
    regressor = RNNRegressor(**OPTIONS, **COLUMNS).fit(X, pd.Series(TARGETS[IDS].to_numpy(), ids))
    expected = RNNRegressor(**OPTIONS, **COLUMNS).fit(long_frame(), TARGETS)
    result = regressor.predict(X)
    assert result.index.tolist() == ids.tolist()
    np.testing.assert_array_equal(result, expected.predict(long_frame()))


def test_partial_fit_reads_long_frames():
    expected = RNNRegressor(hidden_size=4)
    regressor = RNNRegressor(hidden_size=4, **COLUMNS)
    for _ in range(2):
        expected.partial_fit(arrays(), TARGETS[IDS].to_numpy())
        regressor.partial_fit(long_frame(), TARGETS)
    np.testing.assert_array_equal(regressor.network_.parameters, expected.network_.parameters)


def test_channels_are_found_by_name():
    regressor, X = fitted(RNNRegressor, "long", TARGETS)
    turned = X[["id", "v", "time", "u"]]
    np.testing.assert_array_equal(regressor.predict(turned), regressor.predict(X))


def test_inspection_names_the_sequences():
    regressor, X = fitted(RNNRegressor, "long", TARGETS)
    assert states(regressor, X).index.get_level_values(0).unique().tolist() == IDS
    expected = gradient_flow(
        RNNRegressor(**OPTIONS).fit(arrays(), TARGETS[IDS]), arrays(), TARGETS[IDS]
    )
    result = gradient_flow(regressor, X, TARGETS)
    np.testing.assert_array_equal(result.to_numpy(), expected.to_numpy())


def test_a_saved_estimator_reads_the_same_frames(tmp_path):
    for cls, y in ((RNNRegressor, TARGETS), (RNNClassifier, CLASSES)):
        estimator, X = fitted(cls, "long", y)
        tsrnn.save(estimator, tmp_path / "model.tsrnn")
        again = tsrnn.load(tmp_path / "model.tsrnn")
        pd.testing.assert_series_equal(again.predict(X), estimator.predict(X))
        assert again.score(X, y) == estimator.score(X, y)


def test_rows_on_a_multiindex_that_have_targets_are_sequences():
    """As windows of a panel are, row by row."""
    frame = long_frame().set_index(["id", "time"])
    y = frame["u"].to_numpy()
    regressor = RNNRegressor(**OPTIONS).fit(frame, y)
    expected = RNNRegressor(**OPTIONS).fit(frame.to_numpy(), y)
    np.testing.assert_array_equal(regressor.predict(frame), expected.predict(frame.to_numpy()))


BAD = {
    "unnamed": ({}, long_frame(), TARGETS, r"Column 'id' of X does not hold numbers.*id_column"),
    "no times named": ({"id_column": "id"}, long_frame(), TARGETS, "by id_column and time_column"),
    "absent": (
        {"id_column": "site", "time_column": "time"},
        long_frame(),
        TARGETS,
        "'site' is none of them",
    ),
    "repeated": (
        COLUMNS,
        pd.concat([long_frame(), long_frame()[-1:]]),
        TARGETS,
        "Series 'e' of X has the time stamp 2024-01-04 more than once",
    ),
    "infinite": (
        COLUMNS,
        long_frame().replace({"v": {SEQUENCES["b"][2, 1]: np.inf}}),
        TARGETS,
        "Column 'v' of series 'b' of X is infinite at 2024-01-03",
    ),
    "empty": (
        COLUMNS,
        long_frame().assign(u=lambda f: f["u"].mask(f["id"] == "c"), v=lambda f: f["u"]),
        TARGETS,
        "Series 'c' of X holds no value",
    ),
    "text": (COLUMNS, long_frame().assign(v="x"), TARGETS, "Column 'v' of X must hold real"),
    "no channels": (COLUMNS, long_frame()[["id", "time"]], TARGETS, "no columns of values"),
    "no id": (COLUMNS, long_frame().assign(id=None), TARGETS, "has no id in row 0"),
    "array": (COLUMNS, long_frame(), TARGETS.to_numpy(), "y does not say which entry .* index"),
    "a target a row": (COLUMNS, long_frame(), long_frame()["u"], "y has .*entry for"),
    "no target": (COLUMNS, long_frame(), TARGETS.drop("b"), "y has no entry for 'b'"),
    "another target": (COLUMNS, long_frame()[:4], TARGETS, "y has an entry for 'a' and 3 more"),
    "two targets": (
        COLUMNS,
        long_frame(),
        pd.concat([TARGETS, TARGETS["a":"a"]]),
        "y has more than one entry for 'a'",
    ),
    "channels": (
        {**COLUMNS, "n_channels": 3},
        long_frame(),
        TARGETS,
        "X has 2 channels .* n_channels is 3",
    ),
    "levels": ({}, long_frame().set_index(["id", "time"]), TARGETS.to_numpy(), "y does not say"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("cls", [RNNRegressor, RNNClassifier])
def test_bad_long_frames_are_refused(cls, name):
    columns, X, y, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        cls(**OPTIONS, **columns).fit(X, y)


@pytest.mark.parametrize("cls", [RNNRegressor, RNNClassifier])
def test_other_channels_are_refused_at_predict(cls):
    estimator, X = fitted(cls, "long", TARGETS.astype(int))
    with pytest.raises(ValueError, match=r"channels \['u', 'w'\], and \['u', 'v'\] were fitted"):
        estimator.predict(X.rename(columns={"v": "w"}))
    with pytest.raises(ValueError, match="y has no entry for 'b'"):
        estimator.score(X, TARGETS.astype(int).drop("b"))
