"""SpectrogramDisplay: the spectrogram of a wave, and labels below it when they were said."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.parameters import Number, validated
from tsrnn.plotting.checks import ARGUMENTS, takes_axes
from tsrnn.plotting.grid import listed_axes
from tsrnn.plotting.style import BLUE, VERMILION, blend, foreground, format_axes, pyplot, set_title
from tsrnn.sequences.audio import log_mel, mel_frequencies, read_wav
from tsrnn.sequences.audio.spectra import SETTINGS
from tsrnn.sequences.audio.waves import RATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.image import AxesImage
    from matplotlib.text import Text

_WIDTH, _HEIGHT, _STRIP = 10, 3.2, 0.45  # inches
_LETTER = 0.085  # inches
_FAINTEST = 5  # percentile of the values that has the darkest colour
_SECONDS = Number(1e-4, 3600)


class SpectrogramDisplay:
    """Plot of a spectrogram, and below it of an alignment: which label was said when.

    Parameters
    ----------
    spectrogram : array-like of shape (n_frames, n_channels)
        Values of each frame, from the first channel at the bottom: log energies or other features.
    hop : float
        Seconds from one frame to the next; frame k is from k * hop to (k + 1) * hop.
    alignment : DataFrame, optional
        A row for each label: columns ``label``, ``start`` and ``end``, in seconds.
    frequencies : array-like of shape (n_channels,), optional
        Increasing frequencies of the channels in hertz; by default the axis numbers the channels.

    Attributes
    ----------
    axes_, figure_ : dict, Figure
        Axes by "spectrogram" and, with an alignment, "alignment".
    image_ : AxesImage
        The spectrogram.
    bars_, texts_ : PolyCollection, list of Text
        Bars of the labels, and the labels that they have room for; None and empty without an
        alignment.

    See Also
    --------
    tsrnn.sequences.audio.log_mel : The energies that it draws.
    tsrnn.RNNTranscriber : Its ``align`` has the times of labels.

    Examples
    --------
    >>> from tsrnn.datasets import load_spoken_digits
    >>> from tsrnn.plotting import SpectrogramDisplay
    >>> from tsrnn.sequences.audio import join_waves
    >>> waves, takes = load_spoken_digits()
    >>> wave, alignment = join_waves(waves[:5], 8000, labels=takes["digit"][:5], random_state=0)
    >>> display = SpectrogramDisplay.from_wave(wave, 8000, alignment)
    >>> [text.get_text() for text in display.texts_]
    ['0', '1', '2', '3', '4']
    """

    @validated(ARGUMENTS, hop=[_SECONDS])
    def __init__(
        self, spectrogram: Any, hop: float, alignment: Any = None, *, frequencies: Any = None
    ):
        self.spectrogram = _read_spectrogram(spectrogram)
        self.hop = hop
        self.alignment = None if alignment is None else _read_alignment(alignment)
        n_channels = self.spectrogram.shape[1]
        self.frequencies = None if frequencies is None else _frequencies(frequencies, n_channels)

    @classmethod
    @takes_axes
    @validated(ARGUMENTS, rate=[RATE, None], n_mels=SETTINGS["n_mels"], hop=SETTINGS["hop"])
    def from_wave(
        cls,
        wave: Any,
        rate: int | None = None,
        alignment: Any = None,
        *,
        n_mels: int = 80,
        hop: float = 0.005,
        ax: Axes | Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> SpectrogramDisplay:
        """Plot the log mel energies of a wave.

        Parameters
        ----------
        wave : array-like of shape (n_samples,), or path of a wav file
            As ``log_mel`` and ``read_wav`` read it.
        rate : int, optional
            Samples a second of an array; a file says it itself.
        alignment : DataFrame, optional
            As in the class.
        n_mels, hop
            Number of bands, and seconds from one frame to the next.
        ax, figsize, title
            As in :meth:`plot`.

        Raises
        ------
        ValueError
            If the wave or the alignment is not valid, or the rate of an array is not given.
        """
        if isinstance(wave, (str, os.PathLike)) or hasattr(wave, "read"):
            wave, rate = read_wav(wave)
        elif rate is None:
            raise ValueError("The rate of wave, an array, is not known. Give rate.")
        energies = log_mel(wave, rate, n_mels=n_mels, hop=hop)
        frequencies = mel_frequencies(rate, n_mels=n_mels)
        return cls(energies, hop, alignment, frequencies=frequencies).plot(
            ax, figsize=figsize, title=title
        )

    @classmethod
    @takes_axes
    @validated(ARGUMENTS, hop=[_SECONDS])
    def from_spectrogram(
        cls,
        spectrogram: Any,
        hop: float,
        alignment: Any = None,
        *,
        frequencies: Any = None,
        ax: Axes | Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> SpectrogramDisplay:
        """Plot given values; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if they are no two-dimensional array of finite numbers, or the alignment
        or the frequencies are not valid.
        """
        return cls(spectrogram, hop, alignment, frequencies=frequencies).plot(
            ax, figsize=figsize, title=title
        )

    @takes_axes
    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> SpectrogramDisplay:
        """Draw on ``ax``, one and with an alignment two, by default on a new figure.

        The figure has ``figsize`` inches; ``title`` is above the spectrogram.
        """
        names = ["spectrogram"] + ["alignment"] * (self.alignment is not None)
        self.axes_ = dict(zip(names, _stacked(len(names), ax, figsize), strict=True))
        image_ax = self.axes_["spectrogram"]
        self.figure_ = image_ax.figure
        n_frames, n_channels = self.spectrogram.shape
        seconds = n_frames * self.hop
        low, high = np.percentile(self.spectrogram, [_FAINTEST, 100])
        self.image_: AxesImage = image_ax.imshow(
            self.spectrogram.T,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            extent=(0, seconds, -0.5, n_channels - 0.5),
            cmap="magma",
            vmin=low,
            vmax=high if high > low else low + 1,
        )
        self._format(image_ax, seconds)
        self._label_channels(image_ax)
        self.bars_: Collection | None = None
        self.texts_: list[Text] = []
        if self.alignment is not None:
            self._draw_alignment(self.axes_["alignment"], seconds)
            if ax is None:
                image_ax.set_xlabel("")
                image_ax.tick_params(axis="x", length=0, labelbottom=False)
        set_title(image_ax, title)
        return self

    def _format(self, ax, seconds):
        format_axes(ax, pd.Series([0.0, 1.0]).rename_axis("seconds"), legend=False)
        ax.grid(False)
        ax.spines["bottom"].set_visible(False)
        ax.set_xlim(0, seconds)

    def _label_channels(self, ax):
        style = {"color": blend(ax, foreground(ax), 0.85)}
        if self.frequencies is None:
            ax.set_ylabel("channel", **style)
            return
        places = np.arange(len(self.frequencies))
        ticks = 125.0 * 2 ** np.arange(13)
        ticks = ticks[(ticks >= self.frequencies[0]) & (ticks <= self.frequencies[-1])]
        names = [f"{tick / 1000:g} kHz" if tick >= 1000 else f"{tick:g} Hz" for tick in ticks]
        ax.set_yticks(np.interp(ticks, self.frequencies, places), names)
        ax.set_ylabel("frequency", **style)

    def _draw_alignment(self, ax, seconds):
        """Bars below the spectrogram, of two colours in turn, and lines at their ends within it."""
        starts, ends = (self.alignment[name].to_numpy(float) for name in ("start", "end"))
        colours = [blend(ax, color, 0.3) for color in (BLUE, VERMILION)]
        bars = list(zip(starts, ends - starts, strict=True))
        self.bars_ = ax.broken_barh(bars, (0, 1), facecolors=colours)
        image_ax = self.axes_["spectrogram"]
        lines = {"color": "white", "alpha": 0.55, "linewidth": 0.8, "linestyle": (0, (4, 3))}
        for time in np.unique(np.concatenate([starts, ends])):
            image_ax.axvline(time, **lines)
        inches = ax.get_window_extent().width / ax.figure.dpi / seconds
        style = {"color": foreground(ax), "fontsize": 9, "ha": "center", "va": "center"}
        for label, start, end in zip(self.alignment["label"], starts, ends, strict=True):
            name = str(label)
            if (end - start) * inches >= _LETTER * len(name):
                text = ax.text((start + end) / 2, 0.5, name, clip_on=True, **style)
                text.set_parse_math(False)
                self.texts_.append(text)
        self._format(ax, seconds)
        ax.set_ylim(0, 1)
        ax.set_yticks([])


def _stacked(n_axes, axes, figsize):
    """The spectrogram's axes and, if there are two, the alignment's below it."""
    if axes is not None:
        usage = "ax must be one for the spectrogram and, with an alignment, one for that"
        return listed_axes(axes, n_axes, usage, "Leave ax out for a new figure.")
    heights = [_HEIGHT, _STRIP][:n_axes]
    size = figsize or (_WIDTH, sum(heights) + 0.5)
    options = {"figsize": size, "height_ratios": heights, "layout": "constrained"}
    return np.ravel(pyplot().subplots(n_axes, sharex=True, **options)[1]).tolist()


def _read_spectrogram(spectrogram):
    try:
        values = np.asarray(spectrogram, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"spectrogram cannot be read as numbers: {error}.") from error
    if values.ndim != 2 or not values.size:
        raise ValueError(
            "spectrogram must be an array of shape (n_frames, n_channels) that is not empty, got "
            f"shape {values.shape}."
        )
    if not np.isfinite(values).all():
        frame, channel = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(
            f"spectrogram has {values[frame, channel]} at frame {frame}, channel {channel}."
        )
    return values


def _frequencies(frequencies, n_channels):
    try:
        values = np.asarray(frequencies, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"frequencies cannot be read as numbers: {error}.") from error
    if values.shape != (n_channels,) or not (np.diff(values) > 0).all():
        raise ValueError(
            f"frequencies must be {n_channels} increasing numbers, one a channel, got shape "
            f"{values.shape}."
        )
    return values


def _read_alignment(alignment):
    columns = ["label", "start", "end"]
    if not isinstance(alignment, pd.DataFrame) or not set(columns) <= set(alignment.columns):
        is_frame = isinstance(alignment, pd.DataFrame)
        shown = list(alignment.columns) if is_frame else type(alignment).__name__
        raise ValueError(
            f"alignment must be a DataFrame with columns label, start and end, got {shown}."
        )
    frame = alignment[columns].reset_index(drop=True)
    try:
        times = frame[["start", "end"]].to_numpy(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"alignment has times that are no numbers: {error}.") from error
    wrong = ~((times[:, 0] >= 0) & (times[:, 1] >= times[:, 0]) & (times[:, 1] < np.inf))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        start, end = times[row]
        raise ValueError(
            f"Row {row} of alignment is from {start:g} to {end:g} seconds. Times are 0 or more, "
            "and none ends before it starts."
        )
    return frame
