"""RNNClassifier, alone and in scikit-learn's hands."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from tsrnn import RNNClassifier
from tsrnn.datasets import load_japanese_vowels
from tsrnn.kernels.jit import threads

pytestmark = pytest.mark.slow

DIGITS, DIGIT = load_digits(return_X_y=True)  # rows of pixels from the top down, 8 channels
NOISE = np.random.default_rng(0).normal(size=(600, 9))
UP = NOISE.argmax(axis=1) < NOISE.argmin(axis=1)  # which comes first, the highest or the lowest?
X, Y = NOISE[:200], UP[:200].astype(int)


def quick(**kwargs):
    """A classifier that trains in a moment."""
    return RNNClassifier(**({"max_iter": 5, "hidden_size": 8} | kwargs))


def learns(**kwargs):
    """A classifier that learns small tasks."""
    options = {"cell": "gru", "hidden_size": 8, "max_iter": 40, "learning_rate_init": 1e-2}
    return RNNClassifier(**(options | kwargs))


def of_digits(**kwargs):
    return learns(**({"n_channels": 8, "hidden_size": 16, "max_iter": 20} | kwargs))


def assert_same_network(one, other):
    np.testing.assert_array_equal(one.network_.parameters, other.network_.parameters)
    assert one.loss_curve_ == other.loss_curve_


# What it learns


@pytest.mark.parametrize("seed", range(3))
def test_tells_speakers_by_utterances_of_their_own_lengths(seed):
    """Nine men; published recurrent networks know them in 95 to 98 % of the cases."""
    (X, y), (test, truth) = (load_japanese_vowels(split) for split in ("train", "test"))
    classifier = learns(n_channels=12, hidden_size=16, max_iter=20, random_state=seed).fit(X, y)
    assert classifier.score(test, truth) > 0.92
    assert log_loss(truth, classifier.predict_proba(test)) < 0.3


@pytest.mark.parametrize("seed", range(3))
def test_reads_digits_row_by_row(seed):
    classifier = of_digits(random_state=seed).fit(DIGITS[:1200], DIGIT[:1200])
    assert classifier.score(DIGITS[1200:], DIGIT[1200:]) > 0.8
    assert classifier.classes_.tolist() == list(range(10))


OPTIONS = {
    "cell": {"cell": "gru"},
    "vanilla cell": {"cell": "rnn"},
    "rectifier": {"cell": "rnn_relu"},
    "hidden_size": {"hidden_size": 12},
    "layers": {"n_layers": 2},
    "residual": {"n_layers": 2, "residual": True},
    "bidirectional": {"bidirectional": True},
    "head_size": {"head_size": 6},
    "segment": {"segment": 3},
    "memory": {"memory": 9},
    "averaging": {"averaging": 0.9},
    "dropout": {"n_layers": 2, "dropout": 0.1},
    "recurrent_dropout": {"recurrent_dropout": 0.1},
    "alpha": {"alpha": 1e-2},
    "adamw": {"solver": "adamw", "alpha": 0.1},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1},
    "rmsprop": {"solver": "rmsprop", "learning_rate_init": 3e-3},
    "cosine": {"learning_rate": "cosine"},
    "batch_size": {"batch_size": 8},
    "max_grad_norm": {"max_grad_norm": 0.1},
    "no scaling": {"standardize": False},
    "class_weight": {"class_weight": {False: 1, True: 1.5}},
    "seed": {"random_state": 1},
}


def test_every_option_changes_something_and_still_learns():
    seen = {}
    for name in ("default", *OPTIONS):
        classifier = learns(**({"cell": "lstm"} | OPTIONS.get(name, {}))).fit(NOISE, UP)
        result = classifier.predict_proba(NOISE)
        assert classifier.score(NOISE, UP) > 0.75, name
        for other, probabilities in seen.items():
            assert (result != probabilities).any(), f"{name} is no other than {other}"
        seen[name] = result


def test_float64_computes_in_float64():
    one, other = (learns(dtype=dtype).fit(X, Y) for dtype in ("float32", "float64"))
    assert (one.network_.parameters.dtype, other.network_.parameters.dtype) == ("f4", "f8")
    result = other.predict_proba(X)
    assert (result.dtype, one.predict_proba(X).dtype) == ("f8", "f8")
    np.testing.assert_allclose(result, one.predict_proba(X), atol=1e-3)


def test_probabilities_are_those_of_the_classes():
    y = np.where(UP, "up", "down")
    classifier = learns().fit(NOISE[:400], y[:400])
    result = classifier.predict_proba(NOISE[400:])
    assert result.shape == (200, 2)
    np.testing.assert_allclose(result.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(classifier.predict_log_proba(NOISE[400:])), result)
    predicted = classifier.classes_[result.argmax(axis=1)]
    np.testing.assert_array_equal(classifier.predict(NOISE[400:]), predicted)
    sure = np.abs(result[:, 0] - 0.5) > 0.4
    right = predicted == y[400:]
    assert right[sure].mean() > right[~sure].mean() + 0.1


def test_classes_that_cannot_be_told_apart_get_their_frequencies():
    y = np.repeat(["a", "b", "c"], [60, 120, 20])
    classifier = learns(max_iter=200, learning_rate_init=0.1).fit(np.ones((200, 3)), y)
    result = classifier.predict_proba(np.ones((1, 3)))
    np.testing.assert_allclose(result, [[0.3, 0.6, 0.1]], atol=0.03)


def test_training_starts_at_equal_probabilities():
    classifier = quick(learning_rate_init=1e-30, max_iter=1).fit(DIGITS, DIGIT)
    np.testing.assert_allclose(classifier.predict_proba(DIGITS), 0.1, rtol=1e-6)
    assert classifier.loss_curve_[0] == pytest.approx(np.log(10))


def test_probabilities_far_from_sure_stay_numbers():
    classifier = learns().fit(X, X[:, -1] > 0)
    classifier.network_.views()["head_weight"][:] *= 1e3
    result, log = classifier.predict_proba(X), classifier.predict_log_proba(X)
    assert result.min() == 0
    np.testing.assert_allclose(result.sum(axis=1), 1)
    assert log.min() < -800
    assert np.isfinite(log).all()


# Classes of any type

CLASSES = {
    "str": np.array(["lower", "rise"]),
    "object": np.array(["lower", "rise"], dtype=object),
    "bool": np.array([False, True]),
    "int": np.array([-7, 3]),
    "uint8": np.array([0, 255], np.uint8),
    "float": np.array([0.0, 2.0]),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes_of_any_type_come_back(name):
    classes = CLASSES[name]
    classifier = quick().fit(X, classes[Y])
    expected = quick().fit(X, Y)
    assert_same_network(classifier, expected)
    assert classifier.classes_.dtype == classes.dtype
    np.testing.assert_array_equal(classifier.classes_, classes)
    result = classifier.predict(X)
    assert result.dtype == classes.dtype
    np.testing.assert_array_equal(result, classes[expected.predict(X)])
    assert_same_network(quick().fit(X, classes[Y].tolist()), expected)


@pytest.mark.parametrize("dtype", ["category", "string", "object", "str"])
def test_classes_in_a_series(dtype):
    words = np.where(Y, "rise", "lower")
    classifier = quick().fit(X, pd.Series(words, dtype=dtype))
    assert_same_network(classifier, quick().fit(X, words))
    assert set(classifier.predict(X)) <= {"rise", "lower"}


def test_a_column_of_classes_is_flattened_with_a_warning():
    with pytest.warns(DataConversionWarning):
        classifier = quick().fit(X, Y[:, None])
    assert_same_network(classifier, quick().fit(X, Y))


def test_one_class_alone_is_predicted():
    classifier = quick().fit(X, np.full(200, "only"))
    assert classifier.predict(X).tolist() == ["only"] * 200
    np.testing.assert_array_equal(classifier.predict_proba(X), np.ones((200, 1)))
    np.testing.assert_array_equal(classifier.predict_log_proba(X), np.zeros((200, 1)))


BAD_TARGETS = {
    "continuous": (X[:, 0], "continuous"),
    "two columns": (np.c_[Y, Y], r"shape \(200, 2\)"),
    "NaN": (np.where(Y, np.nan, 1.0), "Input y contains NaN"),
    "NaN among words": (np.where(Y, np.nan, np.full(200, "a", object)), "Input.* contains NaN"),
    "none": (None, "requires y to be passed, but the target y is None"),
    "short": (Y[1:], "inconsistent numbers of samples: X has 200 and y has 199"),
}


@pytest.mark.parametrize("name", BAD_TARGETS)
def test_bad_targets(name):
    y, message = BAD_TARGETS[name]
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y)


MISSING_LABELS = {
    "None": ["a", "b", None],
    "NaN": ["a", "b", float("nan")],
    "NA": ["a", "b", pd.NA],
    "array of objects": np.array(["a", "b", None], object),
    "numbers": [1, 2, None],
    "Series": pd.Series(["a", "b", None]),
    "objects": pd.Series(["a", "b", None], dtype=object),
    "NA in objects": pd.Series(["a", "b", pd.NA], dtype=object),
    "string": pd.Series(["a", "b", None], dtype="string"),
    "Arrow": pd.Series(["a", "b", None], dtype="string[pyarrow]"),
    "Int64": pd.Series([1, 2, None], dtype="Int64"),
    "floats": pd.Series([1.0, 2.0, None]),
    "boolean": pd.Series([True, False, None], dtype="boolean"),
    "categories": pd.Categorical(["a", "b", None]),
    "dates": pd.DatetimeIndex(["2024-01-01", "2024-01-02", None]),
}


@pytest.mark.parametrize("name", MISSING_LABELS)
def test_missing_labels_are_refused_by_row(name):
    y = MISSING_LABELS[name]
    message = r"Input y contains NaN or None: 1 labels are missing, the first in row 2"
    with pytest.raises(ValueError, match=message):
        quick().fit(X[:3], y)
    with pytest.raises(ValueError, match=message):
        quick().partial_fit(X[:3], y, classes=["a", "b"])
    with pytest.raises(ValueError, match="Input classes contains NaN or None"):
        quick().partial_fit(X[:3], ["a", "b", "a"], classes=y)
    with pytest.raises(ValueError, match=message):
        quick().fit(X[:2], ["a", "b"]).score(X[:3], y)


@pytest.mark.parametrize("labels", [["a", 1, "a"], ["a", True, "b"], ("a", 1.5, "b")])
def test_lists_of_texts_and_others_are_no_texts(labels):
    with pytest.raises(ValueError, match=r"y holds labels of several types, .* and str"):
        quick().fit(X[:3], labels)


def test_labels_of_several_types_are_refused():
    with pytest.raises(ValueError, match=r"y holds labels of several types, int and str"):
        quick().fit(X[:4], np.array(["a", 1, "b", 2], object))


# Weights


def test_a_weight_is_as_good_as_copies():
    weights = np.random.default_rng(0).integers(0, 4, 200)
    places = np.random.default_rng(1).permutation(np.repeat(np.arange(200), weights))
    weighted = quick().fit(X, Y, sample_weight=weights)
    assert_same_network(quick().fit(X[places], Y[places]), weighted)
    assert (quick().fit(X, Y).network_.parameters != weighted.network_.parameters).any()


def test_weights_of_classes_multiply_those_of_rows():
    words = np.where(Y, "rise", "lower")
    weights = np.random.default_rng(0).uniform(size=200)
    classifier = quick(class_weight={"lower": 2.0, "rise": 0.5}).fit(X, words, weights)
    expected = quick().fit(X, words, np.where(Y, 0.5, 2.0) * weights)
    assert_same_network(classifier, expected)
    balanced = quick(class_weight="balanced").fit(X[:80], Y[:80])
    weights = compute_sample_weight("balanced", Y[:80])
    assert_same_network(balanced, quick().fit(X[:80], Y[:80], weights))
    assert set(weights) != {1.0}


def test_balanced_weights_find_the_rare_class():
    rare = np.flatnonzero(UP)[:40]
    rows = np.sort(np.concatenate([rare, np.flatnonzero(~UP)]))
    X, y = NOISE[rows], UP[rows].astype(int)
    result = {
        weight: balanced_accuracy_score(
            y, learns(class_weight=weight, max_iter=15).fit(X, y).predict(X)
        )
        for weight in (None, "balanced")
    }
    assert result["balanced"] > result[None] + 0.1


def test_a_class_without_weight_is_not_predicted():
    classifier = learns(class_weight={0: 0.0}).fit(X, Y)
    assert (classifier.predict(X) == 1).all()


def test_weights_of_unknown_classes_are_refused():
    with pytest.raises(ValueError, match="The 'class_weight' parameter of RNNClassifier must be"):
        quick(class_weight="even").fit(X, Y)
    with pytest.raises(ValueError, match=r"classes|class_weight"):
        quick(class_weight={"lower": 1, "higher": 2}).fit(X, np.where(Y, "rise", "lower"))


# The same bits


def test_same_bits_twice_and_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(threads, "LONG", 0)
    options = {"cell": "gru", "dropout": 0.1, "n_layers": 2, "batch_size": 200}
    classifiers = [quick(n_jobs=n, **options).fit(NOISE, UP) for n in (1, 1, 2, None, -1)]
    expected = classifiers[0].predict_proba(NOISE)
    for classifier in classifiers[1:]:
        assert_same_network(classifier, classifiers[0])
        np.testing.assert_array_equal(classifier.predict_proba(NOISE), expected)


def test_a_prediction_does_not_depend_on_other_rows():
    X, y = load_japanese_vowels()
    classifier = quick(n_channels=12, learning_rate_init=0.1).fit(X, y)
    expected = classifier.predict_proba(X)
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = classifier.predict_proba([X[k] for k in order])
    np.testing.assert_array_equal(shuffled, expected[order])
    for first, last in ((0, 1), (269, 270), (3, 20), (64, 150)):
        result = classifier.predict_proba(X[first:last])
        np.testing.assert_array_equal(result, expected[first:last])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_fitted_in_a_worker_it_is_the_same_to_the_bit(backend):
    """Beside others that learn at once, of ragged sequences too."""
    vowels, speakers = load_japanese_vowels()
    tasks = [
        (quick(random_state=1), X, Y),
        (quick(cell="gru"), X, Y),
        (quick(n_channels=12), vowels, speakers),
        (quick(n_channels=8), DIGITS, DIGIT),
    ]
    result = joblib.Parallel(n_jobs=2, backend=backend)(
        joblib.delayed(clone(classifier).fit)(X, y) for classifier, X, y in tasks
    )
    for fitted, (classifier, X_, y) in zip(result, tasks, strict=True):
        assert_same_network(fitted, classifier.fit(X_, y))


def test_a_pickle_predicts_and_goes_on_the_same(tmp_path):
    classifier = quick().partial_fit(X, np.where(Y, "rise", "lower"), classes=["lower", "rise"])
    joblib.dump(classifier, tmp_path / "model")
    for loaded in (pickle.loads(pickle.dumps(classifier)), joblib.load(tmp_path / "model")):
        np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
        loaded.partial_fit(X, np.where(Y, "rise", "lower"))
        twin = pickle.loads(pickle.dumps(classifier)).partial_fit(X, np.where(Y, "rise", "lower"))
        assert_same_network(loaded, twin)


# In scikit-learn's hands


def test_parameters_are_got_set_and_cloned():
    classifier = quick(class_weight="balanced")
    parameters = classifier.get_params()
    assert classifier.fit(X, Y) is classifier
    assert classifier.get_params() == parameters
    assert "loss" not in parameters  # there is one
    twin = clone(classifier)
    assert twin.get_params() == parameters
    for method in ("predict", "predict_proba", "predict_log_proba"):
        with pytest.raises(NotFittedError):
            getattr(twin, method)(X)
    assert twin.set_params(hidden_size=3).fit(X, Y).network_.n_hidden == 3


def test_in_a_pipeline_behind_a_column_transformer():
    frame = pd.DataFrame(X, columns=[f"lag {k}" for k in range(9)]).assign(name="abc")
    columns = ColumnTransformer([("steps", StandardScaler(), frame.columns[:9].tolist())])
    pipeline = make_pipeline(columns, quick()).fit(frame, Y)
    scaled = columns.fit_transform(frame)
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(X))
    expected = quick().fit(scaled, Y).predict_proba(scaled)
    np.testing.assert_array_equal(pipeline.predict_proba(frame), expected)


def test_a_grid_search_finds_the_better_rate():
    grid = {"learning_rate_init": [1e-6, 1e-2]}
    search = GridSearchCV(learns(), grid, cv=2, scoring="neg_log_loss").fit(NOISE, UP)
    assert search.best_params_ == {"learning_rate_init": 1e-2}
    assert_same_network(search.best_estimator_, learns().fit(NOISE, UP))
    scores = cross_val_score(learns(), NOISE, UP, cv=2, scoring="neg_log_loss")
    np.testing.assert_allclose(search.cv_results_["mean_test_score"][1], scores.mean())


def test_a_halving_search_gives_more_epochs_to_the_better():
    search = HalvingGridSearchCV(
        learns(),
        {"learning_rate_init": [1e-9, 1e-6, 1e-2]},
        cv=2,
        factor=3,
        resource="max_iter",
        max_resources=24,
        min_resources=8,
        scoring="neg_log_loss",
        random_state=0,
    ).fit(NOISE, UP)
    assert search.best_params_["learning_rate_init"] == 1e-2
    assert search.best_estimator_.n_iter_ == 24


def test_permutation_importance_finds_the_step_that_matters():
    y = NOISE[:, 4] > 0
    classifier = learns().fit(NOISE, y)
    importance = permutation_importance(classifier, NOISE, y, n_repeats=2, random_state=0)
    assert np.argmax(importance.importances_mean) == 4


def test_calibrated_probabilities():
    calibrated = CalibratedClassifierCV(learns(), cv=2).fit(NOISE[:400], UP[:400])
    result = calibrated.predict_proba(NOISE[400:])
    np.testing.assert_allclose(result.sum(axis=1), 1)
    assert calibrated.score(NOISE[400:], UP[400:]) > 0.7


def test_in_ensembles():
    pair = [("one", learns()), ("other", learns(cell="lstm"))]
    voting = VotingClassifier(pair, voting="soft").fit(X, Y)
    alone = [clone(each).fit(X, Y).predict_proba(X) for _, each in pair]
    np.testing.assert_allclose(voting.predict_proba(X), np.mean(alone, axis=0))
    stacking = StackingClassifier(pair, LogisticRegression(), cv=2).fit(X, Y)
    assert stacking.score(X, Y) > 0.7
    bagging = BaggingClassifier(learns(), n_estimators=3, random_state=0).fit(X, Y)
    assert len({each.loss_curve_[0] for each in bagging.estimators_}) == 3
    assert bagging.score(X, Y) > 0.7


def test_one_against_the_rest_and_many_targets():
    rest = OneVsRestClassifier(of_digits()).fit(DIGITS[:400], DIGIT[:400])
    assert rest.score(DIGITS[:400], DIGIT[:400]) > 0.8
    targets = np.c_[Y, X[:, -1] > 0]
    many = MultiOutputClassifier(learns()).fit(X, targets)
    assert_same_network(many.estimators_[1], learns().fit(X, targets[:, 1]))
    assert (many.predict(X) == targets).mean() > 0.8


# Going on


def test_calls_of_partial_fit_are_epochs_of_a_constant_rate():
    """To the last bit: weights, Adam's memory and the order of rows go on."""
    classifier = quick()
    for _ in range(5):
        assert classifier.partial_fit(X, Y, classes=[0, 1]) is classifier
    with pytest.warns(ConvergenceWarning):
        expected = quick(learning_rate="constant", max_iter=5).fit(X, Y)
    assert_same_network(classifier, expected)
    assert classifier.loss_curve_ == sorted(classifier.loss_curve_, reverse=True)
    assert classifier.n_iter_ == classifier.best_iter_ == 5


