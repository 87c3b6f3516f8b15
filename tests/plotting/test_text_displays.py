"""Displays of text: layout, colours, visible white space, any characters, bad input."""

import matplotlib
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from tsrnn import RNNClassifier, RNNLanguageModel, Tokenizer
from tsrnn.inspection import attention_weights, gates, states
from tsrnn.plotting import (
    ActivityDisplay,
    AttentionDisplay,
    GateDisplay,
    NextTokenDisplay,
    SurpriseDisplay,
)
from tsrnn.plotting.sequences.text import lay_out, visible

matplotlib.use("Agg")
TEXT = "First Citizen:\nBefore we proceed any further, hear me speak."


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def lines_of(tokens, width):
    """The lines of a layout as texts."""
    layout = lay_out(tokens, width)
    lines = [[" "] * (width + 8) for _ in range(layout.n_lines)]
    for label, line, column in zip(layout.labels, layout.lines, layout.columns, strict=True):
        lines[line][column : column + len(label)] = label
    return ["".join(line).rstrip() for line in lines]


def test_characters_break_at_spaces_and_at_the_ends_of_lines():
    assert lines_of(list(TEXT), 20) == [
        "First·Citizen:↵",
        "Before·we·proceed·",
        "any·further,·hear·",
        "me·speak.",
    ]


@pytest.mark.parametrize("width", [10, 17, 80])
def test_no_token_is_lost_and_no_line_too_long(width):
    for tokens in (list(TEXT), TEXT.split(), [TEXT[k : k + 3] for k in range(0, len(TEXT), 3)]):
        layout = lay_out(tokens, width)
        places = set()
        for line, column, n in zip(layout.lines, layout.columns, layout.widths, strict=True):
            assert column + n <= width
            cells = {(line, k) for k in range(column, column + n)}
            assert not places & cells
            places |= cells
        order = list(zip(layout.lines, layout.columns, strict=True))
        assert order == sorted(order)


def test_words_are_apart_and_subwords_are_not():
    assert lines_of(["the", "cat", "sat", "."], 12) == ["the cat sat", "."]
    assert lines_of(["the", " cat", " s", "at", "."], 12) == ["the·cat·sat.", ""][:1]
    assert lines_of([(60, 1), (None, 2)], 40) == ["(60, 1) (None, 2)"]
    assert lines_of([3, 14, 15], 40) == ["3 14 15"]


def test_a_long_word_is_broken_and_a_long_token_shortened():
    assert lines_of(list("a" * 25), 10) == ["a" * 10, "a" * 10, "a" * 5]
    assert lines_of(["b" * 25, "c"], 10) == ["b" * 9 + "…", "c"]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (" ", "·"),
        ("\n", "↵"),
        ("\t", "→"),
        (" the", "·the"),
        ("é", "é"),
        ("e\u0301", "e\u0301"),
        ("\u0301", "\u25cc\u0301"),
        ("😀", "□"),
        ("日本", "□□"),
        ("\x00", "□"),
        ("<unk>", "<unk>"),
        ((60, 2), "(60, 2)"),
        (7, "7"),
    ],
)
def test_what_is_visible(token, expected):
    assert visible(token) == expected


@pytest.mark.parametrize(
    "tokens", [TEXT, "日本語 😀 e\u0301 \u200d \x00$x$ _^{}\\", [" $", "$a", "\n\n", "\r\n", ""]]
)
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_any_text_is_drawn_without_a_warning(tokens, style):
    with matplotlib.pyplot.style.context(style):
        display = SurpriseDisplay.from_values(tokens, np.arange(len(tokens)))
        display.figure_.canvas.draw()
    assert len(display.texts_) == len(tokens)
    assert [text.get_text() for text in display.texts_] == [visible(token) for token in tokens]


def test_colours_are_the_surprises():
    surprise = np.array([np.nan, 0.5, 2.0, np.inf, 0.0])
    display = SurpriseDisplay.from_values("abcde", surprise)
    drawn = display.boxes_.get_array()
    np.testing.assert_array_equal(drawn.mask, [True, False, False, False, False])
    np.testing.assert_array_equal(drawn[1:], [0.5, 2, 2, 0])
    assert (display.boxes_.norm.vmin, display.boxes_.norm.vmax) == (0, 2)
    fills = display.boxes_.to_rgba(drawn)
    assert fills[0, 3] == 0  # transparent
    np.testing.assert_allclose(fills[4, :3], 1)  # the background
    assert display.ax_.get_title(loc="left") == ""  # an infinite mean
    centres = [text.get_position() for text in display.texts_]
    assert centres == [(k + 0.5, 0.5) for k in range(5)]
    assert SurpriseDisplay.from_values("ab", [1, 2], largest=5).boxes_.norm.vmax == 5
    titled = SurpriseDisplay.from_values("abc", [np.nan, 1, 3])
    assert titled.ax_.get_title(loc="left") == "mean 2.00 nats, perplexity 7.4"


