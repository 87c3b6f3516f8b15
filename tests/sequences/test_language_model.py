"""RNNLanguageModel: likelihoods against plain loops, training, and what is refused."""

import itertools
import pickle
import re
import unicodedata

import naive
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from tsrnn import RNNLanguageModel, Tokenizer
from tsrnn.kernels import cells
from tsrnn.sequences import language_training, streams
from tsrnn.sequences.tokens import Tokens

RNG = np.random.default_rng(0)
TEXTS = ["to be or not", "be not so", "or so to be or not to be so", "so"]
TEXT = "the quick brown fox jumps over the lazy dog. " * 6
ITEMS = [[(60, 1), (62, 2), (60, 1)], [(62, 2), (67, 0.5)], [(60, 1)] * 9]
PIECES = [(RNG.random((n, 4)) < 0.4).astype(int) for n in (12, 2, 7, 30)]
SHAPES = {
    "one layer": {},
    "layers": {"n_layers": 2, "residual": True},
    "head": {"head_size": 3},
    "tied": {"tied": True, "embedding_size": 5},
    "tied head": {"tied": True, "head_size": 3, "embedding_size": 3},
}
SMALL = {"hidden_size": 5, "embedding_size": 3, "batch_size": 4, "n_steps": 8, "max_iter": 1}


def language_model(unit="character", **options):
    """A small model, with weights away from zero: fit once it is fitted."""
    return RNNLanguageModel(unit, **(SMALL | {"dtype": "float64"} | options))


def with_random_weights(model, seed=0):
    """The model with other weights, the head's too."""
    weights = model.network_.parameters
    used = model.network_.used()
    weights = 0.5 * weights  # lest activations of a rectifier grow
    draws = np.random.default_rng(seed).normal(scale=0.3, size=np.count_nonzero(used))
    model.network_ = model.network_.like(weights.copy())
    model.network_.parameters[used] += draws
    return model


def naive_outputs(network, x):
    """Outputs after each row of x, (n_steps, n_out), by plain loops."""
    shape = {"residual": network.residual, "head": "every", "n_heads": network.n_heads}
    return naive.network(network.cell, network.views(), x, shape)[0]


def naive_token_losses(model, ids):
    """Losses of ids but the first, each from those before."""
    views = model.network_.views()
    embedding = views.get("token_embedding", views["head_weight"])
    outputs = naive_outputs(model.network_, embedding[ids[:-1]])
    return np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(len(outputs)), ids[1:]]


def ids_of(model, sequence, with_end):
    (ids,) = model.tokenizer_.transform([sequence])
    return np.append(ids, np.ones(int(with_end), int))


# Likelihoods


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", cells.NAMES)
def test_log_likelihood_of_texts(cell, shape, monkeypatch):
    monkeypatch.setattr(streams, "_STEPS", 6)
    model = with_random_weights(language_model(cell=cell, **SHAPES[shape]).fit(TEXTS))
    losses = [naive_token_losses(model, ids_of(model, text, True)) for text in TEXTS]
    expected = [-each.sum() for each in losses]
    np.testing.assert_allclose(model.log_likelihood(TEXTS), expected, rtol=1e-10)
    mean = -np.concatenate(losses).mean()
    assert model.score(TEXTS) == pytest.approx(mean, rel=1e-10)
    assert model.perplexity(TEXTS) == pytest.approx(np.exp(-mean), rel=1e-10)


def test_one_text_has_no_end_to_be_predicted():
    of_one = with_random_weights(language_model().fit(TEXTS[2]))
    losses = naive_token_losses(of_one, ids_of(of_one, TEXTS[0], False))
    assert of_one.log_likelihood(TEXTS[0]) == pytest.approx(-losses.sum(), rel=1e-10)
    assert of_one.log_likelihood(TEXTS[:1]) == pytest.approx([-losses.sum()], rel=1e-10)
    of_many = with_random_weights(language_model().fit(TEXTS))
    losses = naive_token_losses(of_many, ids_of(of_many, TEXTS[0], True))
    assert of_many.log_likelihood(TEXTS[:1]) == pytest.approx([-losses.sum()], rel=1e-10)
    assert of_many.log_likelihood(TEXTS[0]) == pytest.approx(-losses[:-1].sum(), rel=1e-10)


