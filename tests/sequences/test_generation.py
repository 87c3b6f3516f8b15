"""What a language model writes: bits as by hand, and where it ends."""

import naive
import numpy as np
import pytest
from sequences.test_language_model import (
    ITEMS,
    PIECES,
    TEXTS,
    language_model,
    naive_outputs,
    naive_token_losses,
    with_random_weights,
)
from sklearn.utils import check_random_state

from tsrnn import RNNLanguageModel, Tokenizer
from tsrnn.kernels import cells
from tsrnn.network import Memory
from tsrnn.sequences import generation

LONG = "to be or not to be so, " * 30
ATTENTION = {"cell": "attention", "hidden_size": 4, "n_heads": 2}


def generator(seed):
    return np.random.default_rng(check_random_state(seed).randint(2**31))


@pytest.mark.parametrize("cell", cells.NAMES)
@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, None, None), (0.0, None, None), (0.7, 5, None), (1.3, None, 0.8), (1.0, 6, 0.9)],
)
def test_texts_are_as_by_stepping_by_hand(cell, temperature, top_k, top_p):
    model = with_random_weights(language_model(cell=cell, dtype="float32", n_layers=2).fit(LONG))
    prompt = "not to be"
    options = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "random_state": 3}
    written = model.generate(60, prompt, **options)
    network, tokenizer = model.network_, model.tokenizer_
    memory, uniforms = Memory(network), generator(3).random(60)
    (ids,) = tokenizer.transform([prompt])
    for token in ids:
        scores = memory.step(network.embed(token)[None])[0].astype(float)
    by_hand = []
    for uniform in uniforms:
        scores[:2] = -np.inf  # the unknown token, and the boundary before a text
        by_hand.append(naive.draw(scores, uniform, temperature, top_k or 0, top_p or 1.0))
        scores = memory.step(network.embed(by_hand[-1])[None])[0].astype(float)
    assert written == "".join(tokenizer.tokens_[k] for k in by_hand)
    assert len(written) == 60


@pytest.mark.parametrize("options", [{}, ATTENTION], ids=str)
@pytest.mark.parametrize("block", [1, 7, 64])
def test_less_is_the_beginning_of_more(options, block, monkeypatch):
    monkeypatch.setattr(generation, "_FIRST_BLOCK", block)
    monkeypatch.setattr(generation, "_LARGEST_BLOCK", 3 * block)
    model = with_random_weights(language_model(**options).fit(LONG))
    written = [model.generate(n, "to be", random_state=1) for n in (0, 1, 2, 30, 50)]
    assert [len(each) for each in written] == [0, 1, 2, 30, 50]
    assert all(written[-1].startswith(each) for each in written)


@pytest.mark.parametrize("n_steps", [1, 2, 7, 16, 200])
@pytest.mark.parametrize("n_prompt", [0, 1, 7, 20, 45])
def test_attention_draws_by_the_probabilities_of_the_text(n_steps, n_prompt):
    """Kept keys and values are those of reading all windows again, from the text's beginning."""
    model = with_random_weights(language_model(**ATTENTION, n_steps=n_steps).fit(LONG))
    written = LONG[:n_prompt] + model.generate(30, LONG[:n_prompt], random_state=3)
    probabilities = model.predict_proba(written)
    probabilities[:, :2] = 0  # of what is never drawn
    for place, uniform in enumerate(generator(3).random(30), n_prompt):
        cumulative = np.cumsum(probabilities[place]) / probabilities[place].sum()
        expected = np.searchsorted(cumulative, uniform, side="right")
        assert model.tokenizer_.tokens_[expected] == written[place]


def test_a_prompt_longer_than_what_is_read_at_once():
    model = with_random_weights(language_model().fit(LONG))
    assert model.generate(20, LONG * 2, random_state=0) == model.generate(
        20, LONG * 2, random_state=0
    )
    (ids,) = model.tokenizer_.transform([LONG])
    following = model.generate(1, LONG, temperature=0)
    losses = {
        token: naive_token_losses(model, np.append(ids, k))[-1]
        for token, k in model.tokenizer_.vocabulary_.items()
    }
    assert min(losses, key=losses.get) == following


