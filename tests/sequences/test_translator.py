"""RNNTranslator: likelihoods and searches against plain loops, training, and what is refused."""

import pickle
import re

import naive
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

import tsrnn.estimators.memory
from tsrnn import RNNTranslator, Tokenizer
from tsrnn.sequences import translation_state

pytestmark = pytest.mark.slow

TEXTS = ["ein Hund bellt", "die Katze", "der Hund und die Katze", "die Katze und ein Hund", "bellt"]
WORDS = ["a dog barks", "the cat", "the dog and the cat", "the cat and a dog", "barks"]
ITEMS = [[(60, 1), (62, 2), (60, 1)], [(62, 2), (67, 0.5)], [(60, 1)] * 4, [(67, 0.5)], [(62, 2)]]
RNG = np.random.default_rng(0)
SERIES = [RNG.normal(size=n) for n in (6, 3, 9, 1, 4)]
TABLES = [RNG.normal(size=(n, 2)) for n in (6, 3, 9, 1, 4)]
GAPS = [np.where(RNG.random(table.shape) < 0.2, np.nan, table) for table in TABLES]
SOURCES = {
    "word": ("word", TEXTS),
    "character": ("character", TEXTS),
    "subword": ("subword", TEXTS),
    "items": (None, ITEMS),
    "series": (None, SERIES),
    "tables": (None, TABLES),
    "gaps": (None, GAPS),
}
SMALL = {"hidden_size": 6, "embedding_size": 3, "batch_size": 3, "max_iter": 1}


def translator(source_unit="word", target_unit="word", **options):
    """A small one; with weights away from zero once it is fitted by ``fitted``."""
    return RNNTranslator(source_unit, target_unit, **(SMALL | {"dtype": "float64"} | options))


def with_random_weights(model, seed=0):
    """The model with other weights."""
    network = model.network_
    weights, used = network.parameters.copy(), network.used()
    weights[used] += np.random.default_rng(seed).normal(scale=0.4, size=np.count_nonzero(used))
    model.network_ = network.like(weights)
    return model


@pytest.fixture(scope="module")
def model():
    return with_random_weights(translator().fit(TEXTS, WORDS))


def read(model, X, number):
    """What the encoder reads of a source, as the slow twin takes it."""
    if model.source_tokenizer_ is not None:
        return model.source_tokenizer_.transform(X)[number]
    values = np.reshape(X[number], (len(X[number]), -1))
    values = (values - model.X_mean_) / model.X_scale_
    if model.missing_ is None:
        return values
    gone = np.isnan(values)
    since = np.column_stack([naive.elapsed(channel) for channel in gone.T])
    return np.hstack([np.where(gone, 0.0, values), 1.0 - gone, since])


def naive_outputs(model, x, ids):
    """Outputs and attention weights of a decoder that reads ids."""
    network = model.network_
    shape = {
        "bidirectional": network.encoder.bidirectional,
        "residual": network.encoder.residual,
        "tokens": network.encoder.n_tokens > 0,
    }
    return naive.encoder_decoder(
        network.encoder.cell, network.views(), x, ids, shape, network.attention
    )


def log_softmax(outputs):
    return outputs - np.log(np.exp(outputs).sum(axis=-1, keepdims=True))


def naive_log_likelihoods(model, X, y):
    """Log-probabilities of the tokens of each target."""
    found = []
    for number, ids in enumerate(model.target_tokenizer_.transform(y)):
        outputs, _ = naive_outputs(model, read(model, X, number), ids[:-1])
        found.append(log_softmax(outputs)[np.arange(len(ids) - 1), ids[1:]])
    return found


