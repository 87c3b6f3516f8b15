"""Sequences of tokens: the same as sequences of their embedding; poolings; forms and errors."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

import tsrnn
from tsrnn import RNNClassifier, RNNRegressor, Tokenizer
from tsrnn.estimators.sequence_estimator import POOLING
from tsrnn.inspection import diagnose, gradient_flow, input_sensitivity, states
from tsrnn.network import RecurrentNetwork, Transformer

RNG = np.random.default_rng(0)
N_TOKENS = 7
SEQUENCES = [RNG.integers(0, N_TOKENS, n) for n in RNG.integers(1, 9, 24)]
SEQUENCES[0][0] = N_TOKENS - 1
Y = np.array(["odd", "even"])[[int(row.sum()) % 2 for row in SEQUENCES]]
CHANNELS = [np.column_stack([row, RNG.normal(3, 2, (len(row), 2))]) for row in SEQUENCES]
OPTIONS = {"embedding_size": 3, "hidden_size": 4, "max_iter": 3, "dtype": "float64"}


def fitted(X=SEQUENCES, y=Y, cls=RNNClassifier, **options):
    return cls(**OPTIONS | options).fit(X, y)


def embedded(estimator, X):
    """The outputs of the same network without an embedding, for sequences of embedded tokens."""
    network = estimator.network_
    shape = network.n_in, network.n_hidden, network.n_out, "float64"
    options = {"n_layers": network.n_layers, "head": network.head}
    if network.n_heads:
        plain = Transformer(*shape, n_heads=network.n_heads, **options)
    else:
        plain = RecurrentNetwork(
            network.cell, *shape, bidirectional=network.bidirectional, **options
        )
    plain.parameters = network.parameters[: plain.n_parameters]
    embedding = network.views()["token_embedding"]
    outputs = []
    for row in X:
        row = np.asarray(row, float).reshape(len(row), -1)
        numbers = (row[:, 1:] - estimator.X_mean_[1:]) / estimator.X_scale_[1:]
        missing = np.isnan(row[:, 0])
        vectors = np.where(
            missing[:, None], 0, embedding[np.where(missing, 0, row[:, 0]).astype(int)]
        )
        inputs = np.hstack([vectors, np.nan_to_num(numbers)])
        if estimator.missing_:
            elapsed = np.zeros_like(numbers)
            for t in range(1, len(row)):
                elapsed[t] = 1 + np.where(np.isnan(numbers[t - 1]), elapsed[t - 1], 0)
            inputs = np.hstack([inputs, ~np.isnan(numbers), elapsed])
        source = tsrnn.kernels.sources.sequence_source(inputs, [0], [len(row)])
        outputs.append(plain.predict(source, np.arange(1))[0])
    return np.array(outputs)


def assert_reads_the_embedding(estimator, X):
    outputs, _ = estimator._outputs(X)
    np.testing.assert_allclose(outputs, embedded(estimator, X), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("pooling", POOLING)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_tokens_are_read_as_their_embedding(pooling, bidirectional):
    classifier = fitted(pooling=pooling, bidirectional=bidirectional)
    assert (classifier.n_tokens_, classifier.n_channels_in_) == (N_TOKENS, 1)
    assert classifier.network_.head == POOLING[pooling]
    assert_reads_the_embedding(classifier, SEQUENCES)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "rnn", "rnn_relu", "attention"])
def test_every_cell_reads_tokens(cell):
    options = {"hidden_size": 8, "n_layers": 2, "n_heads": 2} if cell == "attention" else {}
    assert_reads_the_embedding(fitted(cell=cell, pooling="mean", **options), SEQUENCES)


def test_numbers_stand_beside_tokens():
    regressor = fitted(CHANNELS, RNG.normal(size=24), RNNRegressor, pooling="max")
    numbers = np.concatenate(CHANNELS)[:, 1:]
    assert (regressor.X_mean_[0], regressor.X_scale_[0]) == (0, 1)
    np.testing.assert_allclose(regressor.X_mean_[1:], numbers.mean(axis=0))
    np.testing.assert_allclose(regressor.X_scale_[1:], numbers.std(axis=0))
    assert regressor.network_.n_in == 3 + 2
    assert_reads_the_embedding(regressor, CHANNELS)


def test_missing_values_are_marked_and_missing_tokens_are_zeros():
    X = [row.copy() for row in CHANNELS]
    X[0][1:2, 0] = X[1][-1, 1] = X[2][-1, :2] = np.nan
    regressor = fitted(X, np.arange(24.0), RNNRegressor)
    assert (regressor.missing_, regressor.network_.n_in) == ("tell", 3 + 3 * 2)
    assert_reads_the_embedding(regressor, X)
    tokens = [row[:, 0] for row in X]
    regressor = fitted(tokens, np.arange(24.0), RNNRegressor)
    assert regressor.missing_ == "tell"
    trimmed = [row[np.argmax(~np.isnan(row)) :] for row in tokens]
    assert_reads_the_embedding(regressor, trimmed)


def objects(rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


EQUAL = RNG.integers(0, N_TOKENS, (24, 5))  # all of five steps
FORMS = {
    "lists": EQUAL.tolist(),
    "arrays": list(EQUAL.astype("int32")),
    "columns": [row[:, None] for row in EQUAL],
    "array of arrays": objects(list(EQUAL)),
    "Series of lists": pd.Series(EQUAL.tolist(), index=np.arange(24)[::-1]),
    "3-D": EQUAL[:, :, None],
    "frame": pd.DataFrame(EQUAL),
    "nullable": pd.DataFrame(EQUAL).astype("Int64"),
    "floats": EQUAL.astype(float),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_alike(form):
    expected = fitted(EQUAL)
    result = fitted(FORMS[form])
    np.testing.assert_array_equal(result.network_.parameters, expected.network_.parameters)
    np.testing.assert_array_equal(result.predict_proba(FORMS[form]), expected.predict_proba(EQUAL))


def test_a_long_frame_may_have_tokens_in_its_first_channel():
    parts = [
        pd.DataFrame(row, columns=["token", "u", "v"]).assign(id=number, time=range(len(row)))
        for number, row in enumerate(CHANNELS)
    ]
    frame = pd.concat(parts).astype({"token": "Int64"})[["id", "time", "token", "u", "v"]]
    y = pd.Series(Y)
    classifier = fitted(frame, y, id_column="id", time_column="time")
    expected = fitted(CHANNELS)
    np.testing.assert_array_equal(classifier.predict_proba(frame), expected.predict_proba(CHANNELS))
    frame.loc[frame["id"] == 3, "token"] = 9
    with pytest.raises(ValueError, match="Series 3 of X has the token 9 at step 0"):
        classifier.predict(frame)


def test_sequences_of_one_token_are_sequences():
    """A list of them is no table of one column."""
    classifier = fitted()
    result = classifier.predict_proba([[2], [5], [2]])
    expected = classifier.predict_proba([[2, 2], [2], [5]])[[1, 2, 1]]
    np.testing.assert_array_equal(result, expected)
    one = fitted([[0], [1], [1]], [0, 1, 1])
    assert one.predict_proba([[0], [1, 1]]).shape == (2, 2)


BEYOND = r"Row 1 of X has the token 7 at step 2, and the network knows those below 7.*n_tokens"
BAD = {
    "negative": ({}, [[1, 2], [0, 1, -1]], "Row 1 of X has -1 for a token at step 2.*Tokenizer"),
    "fraction": ({}, [[1, 2], [0.5, 1, 1]], "Row 1 of X has 0.5 for a token at step 0"),
    "huge": ({}, [[1, 2], [0, 2**40]], "Row 1 of X has the token 1099511627776 at step 1.*16,777"),
    "beyond n_tokens": ({"n_tokens": 7}, [[1, 2], [0, 6, 7]], BEYOND),
    "texts": ({}, ["good", "bad"], 'X holds texts.*Tokenizer\\("word"\\)'),
    "Series of texts": ({}, pd.Series(["good", "bad"]), "X holds texts"),
    "words": ({}, [["good"], ["a", "bad"]], r"Sequence 0 of X holds texts.*Tokenizer\(None\)"),
    "digits": ({}, [[1], ["1", "2"]], "Sequence 1 of X holds texts"),
    "one sequence": ({}, [1, 2], r"X is one sequence of tokens.*\[X\]"),
    "an array of one": ({}, np.array([1, 2]), r"X is one sequence of tokens.*\[X\]"),
    "empty": ({}, [[1], []], r"Row 1 of X is empty: .*Tokenizer\(begin=True\)"),
    "missing": ({}, [[1.0], [np.nan]], "Row 1 of X holds no value"),
    "segment": ({"segment": 2}, [[1, 2], [0, 1]], "segment=2: with tokens .*Use segment=1"),
    "no embedding": ({"embedding_size": None, "n_tokens": 9}, [[1, 2], [0, 1]], "n_tokens=9 is"),
    "GPU": ({"device": "cuda"}, [[1, 2], [0, 1]], "on the CPU alone: use device='cpu'"),
    "pooling": ({"pooling": "sum"}, [[1, 2], [0, 1]], "'pooling' parameter"),
    "no size": ({"embedding_size": 0}, [[1, 2], [0, 1]], "'embedding_size' parameter"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tokens_are_refused_by_a_message_that_says_where(name):
    options, X, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        fitted(X, [0, 1], **options)


def test_a_token_beyond_those_of_fit_is_refused():
    classifier = fitted()
    with pytest.raises(ValueError, match=BEYOND):
        classifier.predict([[1, 2], [0, 6, 7]])
    with pytest.raises(ValueError, match="Row 1 of X has missing values"):
        classifier.predict([[1, 2], [0, np.nan, 1]])


def test_n_tokens_leaves_room_for_tokens_that_fit_did_not_see():
    classifier = fitted(n_tokens=20)
    assert classifier.n_tokens_ == 20
    assert classifier.predict_proba([[19, 3]]).shape == (1, 2)
    classifier = RNNClassifier(**OPTIONS, n_tokens=9)
    classifier.partial_fit(SEQUENCES[:12], Y[:12], classes=["even", "odd"])
    classifier.partial_fit([[8, 8]], ["odd"])
    with pytest.raises(ValueError, match="token 9 at step 0"):
        classifier.partial_fit([[9]], ["odd"])
    scores = cross_val_score(RNNClassifier(**OPTIONS, n_tokens=N_TOKENS), SEQUENCES, Y, cv=3)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    "changed",
    [{"embedding_size": 5}, {"pooling": "mean"}, {"n_tokens": 9}, {"embedding_size": None}],
)
def test_a_fit_is_not_continued_by_another_network(changed):
    classifier = fitted(warm_start=True)
    name = next(iter(changed))
    with pytest.raises(ValueError, match=f"{name} was .* in the fit to continue"):
        classifier.set_params(**changed).fit(SEQUENCES, Y)


TEXTS = ["A great film!", "dull, and long", "great fun 🙂", "a dull cafe\u0301 plot"]


@pytest.mark.parametrize("texts", [TEXTS, tuple(TEXTS), pd.Series(TEXTS), np.array(TEXTS)])
def test_texts_are_classified_by_a_pipeline(texts):
    classifier = RNNClassifier(embedding_size=4, pooling="mean", hidden_size=4, max_iter=60)
    model = make_pipeline(Tokenizer("word", lowercase=True), classifier).fit(texts, [1, 0, 1, 0])
    assert model.predict(["what a great plot", "dull"]).tolist() == [1, 0]
    assert model.predict_proba(["?? ??", "unheard-of 🙃"]).shape == (2, 2)  # unknown tokens only
    with pytest.raises(ValueError, match="Text 1 of X has no token"):
        model.predict(["dull", ""])


def test_a_vocabulary_of_one_and_texts_of_one_token():
    classifier = fitted([[0], [0, 0], [0, 0, 0]] * 4, [0, 1, 1] * 4)
    assert (classifier.n_tokens_, classifier.predict([[0]]).shape) == (1, (1,))


def test_one_class_is_predicted():
    assert fitted(y=["a"] * 24).predict(SEQUENCES).tolist() == ["a"] * 24


def test_estimators_of_tokens_are_saved_pickled_and_cloned(tmp_path):
    for options in (
        {"pooling": "attention"},
        {"cell": "attention", "hidden_size": 4, "n_heads": 2},
    ):
        classifier = RNNClassifier(**OPTIONS | options, n_tokens=9)
        classifier.partial_fit(SEQUENCES, Y, ["even", "odd"])
        tsrnn.save(classifier, tmp_path / "model.tsrnn")
        loaded = tsrnn.load(tmp_path / "model.tsrnn")
        again = pickle.loads(pickle.dumps(classifier))
        for one in (loaded, again):
            assert one.n_tokens_ == 9
            np.testing.assert_array_equal(
                one.predict_proba(SEQUENCES), classifier.predict_proba(SEQUENCES)
            )
        classifier.partial_fit([[8]], ["odd"])
        loaded.partial_fit([[8]], ["odd"])
        np.testing.assert_array_equal(loaded.network_.parameters, classifier.network_.parameters)
        assert clone(loaded).get_params() == classifier.get_params()


def test_threads_and_copies_change_no_bit():
    expected = fitted(n_jobs=1, pooling="attention")
    result = fitted(n_jobs=2, pooling="attention")
    np.testing.assert_array_equal(result.network_.parameters, expected.network_.parameters)
    copies = fitted(SEQUENCES + SEQUENCES[:5], np.concatenate([Y, Y[:5]]), pooling="mean")
    weighted = RNNClassifier(**OPTIONS, pooling="mean").fit(SEQUENCES, Y, [2.0] * 5 + [1.0] * 19)
    np.testing.assert_array_equal(weighted.network_.parameters, copies.network_.parameters)


def test_inspection_reads_tokens():
    classifier = fitted(pooling="mean", dtype="float32")
    assert states(classifier, SEQUENCES[:2]).shape[1] == 8
    assert len(gradient_flow(classifier, SEQUENCES, Y)) == max(map(len, SEQUENCES))
    assert input_sensitivity(classifier, SEQUENCES[:1]).shape == (len(SEQUENCES[0]), 3)
    diagnose(classifier, SEQUENCES, Y)
    unscaled = [row * [1, 100, 1] for row in CHANNELS]
    classifier = fitted(unscaled, standardize=False)
    (finding, *_) = diagnose(classifier, unscaled, Y)
    assert (finding.cause, finding.values["channel"]) == ("input unscaled", 0)
    html = fitted(CHANNELS, pooling="attention")._repr_html_()
    assert "one of 7 tokens &rarr; 3, and 2 numbers" in html
    assert "attention over steps &rarr; 2" in html


def test_sequences_too_long_for_the_memory_are_refused(monkeypatch):
    text = np.zeros(10**6, int)
    classifier = RNNClassifier(embedding_size=64)
    monkeypatch.setattr("tsrnn.estimators.memory.machine_memory", lambda: 2**32)
    with pytest.raises(ValueError, match=r"Row 1 of X has 1,000,000 steps, .* GB .* in training"):
        classifier.fit([[0, 1], text], [0, 1])
    assert not hasattr(classifier, "network_")
    classifier.set_params(max_iter=1).fit([[0, 1], [1, 0]], [0, 1])
    with pytest.raises(ValueError, match=r"Row 0 of X has 1,000,000 steps, .* in prediction"):
        classifier.predict([text])


@pytest.mark.slow
def test_a_text_of_a_million_tokens_is_classified():
    """In 1.3 GB."""
    text = np.arange(10**6) % 3
    options = {"embedding_size": 1, "hidden_size": 2, "max_iter": 1, "pooling": "mean"}
    classifier = RNNClassifier(**options).fit([text, [0, 1, 2]], [0, 1])
    assert classifier.predict([text, [2]]).shape == (2,)