def test_seeds():
    model = language_model().fit(LONG)
    assert model.generate(99, random_state=1) == model.generate(99, random_state=1)
    assert model.generate(99, random_state=1) != model.generate(99, random_state=2)
    assert model.generate(99) != model.generate(99)
    state = np.random.RandomState(1)
    first = model.generate(99, random_state=state)
    assert first == model.generate(99, random_state=1)
    assert first != model.generate(99, random_state=state)


def test_a_text_ends_where_its_end_is_drawn():
    model = with_random_weights(language_model().fit(TEXTS))
    boundary = model.network_.views()["head_bias"]
    boundary[1] = 3.0
    written = [model.generate(200, random_state=seed) for seed in range(20)]
    assert {len(text) for text in written} != {200}
    assert not any("<" in text for text in written)
    boundary[1] = -1e9
    assert len(model.generate(200, random_state=0)) == 200
    boundary[1] = 1e9
    assert model.generate(200, random_state=0) == ""


@pytest.mark.parametrize("unit", ["character", "word", "subword"])
def test_stops(unit):
    model = with_random_weights(language_model(unit).fit(LONG))
    whole = model.generate(300, random_state=0)
    for stop in (whole[20:24], ["zzz", whole[50:53], whole[40:42]], whole[7]):
        stops = [stop] if isinstance(stop, str) else stop
        places = [whole.find(each) for each in stops if each in whole]
        written = model.generate(300, random_state=0, stop=stop)
        assert written == whole[: min(places, default=None)]
        assert len(written) < len(whole)
    assert model.generate(300, random_state=0, stop="zzz") == whole


def test_items_and_their_stops():
    model = with_random_weights(language_model(None).fit(ITEMS * 3))
    model.network_.views()["head_bias"][1] = -1e9  # no end
    whole = model.generate(50, [(60, 1)], random_state=0)
    assert len(whole) == 50
    assert set(whole) <= {item for sequence in ITEMS for item in sequence}
    stop = whole[7]
    assert model.generate(50, [(60, 1)], random_state=0, stop=stop) == whole[: whole.index(stop)]
    stops = [(0, 0), whole[7], whole[3]]
    first = min(whole.index(each) for each in stops[1:])
    assert model.generate(50, [(60, 1)], random_state=0, stop=stops) == whole[:first]


def test_rare_and_special_tokens_are_never_written():
    tokenizer = Tokenizer("word", min_frequency=3, begin=True, end=True)
    model = with_random_weights(language_model(tokenizer).fit(TEXTS))
    model.network_.views()["head_bias"][[0, model.tokenizer_.end_]] = 1e3
    written = model.generate(300, random_state=0)
    assert "<" not in written


def test_probabilities_are_those_of_the_likelihood():
    model = with_random_weights(language_model().fit(TEXTS))
    (ids,) = model.tokenizer_.transform(["to be"])
    probabilities = model.predict_proba("to be")
    assert probabilities.shape == (5, model.tokenizer_.n_tokens_)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    of_tokens = probabilities[np.arange(5), ids[1:]]
    np.testing.assert_allclose(np.log(of_tokens), model.step_log_likelihood("to be"), rtol=1e-10)
    assert model.step_log_likelihood("to be").sum() == pytest.approx(model.log_likelihood("to be"))
    assert [len(rows) for rows in model.predict_proba(["to be", "so"])] == [6, 3]