def naive_search(model, x, size, penalty, most):
    """The tokens that a beam search finds for one source."""
    tokenizer = model.target_tokenizer_
    beams, finished = [([tokenizer.begin_], 0.0)], []
    for _ in range(most):
        candidates = []
        for tokens, score in beams:
            scores = log_softmax(naive_outputs(model, x, tokens)[0][-1])
            for token in np.argsort(-scores, kind="stable"):
                if token not in (0, tokenizer.begin_):
                    candidates.append(([*tokens, token], score + scores[token]))
        candidates.sort(key=lambda each: -each[1])
        for tokens, score in candidates[:size]:
            if tokens[-1] == tokenizer.end_:
                finished.append((tokens[1:-1], score / (len(tokens) - 1) ** penalty))
        if len(finished) >= size:
            break
        beams = [each for each in candidates if each[0][-1] != tokenizer.end_][:size]
    else:
        finished += [(tokens[1:], score / (len(tokens) - 1) ** penalty) for tokens, score in beams]
    return max(finished, key=lambda each: each[1])[0]


# Likelihoods, attention, search


@pytest.mark.parametrize("kind", SOURCES)
def test_log_likelihood_of_every_source(kind):
    unit, X = SOURCES[kind]
    model = with_random_weights(translator(unit).fit(X, WORDS))
    expected = naive_log_likelihoods(model, X, WORDS)
    found = model.log_likelihood(X, WORDS)
    np.testing.assert_allclose(found, [each.sum() for each in expected], rtol=1e-9)


@pytest.mark.parametrize("attention", ["dot", "general", "additive", None])
def test_log_likelihood_and_attention_of_every_kind(attention):
    options = {"attention": attention, "n_layers": 2, "residual": True, "tied": True}
    model = with_random_weights(translator(**options).fit(TEXTS, WORDS))
    expected = naive_log_likelihoods(model, TEXTS, WORDS)
    found = model.log_likelihood(TEXTS, WORDS)
    np.testing.assert_allclose(found, [each.sum() for each in expected], rtol=1e-9)
    if attention is None:
        with pytest.raises(ValueError, match="attention=None attends to nothing"):
            model.align(TEXTS)
        return
    for number, frame in enumerate(model.align(TEXTS, WORDS)):
        (ids,) = model.target_tokenizer_.transform(WORDS[number : number + 1])
        _, shares = naive_outputs(model, read(model, TEXTS, number), ids[:-1])
        np.testing.assert_allclose(frame, shares, rtol=1e-9)
        assert frame.index.tolist() == [*WORDS[number].split(), "<eos>"]
        assert frame.columns.tolist() == [*TEXTS[number].split(), "<eos>"]


@pytest.mark.parametrize("penalty", [0, 1, 2])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_search(model, size, penalty):
    options = {"beam_size": size, "length_penalty": penalty, "max_length": 6}
    found = model.predict(TEXTS, **options)
    for number, text in enumerate(found):
        ids = naive_search(model, read(model, TEXTS, number), size, penalty, 6)
        assert text == model.target_tokenizer_.inverse_transform([ids])[0]


def test_a_wide_search_finds_the_most_probable_of_all(model):
    """Of all targets of one and two tokens."""
    tokenizer, n = model.target_tokenizer_, model.target_tokenizer_.n_tokens_
    written = [k for k in range(n) if k not in (0, tokenizer.begin_, tokenizer.end_)]
    targets = [[]] + [[k] for k in written] + [[a, b] for a in written for b in written]
    for number, text in enumerate(model.predict(TEXTS, 100, length_penalty=0, max_length=3)):
        x, scores = read(model, TEXTS, number), []
        for ids in targets:
            outputs, _ = naive_outputs(model, x, [tokenizer.begin_, *ids])
            scores.append(
                log_softmax(outputs)[np.arange(len(ids) + 1), [*ids, tokenizer.end_]].sum()
            )
        best = targets[int(np.argmax(scores))]
        assert text == tokenizer.inverse_transform([best])[0]


