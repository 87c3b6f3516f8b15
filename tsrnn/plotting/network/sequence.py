"""DisplayedSequence: the one row or series that a display of a network draws."""

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import format_time
from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.forecasting.inputs import forecast_context
from tsrnn.inspection.batch import last_step, read_batch
from tsrnn.plotting.forecast_data import long_columns
from tsrnn.plotting.panel_series import PanelSeries
from tsrnn.plotting.style import x_positions
from tsrnn.sequences.language_model import RNNLanguageModel


@dataclasses.dataclass(frozen=True, eq=False)
class DisplayedSequence:
    """One sequence, and the fitted estimator that reads it."""

    estimator: Any
    X: Any  # as the estimator takes it: the single row, or all series
    values: pd.DataFrame  # by the sequence's labels, a column for each channel
    segment: int  # values per recurrent step
    number: int  # position among the sequences; 0 for a single one
    label: Hashable  # among the sequences; None for a single one
    n_more: int  # sequences omitted by default

    @property
    def n_ahead(self) -> int:
        """Last values that the network does not read, but what is known of their time stamps."""
        spec = getattr(self.estimator.fitted_, "spec", None)
        return spec.n_ahead if spec and spec.n_known else 0

    @property
    def known(self) -> list[str]:
        """Names of what a forecaster's network reads of the future."""
        features = getattr(self.estimator.fitted_, "features", None)
        if not features or not features.n_known:
            return []
        names = [str(column.name) for column in features.known] + list(features.calendar)
        names += ["seasons"] if len(features.fourier) else []
        return names + (["holidays"] if len(features.holidays) or features.countries else [])

    @property
    def cell(self) -> str:
        return self.estimator.network_.cell

    def inspect(self, function: Callable[[Any, Any], pd.DataFrame]) -> pd.DataFrame:
        """This sequence's rows of the result of ``states`` or ``gates``."""
        frame = function(self.estimator, self.X)
        return frame.xs(self.label, level=0) if frame.index.nlevels > 1 else frame

    def prediction(self) -> pd.Series:
        """The forecast, or of each target or class what is predicted for the last step."""
        if hasattr(self.estimator, "predict_proba"):
            probabilities = np.atleast_2d(self.estimator.predict_proba(self.X)[0])[-1]
            return pd.Series(probabilities, self.estimator.classes_, name="probability")
        if isinstance(self.estimator, SequenceEstimator):
            prediction = np.atleast_1d(self.estimator.predict(self.X)[0])
            return pd.Series(prediction, name="prediction")
        if self.n_ahead:
            return self._forecast_within()
        forecasts = self.estimator.predict(y=self.X)
        panel = PanelSeries(forecasts, "forecast", long_columns(self.estimator))
        return panel.series(panel.labels[self.number]).rename("forecast")

    def _forecast_within(self):
        """The forecast of the last ``n_ahead`` values, from those before and what was known."""
        forecaster, n_ahead = self.estimator, self.n_ahead
        context = _context(forecaster, self.X)
        lengths = context.collection.panel.lengths
        computing = "cpu", forecaster.n_jobs, forecaster.lower
        predictor = forecaster.fitted_.predictor(forecaster.conformal, *computing)
        forecasts = predictor.columns(context, lengths[:, None] - n_ahead, n_ahead)
        values = next(iter(forecasts.values()))[self.number, 0]
        index = context.collection.axes[self.number].index[-n_ahead:]
        return pd.Series(values, index, name="forecast")

    @property
    def note(self) -> str | None:
        if not self.n_more:
            return None
        kind = "row" if isinstance(self.estimator, SequenceEstimator) else "series"
        return f"{kind} {self.label}, 1 of {1 + self.n_more}; series chooses another"


def select_sequence(estimator: Any, X: Any, series: Hashable) -> DisplayedSequence:
    """The row or series of X to draw, by default the first; ValueError where there is none such.

    ``series`` is a row's number, or its label in the index of a DataFrame; or a series' label.
    """
    estimator, X = last_step(estimator, X)
    if isinstance(estimator, RNNLanguageModel):
        raise ValueError(
            "Series are drawn here, not text: ActivityDisplay draws an RNNLanguageModel's."
        )
    is_rows = isinstance(estimator, SequenceEstimator)
    if is_rows and X is None:
        raise ValueError(
            f"{type(estimator).__name__} keeps no sequences: give X, of which one row is drawn."
        )
    batch = read_batch(estimator, X)
    number = _position(series, batch.keys, "rows of X" if is_rows else "series")
    n_more = len(batch.windows) - 1 if series is None else 0
    label = None if batch.keys is None else batch.keys[number]
    if is_rows:
        X = _row(estimator, X, number)
        values = _row_values(estimator, X)
    else:
        values = _series_values(estimator, X, number)
    return DisplayedSequence(estimator, X, values, batch.segment, number, label, n_more)