@pytest.mark.parametrize("options", [{}, ATTENTION], ids=str)
def test_frames_are_drawn_note_by_note(options):
    model = with_random_weights(language_model(None, **options).fit(PIECES))
    prompt, frames = PIECES[0], PIECES[0]
    uniforms = generator(5).random((10, 4))
    for frame, uniform in zip(
        model.generate(10, prompt, 0.5, random_state=5), uniforms, strict=True
    ):
        first = max(-(-(len(frames) - 8) // 4) * 4, 0) if options else 0  # of a window of 8
        scores = naive_outputs(model.network_, frames[first:])[-1]
        probabilities = 1 / (1 + np.exp(-scores / 0.5))
        np.testing.assert_array_equal(frame, uniform < probabilities)
        frames = np.vstack([frames, frame])
    of_piece = model.predict_proba([prompt])[0]
    assert of_piece.shape == (11, 4)
    likelihood = np.where(prompt[1:], of_piece, 1 - of_piece)
    assert np.log(likelihood).sum() == pytest.approx(model.log_likelihood([prompt])[0])


def test_frames_at_the_ends_of_the_temperature():
    model = with_random_weights(language_model(None).fit(PIECES))
    coldest = model.generate(10, PIECES[0], temperature=0)
    assert coldest.dtype == np.int8
    np.testing.assert_array_equal(coldest, model.generate(10, PIECES[0], temperature=1e-320))
    hot = model.generate(400, PIECES[0], temperature=1e30, random_state=0)
    assert 0.4 < hot.mean() < 0.6


def test_options_at_their_ends():
    model = with_random_weights(language_model().fit(TEXTS))
    drawn = model.generate(40, random_state=0)
    for options in ({"top_k": 10**6}, {"top_k": len(model.tokenizer_.tokens_)}, {"top_p": 1}):
        assert model.generate(40, random_state=0, **options) == drawn
    likeliest = model.generate(40, temperature=0)
    for options in ({"top_k": 1}, {"top_p": 1e-300}, {"temperature": 1e-320}):
        assert model.generate(40, random_state=0, **options) == likeliest
    for name, value in {"temperature": np.inf, "top_p": np.nan, "n": 2.0}.items():
        with pytest.raises(ValueError, match=f"^{name} must be"):
            model.generate(**({"n": 5} | {name: value}))


def test_prompts_that_cannot_be_read():
    model = language_model().fit(TEXTS)
    for prompt in ("", None, []):
        assert model.generate(5, prompt, random_state=0) == model.generate(5, random_state=0)
    assert isinstance(model.generate(5, "to X"), str)
    with pytest.raises(ValueError, match="prompt holds no token of the vocabulary"):
        model.generate(5, "XYZ")
    for prompt in (5, ["to", "be"], [1, 2], object()):
        with pytest.raises(ValueError, match="prompt"):
            model.generate(5, prompt)
    of_items = language_model(None).fit(ITEMS)
    for prompt in ("abc", 5, [[1, 2]]):
        with pytest.raises(ValueError, match="prompt"):
            of_items.generate(5, prompt)
    of_frames = language_model(None).fit(PIECES)
    for prompt in (None, "abc", PIECES[0][:0], PIECES[0][0], PIECES[0][:, :3], 3 * PIECES[0]):
        with pytest.raises(ValueError, match="prompt"):
            of_frames.generate(5, prompt)


def test_arguments_that_do_not_fit():
    model, of_frames = language_model().fit(TEXTS), language_model(None).fit(PIECES)
    for stop in ("", 5, [5], ["a", ""]):
        with pytest.raises(ValueError, match="stop"):
            model.generate(5, stop=stop)
    for stop in (np.array([1, 2]), [[60, 1]]):
        with pytest.raises(ValueError, match="stop must be an item, hashable"):
            language_model(None).fit(ITEMS).generate(5, stop=stop)
    for name, value in {"top_k": 3, "top_p": 0.5, "stop": "a"}.items():
        with pytest.raises(ValueError, match=f"{name} is for tokens"):
            of_frames.generate(5, PIECES[0], **{name: value})
    for name, value in {"n": -1, "temperature": -1, "top_k": 0, "top_p": 0}.items():
        with pytest.raises(ValueError, match=name):
            model.generate(**({"n": 5} | {name: value}))


@pytest.mark.slow
def test_a_long_text_is_written_in_pieces():
    model = RNNLanguageModel(hidden_size=8, max_iter=1).fit(LONG)
    assert len(model.generate(30000, random_state=0)) == 30000