@pytest.mark.parametrize("unit", [None, "word", "subword"])
def test_log_likelihood_of_other_units(unit):
    sequences = TEXTS if unit else ITEMS
    model = with_random_weights(language_model(unit).fit(sequences))
    expected = [-naive_token_losses(model, ids_of(model, each, True)).sum() for each in sequences]
    np.testing.assert_allclose(model.log_likelihood(sequences), expected, rtol=1e-10)


@pytest.mark.parametrize(("begin", "end"), [(True, False), (False, True), (True, True)])
def test_a_tokenizer_may_begin_or_end_sequences(begin, end):
    tokenizer = Tokenizer("word", begin=begin, end=end)
    model = with_random_weights(language_model(tokenizer).fit(TEXTS))
    assert not hasattr(tokenizer, "tokens_")
    fitted = with_random_weights(language_model(tokenizer.fit(TEXTS)).fit(TEXTS[:2]))
    assert fitted.tokenizer_.tokens_ == tokenizer.tokens_
    # The same ids, whatever the boundary token is called, but for one that is never a target.
    bare = language_model("word").fit(TEXTS)
    assert model.network_.n_out == bare.network_.n_out + (begin and end)
    if not (begin and end):
        bare = with_random_weights(bare)
        np.testing.assert_array_equal(model.log_likelihood(TEXTS), bare.log_likelihood(TEXTS))


def test_attention_reads_half_a_window_at_least():
    model = language_model(cell="attention", hidden_size=4, n_heads=2, n_steps=6).fit(TEXTS)
    model = with_random_weights(model)
    losses = []
    for text in TEXTS:
        ids = ids_of(model, text, True)
        n = len(ids) - 1
        of_text = naive_token_losses(model, ids[:7])
        for first in range(3, n - 3, 3):
            of_window = naive_token_losses(model, ids[first : first + 7])
            of_text = np.append(of_text, of_window[len(of_text) - first :])
        assert len(of_text) == n
        losses.append(of_text)
    np.testing.assert_allclose(
        model.log_likelihood(TEXTS), [-each.sum() for each in losses], rtol=1e-10
    )


@pytest.mark.parametrize("cell", cells.NAMES)
def test_log_likelihood_of_frames(cell, monkeypatch):
    monkeypatch.setattr(streams, "_STEPS", 5)
    model = with_random_weights(language_model(None, cell=cell).fit(PIECES))
    losses = []
    for piece in PIECES:
        scores, targets = naive_outputs(model.network_, piece[:-1]), piece[1:]
        probabilities = naive.sigmoid(scores)
        of_notes = np.where(targets, np.log(probabilities), np.log(1 - probabilities))
        losses.append(-of_notes.sum(axis=1))
    expected = [-each.sum() for each in losses]
    np.testing.assert_allclose(model.log_likelihood(PIECES), expected, rtol=1e-10)
    assert model.score(PIECES) == pytest.approx(-np.concatenate(losses).mean(), rel=1e-10)
    np.testing.assert_array_equal(
        model.log_likelihood([piece.astype(bool) for piece in PIECES]),
        model.log_likelihood(PIECES),
    )


def test_any_number_of_threads_gives_the_same_bits():
    for unit, X in {"character": TEXTS * 40, None: PIECES * 20}.items():
        one = language_model(unit, n_jobs=1, max_iter=2).fit(X)
        two = language_model(unit, n_jobs=2, max_iter=2).fit(X)
        np.testing.assert_array_equal(one.network_.parameters, two.network_.parameters)
        np.testing.assert_array_equal(one.log_likelihood(X), two.log_likelihood(X))


# Training