def test_score_is_the_share_of_tokens_that_are_the_most_probable(model):
    hits = []
    for number, ids in enumerate(model.target_tokenizer_.transform(WORDS)):
        outputs, _ = naive_outputs(model, read(model, TEXTS, number), ids[:-1])
        outputs[:, [0, 1]] = -np.inf
        hits += (outputs.argmax(axis=1) == ids[1:]).tolist()
    assert model.score(TEXTS, WORDS) == pytest.approx(np.mean(hits))


def test_a_result_does_not_depend_on_the_others(model, monkeypatch):
    together = model.predict(TEXTS * 3), model.log_likelihood(TEXTS, WORDS), model.align(TEXTS)
    for number, text in enumerate(TEXTS):
        assert model.predict([text]) == [together[0][number]]
        assert model.log_likelihood([text], WORDS[number : number + 1]) == together[1][number]
        pd.testing.assert_frame_equal(model.align([text])[0], together[2][number])
    monkeypatch.setattr(translation_state, "_GROUP", 2)
    assert model.predict(TEXTS * 3) == together[0]
    for one, other in zip(model.align(TEXTS), together[2], strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    monkeypatch.setattr(translation_state, "are_worth_it", lambda *args: True)
    monkeypatch.setattr("tsrnn.network.encoder_decoder.are_worth_it", lambda *args: True)
    X, y, results = TEXTS * 30, WORDS * 30, []
    for n_jobs in (1, 2):
        options = {"dropout": 0.2, "recurrent_dropout": 0.1, "max_iter": 3, "batch_size": 40}
        model = translator(n_jobs=n_jobs, early_stopping=True, dtype="float32", **options).fit(X, y)
        predicted, weights = model.predict(X), model.align(X)
        results.append((model.network_.parameters, model.log_likelihood(X, y), *weights))
        results[-1] += (np.array(predicted),)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


# Training


@pytest.mark.parametrize("attention", ["dot", "general", "additive"])
def test_sequences_are_learned_to_be_reversed(attention):
    rng = np.random.default_rng(0)
    X = ["".join(rng.choice(list("abcdef"), rng.integers(1, 8))) for _ in range(600)]
    y = [text[::-1] for text in X]
    options = {"attention": attention, "hidden_size": 32, "embedding_size": 8, "max_iter": 40}
    model = translator("character", "character", **options, batch_size=16, dtype="float32")
    model.set_params(learning_rate_init=0.01).fit(X[:500], y[:500])
    assert np.mean([a == b for a, b in zip(model.predict(X[500:]), y[500:], strict=True)]) > 0.9
    assert model.score(X[500:], y[500:]) > 0.95


def test_a_series_is_put_into_words():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2, (300, 3))
    X = [np.repeat(row - 0.5, 4) + rng.normal(0, 0.1, 12) for row in words]
    y = [" ".join("rises" if up else "falls" for up in row) for row in words]
    model = translator(None, hidden_size=16, max_iter=30, learning_rate_init=0.02, batch_size=16)
    model.fit(X[:250], y[:250])
    assert np.mean([a == b for a, b in zip(model.predict(X[250:]), y[250:], strict=True)]) > 0.9
    frame = model.align(X[250:251])[0]
    assert frame.columns.tolist() == list(range(12))


def test_label_smoothing_and_dropout_are_of_the_training_alone():
    plain = translator(learning_rate_init=1e-300, early_stopping=True).fit(TEXTS, WORDS)
    options = {"label_smoothing": 0.3, "dropout": 0.5}
    other = translator(learning_rate_init=1e-300, early_stopping=True, **options).fit(TEXTS, WORDS)
    assert plain.validation_scores_ == other.validation_scores_
    assert plain.loss_curve_ != other.loss_curve_
    held_out = -np.concatenate(naive_log_likelihoods(plain, TEXTS, WORDS)[-1:]).mean()
    assert plain.validation_scores_ == pytest.approx([-held_out], rel=1e-9)


