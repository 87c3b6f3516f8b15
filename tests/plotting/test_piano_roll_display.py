import matplotlib
import numpy as np
import pytest

from tsrnn.plotting import PianoRollDisplay

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def boxes(collection):
    """(first, end, pitch) of the bars of notes, without the gaps between them."""
    extents = [path.get_extents() for path in collection.get_paths()]
    return [(box.x0, round(box.x1, 1), round((box.y0 + box.y1) / 2)) for box in extents]


def roll_of(*notes, n_frames=8, n_notes=88):
    roll = np.zeros((n_frames, n_notes), int)
    for pitch, first, end in notes:
        roll[first:end, pitch - (21 if n_notes == 88 else 0)] = 1
    return roll


@pytest.mark.parametrize("n_notes", [88, 128])
def test_bars_are_the_notes(n_notes):
    display = PianoRollDisplay.from_roll(roll_of((60, 0, 3), (67, 2, 8), n_notes=n_notes))
    assert boxes(display.notes_) == [(0, 2.9, 60), (2, 7.9, 67)]
    assert display.prompt_notes_ is None
    assert display.prompt_line_ is None
    assert display.ax_.get_legend() is None
    assert display.ax_.get_xlabel() == "frame"
    assert display.ax_.get_xlim() == (0, 8)
    low, high = display.ax_.get_ylim()
    assert low < 58
    assert high > 69
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["C4"]


def test_a_note_that_crosses_the_end_of_the_prompt_is_cut_there():
    roll = roll_of((60, 2, 6), (64, 5, 8))
    display = PianoRollDisplay.from_roll(roll, prompt_frames=4, step=0.5)
    assert boxes(display.prompt_notes_) == [(1, 2.0, 60)]
    assert boxes(display.notes_) == [(2, 3.0, 60), (2.5, 4.0, 64)]
    assert display.prompt_line_.get_xdata() == [2, 2]
    assert display.ax_.get_xlabel() == "beat"
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["prompt", "composed"]


def test_repeated_notes_are_bars_of_their_own():
    display = PianoRollDisplay.from_roll(roll_of((60, 0, 3)), repeat=True)
    assert boxes(display.notes_) == [(0, 0.9, 60), (1, 1.9, 60), (2, 2.9, 60)]


@pytest.mark.parametrize("prompt_frames", [None, 0, 8])
def test_silence_and_whole_prompts(prompt_frames):
    display = PianoRollDisplay.from_roll(roll_of(), prompt_frames=prompt_frames)
    display.figure_.canvas.draw()
    assert display.ax_.get_ylim() == (53.5, 66.5)
    assert (display.notes_ is None) == (prompt_frames == 8)
    assert (display.prompt_notes_ is None) == (prompt_frames != 8)


def test_lowest_and_highest_notes():
    display = PianoRollDisplay.from_roll(roll_of((0, 0, 1), (127, 0, 1), n_notes=128))
    display.figure_.canvas.draw()
    low, high = display.ax_.get_ylim()
    assert low < 0
    assert high > 127


def test_given_axes():
    figure, ax = matplotlib.pyplot.subplots()
    assert PianoRollDisplay(roll_of((60, 0, 1))).plot(ax).ax_ is ax
    assert matplotlib.pyplot.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("roll", "options", "message"),
    [
        (roll_of(), {"prompt_frames": 9}, "prompt_frames is 9, and roll has 8 frames"),
        (roll_of(), {"prompt_frames": -1}, "prompt_frames must be"),
        (roll_of(), {"step": 0}, "step must be"),
        (roll_of(n_frames=0), {}, "roll is empty"),
        (roll_of() + 0.5, {}, "values 0 and 1 only"),
        (np.zeros((4, 12)), {}, r"got shape \(4, 12\)"),
    ],
)
def test_bad_input(roll, options, message):
    with pytest.raises(ValueError, match=message):
        PianoRollDisplay.from_roll(roll, **options)
    assert not matplotlib.pyplot.get_fignums()