@pytest.mark.parametrize("n", [30, 31, 250])
def test_training_carries_the_state_through_a_stream(n, monkeypatch):
    """With a rate of nearly zero the loss of an epoch is that of the streams, from zero states."""
    monkeypatch.setattr(language_training, "_RESET", 0.0)
    model = language_model(learning_rate_init=1e-300, n_steps=4, batch_size=3).fit(TEXT[:n])
    model = with_random_weights(model)
    model.set_params(warm_start=True).fit(TEXT[:n])
    ids = ids_of(model, TEXT[:n], False)
    n_streams = min(3, n // 16)
    ends = n * np.arange(n_streams + 1) // n_streams
    losses = [
        naive_token_losses(model, ids[first : last + 1]) for first, last in itertools.pairwise(ends)
    ]
    assert model.loss_curve_ == pytest.approx([np.concatenate(losses).mean()], rel=1e-10)


def test_windows_of_streams_begin_with_a_state_of_zeros_at_times(monkeypatch):
    monkeypatch.setattr(language_training, "_RESET", 0.999999)
    model = language_model(learning_rate_init=1e-300, n_steps=9).fit(TEXT[:36])
    model = with_random_weights(model).set_params(warm_start=True).fit(TEXT[:36])
    ids = ids_of(model, TEXT[:36], False)
    losses = [naive_token_losses(model, ids[first : first + 10]) for first in range(0, 36, 9)]
    assert model.loss_curve_ == pytest.approx([np.mean(losses)], rel=1e-10)


@pytest.mark.parametrize("cell", ["gru", "attention"])
def test_short_texts_are_trained_on_one_by_one(cell):
    """In streams a network would learn their order, and not how they begin."""
    texts = [*TEXTS, "or not " * 3]  # some longer than n_steps=8, on average less than twice
    options = {"cell": cell, "hidden_size": 4, "n_heads": 2, "learning_rate_init": 1e-300}
    model = with_random_weights(language_model(**options).fit(texts))
    model.set_params(warm_start=True).fit(texts)
    losses = []
    for text in texts:
        ids = ids_of(model, text, True)
        n = -(-(len(ids) - 1) // 8)
        bounds = (len(ids) - 1) * np.arange(n + 1) // n
        losses += [
            naive_token_losses(model, ids[first : last + 1])
            for first, last in itertools.pairwise(bounds)
        ]
    assert model.loss_curve_ == pytest.approx([np.concatenate(losses).mean()], rel=1e-10)


def test_short_texts_are_held_out_whole():
    of_texts = language_model(early_stopping=True, n_steps=50).fit(TEXTS)
    model = with_random_weights(of_texts)
    model.set_params(warm_start=True, learning_rate_init=1e-300).fit(TEXTS)
    assert model.validation_scores_ == pytest.approx([model.score(TEXTS[-1:])], rel=1e-10)


@pytest.mark.parametrize(
    ("text", "unit", "before"),
    [
        ("It is so.\nIs it?\n" * 100, "character", "\n"),
        ("It is so. Is it? " * 100 + "\n", "character", ".?"),
        ("it is so " * 200, "character", " "),
        ("It is so. Is it? " * 300, "word", ".?"),
        ("ab" * 1000, "character", "ab"),
    ],
)
def test_how_one_text_begins_is_learned_from_its_lines(text, unit, before):
    reader = Tokens.learn(unit, text)
    source = reader.read(text)
    read = reader.with_beginnings(source)
    rows = np.flatnonzero(read.tokens != source.tokens)
    assert rows.size == source.tokens.size // 300 > 1
    assert np.ptp(np.diff(rows)) < 40  # evenly
    assert {reader.tokenizer.tokens_[k] for k in source.tokens[rows]} <= set(before)
    assert set(read.tokens[rows]) == {reader.boundary}
    np.testing.assert_array_equal(read.targets, source.targets)


def test_training_on_frames_and_by_attention_starts_from_nothing():
    model = language_model(None, learning_rate_init=1e-300, n_steps=100).fit(PIECES)
    model = with_random_weights(model).set_params(warm_start=True).fit(PIECES)
    assert model.loss_curve_ == pytest.approx([-model.score(PIECES) / 4], rel=1e-10)
    options = {"cell": "attention", "hidden_size": 4, "n_heads": 2, "learning_rate_init": 1e-300}
    model = language_model(**options, n_steps=100).fit(TEXT[:50])
    model = with_random_weights(model).set_params(warm_start=True).fit(TEXT[:50])
    assert model.loss_curve_ == pytest.approx([-model.score(TEXT[:50])], rel=1e-10)


@pytest.mark.parametrize("options", [{}, {"head_size": 3}, {"cell": "attention", "n_heads": 1}])
def test_training_on_frames_begins_at_the_frequencies_of_notes(options):
    held_out = {"early_stopping": True, "learning_rate_init": 1e-300, "n_steps": 50}
    model = language_model(None, **options, **held_out).fit(PIECES)
    frames = np.concatenate([piece[1:] for piece in PIECES[:3]])
    n_on = frames.sum(axis=0)
    log_odds = np.log((n_on + 0.5) / (len(frames) - n_on + 0.5))
    np.testing.assert_allclose(model.network_.views()["head_bias"], log_odds, rtol=1e-12)
    never = [np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1]])] * 3
    odds = np.exp(language_model(None).partial_fit(never).network_.views()["head_bias"])
    np.testing.assert_allclose(odds[1:], [1 / 13, 13], rtol=0.1)


