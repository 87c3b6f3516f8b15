"""RNNTranscriber: labels without times, against plain loops, in all forms of X and y."""

import pickle

import naive
import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import tsrnn
from tsrnn import RNNLanguageModel, RNNTranscriber, Tokenizer
from tsrnn.inspection import diagnose, gradient_flow, states
from tsrnn.sequences import label_error_rate
from tsrnn.sequences.decoding import align, beam_search, best_path

RNG = np.random.default_rng(0)
LENGTHS = [5, 4, 8, 3, 6]
TEXTS = ["ab", "bb", "acab", "", "c"]
LABELS = [list(text) for text in TEXTS]
NUMBERS = [RNG.normal(2, 3, (n, 2)) for n in LENGTHS]
TOKENS = [RNG.integers(0, 7, n) for n in LENGTHS]
TOKENS[0][0] = 6
OPTIONS = {"hidden_size": 4, "max_iter": 3, "dtype": "float64"}


def fitted(X=NUMBERS, y=TEXTS, weights=None, **options):
    return RNNTranscriber(**OPTIONS | options).fit(X, y, weights)


def on_tokens(**options):
    return fitted(TOKENS, embedding_size=3, **options)


def expected_outputs(transcriber, X):
    """Outputs of each sequence by plain loops, (n_steps, 1 + n_classes)."""
    network, segment, outputs = transcriber.network_, transcriber.segment, []
    for row in X:
        row = np.asarray(row, float).reshape(len(row), -1)
        if network.n_tokens:
            x = network.views()["token_embedding"][row[:, 0].astype(int)]
        else:
            x = (row - transcriber.X_mean_) / transcriber.X_scale_
            x = x[len(x) % segment :].reshape(len(x) // segment, -1)
        shape = {"bidirectional": network.bidirectional, "head": "every"}
        outputs.append(np.array(naive.network(network.cell, network.views(), x, shape)[0]))
    return outputs


SHAPES = {
    "both directions": (fitted, NUMBERS, {}),
    "one direction": (fitted, NUMBERS, {"bidirectional": False, "cell": "gru"}),
    "tokens": (on_tokens, TOKENS, {}),
    "segments": (fitted, [np.repeat(row, 2, axis=0)[1:] for row in NUMBERS], {"segment": 2}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_step_is_predicted_as_plain_loops_do(name):
    make, X, options = SHAPES[name]
    transcriber = (
        make(**options) if make is on_tokens else make(X, ["ab", "b", "acab", "", "c"], **options)
    )
    assert transcriber.classes_.tolist() == ["a", "b", "c"]
    outputs = expected_outputs(transcriber, X)
    for result, expected in zip(transcriber.predict_proba(X), outputs, strict=True):
        np.testing.assert_allclose(result, softmax(expected, axis=1), rtol=1e-9)
    found = ["".join("abc"[k - 1] for k in best_path(rows)) for rows in outputs]
    assert transcriber.predict(X) == found
    searched = transcriber.predict(X, beam_size=30)
    log_p = [log_softmax(rows, axis=1) for rows in outputs]
    assert searched == ["".join("abc"[k - 1] for k in beam_search(rows, 30)) for rows in log_p]


@pytest.mark.parametrize("name", SHAPES)
def test_the_loss_is_the_mean_over_sequences_with_their_weights(name):
    make, X, options = SHAPES[name]
    if make is on_tokens:
        options = options | {"embedding_size": 3, "n_tokens": 7}
    texts = ["ab", "b", "acab", "", "c"]
    weights = [1.0, 2.0, 0.5, 3.0, 0.0]
    transcriber = RNNTranscriber(**OPTIONS | options)
    transcriber.partial_fit(X, texts, list("abc"), weights)
    outputs = expected_outputs(transcriber, X)
    transcriber.partial_fit(X, texts, sample_weight=weights)
    numbers = [["abc".index(label) + 1 for label in text] for text in texts]
    losses = [naive.ctc(*row) for row in zip(outputs, numbers, strict=True)]
    expected = np.average(losses, weights=weights)
    assert transcriber.loss_curve_[1] == pytest.approx(expected, rel=1e-9)


SHAPES_OF_LABELS = {"A": [1, 2, 3, 2, 1], "B": [3, 1, -1, -3], "C": [-2, -2, -2]}


def waves(n, rng):
    """Sequences of shapes with gaps between them, their texts, and where each shape begins."""
    texts, X, starts = [], [], []
    for _ in range(n):
        text = "".join(rng.choice(list("ABC"), rng.integers(0, 6)))
        parts, places = [np.zeros(rng.integers(1, 6))], []
        for label in text:
            places.append(sum(map(len, parts)))
            parts += [SHAPES_OF_LABELS[label], np.zeros(rng.integers(1, 6))]
        wave = np.concatenate(parts)
        X.append((wave + rng.normal(0, 0.3, wave.size))[:, None])
        texts.append(text)
        starts.append(np.array(places, int))
    return X, texts, starts


def test_labels_and_their_times_are_learned():
    X, texts, starts = waves(240, np.random.default_rng(0))
    options = {"hidden_size": 16, "max_iter": 15, "learning_rate_init": 0.02}
    transcriber = RNNTranscriber(cell="gru", **options).fit(X[:200], texts[:200])
    assert transcriber.score(X[200:], texts[200:]) > 0.95
    off = []
    for text, first, frame in zip(
        texts[200:], starts[200:], transcriber.align(X[200:], texts[200:]), strict=True
    ):
        assert "".join(frame["label"]) == text
        assert (frame["end"] > frame["start"]).all()
        assert (frame["start"].to_numpy()[1:] >= frame["end"].to_numpy()[:-1]).all()
        off += (frame["start"] - first).tolist()
    assert np.median(np.abs(off)) <= 4  # of shapes of three to five steps


def test_alignments_are_those_of_the_best_path():
    for name in SHAPES:
        make, X, options = SHAPES[name]
        transcriber = (
            make(**options)
            if make is on_tokens
            else fitted(X, ["ab", "b", "acab", "", "c"], **options)
        )
        outputs = expected_outputs(transcriber, X)
        frames = transcriber.align(X, ["ab", "b", "acab", "", "c"])
        assert len(frames[3]) == 0
        for x, frame, rows, text in zip(
            X, frames, outputs, ["ab", "b", "acab", "", "c"], strict=True
        ):
            numbers = np.array(["abc".index(label) + 1 for label in text], int)
            starts, ends = align(log_softmax(rows, axis=1), numbers)
            n = transcriber.segment
            assert frame["label"].tolist() == list(text)
            assert frame["start"].tolist() == (len(x) % n + n * starts).tolist()
            assert frame["end"].tolist() == (len(x) % n + n * ends).tolist()


def objects(rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


FORMS_OF_TEXTS = {
    "tuple": tuple(TEXTS),
    "array": np.array(TEXTS),
    "objects": objects(TEXTS),
    "Series": pd.Series(TEXTS, index=range(5, 10)),
    "strings": pd.Series(TEXTS, dtype="string"),
}


@pytest.mark.parametrize("form", FORMS_OF_TEXTS)
def test_every_form_of_texts_is_read_alike(form):
    y, expected = FORMS_OF_TEXTS[form], fitted()
    transcriber = fitted(y=y)
    np.testing.assert_array_equal(transcriber.network_.parameters, expected.network_.parameters)
    assert transcriber.predict(NUMBERS) == expected.predict(NUMBERS)
    assert all(type(text) is str for text in transcriber.predict(NUMBERS))
    assert transcriber.score(NUMBERS, y) == expected.score(NUMBERS, TEXTS)


FORMS_OF_LABELS = {
    "lists": LABELS,
    "tuples": tuple(map(tuple, LABELS)),
    "arrays": [np.array(row) for row in LABELS],
    "objects": objects([np.array(row, object) for row in LABELS]),
    "Series": pd.Series([pd.Series(row, dtype=object) for row in LABELS]),
    "strings": [pd.array(row, dtype="string") for row in LABELS],
}


@pytest.mark.parametrize("form", FORMS_OF_LABELS)
def test_every_form_of_labels_is_read_alike(form):
    y, expected = FORMS_OF_LABELS[form], fitted()
    transcriber = fitted(y=y)
    np.testing.assert_array_equal(transcriber.network_.parameters, expected.network_.parameters)
    results = transcriber.predict(NUMBERS)
    assert ["".join(row.tolist()) for row in results] == expected.predict(NUMBERS)
    assert transcriber.score(NUMBERS, y) == expected.score(NUMBERS, TEXTS)


def test_labels_keep_their_type():
    kinds = {"i": [3, 5, 3], "b": [True, False, True], "f": [0.0, 2.0, 2.0], "U": ["one", "two"]}
    for kind, labels in kinds.items():
        transcriber = fitted([NUMBERS[0], NUMBERS[1]], [labels, []])
        assert transcriber.classes_.dtype.kind == kind
        assert transcriber.predict([NUMBERS[0]])[0].dtype.kind == kind
        assert transcriber.align([NUMBERS[0]], [labels])[0]["label"].tolist() == labels


def test_forms_of_sequences():
    cube = RNG.normal(size=(4, 6, 2))
    texts = ["ab", "b", "", "ba"]
    expected = fitted(list(cube), texts)
    assert fitted(cube, texts).predict(cube) == expected.predict(list(cube))
    table = cube.reshape(4, 12)
    transcriber = fitted(table, texts, n_channels=2)
    assert transcriber.n_features_in_ == 12
    assert transcriber.predict(table) == expected.predict(list(cube))
    index = pd.MultiIndex.from_product([["d", "a", "c", "b"], range(6)], names=["id", "time"])
    frame, y = pd.DataFrame(cube.reshape(24, 2), index, ["u", "v"]), pd.Series(texts, list("dacb"))
    transcriber = fitted(frame, y.iloc[::-1])
    np.testing.assert_array_equal(transcriber.network_.parameters, expected.network_.parameters)
    result = transcriber.predict(frame)
    assert result.index.tolist() == list("dacb")
    assert result.tolist() == expected.predict(list(cube))
    assert transcriber.predict_proba(frame)["a"].shape == (6, 3)
    aligned = transcriber.align(frame, y)
    assert aligned.loc["b"]["label"].tolist() == ["b", "a"]
    assert transcriber.score(frame, y) == expected.score(list(cube), texts)


def test_rows_of_windows_that_overlap_have_their_own_labels():
    windows = np.lib.stride_tricks.sliding_window_view(RNG.normal(size=12), 6)
    texts = ["ab", "b", "", "ba", "a", "abab", "b"]
    transcriber = fitted(windows, texts)
    expected = fitted([row[:, None] for row in windows], texts)
    np.testing.assert_array_equal(transcriber.network_.parameters, expected.network_.parameters)


def test_score_is_one_minus_the_label_error_rate():
    transcriber = fitted(max_iter=1)
    for y in (TEXTS, ["", "", "z", "", ""]):  # a label that was not in fit
        expected = 1 - label_error_rate(y, transcriber.predict(NUMBERS))
        assert transcriber.score(NUMBERS, y) == expected
    X, texts, _ = waves(60, np.random.default_rng(0))
    transcriber = RNNTranscriber(cell="gru", hidden_size=8, max_iter=20, learning_rate_init=0.02)
    predicted = transcriber.fit(X, texts).predict(X)
    assert transcriber.score(X, predicted) == 1
    wrong = ["A" + text for text in predicted]
    n = sum(map(len, wrong))
    assert transcriber.score(X, wrong) == pytest.approx(1 - 60 / n)
    weights = np.arange(60.0)
    n = sum(weight * len(text) for weight, text in zip(weights, wrong, strict=True))
    assert transcriber.score(X, wrong, weights) == pytest.approx(1 - weights.sum() / n)


def test_sequences_without_labels_are_allowed_and_learned():
    """Silence: nothing is written."""
    X, texts, _ = waves(100, np.random.default_rng(1))
    assert texts.count("") > 5
    options = {"hidden_size": 16, "max_iter": 25, "learning_rate_init": 0.02}
    transcriber = RNNTranscriber(cell="gru", **options).fit(X, texts)
    silence = np.random.default_rng(2).normal(0, 0.3, (20, 1))
    assert transcriber.predict([silence]) == [""]
    assert len(transcriber.align([silence], [""])[0]) == 0


def test_a_language_model_helps():
    """The network cannot tell B from C, and the language model knows that C follows A."""
    rng = np.random.default_rng(4)
    heard = ["".join(rng.choice(["AC", "BB"], rng.integers(1, 3))) for _ in range(200)]
    parts = {"A": [1, 2, 3, 2, 1], "B": [-2, -2, -2], "C": [-2, -2, -2]}

    def wave(text):
        return np.concatenate([[0, 0], *[[*parts[label], 0, 0] for label in text]])[:, None]

    noisy = [wave(text) + rng.normal(0, 0.2, (len(wave(text)), 1)) for text in heard]
    options = {"hidden_size": 8, "max_iter": 15, "learning_rate_init": 0.02}
    one_way = RNNTranscriber(cell="rnn", bidirectional=False, **options).fit(noisy, heard)
    spelling = RNNLanguageModel(hidden_size=16, max_iter=30, learning_rate_init=0.02).fit(heard)
    found = one_way.predict(noisy, language_model=spelling, language_weight=1.0)
    assert set("".join(found)) <= set("ABC")
    assert found == one_way.predict(noisy, 16, spelling, 1.0)
    assert all("AB" not in text for text in found)


def test_bad_language_models():
    transcriber = fitted()
    music = RNNLanguageModel(None, hidden_size=2, max_iter=1).fit([np.eye(6, 3)])
    attending = RNNLanguageModel(
        cell="attention", hidden_size=4, n_heads=2, max_iter=1, n_steps=8
    ).fit(TEXTS[:3])
    words = RNNLanguageModel("word", hidden_size=2, max_iter=1).fit(["some words", "words"])
    for model, message in (
        (music, "language_model reads music, not labels"),
        (attending, "language_model has cell='attention'"),
        (words, "language_model knows none of the labels"),
        (RNNLanguageModel(), "not fitted"),
        ("ab", "language_model must be"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            transcriber.predict(NUMBERS, language_model=model)
    for options in (
        {"beam_size": 0},
        {"beam_size": 1001},
        {"language_weight": -1},
        {"label_bonus": np.nan},
    ):
        with pytest.raises(ValueError, match=next(iter(options))):
            transcriber.predict(NUMBERS, **options)


def test_missing_values_are_marked_and_every_step_is_predicted():
    X = [row.copy() for row in NUMBERS]
    X[0][:2], X[2][3, 1] = np.nan, np.nan  # at the beginning too
    transcriber = fitted(X)
    assert (transcriber.missing_, transcriber.network_.n_in) == ("tell", 6)
    assert [len(row) for row in transcriber.predict_proba(X)] == LENGTHS
    assert np.isfinite(np.concatenate(transcriber.predict_proba(X))).all()
    with pytest.raises(ValueError, match="the network has seen none in fit"):
        fitted().predict(X)
    tokens = [row.astype(float) for row in TOKENS]
    tokens[2][3] = np.nan
    transcriber = fitted(tokens, embedding_size=3)
    assert [len(row) for row in transcriber.predict_proba(tokens)] == LENGTHS


BAD_LABELS = {
    "too few": (TEXTS[:4], r"X has 5 sequences, and y the labels of 4"),
    "one text": ("ab", "y is one text"),
    "a number": (3, "y must hold the labels of each sequence, got 3"),
    "None": (None, "requires y to be passed"),
    "None among texts": (["ab", None, "a", "", "c"], "Sequence 1 of y is None: give its labels"),
    "NaN among texts": (["ab", "a", np.nan, "", "c"], "Sequence 2 of y is nan: give its labels"),
    "numbers": ([1, 2, 3, 4, 5], "Sequence 0 of y is 1: give its labels"),
    "texts and lists": (["ab", "a", ["a"], "", "c"], "Sequence 0 of y is a text, and sequence 2 a"),
    "a missing label": (
        [["a"], [], ["a", None, "b"], [], []],
        r"Sequence 2 of y has a missing label at place 1 \(None\)",
    ),
    "a NaN": ([[1.0], [], [2.0, np.nan], [], []], "Sequence 2 of y has a missing label at place 1"),
    "nested": ([["a"], [], [["a"], ["b"]], [], []], "Sequence 2 of y has a list at place 0"),
    "flat lists": ([[[1], [2]], [], [[3]], [], []], "Sequence 0 of y has a list at place 0"),
    "tuples": ([[], ["a", ("a", "b")], [], [], []], "Sequence 1 of y has a tuple at place 1"),
    "a set": ({"a", "b"}, "y must hold the labels of each sequence, .*Give a list"),
    "a generator": ((text for text in TEXTS), "got <generator .*Give a list"),
    "several types": ([["a"], [], [1], [], []], "labels of several types, int and str"),
    "empty": ([""] * 5, "y holds no label: all of it is empty"),
    "fractions": ([[1.0], [1.5], [], [], []], "label 1.5, and continuous values are no"),
}


@pytest.mark.parametrize("name", BAD_LABELS)
def test_bad_labels(name):
    y, message = BAD_LABELS[name]
    with pytest.raises((ValueError, TypeError), match=message):
        fitted(y=y)


def test_pairs_that_no_path_can_read_are_named():
    with pytest.raises(
        ValueError, match=r"Row 1 of X has 4 steps and 5 labels, 'abcab'.*need 5 at"
    ):
        fitted(y=["ab", "abcab", "", "", ""])
    with pytest.raises(
        ValueError, match=r"Row 3 of X has 3 steps and 3 labels, 'aab', which need 4"
    ):
        fitted(y=["ab", "b", "", "aab", ""])
    with pytest.raises(ValueError, match=r"has 1 segments of 3 steps and 2 labels.*Lower segment"):
        fitted(y=["ab", "b", "", "", ""], segment=3)
    transcriber = fitted()
    with pytest.raises(ValueError, match=r"Row 3 of X has 3 steps and 4 labels"):
        transcriber.align(NUMBERS, ["", "", "", "abab", ""])
    with pytest.raises(ValueError, match=r"not in classes_: \['z'\]"):
        transcriber.align(NUMBERS, ["", "", "", "z", ""])
    assert transcriber.score(NUMBERS, ["", "", "", "abababab", ""]) <= 1  # no need of steps
    frame = pd.DataFrame(
        {"id": ["u"] * 3 + ["v"] * 3, "t": [*range(3), *range(3)], "x": np.arange(6.0)}
    )
    with pytest.raises(ValueError, match=r"'v'.* has 3 steps and 4 labels"):
        fitted(frame, pd.Series({"u": "a", "v": "abab"}), id_column="id", time_column="t")


def test_bad_sequences():
    for X, message in (
        ([*NUMBERS[:4], np.empty((0, 2))], "Row 4 of X is empty"),
        ([*NUMBERS[:4], np.full((3, 2), np.nan)], "Row 4 of X holds no value"),
        ([*NUMBERS[:4], np.full((3, 2), np.inf)], "Sequence 4 of X is infinite"),
        (TEXTS, "X holds texts"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted(X)
    transcriber, wave = fitted(), NUMBERS[0][:, 0]
    for X, message in (
        ([], "X is empty: it has 0 samples"),
        (np.empty((0, 4)), "X is empty: it has 0 samples"),
        (None, "X must be a list of sequences, got NoneType"),
        ((row for row in NUMBERS), "X must be a list of sequences, got generator"),
        (wave, r"X is one sequence. Give a list of sequences: \[X\]"),
        (wave.tolist(), "X is one sequence"),
        (pd.Series(wave), "X is one sequence"),
    ):
        for call in (transcriber.predict, fitted):
            with pytest.raises(ValueError, match=message):
                call(X)
    with pytest.raises(ValueError, match="device"):
        fitted(device="cuda")


def test_the_last_sequences_are_held_out():
    transcriber = fitted(early_stopping=True, validation_fraction=0.4)
    assert len(transcriber.validation_scores_) == 3
    shorter = fitted(NUMBERS[:3], TEXTS[:3])
    np.testing.assert_array_equal(transcriber.X_mean_, shorter.X_mean_)


def test_weights_are_copies_and_order_and_threads_change_no_bit():
    expected = fitted(NUMBERS + NUMBERS[:2], TEXTS + TEXTS[:2])
    weighted = fitted(NUMBERS, TEXTS, [2.0, 2.0, 1.0, 1.0, 1.0])
    turned = fitted(NUMBERS[::-1], TEXTS[::-1], [1.0, 1.0, 1.0, 2.0, 2.0], n_jobs=2)
    for transcriber in (weighted, turned):
        np.testing.assert_array_equal(transcriber.network_.parameters, expected.network_.parameters)


def test_equal_sequences_with_other_labels_are_not_merged():
    probabilities = fitted([[1.0]] * 2, ["a", "b"], max_iter=60).predict_proba([[1.0]])
    assert probabilities[0][0, 1] == pytest.approx(probabilities[0][0, 2], rel=1e-9)
    assert probabilities[0][0, 0] < 0.3


def test_predictions_do_not_depend_on_what_else_is_predicted(monkeypatch):
    transcriber = fitted()
    together = transcriber.predict_proba(NUMBERS)
    for row, result in zip(NUMBERS, together, strict=True):
        np.testing.assert_array_equal(transcriber.predict_proba([row])[0], result)
    monkeypatch.setattr("tsrnn.sequences.transcribing._OUTPUTS", 40)
    for one, other in zip(transcriber.predict_proba(NUMBERS), together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_partial_fit_and_warm_start_go_on():
    transcriber = RNNTranscriber(**OPTIONS)
    with pytest.raises(ValueError, match="classes must be given to the first call"):
        transcriber.partial_fit(NUMBERS, TEXTS)
    transcriber.partial_fit(NUMBERS[3:4], [""], classes=["a", "b", "c"])
    transcriber.partial_fit(NUMBERS[2:], TEXTS[2:])
    assert len(transcriber.loss_curve_) == 2
    with pytest.raises(ValueError, match=r"not in classes_: \['z'\]"):
        transcriber.partial_fit(NUMBERS[:1], ["z"])
    assert len(transcriber.loss_curve_) == 2
    transcriber.set_params(warm_start=True).fit(NUMBERS, TEXTS)
    with pytest.raises(ValueError, match="hidden_size was 4 in the fit to continue"):
        transcriber.set_params(hidden_size=5).fit(NUMBERS, TEXTS)


def test_transcribers_are_saved_pickled_and_cloned(tmp_path):
    for make, X in ((fitted, NUMBERS), (on_tokens, TOKENS)):
        transcriber = make()
        tsrnn.save(transcriber, tmp_path / "transcriber.tsrnn")
        for other in (
            tsrnn.load(tmp_path / "transcriber.tsrnn"),
            pickle.loads(pickle.dumps(transcriber)),
        ):
            for one, two in zip(other.predict_proba(X), transcriber.predict_proba(X), strict=True):
                np.testing.assert_array_equal(one, two)
            assert other.predict(X) == transcriber.predict(X)
        copy = clone(transcriber)
        assert not hasattr(copy, "network_")
        assert copy.get_params() == transcriber.get_params()
    with_lists = fitted(y=LABELS)
    tsrnn.save(with_lists, tmp_path / "transcriber.tsrnn")
    loaded = tsrnn.load(tmp_path / "transcriber.tsrnn")
    assert all(isinstance(row, np.ndarray) for row in loaded.predict(NUMBERS))


def test_in_pipelines_and_searches():
    X, y = ["so it is", "it is so", "is it"] * 4, [[1, 2], [2], []] * 4
    transcriber = RNNTranscriber(embedding_size=3, hidden_size=3, max_iter=2)
    model = make_pipeline(Tokenizer("word"), transcriber).fit(X, y)
    assert len(model.predict(["it is"])) == 1
    scores = cross_val_score(RNNTranscriber(**OPTIONS), NUMBERS, TEXTS, cv=2)
    assert np.isfinite(scores).all()
    search = GridSearchCV(RNNTranscriber(**OPTIONS), {"hidden_size": [2, 3]}, cv=2)
    assert search.fit(NUMBERS, TEXTS).best_params_["hidden_size"] in (2, 3)


def test_inspection():
    transcriber = fitted()
    assert states(transcriber, NUMBERS[:2]).shape[0] == 9
    flow = gradient_flow(transcriber, NUMBERS, TEXTS)
    assert np.isfinite(flow.to_numpy()).all()
    assert (flow.to_numpy() > 0).any()
    with pytest.raises(ValueError, match="RNNTranscriber predicts for each step"):
        diagnose(transcriber, NUMBERS, TEXTS)
