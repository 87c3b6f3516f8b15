"""AnomalyDisplay: a series, its expected values, its anomaly score, and events."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.anomaly.event_tables import runs_of
from tsrnn.anomaly.events import events_from_labels, labels_from_events
from tsrnn.anomaly.labels import events_of_series, labelled_steps
from tsrnn.data import channels_from
from tsrnn.parameters import validated
from tsrnn.plotting.anomaly_axes import (
    EVENT_STRENGTH,
    color_spans,
    draw_channel,
    draw_score,
    draw_spans,
    event_strengths,
    stacked_axes,
    step_edges,
)
from tsrnn.plotting.anomaly_data import (
    channel_shares,
    choose_channels,
    choose_series,
    explained_frame,
    explained_on_axis,
    time_slice,
)
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.style import (
    GREEN,
    VERMILION,
    blend,
    foreground,
    format_axes,
    legend_style,
    set_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection

_BAR_HEIGHT = 0.035  # of labelled events, as a share of the axes


class AnomalyDisplay:
    """Plot of a series above its anomaly score, with events.

    Each channel has its axes, with actual values and, if the detector predicts values, the expected
    ones and the band of normal values. Below are the score and the threshold, filled where
    exceeded. Detected events are shaded, of several channels the darker the larger the channel's
    share; labelled ones are bars at the bottom.

    Parameters
    ----------
    y : array, Series or DataFrame
        Series in any form accepted by detectors. Values may be missing.
    explained : DataFrame or Series
        For each row of ``y``, in the same order, what ``explain`` returns; or only a column
        ``score``, or the scores themselves, higher is more anomalous.
    events : DataFrame, optional
        What ``detect`` returns; or ``start`` and ``end`` of each event, both inclusive, of a
        panel with the column of ids. By default the runs of ``anomaly`` in ``explained``.
    labels : array, Series or DataFrame, optional
        True events, in the form of ``events``; or for each row of ``y`` 1 inside an event, else 0.
    series : label, optional
        Series of a panel to draw; by default the one with the highest score.
    channels : label or list of labels, optional
        Channels to draw; by default all, or of more than six the most anomalous.
    id_column, time_column : str, optional
        Columns of a long frame.

    Attributes
    ----------
    axes_, score_ax_, figure_ : dict, Axes, Figure
        Axes of each channel and of the score, and the figure.
    actual_lines_, expected_lines_, bands_ : dict
        Line2D of the values and PolyCollection of the normal ones by channel; None where unknown.
    score_line_, threshold_line_, exceeded_ : Line2D, Line2D, PolyCollection
        Score, threshold, and the area above it; the latter two None where there is none.
    event_spans_, label_bars_ : list of PolyCollection
        Detected events, in all axes; labelled ones, in those of channels.

    See Also
    --------
    tsrnn.RNNAnomalyDetector : Makes the scores and events.
    tsrnn.datasets.load_nyc_taxi : A series with known events.

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

    @validated(ARGUMENTS)
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
        panel = channels_from(y, id_column=id_column, time_column=time_column, missing="mask")
        explained = explained_frame(explained, panel)
        chosen = choose_series(series, panel, explained["score"].to_numpy(float))
        self.series, self.n_more_series = chosen.label, len(panel) - 1 if series is None else 0
        index = chosen.axis.index
        self.values = pd.DataFrame(chosen.values, index, columns=panel.channels)
        self.explained = explained_on_axis(explained, chosen)
        if events is None:
            flags = self.explained.get("anomaly", pd.Series(0.0, index)).fillna(0)
            self.events = events_from_labels(flags.astype(bool))
        else:
            self.events = events_of_series(events, "events", chosen.label, panel.id_name)
        self._is_detected = labels_from_events(self.events, index).to_numpy()
        self._is_labelled = None
        if labels is not None:
            self._is_labelled = labelled_steps(labels, panel)[panel.ids.index(chosen.label)]
        self.channels = choose_channels(
            channels, self.values.columns.tolist(), self.explained, self._is_detected
        )
        self.n_more = len(panel.channels) - len(self.channels) if channels is None else 0

    @classmethod
    @validated(ARGUMENTS)
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
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> AnomalyDisplay:
        """Plot the results of a fitted detector, by its ``explain`` and ``detect``.

        Parameters
        ----------
        detector : fitted RNNAnomalyDetector or another detector
        y : array, Series or DataFrame
            As in ``detector.explain``: all of it is scored, however little is drawn.
        events : DataFrame, optional
            By default what ``detector.detect(y, n_most)`` returns.
        n_most : int, optional
            Number of events, the most severe.
        labels, series, channels, start, end, ax, figsize, title
            As in :class:`AnomalyDisplay` and :meth:`plot`.

        Raises
        ------
        NotFittedError, ValueError
            If the detector is unfitted or none, refuses ``y``, or a series or channel is unknown.

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
        options = {"labels": labels, "series": series, "channels": channels}
        options |= {name: getattr(detector, name, None) for name in ("id_column", "time_column")}
        events = detector.detect(y, n_most) if events is None else events
        display = cls(y, explained, events=events, **options)
        return display.plot(ax, start=start, end=end, figsize=figsize, title=title)

    @classmethod
    @validated(ARGUMENTS)
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
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> AnomalyDisplay:
        """Plot scores computed before; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if the rows do not match, events have no start and end, labels are neither
        0 nor 1, or there is no such series or channel.
        """
        options = {"labels": labels, "series": series, "channels": channels}
        options |= {"id_column": id_column, "time_column": time_column}
        display = cls(y, explained, events=events, **options)
        return display.plot(ax, start=start, end=end, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Sequence[Axes] | None = None,
        *,
        start: Any = None,
        end: Any = None,
        actual_kw: dict[str, Any] | None = None,
        expected_kw: dict[str, Any] | None = None,
        score_kw: dict[str, Any] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> AnomalyDisplay:
        """Draw the display.

        Parameters
        ----------
        ax : sequence of Axes, optional
            One axes for each channel and one for the score; by default on a new figure.
        start, end : label, optional
            First and last time ("2024-05" for a month) as in ``y.loc[start:end]``, or position.
        actual_kw, expected_kw, score_kw : dict, optional
            Properties of the lines, as in ``Axes.plot``. Bands have the colour of the expectation.
        figsize : (float, float), optional
            Inches of a new figure.
        title : str, optional
            Title above the first axes, by default the label of a series of a panel.

        Raises
        ------
        ValueError
            If nothing lies between ``start`` and ``end``, or the number of ``ax`` is wrong.
        """
        index = self.values.index
        shown = time_slice(index, start, end)  # may raise, so before a figure is opened
        axes = stacked_axes(len(self.channels), ax, figsize)
        self.axes_: dict[Hashable, Axes] = dict(zip(self.channels, axes, strict=False))
        self.score_ax_, self.figure_ = axes[-1], axes[0].figure
        self.actual_lines_, self.expected_lines_, self.bands_ = {}, {}, {}
        self._draw_events(step_edges(index)[shown.start : shown.stop + 1], shown)
        explained, styles = self.explained[shown], (actual_kw or {}, expected_kw or {})
        for channel, channel_ax in self.axes_.items():
            suffix = "" if self.values.shape[1] == 1 else f"_{channel}"
            values = self.values[channel][shown]
            parts = draw_channel(channel_ax, values, explained, suffix, *styles)
            self.actual_lines_[channel], self.expected_lines_[channel], self.bands_[channel] = parts
        score_parts = draw_score(self.score_ax_, explained, score_kw or {})
        self.score_line_, self.threshold_line_, self.exceeded_ = score_parts
        for channel, channel_ax in self.axes_.items():
            values = self.values[channel][shown].rename(self._axis_label(channel))
            format_axes(channel_ax, values, legend=False)
        format_axes(self.score_ax_, explained["score"], legend=False)
        self._add_title(axes[0], title)
        if ax is None:
            self._finish_figure(axes)
        else:
            place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 3}
            style = place | {"fontsize": "small", "borderaxespad": 0.2}
            axes[0].legend(**self._legend(axes[0]) | style)
        return self

    def _axis_label(self, channel):
        """Label of the y axis of a channel; None for the default name of an array."""
        if self.values.shape[1] == 1 and channel in ("y", 0):
            return None
        return channel if isinstance(channel, str) else f"channel {channel}"

    def _draw_events(self, edges: np.ndarray, shown: slice) -> None:
        self.event_spans_: list[PolyCollection] = []
        self.label_bars_: list[PolyCollection] = []
        runs = runs_of(self._is_detected[shown])
        if len(runs):
            shares = channel_shares(self.explained[shown], self.values)
            strengths = event_strengths(shares, runs, self.values.shape[1])
            columns = {channel: k for k, channel in enumerate(self.values)}
            parts = [(ax, strengths[:, columns[channel]]) for channel, ax in self.axes_.items()]
            for ax, by_event in [*parts, (self.score_ax_, [EVENT_STRENGTH])]:
                spans = draw_spans(ax, edges, runs, zorder=0.5, label="detected event")
                color_spans(spans, ax, VERMILION, by_event)
                self.event_spans_.append(spans)
        if self._is_labelled is None:
            return
        runs = runs_of(self._is_labelled[shown])
        for ax in self.axes_.values() if len(runs) else ():
            bars = draw_spans(ax, edges, runs, _BAR_HEIGHT, zorder=3, label="known event")
            color_spans(bars, ax, GREEN, [1.0])
            self.label_bars_.append(bars)

    def _add_title(self, ax, title):
        if title is None and self.series is not None:
            parts = self.series if isinstance(self.series, tuple) else (self.series,)
            title = ", ".join(map(str, parts))
        set_title(ax, title)

    def _legend(self, ax):
        channel = self.channels[0]
        lines = (self.actual_lines_, self.expected_lines_, self.bands_)
        handles = [by_channel[channel] for by_channel in lines]
        handles += [*self.event_spans_[-1:], *self.label_bars_[:1], self.threshold_line_]
        handles = [handle for handle in handles if handle is not None]
        style = {"handles": handles, "handlelength": 1.6, "columnspacing": 1.4}
        return style | legend_style(ax)

    def _finish_figure(self, axes):
        """The legend of a new figure, and notes on series and channels that are not drawn."""
        for ax in axes[:-1]:
            ax.set_xlabel("")
            ax.tick_params(axis="x", length=0)
        legend = self._legend(axes[0])
        n_columns = len(legend["handles"])
        self.figure_.legend(loc="outside upper left", ncols=n_columns, **legend)
        self.figure_.align_ylabels(axes)
        notes = []
        if self.n_more_series:
            notes.append(f"1 of {1 + self.n_more_series} series; series chooses another")
        if self.n_more:
            shown, n = len(self.channels), len(self.channels) + self.n_more
            notes.append(f"{shown} of {n} channels; channels chooses others")
        if notes:
            style = {"x": 0.01, "ha": "left", "fontsize": "small", "color": _text_color(axes[0])}
            self.figure_.supxlabel(". ".join(notes), **style)


def _text_color(ax):
    return blend(ax, foreground(ax), 0.85)
