"""Saved forecasters and detectors, and the columns of files that they were fitted to."""

from __future__ import annotations

import argparse
import copy
import dataclasses
from typing import Any

import numpy as np
import pandas as pd

import tsrnn
from tsrnn.cli.reading import ROW_NUMBER, Layout, csv_format
from tsrnn.data import format_time
from tsrnn.data.forms import Form, Levels, SingleSeries, Wide


@dataclasses.dataclass
class SavedModel:
    """An estimator from a file of ``tsrnn.save``."""

    estimator: Any  # fitted RNNForecaster or RNNAnomalyDetector
    path: str

    @classmethod
    def load(cls, arguments: argparse.Namespace) -> SavedModel:
        """The model of ``--model``; ValueError if it is of another kind or not fitted."""
        path, estimator = arguments.model, tsrnn.load(arguments.model)
        name = type(estimator).__name__
        if name not in ("RNNForecaster", "RNNAnomalyDetector"):
            raise ValueError(f"{path} holds {name}, which is no forecaster and no detector")
        if not hasattr(estimator, "fitted_"):
            raise ValueError(f"{path} holds {name} that is not fitted")
        estimator.set_params(verbose=0)
        if arguments.n_jobs:
            estimator.set_params(n_jobs=arguments.n_jobs)
        return cls(estimator, path)

    @property
    def is_detector(self) -> bool:
        return type(self.estimator).__name__ == "RNNAnomalyDetector"

    def refuse_detector(self, command: str, remedy: str) -> None:
        if self.is_detector:
            raise ValueError(f"{self.path} holds a detector, and {command} forecasts: {remedy}")

    def check_updates(self) -> None:
        """Refuse a detector that has no streams to continue."""
        if self.is_detector and self.estimator.fitted_.streams is None:
            raise ValueError(
                f"{self.path} holds a detector that cannot be updated: fit it by detect --online"
            )

    def refuse_options(
        self, arguments: argparse.Namespace, detector: list[str], forecaster: list[str]
    ) -> None:
        """Refuse options that are for the other kind of model."""
        others = forecaster if self.is_detector else detector
        kind, this = ("forecaster", "detector") if self.is_detector else ("detector", "forecaster")
        for name in others:
            value = getattr(arguments, name)
            if value is not None and value is not False:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} is for a {kind}, and {self.path} holds a {this}")

    @property
    def known(self) -> list[str]:
        """Columns of covariates that are known in the future."""
        return self._covariates("known")

    @property
    def ids(self) -> list:
        """Labels of the series that the model knows."""
        return list(self._lasts().index)

    def check_known(self) -> None:
        """Refuse a model without covariates that are known in the future."""
        if not self.known:
            raise ValueError(f"--future is for known covariates, and {self.path} has none")

    def _covariates(self, kind):
        features = None if self.is_detector else self.estimator.fitted_.features
        return [] if features is None else [column.name for column in getattr(features, kind)]

    def layout(self, arguments: argparse.Namespace) -> Layout:
        """Columns of a file: those of options, else those that the model was fitted to."""
        targets, time, series = self._columns()
        if arguments.id is None and arguments.target and len(arguments.target) > 1:
            series = None  # several columns are a panel
        time = arguments.time or time
        if time is None and not self._is_counted():
            raise ValueError(f"--time is needed: {self.path} was fitted to times")
        if series is None and arguments.id is None and self._is_long_panel():
            raise ValueError(f"--id is needed: {self.path} was fitted to several series")
        return Layout(
            targets=arguments.target or targets,
            time=time,
            series=arguments.id or series,
            known=self.known,
            past=self._covariates("past"),
            csv=csv_format(arguments),
            time_format=arguments.time_format,
            freq=arguments.freq,
            missing=self.estimator.missing,
            channels=self.is_detector,
        )

    def _is_counted(self):
        """Whether the steps of the series are numbers."""
        fitted = self.estimator.fitted_
        return isinstance(fitted.step if self.is_detector else fitted.recent.axes[0].step, int)

    def _is_long_panel(self):
        """Whether the model was fitted to several series in one column."""
        return self.is_detector and list(self.estimator.fitted_.labels) != [None]

    def _columns(self):
        """Targets, time and series of what the model was fitted to; None where not known."""
        model = self.estimator
        if self.is_detector:
            labels = list(model.fitted_.labels)
            series = None if labels == [None] else model.id_column
            return list(map(str, model.fitted_.channels)), model.time_column, series
        history = model.fitted_.history
        form = history.form
        time, series, target = model.time_column, model.id_column, model.target_column
        if isinstance(form, SingleSeries):
            series, target = None, form.name
        elif isinstance(form, Levels):
            (series, time), target = form.names, form.target
        elif history.ids == [None]:
            series = None
        is_long = history.ids == [None] or (target is not None and not isinstance(form, Wide))
        targets, series = ([target], series) if is_long else (history.ids, None)
        return list(map(str, targets)), None if time == ROW_NUMBER else time, series

    @property
    def counts_rows(self) -> bool:
        """Whether the model was fitted to rows without times."""
        return self._columns()[1] is None and self._is_counted()

    def _lasts(self):
        """The last time stamp of each series, by label."""
        cutoff = self.estimator.cutoff_
        return cutoff if isinstance(cutoff, pd.Series) else pd.Series([cutoff], [None])

    def last_time(self) -> str:
        """The latest time stamp of all series, for messages."""
        return format_time(self._lasts().max())

    def is_new(self, index: pd.Index) -> np.ndarray:
        """Which rows follow what the model knows of their series."""
        lasts = self._lasts()
        times = index.get_level_values(-1)
        try:
            if index.nlevels == 1:  # covariates of a panel may be the same for all series
                return np.asarray(times > lasts.min())
            lasts = lasts.reindex(index.get_level_values(0))
            return np.asarray((times > pd.Index(lasts)) | lasts.isna().to_numpy())
        except TypeError:  # times of another kind, which the model refuses
            return np.ones(len(index), bool)

    def continued(self, rows: Any) -> Any:
        """Rows that are numbered from 1 with the numbers that follow those known."""
        if rows is None:
            return None
        lasts, index = self._lasts(), rows.index
        if index.nlevels == 1:
            return rows.set_axis((index + lasts.iloc[0]).rename(index.name))
        series = index.get_level_values(0)
        numbers = index.get_level_values(1) + lasts.reindex(series).fillna(0).astype(int).to_numpy()
        return rows.set_axis(pd.MultiIndex.from_arrays([series, numbers], names=index.names))

    def on_index(self) -> Any:
        """The forecaster with results as a Series, of a panel on a MultiIndex."""
        model, state = copy.copy(self.estimator), self.estimator.fitted_
        recent = state.recent
        form: Form = recent.form
        if isinstance(form, Levels):
            form = dataclasses.replace(form, is_frame=False)
        elif recent.ids == [None]:
            form = SingleSeries(model.target_column)
        else:
            names = model.id_column, model.time_column
            dtypes = pd.Series(recent.ids).dtype, recent.axes[0].index.dtype
            form = Levels(names, model.target_column, False, *dtypes)
        recent = dataclasses.replace(recent, form=form)
        model.fitted_ = dataclasses.replace(state, recent=recent)
        return model
