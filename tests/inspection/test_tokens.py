"""What is seen inside of networks that read tokens, against the slow twin."""

import naive
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from tsrnn import RNNClassifier, RNNLanguageModel, Tokenizer
from tsrnn.inspection import (
    attention_weights,
    diagnose,
    gates,
    gradient_flow,
    memory_half_life,
    states,
)

pytestmark = pytest.mark.slow

TEXT = "the quick brown fox jumps over the lazy dog. " * 12
SMALL = {"embedding_size": 3, "hidden_size": 5, "max_iter": 3, "n_steps": 16, "batch_size": 4}


def fitted(cell="lstm", X=TEXT, **options):
    return RNNLanguageModel(cell=cell, **(SMALL | {"dtype": "float64"} | options)).fit(X)


@pytest.fixture(scope="module")
def model():
    return fitted(n_layers=2, hidden_size=6)


def run_naive(network, ids):
    """h and c after each token of each layer, and probabilities of the next token."""
    views = network.views()
    rows = views["token_embedding"][ids]
    layers = []
    for layer in range(network.n_layers):
        names = "weight_hidden", "bias", "weight_input"
        weights = {name: views[f"{name}_l{layer}"] for name in names}
        h = c = np.zeros(network.n_hidden)
        own = []
        for row in rows:
            h, c = naive.CELLS[network.cell](weights, h, h, c, row)
            own.append((h, c))
        layers.append(own)
        rows = np.array([h for h, _ in own])
    scores = rows @ views["head_weight"].T + views["head_bias"]
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return layers, odds / odds.sum(axis=1, keepdims=True)


def ids_of(model, text):
    return np.array([model.tokenizer_.begin_, *model.tokenizer_.transform([text])[0][1:]])


def test_states_after_each_token_and_probabilities_of_the_next(model):
    text = "the lazy fox"
    layers, expected = run_naive(model.network_, ids_of(model, text))
    frame = states(model, text)
    assert frame.index.equals(pd.RangeIndex(len(text) + 1, name="step"))
    for layer, own in enumerate(layers):
        hidden, cell = (np.array(values) for values in zip(*own, strict=True))
        np.testing.assert_allclose(frame[f"l{layer}", "hidden"], hidden, rtol=1e-10)
        np.testing.assert_allclose(frame[f"l{layer}", "cell"], cell, rtol=1e-10)
    np.testing.assert_allclose(model.predict_proba(text), expected[:-1], rtol=1e-9)


def test_several_texts_of_different_lengths(model):
    texts = ["dog", "the lazy fox", "a"]
    for function in (states, gates):
        both = function(model, texts)
        assert both.index.names == ["sequence", "step"]
        for number, text in enumerate(texts):
            alone = function(model, text)
            np.testing.assert_allclose(both.loc[number], alone, rtol=1e-12)
            assert both.loc[number].index.tolist() == alone.index.tolist()


def test_sequences_of_items():
    items = [[(60, 1), (62, 2), (60, 1)], [(62, 2), (60, 1)]] * 2
    model = fitted("gru", items, unit=None)
    assert states(model, [items[0]]).shape == (4, 5)
    assert states(model, items).shape == (4 + 3 + 4 + 3, 5)


def test_frames_of_music():
    generator = np.random.default_rng(0)
    pieces = [generator.integers(0, 2, (n, 4)) for n in (9, 7, 12)]
    model = fitted("gru", pieces, unit=None)
    frame = states(model, pieces[:2])
    assert frame.loc[0].index.tolist() == list(range(1, 10))
    assert frame.loc[1].index.tolist() == list(range(1, 8))
    with pytest.raises(ValueError, match="X"):
        states(model, pieces[0])


def test_other_inspections_of_a_language_model(model):
    assert memory_half_life(model, TEXT[:40]).shape == (12,)
    flow = gradient_flow(model, TEXT[:40])
    assert flow.shape == (40, 12)
    assert (flow["l1", "hidden"] > 0).all()
    with pytest.raises(ValueError, match="RNNLanguageModel has its targets in X: leave y out"):
        gradient_flow(model, TEXT[:40], [1])
    with pytest.raises(ValueError, match="RNNLanguageModel can't be diagnosed"):
        diagnose(model, TEXT)


def test_attention_of_a_language_model():
    model = fitted("attention", n_heads=2, hidden_size=4)
    frame = attention_weights(model, "the fox", every_step=True)
    assert frame.shape == (8, 2 * 8)
    np.testing.assert_allclose(frame["l0", 0].sum(axis=1), 1)
    assert frame["l0", 0].iloc[2].isna().tolist() == [False] * 3 + [True] * 5
    with pytest.raises(ValueError, match="X has a sequence of 21 steps, and attention reads n_ste"):
        states(model, TEXT[:20])


def test_bad_texts(model):
    with pytest.raises(ValueError, match="X is needed: an RNNLanguageModel keeps no sequences"):
        states(model)
    with pytest.raises(ValueError, match="X has no sequence"):
        states(model, [])
    with pytest.raises(ValueError, match=r"^X holds no token of the vocabulary"):
        states(model, "ÄÖÜ")
    with pytest.raises(ValueError, match=r"^Sequence 1 of X holds no token of the vocabulary"):
        states(model, ["a", "ÄÖÜ"])
    with pytest.raises(NotFittedError):
        states(RNNLanguageModel(), "a")


def test_pipelines_read_as_their_last_step():
    generator = np.random.default_rng(0)
    words = ["good", "bad", "film", "plot", "the"]
    texts = [" ".join(generator.choice(words, generator.integers(2, 7))) for _ in range(60)]
    labels = ["good" in text for text in texts]
    classifier = RNNClassifier(cell="gru", embedding_size=3, hidden_size=4, max_iter=2)
    pipeline = make_pipeline(Tokenizer("word"), classifier).fit(texts, labels)
    ids = pipeline[0].transform(texts[:3])
    pd.testing.assert_frame_equal(states(pipeline, texts[:3]), states(pipeline[-1], ids))
    pd.testing.assert_frame_equal(
        gradient_flow(pipeline, texts, labels),
        gradient_flow(pipeline[-1], pipeline[0].transform(texts), labels),
    )
    assert str(diagnose(pipeline, texts, labels))
    layers, _ = run_naive_states(pipeline[-1].network_, ids[0])
    np.testing.assert_allclose(states(pipeline, texts[:1])["l0", "hidden"], layers, rtol=1e-4)
    with pytest.raises(ValueError, match="Tokenizer can't be inspected"):
        states(make_pipeline(Tokenizer("word")).fit(texts), texts)


def run_naive_states(network, ids):
    layers, scores = run_naive(network, ids)
    return np.array([h for h, _ in layers[0]]), scores
