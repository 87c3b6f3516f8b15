"""Language models that come back from files, to the bit, and forged ones that are refused."""

import numpy as np
import pytest
from saving.conftest import Forgery, assert_same, round_trip

import tsrnn
from tsrnn import RNNLanguageModel, Tokenizer

pytestmark = pytest.mark.slow

TEXTS = ["to be or not", "be so", "or not to be so"]
ITEMS = [[(60, 1), (62, 0.5)], [(62, 0.5), (64, 2), (60, 1)]]
PIECES = [np.random.default_rng(k).integers(0, 2, (12, 3)) for k in range(4)]
MODELS = {
    "text": ({"cell": "gru", "n_layers": 2, "dtype": "float64"}, TEXTS[2]),
    "tied": ({"unit": "word", "tied": True, "embedding_size": 4}, TEXTS),
    "head": ({"unit": "subword", "head_size": 3, "tied": True}, TEXTS),
    "attention": ({"cell": "attention", "n_heads": 2}, TEXTS),
    "tokenizer": ({"unit": Tokenizer("word", lowercase=True, end=True)}, TEXTS),
    "items": ({"unit": None}, ITEMS),
    "frames": ({"unit": None, "early_stopping": True}, PIECES),
}


def language_model(**options):
    sizes = {"hidden_size": 4, "embedding_size": 3, "n_steps": 8, "batch_size": 2, "max_iter": 2}
    return RNNLanguageModel(**(sizes | options))


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(name, path):
    options, X = MODELS[name]
    assert_same(round_trip(language_model(**options), path), language_model(**options))
    fitted = language_model(**options).fit(X)
    prompt = PIECES[0] if name == "frames" else None
    loaded = round_trip(fitted, path)
    assert_same(loaded, fitted)
    assert_same(loaded.log_likelihood(X), fitted.log_likelihood(X))
    draws = [model.generate(20, prompt, random_state=0) for model in (loaded, fitted)]
    assert_same(*draws)
    loaded = round_trip(fitted.partial_fit(X), path)
    assert_same(loaded, fitted)
    assert_same(loaded.partial_fit(X).log_likelihood(X), fitted.partial_fit(X).log_likelihood(X))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Bytes of the files of fitted models, by name."""
    path = tmp_path_factory.mktemp("models") / "model.tsrnn"
    contents = {}
    for name in ("tied", "frames", "attention"):
        options, X = MODELS[name]
        tsrnn.save(language_model(**options).partial_fit(X), path)
        contents[name] = path.read_bytes()
    return contents


TOKENIZER = "fitted.tokenizer_.Tokenizer"
NETWORK = "fitted.network_.RecurrentNetwork"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("tied", {"fitted.tokenizer_": None}),
        ("tied", {"fitted.tokenizer_": None, "fitted.n_notes_": 3}),
        ("tied", {"fitted.n_notes_": 3}),
        ("tied", {"fitted.learns_ends_": 1}),
        ("tied", {f"{TOKENIZER}.fitted.tokens": ["to", "be"]}),
        ("tied", {f"{TOKENIZER}.fitted.begin": False}),
        ("tied", {f"{NETWORK}.tied": False}),
        ("tied", {f"{NETWORK}.n_tokens": 5}),
        ("tied", {f"{NETWORK}.n_tokens": 2**62}),
        ("tied", {f"{NETWORK}.head": "last"}),
        ("tied", {"fitted._rng": None}),
        ("frames", {"fitted.n_notes_": 4}),
        ("frames", {"fitted.n_notes_": None}),
        ("frames", {f"{NETWORK}.n_in": 2}),
        ("attention", {"fitted.network_.Transformer.n_embedding": 2}),
        ("attention", {"fitted.network_.Transformer.head": "mean"}),
        ("attention", {"parameters.n_steps": 0}),
        ("attention", {"parameters.unit": "letter"}),
    ],
    ids=str,
)
def test_parts_that_do_not_fit_are_refused(name, changes, files, assert_refused):
    forgery = Forgery(files[name])
    for where, value in changes.items():
        forgery.change(where, value)
    assert_refused(forgery.npz())