def match_values(values: pd.Series | pd.DataFrame, frame: pd.DataFrame, segment: int):
    """The rows of ``values`` that the steps of a frame, of one sequence, read, as a DataFrame."""
    if not isinstance(frame, pd.DataFrame) or frame.empty or frame.columns.nlevels != 3:
        raise ValueError(
            f"states must be what tsrnn.inspection.states returns, got {type(frame).__name__}."
        )
    if frame.index.nlevels > 1:
        raise ValueError(
            "states is of several sequences. Choose one: states.xs(label, level=0), with labels "
            f"such as {frame.index[0][0]!r}."
        )
    values = values.to_frame() if isinstance(values, pd.Series) else values
    ends = values.index.get_indexer(frame.index)
    first = int(ends[0]) - segment + 1
    if (ends < 0).any() or first < 0 or (np.diff(ends) != segment).any():
        raise ValueError(
            f"values must have the {len(frame)} steps of states, {frame.index[0]} to "
            f"{frame.index[-1]}, with {segment} values each (segment); it has {len(values)} rows "
            f"from {values.index[0]} to {values.index[-1]}."
        )
    return values.iloc[first : ends[-1] + 1]


def first_position(index: pd.Index, start: Any) -> int:
    """Position of the first label from ``start`` on; ValueError where there is none.

    A text may name a span of time, such as "2024-05".
    """
    try:
        position = index.slice_indexer(start, None).start
        is_before = position == 0 and index.slice_indexer(None, start).stop == 0
    except (TypeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"start={start!r} is no label of the steps, such as {format_time(index[0])}: {reason}"
        ) from None
    if is_before or position >= len(index):
        raise ValueError(
            f"start={start!r} is not among the steps that are read, {format_time(index[0])} to "
            f"{format_time(index[-1])}. Give a start within them, or as X a series that ends "
            "later or earlier."
        )
    return position


def step_edges(index: pd.Index, segment: int) -> np.ndarray:
    """x coordinates between steps of ``segment`` entries each: halfway between entries."""
    x = x_positions(index)
    if len(x) > 1:
        halves = (x[1:] - x[:-1]) / 2
        middles = x[:-1] + halves
        x = np.concatenate([[x[0] - halves[0]], middles, [x[-1] + halves[-1]]])
    else:
        half = np.timedelta64(12, "h") if x.dtype.kind == "M" else 0.5
        x = np.concatenate([x - half, x + half])
    return x[::segment]


def format_label(label: Any) -> str:
    if not isinstance(label, pd.Timestamp):
        return str(label)
    return format_time(label).removesuffix(":00").replace(" ", "\n")


def format_numbers(values: pd.DataFrame) -> np.ndarray:
    """Numbers as text, (n_rows, n_columns): three digits of each column's largest value."""
    texts = []
    for column in values.to_numpy(float).T:
        known, digits = column[np.isfinite(column)], 0
        if known.size and (known != np.round(known)).any():
            digits = int(np.clip(2 - np.floor(np.log10(np.abs(known).max())), 0, 9))
        texts.append([f"{v:,.{digits}f}" if np.isfinite(v) else "missing" for v in column])
    return np.array(texts).T


def _position(wanted, keys, kind) -> int:
    """Position of a label among the keys, which are None for a single sequence."""
    if wanted is None:
        return 0
    labels = [0] if keys is None and kind == "rows of X" else keys
    if labels is None:
        raise ValueError(f"series chooses one of a panel, and this is one series; got {wanted!r}.")
    labels = list(labels)
    if wanted not in labels:
        more = f" and {len(labels) - 10} more" if len(labels) > 10 else ""
        raise ValueError(f"series is {wanted!r}, which is none of the {kind} {labels[:10]}{more}.")
    return labels.index(wanted)


def _row(estimator, X, number):
    """The row of X, or the sequence of a long frame, as the estimator takes it."""
    sequences, _ = estimator.read_sequences(X)
    if sequences.ids is not None or estimator.network_.head == "every":  # a row may be a step
        return [sequences.values[sequences.rows_of(np.array([number]))]]
    return X.iloc[number : number + 1] if isinstance(X, pd.DataFrame) else X[number : number + 1]


def _row_values(estimator, X) -> pd.DataFrame:
    """Values of a row, numbered like the steps of ``states``."""
    sequences, _ = estimator.read_sequences(X)
    n = int(sequences.lengths[0])
    values = sequences.values[sequences.firsts[0] :][:n]
    segment = estimator.fitted_.segment
    last = n // segment * segment
    steps = pd.RangeIndex(last - n + 1, last + 1, name="step")
    n_channels = values.shape[1]
    names = ["x"] if n_channels == 1 else [f"channel {k}" for k in range(n_channels)]
    if estimator.n_tokens_:
        names[0] = "token"
    return pd.DataFrame(values, steps, names)


def _context(forecaster, y):
    """The series of ``y``, by default the fitted ones, with their channels."""
    state = forecaster.fitted_
    if y is None:
        return state.context(state.recent, None, state.n_elapsed)
    return forecast_context(forecaster, y=y)[1]


def _series_values(forecaster, y, number) -> pd.DataFrame:
    """Values of one series, NaN where missing."""
    collection = _context(forecaster, y).collection
    first, end = collection.panel.indptr[number : number + 2]
    label = collection.ids[number]
    name = getattr(collection.form, "name", None) if label is None else label
    index = collection.axes[number].index
    return pd.DataFrame({name or "y": collection.targets[first:end]}, index)