def test_minibatches_hold_all_pairs_once():
    model = translator(learning_rate_init=1e-300, batch_size=2).fit(TEXTS, WORDS)
    losses = -np.concatenate(naive_log_likelihoods(model, TEXTS, WORDS))
    assert model.loss_curve_ == pytest.approx([losses.mean()], rel=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_partial_fit_goes_on_with_weights_and_vocabulary():
    first = translator(learning_rate="constant").partial_fit(TEXTS, WORDS)
    whole = translator(learning_rate="constant").fit(TEXTS, WORDS)
    np.testing.assert_array_equal(first.network_.parameters, whole.network_.parameters)
    tokens = first.target_tokenizer_.tokens_
    more = ["der Hund bellt laut"], ["the dog barks loudly"]
    twice = clone(first).partial_fit(TEXTS, WORDS).partial_fit(*more)
    assert twice.target_tokenizer_.tokens_ == tokens
    assert twice.n_iter_ == len(twice.loss_curve_) == 2
    copy = pickle.loads(pickle.dumps(first)).partial_fit(*more)
    np.testing.assert_array_equal(copy.network_.parameters, twice.network_.parameters)


def test_warm_start_goes_on_and_refuses_another_shape():
    model = translator(warm_start=True).fit(TEXTS, WORDS)
    weights = model.network_.parameters.copy()
    model.fit(TEXTS[:2], WORDS[:2])
    assert not np.array_equal(model.network_.parameters, weights)
    changes = {"hidden_size": 8, "embedding_size": 4, "tied": True, "attention": "dot"}
    changes |= {"bidirectional": False, "n_layers": 2, "cell": "lstm", "dtype": "float32"}
    for name, value in changes.items():
        before = getattr(model, name)
        with pytest.raises(ValueError, match=f"{name} was"):
            model.set_params(**{name: value}).fit(TEXTS, WORDS)
        model.set_params(**{name: before})


def test_a_fit_that_fails_changes_nothing(model):
    before = model.log_likelihood(TEXTS, WORDS)
    with pytest.raises(ValueError, match="Text 1 of y is empty"):
        model.fit(TEXTS, ["a", "", "b", "c", "d"])
    np.testing.assert_array_equal(model.log_likelihood(TEXTS, WORDS), before)


def test_tokenizers_may_be_given():
    target = Tokenizer("word", lowercase=True, min_frequency=2)
    source = Tokenizer("word").fit([*TEXTS, "laut"])
    model = translator(source, target).fit(TEXTS, [text.title() for text in WORDS])
    assert not hasattr(target, "tokens_")
    assert model.source_tokenizer_.tokens_ == source.tokens_
    assert model.target_tokenizer_.tokens_[:4] == ["<unk>", "<bos>", "<eos>", "the"]
    assert "and" in model.target_tokenizer_.tokens_
    with pytest.raises(ValueError, match="no tokens of begin and end"):
        translator(source, Tokenizer("word", begin=True).fit(WORDS)).fit(TEXTS, WORDS)


def test_unknown_tokens_are_never_written():
    model = translator(target_unit=Tokenizer("word", min_frequency=3)).fit(TEXTS, WORDS)
    views = model.network_.views()
    views["decoder_head_bias"][[0, 1]] = 50  # of unknown tokens and of begin
    assert all("<" not in text for text in model.predict(TEXTS))


def test_items_are_written():
    model = with_random_weights(translator("word", None).fit(TEXTS, ITEMS))
    found = model.predict(TEXTS)
    assert all(isinstance(each, list) for each in found)
    assert {item for each in found for item in each} <= {(60, 1), (62, 2), (67, 0.5)}


# scikit-learn and pandas


def test_forms_of_texts(model):
    expected = model.predict(TEXTS)
    index = pd.Index(list("edcba"))
    for X in (tuple(TEXTS), np.array(TEXTS), pd.Series(TEXTS, index)):
        assert model.predict(X) == expected
        np.testing.assert_array_equal(
            model.log_likelihood(X, pd.Series(WORDS)), model.log_likelihood(TEXTS, WORDS)
        )
    cube = np.random.default_rng(0).normal(size=(5, 4, 2))
    of_numbers = translator(None).fit(cube, WORDS)
    assert of_numbers.predict(list(cube)) == of_numbers.predict(cube)
    assert translator(None).fit(cube[:, :, 0], WORDS).predict(cube[:2, :, 0])


def test_clone_pickle_and_search(model):
    assert clone(model).get_params() == model.get_params()
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        copy.log_likelihood(TEXTS, WORDS), model.log_likelihood(TEXTS, WORDS)
    )
    search = GridSearchCV(translator(), {"attention": ["dot", None]}, cv=2)
    search.fit(TEXTS * 4, WORDS * 4)
    assert search.best_score_ > 0
    assert "one of 9 tokens" in model._repr_html_()


