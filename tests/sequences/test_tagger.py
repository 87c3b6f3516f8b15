"""RNNTagger: a label for every step, against plain loops, in all forms of sequences and labels."""

import pickle

import naive
import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import tsrnn
from tsrnn import RNNTagger, Tokenizer
from tsrnn.estimators.sequences import Sequences
from tsrnn.inspection import diagnose, gradient_flow, states
from tsrnn.sequences.streams import evaluate_windows
from tsrnn.sequences.tagging_windows import tagging_set

RNG = np.random.default_rng(0)
LENGTHS = [5, 1, 8, 3, 6]
TOKENS = [RNG.integers(0, 7, n) for n in LENGTHS]
TOKENS[0][0] = 6
NUMBERS = [RNG.normal(2, 3, (n, 2)) for n in LENGTHS]
LABELS = [np.array(["low", "mid", "top"])[row // 3] for row in TOKENS]
OPTIONS = {"hidden_size": 4, "max_iter": 3, "dtype": "float64"}
DIRECTIONS = [{"bidirectional": False}, {"bidirectional": True}]


def fitted(X=NUMBERS, y=LABELS, weights=None, **options):
    return RNNTagger(**OPTIONS | options).fit(X, y, weights)


def on_tokens(**options):
    return fitted(TOKENS, embedding_size=3, **options)


def expected_outputs(tagger, X):
    """Outputs of each sequence by plain loops, (n_steps, n_classes)."""
    network, outputs = tagger.network_, []
    for row in X:
        row = np.asarray(row, float).reshape(len(row), -1)
        if network.n_tokens:
            x = network.views()["token_embedding"][row[:, 0].astype(int)]
        else:
            x = (row - tagger.X_mean_) / tagger.X_scale_
        shape = {"bidirectional": network.bidirectional, "head": "every"}
        outputs.append(naive.network(network.cell, network.views(), x, shape)[0])
    return outputs


@pytest.mark.parametrize("make", [fitted, on_tokens])
@pytest.mark.parametrize("options", DIRECTIONS)
def test_every_step_is_predicted_as_plain_loops_do(make, options):
    tagger = make(**options)
    X = TOKENS if make is on_tokens else NUMBERS
    for result, labels, outputs in zip(
        tagger.predict_proba(X), tagger.predict(X), expected_outputs(tagger, X), strict=True
    ):
        expected = softmax(np.array(outputs), axis=1)
        np.testing.assert_allclose(result, expected, rtol=1e-9)
        assert labels.tolist() == tagger.classes_[expected.argmax(axis=1)].tolist()


@pytest.mark.parametrize("options", DIRECTIONS)
def test_the_loss_is_the_mean_over_labelled_steps_with_their_weights(options):
    labels = [[None, "b", "a", np.nan, "b"], ["a"], ["b"] * 8, [pd.NA] * 3, [None] * 5 + ["a"]]
    weights = [1.0, 2.0, 0.5, 3.0, 0.0]
    tagger = RNNTagger(**OPTIONS | options)
    tagger.partial_fit(NUMBERS, labels, ["a", "b"], weights)
    outputs = expected_outputs(tagger, NUMBERS)
    tagger.partial_fit(NUMBERS, labels, sample_weight=weights)
    targets = [
        np.array([{"a": 0.0, "b": 1.0}.get(label, np.nan) for label in row])[:, None]
        if row[0] is not pd.NA
        else np.full((3, 1), np.nan)
        for row in labels
    ]
    expected = naive.mean_loss("cross_entropy", outputs, targets, weights)
    assert tagger.loss_curve_[1] == pytest.approx(expected, rel=1e-9)


def test_what_the_labels_depend_on_is_learned():
    """Whether the token before, or the one after, is larger."""
    rng = np.random.default_rng(1)
    X = [rng.integers(0, 5, n) for n in rng.integers(4, 12, 200)]
    before = [np.diff(row, prepend=2) > 0 for row in X]
    after = [np.diff(row, append=2) > 0 for row in X]
    options = {"embedding_size": 8, "hidden_size": 16, "max_iter": 30, "learning_rate_init": 0.02}
    assert RNNTagger(**options).fit(X[:150], before[:150]).score(X[150:], before[150:]) > 0.98
    one_way = RNNTagger(**options).fit(X[:150], after[:150]).score(X[150:], after[150:])
    assert one_way < 0.9
    both = RNNTagger(bidirectional=True, **options).fit(X[:150], after[:150])
    assert both.score(X[150:], after[150:]) > 0.98


CUBE = RNG.normal(size=(4, 6, 2))
STATES = RNG.choice(["a", "b"], (4, 6))
TIMES = pd.date_range("2024", periods=6, name="time")


def objects(rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


LISTS = {
    "arrays": (list(CUBE), list(STATES)),
    "tuple": (tuple(CUBE), tuple(map(tuple, STATES.tolist()))),
    "lists": (CUBE.tolist(), STATES.tolist()),
    "array of arrays": (objects(list(CUBE)), objects(list(STATES))),
    "Series": (pd.Series(CUBE.tolist()), pd.Series(STATES.tolist())),
    "array of labels": (list(CUBE), STATES),
    "Series of labels": (list(CUBE), [pd.Series(row) for row in STATES]),
    "categories": (list(CUBE), [pd.Categorical(row) for row in STATES]),
    "strings": (list(CUBE), [pd.array(row, dtype="string") for row in STATES]),
    "frames": ([pd.DataFrame(row) for row in CUBE], STATES),
}


@pytest.mark.parametrize("form", LISTS)
def test_every_form_of_a_list_is_read_alike(form):
    X, y = LISTS[form]
    expected = fitted(CUBE, STATES)
    tagger = fitted(X, y)
    np.testing.assert_array_equal(tagger.network_.parameters, expected.network_.parameters)
    labels, probabilities = tagger.predict(X), tagger.predict_proba(X)
    assert isinstance(labels, list)
    np.testing.assert_array_equal(labels, expected.predict(CUBE))
    np.testing.assert_array_equal(probabilities, expected.predict_proba(CUBE))
    assert expected.predict(CUBE).shape == (4, 6)
    assert expected.predict_proba(CUBE).shape == (4, 6, 2)
    assert tagger.score(X, y) == expected.score(CUBE, STATES)


def panel(order=slice(None)):
    """Four series of six steps, and their labels, on a MultiIndex."""
    index = pd.MultiIndex.from_product([["d", "a", "c", "b"], TIMES], names=["id", "time"])
    X = pd.DataFrame(CUBE.reshape(-1, 2), index, ["u", "v"])
    return X.iloc[order], pd.Series(STATES.ravel(), index).iloc[order]


COLUMNS = {"id_column": "id", "time_column": "time"}
SHUFFLED = np.concatenate(
    [[0, 6, 12, 18], RNG.permutation(np.setdiff1d(np.arange(24), [0, 6, 12, 18]))]
)


def long_frame():
    X, y = panel()
    return X.reset_index(), y.reset_index(drop=True)


def polars_frame():
    X, y = long_frame()
    return pytest.importorskip("polars").DataFrame(X.to_dict("list")), y.to_numpy()


def labels_in_another_order():
    X, y = panel()
    return X, y.iloc[::-1]


FRAMES = {
    "levels": (panel, {}),
    "any order": (lambda: panel(SHUFFLED), {}),
    "labels in another order": (labels_in_another_order, {}),
    "long": (long_frame, COLUMNS),
    "array of labels": (lambda: (panel(SHUFFLED)[0], panel(SHUFFLED)[1].to_numpy()), {}),
    "list of labels": (lambda: (panel()[0], panel()[1].tolist()), {}),
    "frame of labels": (lambda: (panel()[0], panel()[1].to_frame()), {}),
    "polars": (polars_frame, COLUMNS),
}


@pytest.mark.parametrize("form", FRAMES)
def test_frames_of_many_series_give_series_on_their_index(form):
    make, columns = FRAMES[form]
    X, y = make()
    expected = fitted(CUBE, STATES)
    tagger = fitted(X, y, **columns)
    assert tagger.feature_names_in_.tolist() == ["u", "v"]
    np.testing.assert_array_equal(tagger.network_.parameters, expected.network_.parameters)
    rows = SHUFFLED if form in ("any order", "array of labels") else slice(None)
    labels, probabilities = tagger.predict(X), tagger.predict_proba(X)
    index = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(24)
    pd.testing.assert_index_equal(labels.index, index)
    pd.testing.assert_index_equal(probabilities.index, index)
    assert probabilities.columns.tolist() == ["a", "b"]
    np.testing.assert_array_equal(labels, expected.predict(CUBE).ravel()[rows])
    np.testing.assert_array_equal(probabilities, expected.predict_proba(CUBE).reshape(-1, 2)[rows])
    assert tagger.score(X, y) == expected.score(CUBE, STATES)


@pytest.mark.parametrize("form", ["table", "frame", "times in a column", "turned", "Series"])
def test_a_table_and_a_frame_without_ids_are_one_sequence(form):
    values, y = CUBE[0], STATES[0]
    if form == "Series":
        values = values[:, :1]
    expected = fitted([values], [y])
    X, labels, options = values, y, {}
    if form != "table":
        X, labels = pd.DataFrame(values, TIMES, ["u", "v"][: values.shape[1]]), pd.Series(y, TIMES)
    if form == "Series":
        X = X["u"]
    if form == "times in a column":
        X, labels, options = X.reset_index(), y, {"time_column": "time"}
    if form == "turned":
        X, labels = X.iloc[::-1], labels.iloc[::-1]
    tagger = fitted(X, labels, **options)
    np.testing.assert_array_equal(tagger.network_.parameters, expected.network_.parameters)
    result = tagger.predict(X)
    if form == "table":
        assert isinstance(result, np.ndarray)
        assert tagger.n_features_in_ == 2
    else:
        pd.testing.assert_index_equal(result.index, X.index)
    order = slice(None, None, -1) if form == "turned" else slice(None)
    np.testing.assert_array_equal(result, expected.predict([values])[0][order])


def test_weights_of_a_panel_are_aligned_by_id():
    X, y = panel()
    weights = pd.Series({"a": 2.0, "b": 1.0, "c": 0.0, "d": 1.0})
    expected = fitted(CUBE, STATES, [1.0, 2.0, 0.0, 1.0])
    tagger = fitted(X, y, weights)
    np.testing.assert_array_equal(tagger.network_.parameters, expected.network_.parameters)
    assert tagger.score(X, y, weights) == expected.score(CUBE, STATES, [1.0, 2.0, 0.0, 1.0])


def test_score_is_the_share_of_labelled_steps():
    tagger = fitted()
    predicted = tagger.predict(NUMBERS)
    wrong = {"low": "mid", "mid": "top", "top": "unseen"}
    y = [row.astype(object) for row in predicted]
    assert tagger.score(NUMBERS, y) == 1
    y[0][:] = [None, wrong[y[0][1]], y[0][2], np.nan, None]
    assert tagger.score(NUMBERS, y) == pytest.approx(19 / 20)
    weights = [4.0, 1.0, 0.0, 0.0, 0.0]
    assert tagger.score(NUMBERS, y, weights) == pytest.approx(5 / 9)


def test_labels_keep_their_type():
    for labels in ([3, 5, 3, 9, 5], [True, False, True, True, False], [0.0, 2.0, 2.0, 0.0, 0.0]):
        tagger = fitted([NUMBERS[0]], [labels])
        assert tagger.classes_.dtype == np.array(labels).dtype
        assert tagger.predict([NUMBERS[0]])[0].dtype == np.array(labels).dtype
    tagger = fitted(NUMBERS[:2], [[3, None, 3, 9, 5], [9]])
    assert (tagger.classes_.tolist(), tagger.classes_.dtype.kind) == ([3, 5, 9], "i")
    tagger = fitted(NUMBERS[:2], [pd.array([3, None, 3, 9, 5], dtype="Int64"), [9]])
    assert (tagger.classes_.tolist(), tagger.classes_.dtype.kind) == ([3, 5, 9], "i")


def test_missing_values_are_marked_and_every_step_is_predicted():
    X = [row.copy() for row in NUMBERS]
    X[0][:2], X[2][3, 1] = np.nan, np.nan  # at the beginning too
    tagger = fitted(X)
    assert (tagger.missing_, tagger.network_.n_in) == ("tell", 6)
    assert [len(row) for row in tagger.predict(X)] == LENGTHS
    assert np.isfinite(np.concatenate(tagger.predict_proba(X))).all()
    with pytest.raises(ValueError, match=r"the network has seen none in fit.*fill them\.$"):
        fitted().predict(X)
    tokens = [row.astype(float) for row in TOKENS]
    tokens[2][3] = np.nan
    assert [len(row) for row in fitted(tokens, embedding_size=3).predict(tokens)] == LENGTHS


def long_sequences(n=70, seed=3):
    """Two sequences of which labels depend on the last step and on the next."""
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(length, 1)) for length in (n, n // 2)]
    return X, [np.where(np.roll(row[:, 0], 1) > 0, "up", "down") for row in X]


@pytest.mark.parametrize("options", DIRECTIONS)
def test_long_sequences_are_read_by_overlapping_windows(options):
    """Each step late in a window; with two directions in the middle half of one."""
    X, y = long_sequences()
    tagger = fitted(X, y, n_steps=20, **options)
    last = 15 if options["bidirectional"] else 20  # the first step that the first window leaves
    for row, result in zip(X, tagger.predict_proba(X), strict=True):
        for t in range(len(row)):
            first = 0 if t < last else 10 * ((t - last) // 10 + 1)
            if options["bidirectional"]:
                first = min(first, len(row) - 20)
            outputs = np.array(expected_outputs(tagger, [row[first : first + 20]])[0])
            np.testing.assert_allclose(result[t], softmax(outputs[t - first]), rtol=1e-9)


@pytest.mark.parametrize("n_steps", [1, 2, 7, 20, 64])
def test_each_step_is_in_one_window_of_each_cut(n_steps):
    lengths = np.array([1, n_steps, n_steps + 1, 3 * n_steps, 53])
    firsts, n = np.cumsum(lengths) - lengths, lengths.sum()
    sequences = Sequences(np.zeros((n, 1)), firsts, lengths, step_targets=np.zeros((n, 1)))
    data = tagging_set(sequences, np.arange(1.0, 6.0), n_steps, 0.0)
    windows = data.sequences
    assert windows.lengths.min() >= 1
    assert windows.lengths.max() <= n_steps
    weights, n_windows = np.zeros(n), np.zeros(n)
    for first, length, weight in zip(windows.firsts, windows.lengths, data.weights, strict=True):
        sequence = np.searchsorted(firsts, first, side="right") - 1
        assert first + length <= firsts[sequence] + lengths[sequence]
        weights[first : first + length] += weight
        n_windows[first : first + length] += 1
    np.testing.assert_allclose(weights, np.repeat(np.arange(1.0, 6.0), lengths))
    n_cuts = np.where(np.repeat(lengths, lengths) > n_steps, min(n_steps, 32), 1)
    np.testing.assert_array_equal(n_windows, n_cuts)
    assert data.rows.size == len(windows)
    n_drawn = data.n_drawn(data.rows.size) or data.rows.size
    assert (-(-lengths // n_steps)).sum() <= n_drawn <= (1 + -(-lengths // n_steps)).sum()


def test_states_that_last_for_a_window_are_learned():
    """Windows that were always cut at the changes would have one state each."""
    state = np.repeat(["idle", "on"] * 8, 32)
    sensor = (state == "on")[:, None] + np.random.default_rng(0).normal(0, 0.3, (512, 1))
    tagger = RNNTagger(cell="gru", n_steps=32, max_iter=100, hidden_size=8, batch_size=8)
    assert tagger.fit(sensor[:384], state[:384]).score(sensor[384:], state[384:]) > 0.95


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("n_steps", [1, 2, 3, 4, 7, 20])
def test_windows_cover_every_step_once_with_half_a_window_beside_it(centred, n_steps):
    lengths = np.array([1, n_steps, n_steps + 1, 3 * n_steps, 53])
    firsts = np.cumsum(lengths) - lengths

    def run(firsts, lengths):
        places = np.full((len(firsts), lengths.max(), 2), -1)
        for row, (first, n) in enumerate(zip(firsts, lengths, strict=True)):
            places[row, -n:, 0] = first + np.arange(n)
            places[row, -n:, 1] = np.arange(n)
        return places

    values = evaluate_windows(firsts, lengths, n_steps, run, centred=centred)
    for first, n, result in zip(firsts, lengths, values, strict=True):
        assert result[:, 0].tolist() == list(range(first, first + n))
        before, after = result[:, 1], np.minimum(n, n_steps) - 1 - result[:, 1]
        at_start, at_end = np.arange(n) == before, n - 1 - np.arange(n) == after
        quarter = n_steps // 4 if centred else 0
        assert (at_start | (before >= n_steps - max(n_steps // 2, 1) - quarter)).all()
        assert (at_end | (after >= quarter)).all()


@pytest.mark.slow
def test_a_network_that_attends_reads_windows():
    X, y = long_sequences()
    tagger = fitted(X, y, n_steps=20, cell="attention", n_heads=2)
    (result, *_) = tagger.predict_proba(X)
    again = tagger.predict_proba([X[0][20:40]])[0]
    np.testing.assert_allclose(result[30:40], again[10:], rtol=1e-9)


def test_the_last_windows_are_held_out():
    X, y = long_sequences()
    X, y = np.concatenate(X), np.concatenate(y)
    lengths = np.array([35, 70])
    firsts = np.array([0, 35])
    targets = np.where(y == "up", 1.0, 0.0)[:, None]
    targets[100:] = np.nan
    sequences = Sequences(X, firsts, lengths, step_targets=targets)
    data = tagging_set(sequences, np.array([1.0, 2.0]), 20, 0.5)
    held_out = [(52, 18), (70, 17), (87, 18)]  # half of six windows
    windows = list(zip(data.sequences.firsts, data.sequences.lengths, strict=True))
    assert windows[-3:] == held_out
    assert data.validation.tolist() == list(range(len(windows) - 3, len(windows)))
    assert max(first + length for first, length in windows[:-3]) == 52
    assert data.weights[data.validation].tolist() == [2, 2, 2]
    tagger = fitted([X], [y], n_steps=20, early_stopping=True, validation_fraction=0.5)
    assert len(tagger.validation_scores_) == 3
    with pytest.raises(ValueError, match="early_stopping=True holds windows out"):
        fitted([NUMBERS[0]], [LABELS[0]], early_stopping=True)


def test_sequences_without_labels_are_left_out():
    labels = [LABELS[0], [None], LABELS[2], [np.nan] * 3, LABELS[4]]
    there = [0, 2, 4]
    expected = fitted([NUMBERS[k] for k in there], [LABELS[k] for k in there])
    tagger = fitted(NUMBERS, labels)
    np.testing.assert_array_equal(tagger.network_.parameters, expected.network_.parameters)


def test_weights_are_copies_and_order_and_threads_change_no_bit():
    expected = fitted(NUMBERS + NUMBERS[:2], LABELS + LABELS[:2])
    weighted = fitted(NUMBERS, LABELS, [2.0, 2.0, 1.0, 1.0, 1.0])
    turned = fitted(NUMBERS[::-1], LABELS[::-1], [1.0, 1.0, 1.0, 2.0, 2.0], n_jobs=2)
    for tagger in (weighted, turned):
        np.testing.assert_array_equal(tagger.network_.parameters, expected.network_.parameters)


def test_equal_sequences_with_other_labels_are_not_merged():
    probabilities = fitted([[1.0, 2.0]] * 2, [["a", "b"], ["b", "a"]]).predict_proba([[1.0, 2.0]])
    np.testing.assert_allclose(probabilities[0], 0.5)


def test_predictions_do_not_depend_on_what_else_is_predicted():
    tagger = fitted()
    together = tagger.predict_proba(NUMBERS)
    for row, result in zip(NUMBERS, together, strict=True):
        np.testing.assert_array_equal(tagger.predict_proba([row])[0], result)


def test_partial_fit_and_warm_start_go_on():
    tagger = RNNTagger(**OPTIONS)
    with pytest.raises(ValueError, match="classes must be given to the first call"):
        tagger.partial_fit(NUMBERS, LABELS)
    tagger.partial_fit(NUMBERS[:2], LABELS[:2], classes=["low", "mid", "top"])
    tagger.partial_fit(NUMBERS[2:], LABELS[2:])
    assert len(tagger.loss_curve_) == 2
    with pytest.raises(ValueError, match=r"not in classes_: \['unseen'\]"):
        tagger.partial_fit([[[1.0, 2.0]]], [["unseen"]])
    assert len(tagger.loss_curve_) == 2
    tagger.set_params(warm_start=True, n_steps=4).fit(NUMBERS, LABELS)
    with pytest.raises(ValueError, match="hidden_size was 4 in the fit to continue"):
        tagger.set_params(hidden_size=5).fit(NUMBERS, LABELS)


def test_taggers_are_saved_pickled_and_cloned(tmp_path):
    for make, X in ((fitted, NUMBERS), (on_tokens, TOKENS)):
        tagger = make(bidirectional=True).partial_fit(X, LABELS)
        tsrnn.save(tagger, tmp_path / "model.tsrnn")
        loaded = tsrnn.load(tmp_path / "model.tsrnn")
        again = pickle.loads(pickle.dumps(tagger))
        for other in (loaded, again):
            for result, expected in zip(
                other.predict_proba(X), tagger.predict_proba(X), strict=True
            ):
                np.testing.assert_array_equal(result, expected)
        loaded.partial_fit(X, LABELS)
        tagger.partial_fit(X, LABELS)
        np.testing.assert_array_equal(loaded.network_.parameters, tagger.network_.parameters)
        assert clone(loaded).get_params() == tagger.get_params()
    X, y = panel()
    tagger = fitted(X, y)
    tsrnn.save(tagger, tmp_path / "model.tsrnn")
    pd.testing.assert_frame_equal(
        tsrnn.load(tmp_path / "model.tsrnn").predict_proba(X), tagger.predict_proba(X)
    )


def test_taggers_are_searched_and_validated_on_lists():
    tagger = RNNTagger(**OPTIONS, embedding_size=3, n_tokens=7)
    assert np.isfinite(cross_val_score(tagger, TOKENS, LABELS, cv=2)).all()
    search = GridSearchCV(tagger, {"hidden_size": [2, 3]}, cv=2).fit(TOKENS, LABELS)
    assert search.best_estimator_.predict(TOKENS)[0].shape == (5,)


def test_words_are_tagged_by_a_pipeline():
    sentences = [["the", "cat", "sat"], ["a", "dog"], ["the", "cafe\u0301", "\U0001f642", "sat"]]
    tags = [["D", "N", "V"], ["D", "N"], ["D", "N", None, "V"]]
    tagger = RNNTagger(embedding_size=8, hidden_size=8, learning_rate_init=0.03)
    model = make_pipeline(Tokenizer(None), tagger).fit(sentences, tags)
    assert [row.tolist() for row in model.predict([["a", "cat", "sat"]])] == [["D", "N", "V"]]
    assert model.predict_proba([["?", "??"]])[0].shape == (2, 3)  # unknown tokens only
    assert model.score(sentences, tags) == 1
    with pytest.raises(ValueError, match="Sequence 0 of X has 4 steps, and that of y has 3"):
        make_pipeline(Tokenizer(None, begin=True), tagger).fit(sentences, tags)


ROWS = [[1.0, 2.0], [3.0]]
BAD = {
    "fewer labels": (ROWS, [["a", "b"], []], "Sequence 1 of X has 1 steps, and that of y has 0"),
    "more labels": (ROWS, [["a", "b", "a"], ["b"]], "Sequence 0 of X has 2 steps, and .* has 3"),
    "no sequence of labels": (ROWS, ["ab", "b"], "Sequence 0 of X has 2 steps, and .* is 'ab'"),
    "labels of two axes": (ROWS, [np.ones((2, 1)), [1]], r"that of y has the shape \(2, 1\)"),
    "fewer sequences": (ROWS, [["a", "b"]], "X has 2 sequences, and y has 1"),
    "one text": (ROWS, "ab", "X has 2 sequences, and y is 'ab'"),
    "no y": (ROWS, None, "requires y to be passed, but the target y is None"),
    "no label": (ROWS, [[None, np.nan], [pd.NA]], "y holds no label"),
    "several types": (ROWS, [["a", 1], [2]], "labels of several types, int and str"),
    "infinite": (ROWS, [[1.0, np.inf], [2.0]], "infinity"),
    "continuous": (ROWS, [[1.5, 0.25], [2.0]], "continuous"),
    "labels of labels": (ROWS, [[["a"], ["b"]], ["a"]], "Sequence 0 of y has a list at place 0"),
    "tuples": (ROWS, [["a", None], [("a", "b")]], "Sequence 1 of y has a tuple at place 0"),
    "tuples of rows": (np.ones((2, 2)), [("a", "b"), ("c", "d")], "y has a tuple at place 0"),
    "None": (None, [["a"]], "X must hold sequences: a list of them"),
    "a generator": ((row for row in ROWS), [["a"]], "X must hold sequences: a list of them"),
    "empty": ([[1.0], []], [["a"], []], "Sequence 1 of X is empty"),
    "nothing": ([[1.0], [np.nan]], [["a"], ["b"]], "Sequence 1 of X holds no value"),
    "no sequences": ([], [], "X must hold sequences: a list of them"),
    "one sequence": (np.ones(3), ["a", "b", "a"], r"X must hold sequences.*\[x\]"),
    "texts": (["good", "bad"], [["a"], ["b"]], "X holds texts"),
    "words": ([["good", "film"]], [["a", "b"]], r"Sequence 0 of X holds texts.*Tokenizer\(None\)"),
    "table": (np.ones((3, 2)), ["a", "b"], "X has 3 rows, which are steps, and y has 2"),
    "table of labels": (np.ones((3, 2)), np.ones((3, 2)), r"y has the shape \(3, 2\).*list\(X\)"),
    "too large": (np.full((2, 1), 1e200), ["a", "b"], r"^X holds a value beyond 1e\+150"),
    "index": (panel()[0], panel()[1].reset_index(drop=True), "y has another index than X"),
    "infinite value": ([[1.0, np.inf]], [["a", "b"]], "Sequence 0 of X is infinite at step 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_a_message_that_says_where(name):
    X, y, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        fitted(X, y)


def test_other_bad_calls_are_refused():
    with pytest.raises(ValueError, match="X has 1 channels, and 2 were fitted"):
        fitted().predict(np.ones((3, 1)))
    with pytest.raises(ValueError, match=r"Sequence 0 of X has shape \(3, 1\)"):
        fitted().predict([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="Sequence 1 of X has the token 7 at step 2"):
        on_tokens().predict([[1], [0, 1, 7]])
    with pytest.raises(ValueError, match="sample_weight is zero for all sequences with a label"):
        fitted([[1.0], [2.0]], [["a"], [None]], [0.0, 1.0])
    with pytest.raises(ValueError, match="sample_weight is zero for all labelled steps"):
        fitted().score(NUMBERS, [*LABELS[:4], [None] * 6], [0, 0, 0, 0, 1])
    with pytest.raises(ValueError, match="sample_weight has 2 entries, and X holds 5 sequences"):
        fitted(weights=[1.0, 2.0])
    with pytest.raises(ValueError, match="'n_steps' parameter"):
        RNNTagger(n_steps=0).fit(NUMBERS, LABELS)


@pytest.mark.parametrize("form", ["frame", "Series", "table"])
def test_one_sequence_has_one_weight(form):
    X = pd.DataFrame(CUBE[0], TIMES, ["u", "v"])
    y = pd.Series(STATES[0], TIMES)
    X = {"frame": X, "Series": X["u"], "table": CUBE[0]}[form]
    tagger = fitted(X, y, [2.0])
    assert np.array_equal(tagger.network_.parameters, fitted(X, y, 2.0).network_.parameters)
    assert tagger.score(X, y, sample_weight=[3.0]) == tagger.score(X, y)
    message = "sample_weight has 6 entries, and X holds one sequence.*label None"
    with pytest.raises(ValueError, match=message):
        fitted(X, y, np.ones(6))
    with pytest.raises(ValueError, match="sample_weight has 6 entries"):
        tagger.score(X, y, pd.Series(1.0, TIMES))


def test_one_class_and_a_vocabulary_of_one():
    tagger = fitted([[0], [0, 0]], [["a"], ["a", "a"]], embedding_size=2)
    assert (tagger.n_tokens_, [row.tolist() for row in tagger.predict([[0, 0]])]) == (
        1,
        [["a", "a"]],
    )


def test_inspection_of_a_tagger():
    tagger = on_tokens()
    assert states(tagger, TOKENS[:2]).shape == (6, 8)
    assert len(gradient_flow(tagger, TOKENS, LABELS)) == max(LENGTHS)
    assert "7 tokens" in tagger._repr_html_()
    with pytest.raises(ValueError, match="RNNTagger predicts for each step"):
        diagnose(tagger, TOKENS, LABELS)


@pytest.mark.slow
def test_a_text_of_a_million_tokens():
    tokens = np.random.default_rng(0).integers(0, 9, 10**6)
    labels = tokens % 3 == 0
    tagger = RNNTagger(embedding_size=2, hidden_size=4, max_iter=1).fit([tokens], [labels])
    assert tagger.predict([tokens])[0].shape == (10**6,)
    assert tagger.score([tokens[: 10**5]], [labels[: 10**5]]) > 0.9