def test_partial_fit_goes_on_with_the_memory_of_the_optimiser():
    warm, cold = (quick().partial_fit(X, Y, classes=[0, 1]) for _ in range(2))
    cold._partial_fit_state = None
    for classifier in (warm, cold):
        classifier.partial_fit(X, Y)
    assert (warm.network_.parameters != cold.network_.parameters).any()


def test_partial_fit_may_see_classes_one_after_another():
    order = np.argsort(DIGIT[:300], kind="stable")
    classifier = of_digits()
    for rows in np.array_split(order, 10):
        for _ in range(20):
            classifier.partial_fit(DIGITS[rows], DIGIT[rows], classes=range(10))
    assert classifier.classes_.tolist() == list(range(10))
    assert classifier.predict_proba(DIGITS).shape == (len(DIGITS), 10)
    assert (classifier.predict(DIGITS[order[-30:]]) == 9).mean() > 0.5  # the last it has seen


def test_partial_fit_wants_all_classes_in_its_first_call():
    classifier = quick()
    with pytest.raises(ValueError, match="classes must be given to the first call of partial_fit"):
        classifier.partial_fit(X, Y)
    for bad_X, bad_y in ((X * np.nan, Y), (X, Y[1:]), (X, Y + 1)):
        with pytest.raises(ValueError, match=r"holds no value|inconsistent|not in classes_"):
            classifier.partial_fit(bad_X, bad_y, classes=[0, 1])
    with pytest.raises(ValueError, match="classes must be given"):  # a call that failed is none
        classifier.partial_fit(X, Y)
    classifier.partial_fit(X[Y == 1], Y[Y == 1], classes=[1, 0, 2])
    assert classifier.classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r"y holds classes that are not in classes_: \[3\]"):
        classifier.partial_fit(X, np.where(Y, 3, 0))
    with pytest.raises(ValueError, match=r"classes \[0, 1\] differ from .* call, \[0, 1, 2\]"):
        classifier.partial_fit(X, Y, classes=[0, 1])


