"""Translators that come back from files, to the bit, and forged ones that are refused."""

import numpy as np
import pytest
from saving.conftest import Forgery, assert_same, round_trip

import tsrnn
from tsrnn import RNNTranslator, Tokenizer

pytestmark = pytest.mark.slow

TEXTS = ["to be or not", "be so", "or not to be so"]
ITEMS = [[(60, 1), (62, 0.5)], [(62, 0.5), (64, 2), (60, 1)], [(60, 1)]]
NUMBERS = [np.sin(np.arange(2.0 * n)).reshape(n, 2) for n in (4, 2, 5)]
GAPS = [NUMBERS[0], NUMBERS[1], np.where(np.arange(10).reshape(5, 2) == 3, np.nan, NUMBERS[2])]
TRANSLATORS = {
    "words": ({"dtype": "float64", "n_layers": 2, "residual": True}, TEXTS, TEXTS),
    "tied": ({"tied": True, "attention": None, "bidirectional": False}, TEXTS, TEXTS),
    "items": ({"source_unit": None, "target_unit": None, "attention": "dot"}, ITEMS, ITEMS),
    "numbers": ({"source_unit": None, "attention": "additive"}, NUMBERS, TEXTS),
    "gaps": ({"source_unit": None, "early_stopping": True}, GAPS, TEXTS),
    "tokenizer": ({"target_unit": Tokenizer("subword", max_tokens=30)}, TEXTS, TEXTS),
}


def translator(**options):
    sizes = {"hidden_size": 4, "embedding_size": 3, "batch_size": 2, "max_iter": 2}
    return RNNTranslator(**(sizes | options))


@pytest.mark.parametrize("name", TRANSLATORS)
def test_round_trip(name, path):
    options, X, y = TRANSLATORS[name]
    assert_same(round_trip(translator(**options), path), translator(**options))
    fitted = translator(**options).fit(X, y)
    loaded = round_trip(fitted, path)
    assert_same(loaded, fitted)
    assert loaded.predict(X) == fitted.predict(X)
    assert_same(loaded.log_likelihood(X, y), fitted.log_likelihood(X, y))
    loaded = round_trip(fitted.partial_fit(X, y), path)
    assert_same(loaded, fitted)
    scores = [model.partial_fit(X, y).log_likelihood(X, y) for model in (loaded, fitted)]
    assert_same(*scores)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Bytes of the files of fitted translators, by name."""
    path = tmp_path_factory.mktemp("translators") / "translator.tsrnn"
    contents = {}
    for name in ("words", "tied", "numbers"):
        options, X, y = TRANSLATORS[name]
        tsrnn.save(translator(**options).partial_fit(X, y), path)
        contents[name] = path.read_bytes()
    return contents


NETWORK = "fitted.network_.EncoderDecoder"
TOKENIZER = "fitted.target_tokenizer_.Tokenizer"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("words", {"fitted.source_tokenizer_": None}),
        ("words", {"fitted.target_tokenizer_": None}),
        ("words", {f"{TOKENIZER}.fitted.tokens": ["to", "be"]}),
        ("words", {f"{TOKENIZER}.fitted.begin": False}),
        ("words", {f"{TOKENIZER}.fitted.end": False}),
        ("words", {"fitted.longest_": 0}),
        ("words", {"fitted.longest_": 1.5}),
        ("words", {"fitted.missing_": "tell"}),
        ("words", {"fitted.missing_": "other"}),
        ("words", {"fitted._rng": None}),
        ("words", {f"{NETWORK}.cell": "mgu"}),
        ("words", {f"{NETWORK}.attention": "luong"}),
        ("words", {f"{NETWORK}.attention": "additive"}),
        ("words", {f"{NETWORK}.n_hidden": 2}),
        ("words", {f"{NETWORK}.n_hidden": 2**62}),
        ("words", {f"{NETWORK}.n_hidden": -4}),
        ("words", {f"{NETWORK}.n_layers": 2**40}),
        ("words", {f"{NETWORK}.n_out": 2**40}),
        ("words", {f"{NETWORK}.n_tokens": 2**40}),
        ("words", {f"{NETWORK}.n_tokens": 5}),
        ("words", {f"{NETWORK}.n_in": 3}),
        ("words", {f"{NETWORK}.n_out_embedding": 2**40}),
        ("words", {f"{NETWORK}.tied": True}),
        ("words", {f"{NETWORK}.bidirectional": False}),
        ("words", {f"{NETWORK}.bidirectional": 1}),
        ("tied", {f"{NETWORK}.tied": False}),
        ("tied", {f"{NETWORK}.n_out_embedding": 3}),
        ("numbers", {"fitted.X_mean_": None}),
        ("numbers", {"fitted.X_scale_": None}),
        ("numbers", {"fitted.missing_": "tell"}),
        ("numbers", {f"{NETWORK}.n_in": 1}),
        ("numbers", {"parameters.source_unit": "letter"}),
    ],
    ids=str,
)
def test_parts_that_do_not_fit_are_refused(name, changes, files, assert_refused):
    forgery = Forgery(files[name])
    for where, value in changes.items():
        forgery.change(where, value)
    assert_refused(forgery.npz())