def test_not_fitted():
    for call in ("predict", "align"):
        with pytest.raises(NotFittedError):
            getattr(RNNTranslator(), call)(TEXTS)
    for call in ("score", "log_likelihood"):
        with pytest.raises(NotFittedError):
            getattr(RNNTranslator(), call)(TEXTS, WORDS)


# What is refused


@pytest.mark.parametrize(
    ("unit", "X", "y", "message"),
    [
        ("word", TEXTS, WORDS[:3], "X has 5 and y has 3"),
        ("word", TEXTS, None, "requires y to be passed"),
        ("word", ["a", ""], ["b", "c"], "Text 1 of X is empty"),
        ("word", ["a", "b"], ["c", " "], "Text 1 of y is empty"),
        ("word", ["a", None], ["b", "c"], "Text 1 of X is missing"),
        ("word", ["a", "b"], ["c", None], "Text 1 of y is missing"),
        ("word", "a text", ["b"], "X is one str. Give a list of texts"),
        ("word", ["a"], "a text", r"y is one str. Give a list of texts: \[y\]"),
        ("word", [], [], "X is empty"),
        ("word", ["a"], [], "y is empty"),
        (None, [[1, 2], []], ["a", "b"], "Sequence 1 of X is empty"),
        (None, [np.ones(3), np.ones(0)], ["a", "b"], "Sequence 1 of X is empty"),
        (None, [np.ones(3), [1.0, np.inf]], ["a", "b"], "Sequence 1 of X is infinite at step 1"),
        (None, [np.ones((3, 2)), np.ones((3, 1))], ["a", "b"], "Sequence 1 of X has shape"),
        (None, [np.ones(3), np.full(2, 1e200)], ["a", "b"], "Sequence 1 of X holds a value beyond"),
        (None, np.ones(3), ["a", "b", "c"], "X must be a list of sequences of numbers"),
        (None, TEXTS, WORDS, "Sequence 0 of X is a text"),
    ],
)
def test_bad_pairs(unit, X, y, message):
    with pytest.raises(ValueError, match=message):
        translator(unit).fit(X, y)


def test_bad_sources_after_fit(model):
    with pytest.raises(ValueError, match="Text 1 of X is empty"):
        model.predict(["Hund", ""])
    of_numbers = translator(None).fit(TABLES, WORDS)
    with pytest.raises(ValueError, match="Sequence 0 of X has shape"):
        of_numbers.predict(SERIES)
    with pytest.raises(ValueError, match="missing values"):
        of_numbers.predict(GAPS)


def test_sources_of_unknown_tokens_alone_are_read(model):
    expected = model.predict(["Hund", "quux"])[1]
    with pytest.warns(UserWarning, match="No token of X is known: the vocabulary of 9 tokens"):
        assert model.predict(["quux"]) == [expected]
    with pytest.warns(UserWarning, match="No token of X is known"):
        assert clone(model).fit(TEXTS, WORDS).partial_fit(["quux"], ["a dog"]).n_iter_ == 2


