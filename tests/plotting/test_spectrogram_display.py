import matplotlib
import numpy as np
import pandas as pd
import pytest

from tsrnn.plotting import SpectrogramDisplay
from tsrnn.sequences.audio import log_mel, mel_frequencies
from tsrnn.sequences.music import write_wav

matplotlib.use("Agg")

WAVE = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
ALIGNMENT = pd.DataFrame(
    {"label": ["one", 2, "a long label"], "start": [0.1, 0.4, 0.9], "end": [0.4, 0.8, 1.0]},
    index=[5, 5, 5],
)


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def bars(display):
    extents = [path.get_extents() for path in display.bars_.get_paths()]
    return [(round(box.x0, 6), round(box.x1, 6), box.y0, box.y1) for box in extents]


def test_the_image_is_the_spectrogram():
    display = SpectrogramDisplay.from_wave(WAVE, 8000, n_mels=30, hop=0.01)
    energies = log_mel(WAVE, 8000, n_mels=30, hop=0.01)
    np.testing.assert_array_equal(display.image_.get_array(), energies.T)
    assert display.image_.get_extent() == [0, 1, -0.5, 29.5]
    assert list(display.axes_) == ["spectrogram"]
    ax = display.axes_["spectrogram"]
    assert ax.get_xlabel() == "seconds"
    assert ax.get_ylabel() == "frequency"
    assert ax.get_xlim() == (0, 1)
    assert display.bars_ is None
    assert display.texts_ == []
    low, high = display.image_.get_clim()
    assert high == energies.max()
    assert low == pytest.approx(np.percentile(energies, 5))


def test_frequencies_stand_where_their_channels_are():
    ax = SpectrogramDisplay.from_wave(WAVE, 8000).axes_["spectrogram"]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["125 Hz", "250 Hz", "500 Hz", "1 kHz", "2 kHz"]
    frequencies = mel_frequencies(8000, n_mels=80)
    places = np.interp(ax.get_yticks(), np.arange(80), frequencies)
    np.testing.assert_allclose(places, [125, 250, 500, 1000, 2000])
    plain = SpectrogramDisplay.from_spectrogram(np.eye(3, 4), 0.5)
    assert plain.axes_["spectrogram"].get_ylabel() == "channel"
    assert plain.image_.get_extent() == [0, 1.5, -0.5, 3.5]


def test_labels_stand_below_their_time():
    display = SpectrogramDisplay.from_wave(WAVE, 8000, ALIGNMENT)
    assert bars(display) == [(0.1, 0.4, 0, 1), (0.4, 0.8, 0, 1), (0.9, 1.0, 0, 1)]
    assert [text.get_text() for text in display.texts_] == ["one", "2"]  # no room for the third
    np.testing.assert_allclose([text.get_position()[0] for text in display.texts_], [0.25, 0.6])
    above, below = display.axes_["spectrogram"], display.axes_["alignment"]
    assert above.get_xlabel() == ""
    assert below.get_xlabel() == "seconds"
    assert above.get_xlim() == below.get_xlim() == (0, 1)
    lines = [line.get_xdata()[0] for line in above.get_lines()]
    np.testing.assert_allclose(lines, [0.1, 0.4, 0.8, 0.9, 1.0])
    display.figure_.canvas.draw()
    boxes = [ax.get_position() for ax in (above, below)]
    assert boxes[0].y0 > boxes[1].y1
    np.testing.assert_allclose([boxes[0].x0, boxes[0].x1], [boxes[1].x0, boxes[1].x1])


def test_files(tmp_path):
    path = tmp_path / "tone.wav"
    write_wav(path, WAVE[:4000], rate=8000)
    for file in (path, str(path)):
        display = SpectrogramDisplay.from_wave(file)
        assert display.image_.get_extent()[1] == 0.5


@pytest.mark.parametrize("n_frames", [1, 2, 50])
def test_silence_and_short_waves(n_frames):
    display = SpectrogramDisplay.from_wave(np.zeros(40 * n_frames), 8000, ALIGNMENT[:0])
    display.figure_.canvas.draw()
    assert display.image_.get_array().shape == (80, n_frames)


def test_dollars_are_no_mathematics():
    labels = ALIGNMENT.assign(label="$x$")
    display = SpectrogramDisplay.from_wave(WAVE, 8000, labels)
    display.figure_.canvas.draw()
    assert display.texts_[0].get_text() == "$x$"


def test_given_axes():
    _, axes = matplotlib.pyplot.subplots(2)
    display = SpectrogramDisplay(np.eye(3), 0.1, ALIGNMENT).plot(axes)
    assert list(display.axes_.values()) == list(axes)
    _, ax = matplotlib.pyplot.subplots()
    assert SpectrogramDisplay(np.eye(3), 0.1).plot(ax).axes_["spectrogram"] is ax
    assert len(matplotlib.pyplot.get_fignums()) == 2
    message = "one for the spectrogram and, with an alignment, one for that, 2 of them, got 1"
    with pytest.raises(ValueError, match=message):
        SpectrogramDisplay(np.eye(3), 0.1, ALIGNMENT).plot(ax)


@pytest.mark.parametrize(
    ("spectrogram", "options", "message"),
    [
        (np.zeros(3), {}, r"spectrogram must be .* got shape \(3,\)"),
        (np.zeros((0, 3)), {}, "that is not empty"),
        ("a", {}, "spectrogram cannot be read as numbers"),
        ([[0, np.nan]], {}, "spectrogram has nan at frame 0, channel 1"),
        (np.eye(3), {"hop": 0}, "hop must be"),
        (np.eye(3), {"frequencies": [1, 2]}, "frequencies must be 3 increasing numbers"),
        (np.eye(3), {"frequencies": [1, 3, 2]}, "frequencies must be 3 increasing numbers"),
        (np.eye(3), {"frequencies": ["a"] * 3}, "frequencies cannot be read"),
        (np.eye(3), {"alignment": [1]}, "alignment must be a DataFrame .* got list"),
        (
            np.eye(3),
            {"alignment": ALIGNMENT[["label", "end"]]},
            r"columns label, start and end, got \['label', 'end'\]",
        ),
        (np.eye(3), {"alignment": ALIGNMENT.assign(end="x")}, "times that are no numbers"),
        (np.eye(3), {"alignment": ALIGNMENT.assign(start=0.6)}, "Row 0 .* from 0.6 to 0.4 seconds"),
        (np.eye(3), {"alignment": ALIGNMENT.assign(start=-1)}, "Row 0 .* Times are 0 or more"),
        (np.eye(3), {"alignment": ALIGNMENT.assign(end=np.nan)}, "Row 0 .* to nan seconds"),
        (np.eye(3), {"alignment": ALIGNMENT.assign(end=np.inf)}, "Row 0 .* to inf seconds"),
    ],
)
def test_bad_input(spectrogram, options, message):
    with pytest.raises(ValueError, match=message):
        SpectrogramDisplay.from_spectrogram(spectrogram, **({"hop": 0.1} | options))
    assert not matplotlib.pyplot.get_fignums()


def test_waves_that_are_refused():
    with pytest.raises(ValueError, match="rate of wave, an array, is not known"):
        SpectrogramDisplay.from_wave(WAVE)
    with pytest.raises(ValueError, match="wave has NaN at sample 0"):
        SpectrogramDisplay.from_wave([np.nan], 8000)
    assert not matplotlib.pyplot.get_fignums()