def test_text_is_readable_on_its_colour():
    weights = np.array([0.299, 0.587, 0.114])
    for style in ("default", "dark_background"):
        with matplotlib.pyplot.style.context(style):
            display = ActivityDisplay.from_values("x" * 21, np.linspace(-1, 1, 21))
            fills = display.boxes_.to_rgba(display.boxes_.get_array())[:, :3] @ weights
            for text, fill in zip(display.texts_, fills, strict=True):
                letter = np.array(matplotlib.colors.to_rgb(text.get_color())) @ weights
                assert abs(letter - fill) > 0.35


@pytest.mark.parametrize(
    ("values", "limits", "expected"),
    [
        ([0.25, 0.5], None, (0, 0.5)),
        ([-0.25, 0.125], None, (-0.25, 0.25)),
        ([0.25, 0.5], (0, 1), (0, 1)),
        ([0.25, 0.5], (-1, 1), (-1, 1)),
        ([0, 0], None, (0, 1)),
        ([np.nan, np.nan], None, (0, 1)),
    ],
)
def test_limits_of_activity(values, limits, expected):
    display = ActivityDisplay.from_values("ab", values, limits=limits, label="unit 3")
    norm = display.boxes_.norm
    assert (norm.vmin, norm.vmax) == expected
    assert display.ax_.get_title(loc="left") == "unit 3"


def test_zero_has_the_colour_of_the_background():
    display = ActivityDisplay.from_values("abc", [-1.0, 0.0, 1.0])
    low, zero, high = display.boxes_.to_rgba(display.boxes_.get_array())[:, :3]
    np.testing.assert_allclose(zero, 1, atol=0.02)
    assert low[2] > low[0]  # blue
    assert high[0] > high[2]  # orange


def test_given_axes():
    figure, axes = matplotlib.pyplot.subplots(2, 3)
    rows = [[0.5, 0.5]]
    assert SurpriseDisplay.from_values("ab", [1, 2], ax=axes[0, 0]).ax_ is axes[0, 0]
    assert ActivityDisplay.from_values("ab", [1, 2], ax=axes[0, 1]).ax_ is axes[0, 1]
    assert AttentionDisplay.from_weights(rows, "a", "ab", ax=axes[0, 2]).ax_ is axes[0, 2]
    display = NextTokenDisplay.from_probabilities("a", rows, "ab", ax=axes[1, :2])
    assert list(display.axes_.values()) == list(axes[1, :2])
    assert matplotlib.pyplot.get_fignums() == [figure.number]
    with pytest.raises(ValueError, match="one for the bars and one for the candidates, 2 of"):
        display.plot(axes[1])


# Next tokens


def test_candidates_are_the_most_probable():
    generator = np.random.default_rng(0)
    vocabulary, tokens = list("abcdefgh"), list("haz")
    probabilities = generator.dirichlet(np.ones(8), 3)
    probabilities[1] = np.nan
    display = NextTokenDisplay.from_probabilities(tokens, probabilities, vocabulary, n_candidates=3)
    for step in (0, 2):
        best = np.argsort(-probabilities[step])[:3]
        assert display.candidates_[step] == [vocabulary[k] for k in best]
        drawn = display.mesh_.get_array()[:, step]
        np.testing.assert_array_equal(drawn, probabilities[step, best])
    assert display.candidates_[1] == []
    assert display.mesh_.get_array()[:, 1].mask.all()
    heights = [bar.get_height() for bar in display.bars_]
    assert heights[0] == probabilities[0, 7]
    assert np.isnan(heights[1])
    assert heights[2] == 0  # not in the vocabulary
    n_framed = sum(token in row for token, row in zip(tokens, display.candidates_, strict=True))
    assert len(display.frames_) == n_framed
    names = [label.get_text() for label in display.axes_["candidates"].get_xticklabels()]
    assert names == tokens