@pytest.mark.parametrize(
    ("unit", "X", "n"),
    [(None, PIECES * 2, 4), ("character", TEXT, 16), ("character", ["a", "b"] * 40, 32)],
    ids=["pieces", "streams", "short texts"],
)
def test_the_minibatch_is_by_default_of_streams_texts_or_few_pieces(unit, X, n):
    automatic, explicit, other = (
        language_model(unit, batch_size=size, n_steps=1).fit(X).network_.parameters
        for size in ("auto", n, n + 1)
    )
    np.testing.assert_array_equal(automatic, explicit)
    assert not np.array_equal(automatic, other)


@pytest.mark.parametrize(
    ("unit", "X", "n"),
    [
        ("character", TEXT, 60),  # 8 streams of 5 windows
        ("character", TEXTS * 60, 17),  # 540 windows in minibatches of 32
        ("character", TEXTS * 500, 10),
        ("character", ["a", "b"], 100),
        (None, PIECES * 10, 15),  # 80 windows in minibatches of 4
        (None, PIECES * 20, 10),
    ],
    ids=["text", "texts", "many texts", "two texts", "pieces", "many pieces"],
)
def test_few_sequences_are_read_more_often_by_default(unit, X, n, monkeypatch):
    settings = []
    model = language_model(unit, max_iter="auto", batch_size="auto")
    monkeypatch.setattr(model, "_train_fully", lambda *parts: settings.append(parts))
    model.fit(X)
    _, windows, _, _, _, n_drawn = settings[0]
    assert model._settings_for(windows, n_drawn).max_iter == n


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cell": "lstm"},
        {"cell": "attention", "learning_rate_init": 0.005, "batch_size": 4, "max_iter": 100},
        {"tied": True, "embedding_size": 32},
        {"unit": "word", "batch_size": 2, "n_steps": 8},
        {"unit": "subword"},
        {"solver": "adamw", "alpha": 0.01, "averaging": 0.9, "dropout": 0.1, "n_layers": 2},
    ],
    ids=repr,
)
def test_a_text_that_repeats_is_learned(options):
    common = {"hidden_size": 32, "n_steps": 32, "max_iter": 60, "learning_rate_init": 0.02}
    model = RNNLanguageModel(**(common | options)).fit(TEXT * 4)
    assert model.perplexity(TEXT) < 1.5
    written = model.generate(20, prompt="over the lazy dog. the quick", temperature=0)
    assert written.strip().startswith("brown fox jumps")