WHOLE = {
    "arrays": [np.array([1, 2, 3]), np.array([2, 1])],
    "lists": [[1, 2, 3], [2, 1]],
    "table": np.array([[1, 2], [2, 1]]),
    "bool": [np.array([True]), np.array([False])],
    "tuples": [[(1, 2.5)], [(2, 0.5)]],
    "letters": [["a", 1.5], ["b"]],
}
FLOATS = {
    "arrays": [np.array([1.5, 2]), np.array([1, 2, 3])],
    "swapped": [np.array([1, 2, 3]), np.array([1.5, 2])],
    "lists": [[1.0, 2.0], [3.0, 0.5]],
    "one float": [[1, 2], [3, 0.5]],
    "float32": [list(np.float32([1, 2])), [3]],
    "missing": [[1, None, 2.5], [2, 3]],
    "objects": [np.array([1.5, 2], object), np.array([1, 2], object)],
    "Series": pd.Series([[1.0, 2.0], [3.0]]),
    "nullable": [pd.Series([1.5, 2], dtype="Float64"), pd.Series([1, 2])],
    "channels": [np.array([[1, 2]]), np.array([[2, 1]])],
}


@pytest.mark.parametrize(
    "form", [("items", key) for key in WHOLE] + [("floats", key) for key in FLOATS]
)
def test_whole_numbers_are_items_and_others_are_not(form):
    kind, key = form
    X = (WHOLE if kind == "items" else FLOATS)[key]
    model = translator(None).fit(X, ["u", "v"])
    assert (model.source_tokenizer_ is None) == (kind == "floats")
    assert len(model.predict(X)) == 2
    model = translator(Tokenizer(None)).fit([[1.0, 2.0], [3.0, 0.5]], ["u", "v"])
    assert 0.5 in model.source_tokenizer_.vocabulary_


def test_forms_of_numbers_that_are_refused():
    polars = pytest.importorskip("polars")
    of_numbers, y = translator(None).fit(SERIES, WORDS), ["u", "v"]
    table = np.arange(10.0).reshape(2, 5)
    for X, message in (
        (pd.DataFrame(table), r"X is a DataFrame. Give one column of it: X\['name'\]"),
        (polars.DataFrame(table), "X is a DataFrame"),
        ([], "X is empty"),
        (table[:0], "X is empty"),
        (None, "X must be a list, .* got NoneType"),
        ((row for row in table), "X must be a list, .* got generator"),
        ([np.array([1j, 2]), np.ones(2)], "Sequence 0 of X does not hold numbers: Complex"),
        (["ab", np.ones(2)], "X must be a list of sequences of numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            translator(None).fit(X, y)
        with pytest.raises(ValueError, match=message):
            of_numbers.predict(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 5}, "hidden_size=5 is odd"),
        ({"attention": "bahdanau"}, "'attention' parameter"),
        ({"label_smoothing": 1.5}, "'label_smoothing' parameter"),
        ({"cell": "attention"}, "'cell' parameter"),
        ({"device": "cuda"}, "CPU alone"),
        ({"source_unit": "letter"}, "'source_unit' parameter"),
        ({"early_stopping": True, "validation_fraction": 0.99}, "there are only 5"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        translator(**options).fit(TEXTS, WORDS)


@pytest.mark.parametrize(
    "options", [{"beam_size": 0}, {"beam_size": 2.5}, {"length_penalty": -1}, {"max_length": 0}]
)
def test_bad_options_of_predict(model, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        model.predict(TEXTS, **options)


def test_a_source_longer_than_memory_allows(monkeypatch):
    monkeypatch.setattr(tsrnn.estimators.memory, "machine_memory", lambda: 2**20)
    long = [np.ones(3), np.ones(20_000)]
    with pytest.raises(ValueError, match="Sequence 1 of X has 20,000 steps and sequence 0 of y 2"):
        translator(None).fit(long, ["a", "b"])
