"""Labels of anomalies, events or 0 and 1 by row, at the steps of the series of a panel."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.anomaly.events import labels_from_events
from tsrnn.data import ChannelPanel, ChannelSeries
from tsrnn.data.interop import to_pandas
from tsrnn.data.labels import refuse_other_labels


def labelled_steps(labels: Any, panel: ChannelPanel) -> list[np.ndarray]:
    """Whether each step of each series is in a labelled event, (n,) bool each.

    ``labels`` are 0/1 for each row of ``y``, or events, of a panel with a column of ids.
    """
    labels = _read(labels)
    if are_events(labels):
        name = panel.id_name
        if len(panel) == 1 and name not in labels:
            return [labels_from_events(labels, panel.axes[0].index).to_numpy()]
        tables = [events_of_series(labels, "labels", series.label, name) for series in panel]
        pairs = zip(tables, panel, strict=True)
        return [labels_from_events(table, series.axis.index).to_numpy() for table, series in pairs]
    flags = flags_of_rows(labels, panel.n_rows, panel.index, "y")
    return [on_axis(flags, series) == 1 for series in panel]


def flags_of_rows(labels: Any, n_rows: int, index: pd.Index | None, base: str) -> np.ndarray:
    """0/1 for each row of the argument ``base``, (n_rows,) bool.

    A Series must have the index of ``base``, where that has one.
    """
    if isinstance(labels, pd.DataFrame) and labels.shape[1] == 1:
        labels = labels.iloc[:, 0]
    if np.ndim(labels) != 1 or len(labels) != n_rows:
        raise ValueError(
            f"labels must be events with start and end, or 0 and 1 for each of the {n_rows} "
            f"rows of {base}, got {type(labels).__name__} of shape {np.shape(labels)}."
        )
    if isinstance(labels, pd.Series) and index is not None:
        refuse_other_labels(labels.index, index, "labels", base)
    try:
        flags = pd.array(labels).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"labels must be 0 and 1: {error}.") from None
    bad = (flags != 0) & (flags != 1)
    if bad.any():
        raise ValueError(
            f"labels must be 0 and 1, got {flags[bad][0]:g} in row {bad.argmax()}. Of a detector, "
            "give predict(y) == -1."
        )
    return flags == 1


def are_events(labels: Any) -> bool:
    """Whether labels are a frame of events, not one for each row."""
    return isinstance(labels, pd.DataFrame) and {"start", "end"} <= set(labels.columns)


def events_of_series(
    events: pd.DataFrame, name: str, label: Hashable, id_name: Hashable
) -> pd.DataFrame:
    """The events of one series of a panel; all for a single series."""
    if label is None or not isinstance(events, pd.DataFrame):
        return events
    if id_name not in events:
        raise ValueError(
            f"{name} has the columns {events.columns.tolist()[:10]}, none of them {id_name!r}, "
            "which says the series that an event is of."
        )
    return events[events[id_name] == label].reset_index(drop=True)


def on_axis(values: Any, series: ChannelSeries) -> np.ndarray:
    """Values for each row of y at the times of a series; NaN at times without a row."""
    values = pd.Series(values).to_numpy(dtype=float, na_value=np.nan)
    return np.where(series.rows >= 0, values[series.rows], np.nan)


def _read(labels):
    """Frames of other libraries as those of pandas."""
    is_frame = hasattr(labels, "columns") and not isinstance(labels, pd.DataFrame)
    return to_pandas(labels, "labels") if is_frame else labels