@pytest.mark.slow
def test_ends_of_sequences_are_learned():
    model = RNNLanguageModel(hidden_size=16, n_steps=8, learning_rate_init=0.02)
    model.fit(RNG.choice(["ab", "cde"], 100))
    written = [model.generate(50, random_state=seed) for seed in range(20)]
    assert set(written) == {"ab", "cde"}
    likelihood = np.exp(model.log_likelihood(["ab", "cde", "a", "abcde"]))
    assert likelihood[:2].sum() > 0.9
    assert likelihood[2:].max() < 0.05


@pytest.mark.slow
def test_what_is_written_begins_as_lines_do():
    lines = RNG.choice(["Adam: yes\n", "Beth: no\n", "Cain: why not\n"], 400)
    model = RNNLanguageModel(hidden_size=16, max_iter=60, learning_rate_init=0.02)
    model.fit("".join(lines))
    written = [model.generate(5, random_state=seed) for seed in range(20)]
    assert sum(each in ("Adam:", "Beth:", "Cain:") for each in written) > 13


@pytest.mark.slow
def test_frames_that_repeat_are_learned():
    scale = np.tile(np.eye(6, dtype=int), (5, 1)) | np.tile(np.eye(6, dtype=int)[::-1], (5, 1))
    model = RNNLanguageModel(None, hidden_size=16, learning_rate_init=0.02).fit([scale] * 4)
    assert model.score([scale]) > -0.2
    np.testing.assert_array_equal(model.generate(10, scale[:8], temperature=0), scale[8:18])


def test_early_stopping_validates_on_the_last_part(monkeypatch):
    monkeypatch.setattr(language_training, "_RESET", 0.0)
    model = language_model(learning_rate_init=1e-300).fit(TEXT)
    model = with_random_weights(model).set_params(warm_start=True, early_stopping=True).fit(TEXT)
    ids, n = ids_of(model, TEXT, False), len(TEXT)
    n_held_out = 27
    bounds = n - n_held_out + n_held_out * np.arange(5) // 4  # four windows, from states of zeros
    losses = [
        naive_token_losses(model, ids[first : last + 1])
        for first, last in itertools.pairwise(bounds)
    ]
    loss = np.concatenate(losses).mean()
    assert model.validation_scores_ == pytest.approx([-loss], rel=1e-10)
    ends = (n - n_held_out) * np.arange(5) // 4  # four streams
    losses = [
        naive_token_losses(model, ids[first : last + 1]) for first, last in itertools.pairwise(ends)
    ]
    assert model.loss_curve_ == pytest.approx([np.concatenate(losses).mean()], rel=1e-10)


