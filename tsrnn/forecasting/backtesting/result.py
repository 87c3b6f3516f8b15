"""Backtest: forecasts from past origins and tables of their errors."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import to_pandas
from tsrnn.data.forms import NAMES, Form
from tsrnn.forecasting.backtesting.report import report_html, report_text
from tsrnn.forecasting.backtesting.scores import (
    POINT_METRICS,
    MetricOptions,
    Rows,
    group_codes,
    named_metrics,
    point_score,
    spread_scores,
    zeros_note,
)
from tsrnn.parameters import POSITIVE_INTEGER, Label, ListOf, Text, user_level, validated

_LABEL = Label()


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Backtest:
    """Forecasts from past origins, and their errors.

    Attributes
    ----------
    forecasts : DataFrame
        A row for each series, origin and step: ``unique_id``, ``cutoff`` (the last time stamp that
        was known), ``ds``, ``y`` and the forecasts, a column for each forecaster; ``lower_80``,
        ``upper_80``, ``quantile_10`` and so on where requested, of several forecasters as
        ``RNNForecaster_lower_80``. Ids, times and values have the names that they have in a long
        frame ``y``, and the frame is of its library.
    forecasters : tuple of str
        Names of the forecasters, in the order given, then the baselines.
    horizon, season : int
        Steps forecast; season of seasonal forecasts and of scaled errors.
    scales, squared_scales : (n_series,) arrays
        Mean absolute and squared seasonal difference of each series before the first origin.
    static : DataFrame or None
        Static values, a row for each series.
    seconds : dict of float
        Seconds that each forecaster took to fit and to forecast.

    See Also
    --------
    tsrnn.backtest : Makes it.
    tsrnn.plotting.RankingDisplay : Draw forecasters by their errors.
    tsrnn.plotting.HorizonErrorDisplay : Draw errors by the step ahead.
    tsrnn.plotting.CoverageDisplay : Draw how often intervals contain the observation.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, backtest
    >>> from tsrnn.datasets import load_airline
    >>> result = backtest(RNNForecaster(horizon=3, max_iter=0), load_airline(), n_windows=2)
    >>> result.forecasters
    ('RNNForecaster', 'seasonal_naive', 'drift')
    >>> result.to_pandas().columns[:5].tolist()
    ['unique_id', 'cutoff', 'ds', 'y', 'RNNForecaster']
    """

    forecasts: Any
    forecasters: tuple[str, ...]
    horizon: int
    season: int
    scales: np.ndarray
    squared_scales: np.ndarray
    static: pd.DataFrame | None
    seconds: dict[str, float]
    form: Form
    has_prefixes: bool  # whether columns of intervals and quantiles begin with the forecaster

    @property
    def names(self) -> tuple:
        """Columns of ids, times and values in ``forecasts``."""
        return self.form.long_names

    def to_pandas(self) -> pd.DataFrame:
        """``forecasts`` as a frame of pandas with the columns unique_id, cutoff, ds and y."""
        frame = self.forecasts
        if not isinstance(frame, pd.DataFrame):
            frame = to_pandas(frame, "forecasts")
        return frame.rename(columns=dict(zip(self.names, NAMES, strict=True)))

    def spread_columns(self, forecaster: str) -> dict[str, str]:
        """Columns of a forecaster's intervals and quantiles, by their plain names."""
        if not self.has_prefixes:
            if forecaster != self.forecasters[0]:
                return {}
            return {c: c for c in self.forecasts.columns if _is_spread(c)}
        prefix = f"{forecaster}_"
        longer = [f"{name}_" for name in self.forecasters if name.startswith(prefix)]
        return {
            column.removeprefix(prefix): column
            for column in map(str, self.forecasts.columns)
            if column.startswith(prefix)
            and not column.startswith(tuple(longer))
            and _is_spread(column.removeprefix(prefix))
        }

    @validated(by=[_LABEL, ListOf(_LABEL, least=1), None], metrics=[MetricOptions(), None])
    def metrics(self, by: Any = None, metrics: Any = None) -> Any:
        """Errors of each forecaster, averaged over origins and steps, then over series.

        Parameters
        ----------
        by : label or list of labels, optional
            Groups to score by themselves: the name of the ids (or "unique_id") for each series,
            "cutoff" for each origin, "horizon" for each step ahead, or a column of ``static``.
        metrics : str, callable, list or dict of these, optional
            Scores, by default all: names of those below, or functions of two arrays, ``(actual,
            forecast)``, that return a number; a dict names them. A function is called with the
            observed values of one series in a group.

        Returns
        -------
        DataFrame
            A row for each forecaster, in each group, with

            * MAE, RMSE and bias (the mean of forecast minus actual), in the unit of the series;
            * MAPE and sMAPE in percent; MAPE is NaN where actual values are 0, and where it is
              chosen a warning says where these are;
            * MASE and RMSSE, NaN where a series hardly moves before the first origin;
            * WAPE, the sum of absolute errors in percent of that of actual values, which is over
              all rows of a group, so that larger series count more;
            * and of all rows ``coverage_80``, ``interval_score_80`` and so on of intervals, the
              pinball loss ``pinball_10`` and so on of quantiles, and ``CRPS``, twice its mean,
              unless ``metrics`` are chosen. Those without intervals have NaN.

            Missing values are left out, and so are series without any observed value. Groups and
            forecasters are the index, or columns where the library of ``y`` has no index.

        Raises
        ------
        ValueError
            If no actual value was observed, or there is no such group or metric.

        Examples
        --------
        >>> from tsrnn import RNNForecaster, backtest
        >>> from tsrnn.datasets import load_airline
        >>> network = RNNForecaster(horizon=6, max_iter=0)
        >>> result = backtest(network, load_airline(), n_windows=2, refit=False)
        >>> def worst_error(actual, forecast):
        ...     return abs(actual - forecast).max()
        >>> table = result.metrics(by="cutoff", metrics=["MAE", worst_error])
        >>> table.index.names, table.columns.tolist()
        (FrozenList(['cutoff', 'forecaster']), ['MAE', 'worst_error'])
        """
        table = self._table(by, metrics)
        if isinstance(self.forecasts, pd.DataFrame):
            return table
        keys = table.index.names[:-1]
        return self.form.frame(table.rename_axis([*keys, "forecaster"]).reset_index())

    def residuals(self) -> Any:
        """Actual values minus forecasts, which are out of sample.

        Returns
        -------
        DataFrame
            The columns of ids, cutoffs and times of ``forecasts``, and one for each forecaster; NaN
            where the actual value is missing. :func:`tsrnn.reconcile` takes them.

        Examples
        --------
        >>> from tsrnn import RNNForecaster, backtest
        >>> from tsrnn.datasets import load_airline
        >>> result = backtest(RNNForecaster(max_iter=0), load_airline(), n_windows=2)
        >>> result.residuals().columns.tolist()
        ['unique_id', 'cutoff', 'ds', 'RNNForecaster', 'seasonal_naive', 'drift']
        """
        frame = self.to_pandas()
        errors = frame[list(self.forecasters)].rsub(frame["y"], axis=0)
        table = pd.concat([frame[["unique_id", "cutoff", "ds"]], errors], axis=1)
        table = table.rename(columns=dict(zip(NAMES, self.names, strict=True)))
        return table if isinstance(self.forecasts, pd.DataFrame) else self.form.frame(table)

    @validated(
        n=[POSITIVE_INTEGER],
        metric=[MetricOptions()],
        by=[_LABEL, ListOf(_LABEL, least=1)],
        forecaster=[Text(), None],
    )
    def worst(
        self, n: int = 5, metric: Any = "MAE", *, by: Any = "unique_id", forecaster: Any = None
    ) -> Any:
        """The groups that a forecaster forecasts worst, by default series, the worst first.

        Parameters
        ----------
        n : int, default=5
            Most groups returned.
        metric : str or callable, default="MAE"
            As in :meth:`metrics`; of the bias its size counts.
        by : label or list of labels, default="unique_id"
            As in :meth:`metrics`: the series, "cutoff", "horizon" or columns of ``static``.
        forecaster : str, optional
            Whose errors are ranked, by default the first.

        Returns
        -------
        DataFrame
            A row for each group, with the score of each forecaster. Groups whose score is not
            defined (NaN) come last.

        Raises
        ------
        ValueError
            If there is no such forecaster, group or metric, or nothing was observed.
        """
        forecaster = self.forecasters[0] if forecaster is None else forecaster
        if forecaster not in self.forecasters:
            raise ValueError(
                f"forecaster must be one of {', '.join(map(repr, self.forecasters))}, got "
                f"{forecaster!r}."
            )
        table = self._table(by, metric)
        scores = table.iloc[:, 0].to_numpy().reshape(-1, len(self.forecasters))
        index = table.index[:: len(self.forecasters)].droplevel(-1)
        ranked = np.abs(scores[:, self.forecasters.index(forecaster)])
        order = np.argsort(-ranked, kind="stable")[:n]
        worst = pd.DataFrame(scores[order], index[order], list(self.forecasters))
        if isinstance(self.forecasts, pd.DataFrame):
            return worst
        return self.form.frame(worst.reset_index())

    def _table(self, by, chosen):
        """A row for each group and forecaster, of pandas."""
        rows, labels, names = self._rows(by)
        wanted = named_metrics(POINT_METRICS if chosen is None else chosen)
        if chosen is not None and "MAPE" in wanted.values():
            zeros = zeros_note(rows, self.names[2])
            if zeros:
                warnings.warn(zeros, stacklevel=user_level())
        scales = {"MASE": self.scales, "RMSSE": self.squared_scales}
        tables = []
        for name in self.forecasters:
            forecast = rows.frame[name].to_numpy(dtype=float)
            scores = {
                column: point_score(metric, rows, forecast, scales)
                for column, metric in wanted.items()
            }
            if chosen is None:
                scores |= spread_scores(rows, self.spread_columns(name))
            tables.append(pd.DataFrame(scores))
        table = pd.concat(tables)
        if not names:
            return table.set_axis(list(self.forecasters))
        n_groups, n = rows.n_groups, len(self.forecasters)
        table = table.iloc[np.arange(n * n_groups).reshape(n, n_groups).T.ravel()]
        levels = [_flat_index(label).repeat(n) for label in labels]
        levels.append(pd.Index(np.tile(np.array(self.forecasters, object), n_groups)))
        return table.set_axis(pd.MultiIndex.from_arrays(levels, names=[*names, "forecaster"]))

    def _rows(self, by):
        """Observed rows in groups, labels of the groups by key, and names of the keys."""
        frame = self.to_pandas()
        observed = frame["y"].notna().to_numpy()
        if not observed.any():
            raise ValueError(
                "No value of y was observed at the steps that were forecast: there is nothing to "
                "score. Raise n_windows, to forecast earlier steps too."
            )
        series = pd.factorize(frame["unique_id"])[0]
        names = [] if by is None else list(by) if isinstance(by, list) else [by]
        keys = [self._key(name, frame, series) for name in names]
        keys = [(values[observed], is_sorted) for values, is_sorted in keys]
        frame, series = frame[observed], series[observed]
        groups, labels = group_codes(keys) if keys else (np.zeros(len(frame), np.int64), [])
        names = [self.names[0] if name == NAMES[0] else name for name in names]
        return Rows.of(frame, series, groups), labels, names

    def _key(self, name, frame, series):
        """Values of rows that groups are of, and whether groups are sorted by them."""
        if name in (NAMES[0], self.names[0]):
            return frame["unique_id"], False
        if name == "cutoff":
            return frame["cutoff"], True
        if name == "horizon":  # rows of an origin are in the order of steps
            return pd.Series(np.arange(len(frame)) % self.horizon + 1), True
        columns = [] if self.static is None else self.static.columns.tolist()
        if name not in columns:
            known = [self.names[0], "cutoff", "horizon", *columns]
            more = "" if columns else ", and with static its columns"
            raise ValueError(
                f"by has {name!r}, and groups are by {', '.join(map(repr, known))}{more}."
            )
        return pd.Series(self.static[name].to_numpy()[series]), False

    def _summary(self):
        """Errors, without those that are nowhere defined, and a note on these."""
        try:
            table = self._table(None, None)
        except ValueError:  # nothing was observed
            return None, ""
        return table.dropna(axis=1, how="all"), zeros_note(self._rows(None)[0], self.names[2])

    def __repr__(self) -> str:
        return report_text(self, *self._summary())

    def _repr_html_(self) -> str:
        return report_html(self, *self._summary())


def _is_spread(column: Any) -> bool:
    kind, _, percent = str(column).partition("_")
    return kind in ("lower", "upper", "quantile") and percent.replace(".", "", 1).isdigit()


def _flat_index(labels: Sequence) -> pd.Index:
    """Labels as an index of one level, tuples too."""
    if isinstance(labels, pd.Index) and not isinstance(labels, pd.MultiIndex):
        return labels
    return pd.Index(list(labels), tupleize_cols=False)
