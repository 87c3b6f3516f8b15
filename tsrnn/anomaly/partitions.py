"""A detector on the partitions of a frame of Dask, Spark or Ray."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.fitted import FittedNetworks, FittedSeries
from tsrnn.data import (
    ChannelPanel,
    DataError,
    Location,
    Panel,
    affected,
    channels_from,
    without_bad_series,
)
from tsrnn.distributed import Engine, refuse_frames, sample_series, sampled, template_of
from tsrnn.parameters import ParameterError, sample_seed, validate_parameters

# Results of a row each, by the method: name and dtype.
_BY_ROW = {
    "score_samples": {"score": "float64"},
    "decision_function": {"score": "float64"},
    "predict": {"anomaly": "int64"},
}


@dataclasses.dataclass(frozen=True)
class PartitionedDetector:
    """A detector as ``tsrnn.distributed`` sees it, see ``Partitioned``.

    Networks, the weights of first rows and the threshold are the fitted ones. What is usual of a
    series, its mean, deviation and typical errors, is told by the rows that are scored, as if it
    had been fitted with them.
    """

    detector: Any

    @property
    def id_column(self) -> str:
        return self.detector.id_column

    @property
    def skips(self) -> bool:
        return getattr(self.detector, "errors", "raise") == "skip"

    def template(
        self, frame: pd.DataFrame, method: str, arguments: dict[str, Any], engine: str
    ) -> pd.DataFrame:
        detector = self.detector
        check_is_fitted(detector)
        validate_parameters(detector)
        if not isinstance(detector.fitted_, FittedNetworks):
            raise TypeError(f"y is a frame of {engine}, which RNNAnomalyDetector alone takes.")
        refuse_columns_of(detector, frame, engine)
        if arguments.get("n_most") is not None:
            raise ParameterError(
                f"n_most is of all series, and a task of {engine} has only some: leave it out, and "
                "sort the result by severity."
            )
        keys = [detector.id_column, detector.time_column]
        if method in _BY_ROW:
            return template_of(frame, keys, _BY_ROW[method])
        example: Any = self.call(method, self._example(frame), arguments)
        times = frame[detector.time_column].dtype
        dtypes = {
            name: times if pd.api.types.is_dtype_equal(column.dtype, times) else column.dtype
            for name, column in example.items()
            if name != detector.id_column and (method != "explain" or name not in keys)
        }
        return template_of(frame, keys[: 2 if method == "explain" else 1], dtypes)

    def _example(self, frame):
        """Rows of one series of the columns and dtypes of a frame."""
        detector, fitted = self.detector, self.detector.fitted_
        n = max(4 * fitted.model.lookback, 64)
        dtype, numbers = frame[detector.time_column].dtype, np.arange(n)
        if pd.api.types.is_integer_dtype(dtype):
            times = pd.Series(numbers * fitted.step).astype(dtype)
        else:
            zone = getattr(dtype, "tz", None)
            times = pd.Series(pd.date_range("2024-01-01", periods=n, freq=fitted.step, tz=zone))
            times = times.astype(dtype)
        columns = {detector.id_column: "example", detector.time_column: times}
        rows = pd.DataFrame(columns, index=numbers)
        for column in frame.columns.drop(list(columns)):
            rows[column] = np.sin(numbers)
        return rows[frame.columns.tolist()]

    def portable(self) -> Self:
        one, fitted = slice(0, 1), self.detector.fitted_
        cut = {
            name: getattr(fitted, name)[one]
            for name in ("means", "deviations", "constant", "error_scale", "median_score")
        }
        labels = {next(iter(fitted.labels)): 0}
        return self.with_fitted(dataclasses.replace(fitted, labels=labels, streams=None, **cut))

    def with_threads(self, n_threads: int) -> Self:
        if self.detector.n_jobs is not None:
            return self
        detector = copy.copy(self.detector)
        detector.n_jobs = n_threads
        return dataclasses.replace(self, detector=detector)

    def with_fitted(self, fitted: Any) -> Self:
        detector = copy.copy(self.detector)
        detector.fitted_ = fitted
        return dataclasses.replace(self, detector=detector)

    def call(self, method: str, y: pd.DataFrame, arguments: dict[str, Any]) -> pd.DataFrame | None:
        detector, y = self.detector, y.reset_index(drop=True)
        try:
            panel = self._read(y)
        except DataError:
            if not self.skips:
                raise
            names = detector.id_column, detector.time_column, None
            y, skipped = without_bad_series(y, self._read, *names)
            if not skipped.labels:
                raise
            if y is None:
                return None
            y = y.reset_index(drop=True)
            panel = self._read(y)
        result = getattr(self.with_fitted(self._fitted_to(panel)).detector, method)(y, **arguments)
        if method == "detect":
            return result.astype({"channel": "str"} if "channel" in result else {})
        keys = y[[detector.id_column, detector.time_column]]
        result = pd.concat([keys, result], axis=1)
        return result.sort_values(detector.time_column, kind="stable")

    def call_fitted(self, method: str, arguments: dict[str, Any]) -> pd.DataFrame:
        raise NotImplementedError

    def call_skipping(self, method: str, y: Any, arguments: dict[str, Any]) -> Any:
        method_of = getattr(type(self.detector), method).__wrapped__
        return method_of(self.detector, good_panel(self.detector, y), **arguments)

    def fit(self, y: pd.DataFrame, arguments: dict[str, Any]) -> tuple[int, Any, pd.DataFrame]:
        raise NotImplementedError

    def _read(self, y) -> ChannelPanel:
        """Series that the networks can be run on."""
        detector, fitted = self.detector, self.detector.fitted_
        panel = read_panel(detector, y, fitted.step)
        panel.refuse_empty()
        dataclasses.replace(fitted, labels=dict.fromkeys(panel.ids, 0)).check(panel)
        least = 2 * fitted.model.lookback
        short = [series.label for series in panel if len(series.values) < least]
        if short:
            raise Location(series=short[0]).error(
                f"is shorter than two windows of {fitted.model.lookback} that the networks learned "
                f"from{affected(short)}",
                "Leave it out, or fit with a shorter lookback.",
            )
        return panel

    def _fitted_to(self, panel):
        """The fitted state with what is usual of these series."""
        fitted, scaling = self.detector.fitted_, FittedSeries.of(panel)
        scaling = dataclasses.replace(scaling, step=fitted.step)
        inputs = [scaling.inputs(series, fitted.seasons) for series in panel]
        parts = fitted.model, fitted.seasons, fitted.networks, inputs, self.detector.online
        own, _ = FittedNetworks.fit(scaling, *parts)
        return dataclasses.replace(own, start_weights=fitted.start_weights)


def read_panel(detector: Any, y: Any, step: Any = None) -> ChannelPanel:
    """Checked series of any form, by a detector's parameters."""
    columns = {"id_column": detector.id_column, "time_column": detector.time_column}
    return channels_from(y, **columns, missing=detector.missing, step=step)