def test_early_stopping_holds_out_the_last_pieces():
    of_pieces = language_model(None, early_stopping=True, n_steps=50).fit(PIECES)
    fewer = language_model(None, n_steps=50).fit(PIECES[:3])
    np.testing.assert_array_equal(of_pieces.loss_curve_, fewer.loss_curve_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_partial_fit_goes_on_with_the_weights_and_the_vocabulary():
    first = language_model(learning_rate="constant").partial_fit(TEXTS)
    whole = language_model(learning_rate="constant").fit(TEXTS)
    np.testing.assert_array_equal(first.network_.parameters, whole.network_.parameters)
    tokens = first.tokenizer_.tokens_
    twice = clone(first).partial_fit(TEXTS).partial_fit(["new words so!"])
    assert twice.tokenizer_.tokens_ == tokens
    assert twice.n_iter_ == len(twice.loss_curve_) == 2
    copy = pickle.loads(pickle.dumps(first)).partial_fit(["new words so!"])
    np.testing.assert_array_equal(copy.network_.parameters, twice.network_.parameters)


def test_warm_start_goes_on_and_refuses_another_shape():
    model = language_model(warm_start=True).fit(TEXTS)
    weights, tokens = model.network_.parameters.copy(), model.tokenizer_.tokens_
    model.fit(TEXTS[:2])
    assert model.tokenizer_.tokens_ == tokens
    assert not np.array_equal(model.network_.parameters, weights)
    for name, value in {"hidden_size": 6, "embedding_size": 4, "tied": True}.items():
        with pytest.raises(ValueError, match=f"{name} was"):
            clone(model).fit(TEXTS).set_params(**{name: value}).fit(TEXTS)


def test_a_fit_that_fails_changes_nothing():
    model = language_model().fit(TEXTS)
    before = model.log_likelihood(TEXTS)
    with pytest.raises(ValueError, match="empty"):
        model.fit(["", "a"])
    with pytest.raises(ValueError, match="known"):
        model.partial_fit(["XYZ"])
    np.testing.assert_array_equal(model.log_likelihood(TEXTS), before)


# Forms of X


@pytest.mark.parametrize("form", [tuple, np.array, pd.Series, lambda X: pd.Series(X, list("zyxw"))])
def test_forms_of_texts(form):
    expected = language_model().fit(TEXTS).log_likelihood(TEXTS)
    model = language_model().fit(form(TEXTS))
    np.testing.assert_array_equal(model.log_likelihood(form(TEXTS)), expected)


def test_forms_of_frames():
    pieces = np.stack([piece[:7] for piece in PIECES if len(piece) > 6])
    expected = language_model(None).fit(list(pieces)).log_likelihood(list(pieces))
    frames = [pd.DataFrame(piece) for piece in pieces]
    for X in (pieces, pieces.astype(bool), frames, pieces.tolist()):
        np.testing.assert_array_equal(language_model(None).fit(X).log_likelihood(X), expected)


def test_emoji_and_combining_marks_are_kept():
    text = "\U0001f469\u200d\U0001f467 cafe\u0301 \u0915\u094d\u0937 \U0001f3f4\U000e0067 " * 3
    model = language_model().fit(text)
    assert model.log_likelihood(text) < 0
    assert set(model.generate(200, random_state=0)) <= set(text)
    assert model.log_likelihood(unicodedata.normalize("NFC", text)) < 0


def test_a_vocabulary_of_one():
    model = language_model(max_iter=30, learning_rate_init=0.1).fit("aaaaaaaaaa")
    assert model.generate(5, random_state=0) == "aaaaa"
    assert model.perplexity("aaa") < 2
    one = language_model().fit("a")
    assert one.generate(3) == "aaa"


def test_unknown_tokens_among_others_have_a_likelihood():
    model = language_model().fit(TEXTS)
    assert np.isfinite(model.log_likelihood(["to be X"])).all()
    rare = language_model(Tokenizer("word", min_frequency=4)).fit(TEXTS)
    assert "<unk>" not in rare.generate(100, random_state=0)


@pytest.mark.slow
def test_a_text_of_a_million_tokens():
    text = TEXT * (10**6 // len(TEXT) + 1)
    model = RNNLanguageModel(hidden_size=8, embedding_size=4, max_iter=1).fit(text)
    assert model.loss_curve_[0] < np.log(29)
    assert np.isfinite(model.log_likelihood(text[:10000]))


# Refusals

BAD = {
    "no text": ("character", "", "X is an empty text"),
    "no texts": ("character", [], "X is empty"),
    "an empty text": ("character", ["a", ""], "Text 1 of X is empty"),
    "white space of words": ("word", ["a", " \n"], "Text 1 of X is empty"),
    "a number": ("character", 5, "X must be"),
    "numbers": ("character", ["a", 5], "Text 1 of X is of type int"),
    "a missing text": ("character", ["a", None], "Text 1 of X is missing"),
    "frames without unit=None": ("character", PIECES, "Text 0 of X"),
    "a text of items": (None, "abc", "Sequence 0 of X is a text"),
    "an empty sequence": (None, [[1], []], "Sequence 1 of X is empty"),
    "a list in a sequence": (None, [[1, [2]]], "Step 1 of sequence 0"),
    "other notes": (None, [*PIECES, PIECES[0][:, :3]], r"Piece 4 of X has shape \(12, 3\)"),
    "two": (None, [PIECES[0], 2 * PIECES[0]], "Piece 1 of X holds 2 at step"),
    "half": (None, [0.5 * PIECES[0]], "Piece 0 of X holds 0.5 at step"),
    "missing notes": (None, [np.where(PIECES[0], np.nan, 0)], "Piece 0 of X holds nan at step"),
    "one frame": (None, [PIECES[0], PIECES[0][:1]], "Piece 1 of X has 1 frames"),
    "one piece": (None, PIECES[0], r"X is one array of 0 and 1, of shape \(12, 4\).*as \[X\]"),
    "one piece of truth values": (None, PIECES[0].astype(bool), r"X is one array of 0 and 1"),
    "one melody": (None, [(60, 1), (None, 2)], r"Step 0 of sequence 1 .*missing.*give it as \[X\]"),
    "words as frames": (None, [np.full((3, 4), "a")], "X"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_sequences_are_told(name):
    unit, X, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        language_model(unit).fit(X)


@pytest.mark.parametrize("method", ["log_likelihood", "score", "perplexity", "partial_fit"])
def test_unknown_tokens_alone_are_told(method):
    model = language_model().fit(TEXTS)
    with pytest.raises(ValueError, match="No token of X is known"):
        getattr(model, method)(["XYZ", "Q"])
    with pytest.raises(ValueError, match="No token of X is known"):
        getattr(model, method)("XYZ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tied": True}, "embedding_size to hidden_size, 5"),
        ({"tied": True, "head_size": 4}, "embedding_size to head_size, 4"),
        ({"unit": None, "tied": True}, "tied=True is for tokens"),
        ({"cell": "attention", "residual": True}, "residual=True is for recurrent cells"),
        ({"cell": "attention", "hidden_size": 5, "n_heads": 4}, "no multiple of n_heads"),
        ({"early_stopping": True, "validation_fraction": 0.999}, "holds sequences out"),
        ({"unit": "letter"}, "unit"),
        ({"unit": Tokenizer("word").fit(TEXTS)}, "no token that stands between"),
        ({"device": "cuda"}, "CPU|cuda"),
    ],
    ids=str,
)
def test_parameters_that_do_not_fit(options, message):
    X = PIECES if options.get("unit", "") is None else TEXTS
    with pytest.raises((ValueError, RuntimeError), match=message):
        language_model(**options).fit(X)


def test_a_model_that_is_not_fitted():
    for call in (lambda m: m.generate(3), lambda m: m.score("a"), lambda m: m.log_likelihood("a")):
        with pytest.raises(ValueError, match="not fitted"):
            call(language_model())


# As other estimators


def test_clones_pickles_and_parameters():
    model = language_model(Tokenizer("word", lowercase=True), max_iter=2).fit(TEXTS)
    assert model.get_params()["unit__lowercase"]
    assert clone(model).fit(TEXTS).score(TEXTS) == model.score(TEXTS)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.generate(20, random_state=0) == model.generate(20, random_state=0)


def test_searches_and_cross_validation():
    scores = cross_val_score(language_model("word"), TEXTS * 2, cv=2)
    assert (scores < 0).all()
    search = GridSearchCV(language_model("word"), {"hidden_size": [2, 3]}, cv=2).fit(TEXTS * 2)
    assert search.best_estimator_.generate(3, random_state=0) is not None


def test_progress_is_shown(capsys):
    language_model(verbose=1, max_iter=2).fit(TEXTS)
    assert re.search(r"RNNLanguageModel: 100%  epoch 2  loss \d", capsys.readouterr().err)


@pytest.mark.parametrize(("unit", "X"), [("character", TEXTS), (None, PIECES)])
def test_a_summary_in_notebooks(unit, X):
    html = language_model(unit, max_iter=3).fit(X)._repr_html_()
    assert "tsrnn-network" in html
    assert "1 &times; gru, 5 units" in html