def test_partial_fit_after_fit_knows_the_classes_of_fit():
    classifier = learns().fit(X, Y)
    assert classifier.partial_fit(X, Y).n_iter_ == 41
    with pytest.raises(ValueError, match=r"not in classes_: \[2\]"):
        classifier.partial_fit(X, Y + 1)


def test_fit_starts_anew_with_other_classes():
    classifier = quick().fit(X, Y).fit(X, Y + 5)
    assert classifier.classes_.tolist() == [5, 6]
    assert_same_network(classifier, quick().fit(X, Y))


def test_a_warm_start_goes_on_with_the_same_classes():
    last = (X[:, -1] > 0).astype(int)
    classifier = learns(warm_start=True).fit(X, last)
    mean, first = classifier.X_mean_, classifier.loss_curve_[0]
    classifier.fit(X[:50] + 0.1, last[:50])
    np.testing.assert_array_equal(classifier.X_mean_, mean)
    assert classifier.loss_curve_[0] < 0.5 * first
    with pytest.raises(ValueError, match=r"y holds classes that are not in classes_: \[2\]"):
        classifier.fit(X, Y + 1)
    few = classifier.fit(X[Y == 1], Y[Y == 1])
    assert few.classes_.tolist() == [0, 1]
    with pytest.raises(ValueError, match="hidden_size was 8 in the fit"):
        classifier.set_params(hidden_size=9).fit(X, Y)