def good_panel(detector: Any, y: Any) -> Any:
    """The series of a frame that a detector can read, with a warning of the others."""
    names = detector.id_column, detector.time_column, None
    good, skipped = without_bad_series(y, lambda rows: read_panel(detector, rows), *names)
    if good is None:
        raise skipped.errors[0]
    skipped.warn()
    return good


def drawn_panel(panel: ChannelPanel, n: int, seed: int) -> ChannelPanel:
    """``n`` series of a panel."""
    drawn = set(sampled(panel.ids, n, seed))
    numbers = [k for k, label in enumerate(panel.ids) if label in drawn]
    bounds = panel.panel.indptr
    parts = [np.arange(bounds[k], bounds[k + 1]) for k in numbers]
    rows = np.concatenate(parts)
    values = Panel(panel.panel.values[rows], np.cumsum([0, *map(len, parts)]))
    ids, axes = [panel.ids[k] for k in numbers], [panel.axes[k] for k in numbers]
    return dataclasses.replace(panel, panel=values, ids=ids, axes=axes, rows=panel.rows[rows])


def refuse_columns_of(detector: Any, frame: pd.DataFrame, engine: str) -> None:
    """Refuse a frame without the columns of ids and times."""
    for name in ("id_column", "time_column"):
        column = getattr(detector, name)
        if column is None or column not in frame.columns:
            raise Location("y").error(
                f"is a frame of {engine} with the columns {frame.columns.tolist()}, and {name} is "
                f"{column!r}",
                "Say which columns hold ids and times by id_column and time_column.",
            )


def fit_on_engine(detector: Any, engine: Engine, y: Any) -> None:
    """Fit to a sample of the series in a frame of an engine."""
    validate_parameters(detector)
    refuse_frames({"threshold": detector.threshold})
    refuse_columns_of(detector, engine.template(y), engine.name)
    if detector.n_sample is None:
        raise ValueError(
            f"y is a frame of {engine.name}: say by n_sample how many of its series the networks "
            "are fitted to."
        )
    seed = sample_seed(detector.random_state)
    detector.fit(sample_series(engine, y, detector.id_column, detector.n_sample, seed))