def test_the_frame_is_around_the_actual_token():
    rows = [[0.1, 0.6, 0.3], [0.1, 0.6, 0.3], [0.1, 0.6, 0.3]]
    display = NextTokenDisplay.from_probabilities("cba", rows, "abc", n_candidates=2)
    centres = [
        (box.get_x() + box.get_width() / 2, int(box.get_y() // 1)) for box in display.frames_
    ]
    assert centres == [(0, 1), (1, 0)]  # "a" is no candidate
    assert [text.get_text() for text in display.texts_] == ["b", "c"] * 3


def test_tokens_that_are_no_text():
    vocabulary = ["<unk>", (60, 1), (None, 2)]
    rows = [[0.1, 0.2, 0.7]]
    display = NextTokenDisplay.from_probabilities([(60, 1)], rows, vocabulary)
    assert display.candidates_ == [[(None, 2), (60, 1), "<unk>"]]
    assert display.bars_[0].get_height() == 0.2
    display.figure_.canvas.draw()


# Attention


def test_weights_and_labels():
    weights = np.array([[1.0, np.nan, np.nan], [0.25, 0.75, np.nan], [0.5, 0.25, 0.25]])
    display = AttentionDisplay.from_weights(weights, "a\nb", label="layer l0, head 1")
    np.testing.assert_array_equal(display.mesh_.get_array().filled(np.nan), weights)
    for axis in (display.ax_.xaxis, display.ax_.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == ["a", "↵", "b"]
    assert display.ax_.get_ylim() == (2.5, -0.5)  # the first token is on top
    assert display.ax_.get_title(loc="left") == "layer l0, head 1"
    display.figure_.canvas.draw()


# Bad input

CALLS = {
    "surprises": lambda tokens, values: SurpriseDisplay(tokens, values),
    "values": lambda tokens, values: ActivityDisplay(tokens, values),
    "probabilities": lambda tokens, values: NextTokenDisplay(tokens, values, "abc"),
    "weights": lambda tokens, values: AttentionDisplay(tokens=tokens, weights=values, source="abc"),
}


@pytest.mark.parametrize("name", CALLS)
def test_bad_tokens_and_values(name):
    call = CALLS[name]
    for tokens in ("", [], np.array([])):
        with pytest.raises(ValueError, match="tokens is empty: give a text or a list of tokens"):
            call(tokens, [])
    for tokens in (3, None, b"ab", {"a": 1}):
        with pytest.raises(ValueError, match="tokens must be a text or a list of tokens, got"):
            call(tokens, [1])
    with pytest.raises(ValueError, match=f"{name} must have (one|a row).* the 2 tokens.*\\(3,\\)"):
        call("ab", [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match=f"{name} cannot be read as numbers"):
        call("ab", ["a", "b"])
    with pytest.raises(ValueError, match=r"tokens has 6,000, and at most \S+ are drawn: give a"):
        call("a" * 6000, np.ones(6000))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SurpriseDisplay("ab", [1, -0.5]), "surprises must not be .* -0.5 at token 1"),
        (lambda: ActivityDisplay("ab", [1, np.inf]), "values has inf: give finite numbers"),
        (lambda: ActivityDisplay("ab", [1, 2], limits=(1, 1)), "limits must be a lower and a"),
        (lambda: NextTokenDisplay("a", [[0.5, 2]], "ab"), "from 0 to 1, and row 0 has 2"),
        (lambda: NextTokenDisplay("a", [[0.5, 0.5]], ""), "vocabulary is empty"),
        (lambda: AttentionDisplay([[-1]], "a"), "weights must be from 0 to 1, and row 0 has -1"),
        (lambda: AttentionDisplay([[1]], "a", []), "source is empty"),
        (lambda: AttentionDisplay([[1]], "a", "b" * 301), "source has 301, and at most 300"),
        (lambda: SurpriseDisplay("a", [1], width=3), "width must be a whole number from 10"),
    ],
)
def test_bad_values(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert not matplotlib.pyplot.get_fignums()


# Of fitted networks


@pytest.fixture(scope="module")
def model():
    text = "the quick brown fox jumps over the lazy dog. " * 6
    small = {"embedding_size": 3, "hidden_size": 5, "max_iter": 2, "n_steps": 16}
    return RNNLanguageModel(cell="lstm", n_layers=2, **small).fit(text)


@pytest.mark.slow
def test_surprise_of_a_language_model(model):
    display = SurpriseDisplay.from_estimator(model, "the Fox", width=20, largest=4)
    np.testing.assert_array_equal(display.boxes_.get_array(), -model.step_log_likelihood("the Fox"))
    labels = [text.get_text() for text in display.texts_]
    assert labels == ["t", "h", "e", "·", "<unk>", "o", "x"]


@pytest.mark.slow
@pytest.mark.parametrize("of", ["hidden", "cell", "forget"])
def test_activity_of_a_unit(model, of):
    text = "the lazy dog"
    display = ActivityDisplay.from_estimator(model, text, 3, of=of, layer="l0")
    frame = (gates if of == "forget" else states)(model, text)["l0", of, 3]
    np.testing.assert_array_equal(display.boxes_.get_array(), frame.iloc[1:])
    kind = "gate" if of == "forget" else "state"
    assert display.ax_.get_title(loc="left") == f"layer l0, unit 3: {of} {kind}"
    norm = display.boxes_.norm
    assert ((norm.vmin, norm.vmax) == (0, 1)) == (of == "forget")
    assert ActivityDisplay.from_estimator(model, text, 0).label == "layer l1, unit 0: hidden state"


@pytest.mark.slow
def test_next_tokens_of_a_language_model(model):
    display = NextTokenDisplay.from_estimator(model, "the fox", n_candidates=3)
    names = model.tokenizer_.tokens_
    for step, row in enumerate(model.predict_proba("the fox")):
        assert display.candidates_[step] == [names[k] for k in np.argsort(-row)[:3]]
        assert display.bars_[step].get_height() == row[names.index("the fox"[step])]


@pytest.mark.slow
def test_attention_of_a_language_model():
    items = [[(60, 1), (62, 2), (60, 1)], [(62, 2), (60, 1)]] * 9
    small = {"embedding_size": 4, "hidden_size": 4, "max_iter": 1, "n_steps": 8, "n_heads": 2}
    model = RNNLanguageModel(None, cell="attention", **small).fit(items)
    frame = attention_weights(model, [items[0]], every_step=True)["l0"]
    for display in (SurpriseDisplay, NextTokenDisplay):
        assert len(display.from_estimator(model, items[0]).tokens) == 3  # not the end
    display = AttentionDisplay.from_estimator(model, items[0], head=1)
    np.testing.assert_array_equal(display.mesh_.get_array().filled(np.nan), frame[1])
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels == ["<bos>", "(60, 1)", "(62, 2)", "(60, 1)"]
    mean = AttentionDisplay.from_estimator(model, items[0])
    expected = (frame[0].to_numpy() + frame[1].to_numpy()) / 2
    np.testing.assert_allclose(mean.mesh_.get_array().filled(np.nan), expected)
    with pytest.raises(ValueError, match=r"no head 2 of layer 'l0': .* layers \['l0'\] and heads"):
        AttentionDisplay.from_estimator(model, items[0], head=2)


@pytest.mark.slow
def test_a_classifier_behind_a_tokenizer():
    texts, labels = ["good film", "bad film", "the good plot", "the bad plot"] * 6, [1, 0, 1, 0] * 6
    classifier = RNNClassifier(embedding_size=3, hidden_size=4, max_iter=1, bidirectional=True)
    pipeline = make_pipeline(Tokenizer("word"), classifier).fit(texts, labels)
    display = ActivityDisplay.from_estimator(pipeline, "the good film", 2)
    assert [text.get_text() for text in display.texts_] == ["the", "good", "film"]
    frame = states(pipeline, ["the good film"])["l0", "hidden", 2]
    np.testing.assert_array_equal(display.boxes_.get_array(), frame)
    ids = pipeline[0].transform(["the good film"])[0]
    alone = ActivityDisplay.from_estimator(pipeline[-1], ids, 2)
    np.testing.assert_array_equal(alone.boxes_.get_array(), frame)
    GateDisplay.from_estimator(pipeline, texts[:1])
    with pytest.raises(ValueError, match="RNNClassifier reads no text: give a fitted RNNLanguage"):
        ActivityDisplay.from_estimator(pipeline[-1], "the good film", 2)
    with pytest.raises(
        ValueError, match="estimator must be a fitted RNNLanguageModel, got Pipeline"
    ):
        SurpriseDisplay.from_estimator(pipeline, "the good film")


@pytest.mark.slow
def test_bad_texts_and_units(model):
    for call in (SurpriseDisplay.from_estimator, NextTokenDisplay.from_estimator):
        with pytest.raises(ValueError, match="text is empty"):
            call(model, "")
        with pytest.raises(ValueError, match="tokens has 6,001, and at most"):
            call(model, "a" * 6001)
    for options in ({"unit": 5}, {"unit": 0, "layer": "l2"}, {"unit": 0, "of": "reset"}):
        with pytest.raises(ValueError, match=r"no unit \d of .* layers \['l0', 'l1'\], .* 5 units"):
            ActivityDisplay.from_estimator(model, "the fox", **options)
    with pytest.raises(ValueError, match="of must be one of"):
        ActivityDisplay.from_estimator(model, "the fox", 0, of="open")
    with pytest.raises(ValueError, match="cell='lstm' does not attend"):
        AttentionDisplay.from_estimator(model, "the fox")
    with pytest.raises(ValueError, match="Series are drawn here, not text"):
        GateDisplay.from_estimator(model, "the fox")
    with pytest.raises(NotFittedError):
        SurpriseDisplay.from_estimator(RNNLanguageModel(), "a")
    frames = [np.random.default_rng(0).integers(0, 2, (9, 4))]
    music = RNNLanguageModel(None, hidden_size=3, max_iter=1).fit(frames)
    with pytest.raises(ValueError, match="The model is of music"):
        SurpriseDisplay.from_estimator(music, frames[0])
    assert not matplotlib.pyplot.get_fignums()