def test_a_fit_that_fails_leaves_what_was_fitted_before():
    classifier = learns().fit(X, Y)
    expected = classifier.predict_proba(X)
    with pytest.raises(ValueError, match="zero"):
        classifier.fit(X[:, :3], np.where(Y, "a", "b"), sample_weight=np.zeros(200))
    with pytest.raises(ValueError, match="diverged"):
        clone(classifier).set_params(learning_rate_init=1e300).fit(X, DIGIT[:200])
    assert classifier.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)


# Held-out rows, and the end of training


def test_early_stopping_holds_the_last_rows_of_each_class_out():
    """Whatever they hold, what is learnt is the same; and they alone are judged by."""
    y = np.repeat(["a", "b", "c"], [50, 31, 20])
    order = np.random.default_rng(0).permutation(101)
    y, rows = y[order], NOISE[:101]
    last = np.concatenate(
        [np.flatnonzero(y == c)[-n:] for c, n in zip("abc", (5, 4, 2), strict=True)]
    )
    options = {"early_stopping": True, "validation_fraction": 0.1}
    classifier = quick(**options).fit(rows, y)
    other = rows.copy()
    other[last] = 1e3 * rows[last]
    changed = quick(**options).fit(other, y)
    assert changed.loss_curve_ == classifier.loss_curve_
    assert changed.validation_scores_ != classifier.validation_scores_
    np.testing.assert_array_equal(changed.X_scale_, classifier.X_scale_)
    for row in set(range(101)) - set(last):
        if row in (0, 50) or row > 90:  # some that are learnt
            other = rows.copy()
            other[row] += 100
            assert quick(**options).fit(other, y).loss_curve_ != classifier.loss_curve_
    learnt = np.setdiff1d(np.arange(101), last)
    assert quick().fit(rows[learnt], y[learnt]).loss_curve_ == classifier.loss_curve_


