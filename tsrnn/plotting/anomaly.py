"""AnomalyDisplay: a series, what was expected of it, its anomaly score, and events."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.anomaly.events import events_from_labels, labels_from_events
from tsrnn.data import ChannelPanel, ChannelSeries, channels_from, format_time
from tsrnn.data.interop import to_pandas
from tsrnn.plotting.style import (
    BLUE,
    GREEN,
    VERMILION,
    blend,
    draw_curve,
    foreground,
    format_axes,
    legend_style,
    pyplot,
    x_positions,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection

_MOST_CHANNELS = 6  # that are drawn unasked
_WIDE = 30  # times the threshold, above which scores are drawn on a logarithmic axis
_STRENGTH = 0.25  # of the colour of detected events
_DENSE = 2000  # values from which lines are thinner
_WIDTH, _HEIGHTS, _SCORE_HEIGHT = 9, {1: 2.7, 2: 2.0}, 1.7  # inches
_MANY_HEIGHT = 1.4  # of each of more than two channels
_PARTS = ("score", "threshold", "anomaly", "expected", "lower", "upper", "share")
_BAR = 0.035  # height of the bars of known events, of the axes'


class AnomalyDisplay:
    """Plot of a series over its anomaly score, with events.

    Each channel has its axes: what was seen and, where a detector has them, what was expected and
    the band of what is usual. Below stand the score and the threshold, filled where it is
    exceeded. Detected events are shaded, of several channels the darker the more of the surprise
    is the channel's; known ones are bars at the bottom. Make one with :meth:`from_estimator` or
    :meth:`from_predictions`, which draw it as well.

    Parameters
    ----------
    y : array, Series or DataFrame
        Series in any form that detectors take. Values may be missing.
    explained : DataFrame or Series
        For each row of ``y``, in the same order, what ``explain`` returns; or no more than a
        column ``score``, or the scores themselves, the higher the stranger.
    events : DataFrame, optional
        What ``detect`` returns; or ``start`` and ``end`` of each event, both included, of a panel
        with the column of ids. By default the stretches that ``explained`` calls an ``anomaly``.
    labels : array, Series or DataFrame, optional
        Known events, in the form of ``events``; or for each row of ``y`` 1 where it is in one and
        0 elsewhere.
    series : label, optional
        Series of a panel to draw; by default the one with the highest score.
    channels : label or list of labels, optional
        Channels to draw; by default all, or of more than six those with the largest shares of
        what is strange.
    id_column, time_column : str, optional
        Columns of a long frame.

    Attributes
    ----------
    axes_ : dict
        For each channel its Axes.
    score_ax_, figure_ : Axes, Figure
        Where the score stands; what was drawn on.
    actual_lines_, expected_lines_ : dict
        For each channel its Line2D; of what was expected None where that is not known.
    bands_ : dict
        For each channel the PolyCollection of what is usual, or None.
    score_line_, threshold_line_ : Line2D
        The latter None where none is known.
    exceeded_ : PolyCollection
        What of the score is above the threshold; None where nothing is.
    event_spans_, label_bars_ : list of PolyCollection
        Detected events, in each channel's axes and the score's; known ones, in each channel's.
        Empty where there are none.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrnn.plotting import AnomalyDisplay
    >>> y = pd.Series([1.0, 2, 9, 8, 1], pd.date_range("2024", periods=5), name="level")
    >>> explained = pd.DataFrame(
    ...     {"score": abs(y - 2), "threshold": 4.0, "anomaly": y > 6, "expected": 2.0}
    ... )
    >>> display = AnomalyDisplay.from_predictions(y, explained, labels=[0, 0, 1, 1, 1])
    >>> list(display.axes_), display.score_ax_.get_ylabel()
    (['level'], 'score')
    >>> display.events["end"].tolist()
    [Timestamp('2024-01-04 00:00:00')]
    """

    def __init__(
        self,
        y: Any,
        explained: Any,
        *,
        events: pd.DataFrame | None = None,
        labels: Any = None,
        series: Hashable = None,
        channels: Any = None,
        id_column: Hashable = None,
        time_column: Hashable = None,
    ):
        tracks = channels_from(
            y, id_column=id_column, time_column=time_column, missing="mask", name="y"
        )
        table = _as_explained(explained, tracks)
        track = _chosen_series(series, tracks, table["score"].to_numpy(float))
        self.series, self.n_more_series = track.label, len(tracks) - 1 if series is None else 0
        index = track.axis.index
        self.values = pd.DataFrame(track.values, index, columns=tracks.channels)
        self.explained = pd.DataFrame(
            {
                name: _on_axis(column, track)
                for name, column in table.items()
                if str(name).partition("_")[0] in _PARTS
            },
            index,
        )
        if events is None:
            flags = self.explained.get("anomaly", pd.Series(0.0, index)).fillna(0)
            self.events = events_from_labels(flags.astype(bool))
        else:
            self.events = _own(events, "events", track.label, tracks.id_name)
        self._detected = labels_from_events(self.events, index).to_numpy()
        self._known = None if labels is None else _known(labels, track, tracks)
        self.channels = self._chosen_channels(channels)
        self.n_more = len(tracks.channels) - len(self.channels) if channels is None else 0

    @classmethod
    def from_estimator(
        cls,
        detector: Any,
        y: Any,
        *,
        events: pd.DataFrame | None = None,
        n_most: int | None = None,
        labels: Any = None,
        series: Hashable = None,
        channels: Any = None,
        start: Any = None,
        end: Any = None,
        ax: Sequence[Axes] | None = None,
    ) -> AnomalyDisplay:
        """Plot what a fitted detector says of a series, by its ``explain`` and ``detect``.

        Parameters
        ----------
        detector : RNNAnomalyDetector or another detector
            Fitted.
        y : array, Series or DataFrame
            As in ``detector.explain``: all of it is scored, however little is drawn.
        events : DataFrame, optional
            By default what ``detector.detect(y, n_most)`` returns.
        n_most : int, optional
            Events to draw, the most severe.
        labels, series, channels
            As in :class:`AnomalyDisplay`.
        start, end, ax
            As in :meth:`plot`.

        Returns
        -------
        AnomalyDisplay
            Drawn.

        Raises
        ------
        NotFittedError
            If the detector is not fitted.
        ValueError
            If ``detector`` is none, it refuses ``y`` or ``n_most``, or what is asked for is not
            there.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from tsrnn import RNNAnomalyDetector
        >>> from tsrnn.plotting import AnomalyDisplay
        >>> hours = pd.date_range("2024-01-01", periods=400, freq="h")
        >>> y = pd.Series(np.sin(np.arange(400) * np.pi / 12), hours)
        >>> y.iloc[300:310] += 2
        >>> detector = RNNAnomalyDetector(hidden_size=4, stretch=10, random_state=0).fit(y)
        >>> display = AnomalyDisplay.from_estimator(detector, y, n_most=1, start="2024-01-10")
        >>> len(display.events), len(display.score_line_.get_ydata())
        (1, 184)
        """
        if not (hasattr(detector, "explain") and hasattr(detector, "detect")):
            raise ValueError(
                f"detector must be a detector such as RNNAnomalyDetector, got {detector!r}. For "
                "other scores there is AnomalyDisplay.from_predictions."
            )
        explained = detector.explain(y)
        display = cls(
            y, explained, events=detector.detect(y, n_most) if events is None else events,
            labels=labels, series=series, channels=channels,
            id_column=getattr(detector, "id_column", None),
            time_column=getattr(detector, "time_column", None),
        )  # fmt: skip
        return display.plot(ax, start=start, end=end)

    @classmethod
    def from_predictions(
        cls,
        y: Any,
        explained: Any,
        *,
        events: pd.DataFrame | None = None,
        labels: Any = None,
        series: Hashable = None,
        channels: Any = None,
        id_column: Hashable = None,
        time_column: Hashable = None,
        start: Any = None,
        end: Any = None,
        ax: Sequence[Axes] | None = None,
    ) -> AnomalyDisplay:
        """Plot scores that were found before, by whatever method.

        Parameters
        ----------
        y, explained, events, labels, series, channels, id_column, time_column
            As in :class:`AnomalyDisplay`.
        start, end, ax
            As in :meth:`plot`.

        Returns
        -------
        AnomalyDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the rows do not fit together, events have no start and end, labels are neither 0
            nor 1, or what is asked for is not there.
        ImportError
            If matplotlib is not installed.
        """
        display = cls(
            y, explained, events=events, labels=labels, series=series, channels=channels,
            id_column=id_column, time_column=time_column,
        )  # fmt: skip
        return display.plot(ax, start=start, end=end)

    def plot(
        self,
        ax: Sequence[Axes] | None = None,
        *,
        start: Any = None,
        end: Any = None,
        actual_kw: dict[str, Any] | None = None,
        expected_kw: dict[str, Any] | None = None,
        score_kw: dict[str, Any] | None = None,
    ) -> AnomalyDisplay:
        """Draw it all.

        Parameters
        ----------
        ax : sequence of Axes, optional
            Where to draw, one axes a channel and another for the score; by default on a new figure.
        start, end : label, optional
            First and last time to draw, as in ``y.loc[start:end]``: also "2024-05" for a month.
            Of an array they are positions.
        actual_kw, expected_kw, score_kw : dict, optional
            Properties of the lines, as in ``Axes.plot``. The bands take the expectation's colour.

        Returns
        -------
        AnomalyDisplay
            Itself.

        Raises
        ------
        ValueError
            If nothing lies between ``start`` and ``end``, or ``ax`` are not as many as needed.
        ImportError
            If matplotlib is not installed.
        """
        index = self.values.index
        shown = _stretch(index, start, end)  # refused before a figure is opened
        axes = _stacked(len(self.channels), ax)
        self.axes_: dict[Hashable, Axes] = dict(zip(self.channels, axes, strict=False))
        self.score_ax_, self.figure_ = axes[-1], axes[0].figure
        self.actual_lines_, self.expected_lines_, self.bands_ = {}, {}, {}
        self.event_spans_: list[PolyCollection] = []
        self.label_bars_: list[PolyCollection] = []
        edges = _edges(index)
        self._draw_spans(edges, shown)
        for channel, one in self.axes_.items():
            self._draw_channel(one, channel, shown, actual_kw or {}, expected_kw or {})
        self._draw_score(self.score_ax_, shown, score_kw or {})
        for channel, one in self.axes_.items():
            format_axes(one, self.values[channel][shown].rename(self._name(channel)), legend=False)
        format_axes(self.score_ax_, self.explained["score"][shown], legend=False)
        self._finish(axes, ax is None)
        return self

    def _chosen_channels(self, wanted):
        """Those asked for; else all, or the strangest in the order of the columns."""
        there = self.values.columns.tolist()
        if wanted is None:
            if len(there) <= _MOST_CHANNELS:
                return there
            return [c for c in there if c in self._strangest(there)]
        wanted = wanted.tolist() if hasattr(wanted, "tolist") else wanted
        one = isinstance(wanted, str) or not isinstance(wanted, Iterable) or wanted in there
        wanted = [wanted] if one else list(dict.fromkeys(wanted))
        unknown = [channel for channel in wanted if channel not in there]
        if unknown or not wanted:
            what = f"has {unknown[0]!r}, which is none of them" if unknown else "is empty"
            more = f" and {len(there) - 10} more" if len(there) > 10 else ""
            raise ValueError(f"channels {what}. Choose among {there[:10]}{more}.")
        return wanted

    def _strangest(self, there):
        shares = self._shares()
        if shares is None:
            return there[:_MOST_CHANNELS]
        rows = self._detected if self._detected.any() else np.ones(len(self.values), bool)
        weights = np.square(self.explained["score"].to_numpy(float))[:, None]
        order = np.argsort(-np.nansum((weights * shares)[rows], axis=0), kind="stable")
        return [there[k] for k in order[:_MOST_CHANNELS]]

    def _shares(self):
        """What part of the surprise each channel has at each step, or None."""
        names = [f"share_{channel}" for channel in self.values]
        if len(names) == 1 or not set(names) <= set(self.explained):
            return None
        return self.explained[names].to_numpy(float)

    def _name(self, channel):
        """What a channel is called on its axis; "y" says nothing."""
        if self.values.shape[1] == 1 and channel in ("y", 0):
            return None
        return channel if isinstance(channel, str) else f"channel {channel}"

    def _draw_spans(self, edges, shown):
        first, end = _runs(self._detected[shown])
        edges = edges[shown.start : shown.stop + 1]
        if first.size:
            strengths = self._strengths(shown, first, end)
            places = {channel: k for k, channel in enumerate(self.values)}
            for channel, one in self.axes_.items():
                spans = _spans(one, edges, first, end, "detected event")
                _paint(spans, one, VERMILION, strengths[:, places[channel]])
                self.event_spans_.append(spans)
            spans = _spans(self.score_ax_, edges, first, end, "detected event")
            _paint(spans, self.score_ax_, VERMILION, [_STRENGTH])
            self.event_spans_.append(spans)
        if self._known is None:
            return
        first, end = _runs(self._known[shown])
        for one in self.axes_.values() if first.size else ():
            bars = _spans(one, edges, first, end, "known event", height=_BAR, zorder=3)
            _paint(bars, one, GREEN, [1.0])
            self.label_bars_.append(bars)

    def _strengths(self, shown, first, end):
        """How strongly each event is painted in each channel, (n_events, n_channels)."""
        shares = self._shares()
        if shares is None:
            return np.full((first.size, self.values.shape[1]), _STRENGTH)
        shares = np.nan_to_num(shares[shown])
        own = np.array([shares[a:b].mean(axis=0) for a, b in zip(first, end, strict=True)])
        return 0.07 + 0.3 * own / np.maximum(own.max(axis=1, keepdims=True), 1e-300)

    def _draw_channel(self, ax, channel, shown, actual_kw, expected_kw):
        explained = self.explained[shown]
        ending = "" if self.values.shape[1] == 1 else f"_{channel}"
        expected = explained.get(f"expected{ending}")
        series = self.values[channel][shown]
        width = 1.0 if len(series) <= _DENSE else 0.6
        style = {"color": foreground(ax), "linewidth": width, "zorder": 2.2, "label": "actual"}
        self.actual_lines_[channel] = draw_curve(ax, series, style | actual_kw)
        self.expected_lines_[channel] = self.bands_[channel] = None
        color = expected_kw.get("color", BLUE)
        if expected is not None:
            style = {"color": color, "linewidth": 1.2, "zorder": 2.1, "label": "expected"}
            self.expected_lines_[channel] = line = draw_curve(ax, expected, style | expected_kw)
            color = line.get_color()
        bounds = [explained.get(f"{side}{ending}") for side in ("lower", "upper")]
        if all(bound is not None for bound in bounds):
            self.bands_[channel] = ax.fill_between(
                x_positions(explained.index), *bounds, color=color, alpha=0.25, linewidth=0,
                zorder=1.2, label="usual range",
            )  # fmt: skip

    def _draw_score(self, ax, shown, style):
        explained = self.explained[shown]
        score = explained["score"].where(np.isfinite(explained["score"]))
        line = explained.get("threshold", pd.Series(np.nan, score.index))
        line = line.where(np.isfinite(line))
        base = {"color": foreground(ax), "linewidth": 1.0, "zorder": 2.2, "label": "score"}
        self.score_line_ = draw_curve(ax, score, base | style)
        self.threshold_line_ = self.exceeded_ = None
        if line.notna().any():
            base = {"color": VERMILION, "linewidth": 1.3, "linestyle": (0, (4, 2)), "zorder": 2.3}
            self.threshold_line_ = draw_curve(ax, line, base | {"label": "threshold"})
            flags = (score > line).to_numpy()
            if "anomaly" in explained:
                flags = flags & explained["anomaly"].fillna(0).to_numpy(bool)
            self.exceeded_ = _fill_above(ax, score, line, flags)
        known = score.dropna()
        if known.size and known.min() >= 0:
            level = line.dropna().median() if line.notna().any() else known.median()
            if level > 0 and known.max() > _WIDE * level:
                least = known[known > 0].quantile(0.02)
                ax.set_yscale("log")
                ax.set_ylim(bottom=min(least, level / 3))
            else:
                ax.set_ylim(bottom=0)

    def _finish(self, axes, is_new):
        """A title, one legend, and on a new figure a word on what is left out."""
        first = axes[0]
        text = blend(first, foreground(first), 0.85)
        if self.series is not None:
            title = self.series
            title = ", ".join(map(str, title)) if isinstance(title, tuple) else str(title)
            first.set_title(title, loc="left", fontsize="medium", color=text)
        for one in axes[:-1] if is_new else ():
            one.set_xlabel("")
            one.tick_params(axis="x", length=0)
        channel = self.channels[0]
        lines = (self.actual_lines_, self.expected_lines_, self.bands_)
        handles = [drawn[channel] for drawn in lines]
        handles += [*self.event_spans_[-1:], *self.label_bars_[:1], self.threshold_line_]
        handles = [handle for handle in handles if handle is not None]
        style = {"handles": handles, "handlelength": 1.6, "columnspacing": 1.4}
        style |= legend_style(first)
        if not is_new:
            style |= {"fontsize": "small", "borderaxespad": 0.2, "ncols": 3}
            first.legend(loc="lower right", bbox_to_anchor=(1, 1), **style)
            return
        self.figure_.legend(loc="outside upper left", ncols=len(handles), **style)
        self.figure_.align_ylabels(axes)
        notes = []
        if self.n_more_series:
            notes.append(f"1 of {1 + self.n_more_series} series; series chooses another")
        if self.n_more:
            shown, n = len(self.channels), len(self.channels) + self.n_more
            notes.append(f"{shown} of {n} channels; channels chooses others")
        if notes:
            note = ". ".join(notes)
            self.figure_.supxlabel(note, x=0.01, ha="left", fontsize="small", color=text)


def _as_explained(explained, tracks: ChannelPanel) -> pd.DataFrame:
    """Columns for each row of y, a score among them."""
    n_rows = tracks.n_rows
    if isinstance(explained, (np.ndarray, list, tuple)):
        explained = pd.Series(np.asarray(explained, dtype=float))
    elif not isinstance(explained, (pd.Series, pd.DataFrame)):
        explained = to_pandas(explained, "explained")
    elif tracks.index is not None and not explained.index.equals(tracks.index):
        raise ValueError(
            f"explained ({len(explained)} rows) must have the index of y ({n_rows} rows), in that "
            "order: what detector.explain(y) returns."
        )
    if isinstance(explained, pd.Series):
        explained = explained.to_frame("score")
    if "score" not in explained:
        raise ValueError(
            f"explained must have a column 'score', got {explained.columns.tolist()[:10]}. Give "
            "what detector.explain(y) returns."
        )
    if len(explained) != n_rows:
        raise ValueError(f"explained has {len(explained)} rows, and y {n_rows}.")
    return explained


def _on_axis(values, track: ChannelSeries) -> np.ndarray:
    """What there is for each row of y, at all steps of a series; NaN where no row is."""
    values = pd.Series(values).to_numpy(dtype=float, na_value=np.nan)
    return np.where(track.rows >= 0, values[track.rows], np.nan)


def _chosen_series(wanted, tracks: ChannelPanel, scores) -> ChannelSeries:
    """The series asked for; else the one with the highest score."""
    if wanted is None:
        highest = [np.nan_to_num(_on_axis(scores, track), nan=-np.inf).max() for track in tracks]
        return tracks.all_series[int(np.argmax(highest))]
    labels = [track.label for track in tracks]
    if labels == [None]:
        raise ValueError(f"series chooses one of a panel, and y is one series; got {wanted!r}.")
    for track in tracks:
        if track.label == wanted:
            return track
    more = f" and {len(labels) - 10} more" if len(labels) > 10 else ""
    raise ValueError(f"series is {wanted!r}, which is none of {labels[:10]}{more}.")


def _own(events, name, label, id_name) -> pd.DataFrame:
    """Events of one series."""
    if label is None or not isinstance(events, pd.DataFrame):
        return events
    if id_name not in events:
        raise ValueError(
            f"{name} has the columns {events.columns.tolist()[:10]}, none of them {id_name!r}, "
            "which says the series that an event is of."
        )
    return events[events[id_name] == label].reset_index(drop=True)


def _known(labels, track: ChannelSeries, tracks: ChannelPanel) -> np.ndarray:
    """Which steps are in a known event."""
    index = track.axis.index
    if isinstance(labels, pd.DataFrame) and {"start", "end"} <= set(labels.columns):
        own = _own(labels, "labels", track.label, tracks.id_name)
        return labels_from_events(own, index).to_numpy()
    if isinstance(labels, pd.DataFrame) and labels.shape[1] == 1:
        labels = labels.iloc[:, 0]
    n_rows = tracks.n_rows
    if np.ndim(labels) != 1 or len(labels) != n_rows:
        raise ValueError(
            f"labels must be events with start and end, or 0 and 1 for each of the {n_rows} rows "
            f"of y, got {type(labels).__name__} of shape {np.shape(labels)}."
        )
    is_pandas = isinstance(labels, pd.Series) and tracks.index is not None
    if is_pandas and not labels.index.equals(tracks.index):
        raise ValueError("labels must have the index of y, in that order.")
    try:
        flags = pd.array(labels).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"labels must be 0 and 1: {error}.") from None
    bad = (flags != 0) & (flags != 1)
    if bad.any():
        raise ValueError(f"labels must be 0 and 1, got {flags[bad][0]:g} in row {bad.argmax()}.")
    return _on_axis(flags, track) == 1


def _stretch(index, start, end) -> slice:
    """Positions from one label to another, both included."""
    try:
        shown = index.slice_indexer(start, end)
    except (TypeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"start={start!r} and end={end!r} must be labels of the index of y, such as "
            f"{format_time(index[0])}: {reason}"
        ) from None
    if shown.stop <= shown.start:
        raise ValueError(
            f"Nothing lies between start={start!r} and end={end!r}: y reaches from "
            f"{format_time(index[0])} to {format_time(index[-1])}."
        )
    return shown


def _stacked(n_channels, ax) -> list:
    """Axes of the channels and of the score: those given, or new ones that share the time."""
    if ax is not None:
        axes = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(axes) != n_channels + 1:
            raise ValueError(
                f"ax must be one axes a channel and one for the score, {n_channels + 1} of them, "
                f"got {len(axes)}. Choose channels by channels, or leave ax out."
            )
        return axes
    heights = [_HEIGHTS.get(n_channels, _MANY_HEIGHT)] * n_channels + [_SCORE_HEIGHT]
    _, axes = pyplot().subplots(
        n_channels + 1, sharex=True, figsize=(_WIDTH, sum(heights) + 0.6), height_ratios=heights,
        layout="constrained",
    )  # fmt: skip
    return list(axes)


def _edges(index) -> np.ndarray:
    """Halfway between steps, and as far before the first and after the last, (n + 1,)."""
    x = x_positions(index)
    if len(x) == 1:
        return np.repeat(x, 2)
    halves = (x[1:] - x[:-1]) / 2
    return np.concatenate([[x[0] - halves[0]], x[:-1] + halves, [x[-1] + halves[-1]]])


def _runs(flags):
    """First positions of stretches that are flagged, and the ones after their last."""
    changes = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return changes[::2], changes[1::2]


def _spans(ax, edges, first, end, label, height=1.0, zorder=0.5) -> PolyCollection:
    """Stretches of time, from the bottom of the axes to a share of their height."""
    x = np.stack([edges[first], edges[end], edges[end]], axis=1).ravel()
    return ax.fill_between(
        x, 0, height, where=np.tile([True, True, False], first.size), zorder=zorder,
        transform=ax.get_xaxis_transform(), label=label,
    )  # fmt: skip


def _paint(spans, ax, color, strengths):
    """Colours of spans; edges keep those visible that are narrower than a pixel."""
    colors = [blend(ax, color, strength) for strength in strengths]
    spans.set(facecolor=colors, edgecolor=colors, linewidth=0.8)


def _fill_above(ax, score, line, flags):
    """The area between the threshold and the score where it is flagged."""
    if not flags.any():
        return None
    top = np.where(flags, score, line)
    near = flags.copy()  # with a step before and after, lest a lonely peak have no area
    near[1:] |= flags[:-1]
    near[:-1] |= flags[1:]
    return ax.fill_between(
        x_positions(score.index), line, top, where=near, color=blend(ax, VERMILION, 0.65),
        linewidth=0, zorder=2.1,
    )  # fmt: skip