def test_the_weights_of_the_best_epoch_are_kept():
    classifier = learns(
        early_stopping=True,
        validation_fraction=0.5,
        n_iter_no_change=4,
        max_iter=100,
        learning_rate_init=0.05,
    ).fit(X, Y)
    scores = classifier.validation_scores_
    assert len(scores) == len(classifier.loss_curve_) == classifier.n_iter_ < 100
    assert classifier.best_iter_ == int(np.argmax(scores)) + 1
    assert classifier.n_iter_ == classifier.best_iter_ + 4
    held_out = [np.flatnonzero(c == Y)[-int(np.ceil(0.5 * np.sum(c == Y))) :] for c in (0, 1)]
    held_out = np.concatenate(held_out)
    loss = log_loss(Y[held_out], classifier.predict_proba(X[held_out]))
    assert -max(scores) == pytest.approx(loss, rel=1e-5)


def test_a_class_of_one_row_cannot_be_held_out():
    with pytest.raises(ValueError, match="class 'b' has 1 in all"):
        quick(early_stopping=True).fit(X[:4], ["a", "a", "b", "a"])
    with pytest.raises(ValueError, match="class 7 has 1 in all"):
        quick(early_stopping=True).fit(X[:4], [3, 7, 3, 3])


def test_an_open_end_warns_where_the_loss_still_fell():
    with pytest.warns(ConvergenceWarning, match="RNNClassifier had not converged after max_iter=5"):
        quick(learning_rate="constant").fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = quick(learning_rate="constant", tol=10.0, n_iter_no_change=2).fit(X, Y)
        assert done.n_iter_ == 3
        assert quick(tol=10.0, n_iter_no_change=2).fit(X, Y).n_iter_ == 5


def test_verbose_shows_progress(capsys):
    quick().fit(X, Y)
    assert capsys.readouterr() == ("", "")
    quick(verbose=1).fit(X, Y)
    out, err = capsys.readouterr()
    assert out == ""
    assert "RNNClassifier" in err
    assert "loss" in err


def test_missing_values_inside_are_refused_where_fit_saw_none():
    classifier = quick().fit(X, Y)
    gap = X.copy()
    gap[3, 4] = np.nan
    with pytest.raises(ValueError, match="the network has seen none in fit"):
        classifier.predict_proba(gap)
    assert quick().fit(gap, Y).missing_ == "tell"
