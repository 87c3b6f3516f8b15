"""A forecaster on partitions of a frame of an engine, and on series of which some are bad."""

from __future__ import annotations

import copy
import numbers
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from tsrnn.data import (
    Collection,
    DataError,
    Location,
    Skipped,
    format_step,
    listed,
    take_series,
    without_bad_series,
)
from tsrnn.distributed import (
    Engine,
    LocalFit,
    engine_of,
    fit_local,
    least_value,
    map_method,
    refuse_frames,
    sample_series,
    sampled,
    template_of,
)
from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.fitted import FittedForecaster
from tsrnn.forecasting.fitting import resolved_parameters
from tsrnn.forecasting.inputs import (
    checked_horizon,
    forecast_context,
    read_covariates,
    read_series,
    read_static,
)
from tsrnn.forecasting.resolve import check_values
from tsrnn.forecasting.uncertainty import as_levels, levels_by_column
from tsrnn.parameters import user_level, validate_parameters

_N_RESOLVING = 200  # series that decide what parameters leave open


class PartitionMixin(ForecasterBase):
    """What tasks of an engine ask of a forecaster, and the series that it leaves out."""

    def check_series(self, y: Any) -> Any:
        """The series that ``predict(y=...)`` would refuse, or before ``fit`` that would.

        Parameters
        ----------
        y : Series or DataFrame
            In any form that ``fit`` takes; of Dask, Spark or Ray too.

        Returns
        -------
        DataFrame
            A row for each: its label, in the column ``id_column``; ``row``, the time stamp or
            number of the first bad row, if it is one; ``problem`` and ``remedy``. Of the engine of
            ``y``, lazily.

        Raises
        ------
        ValueError
            If columns are missing, or a parameter is out of range.

        Examples
        --------
        >>>         >>> import numpy as np
        import pandas as pd
        >>> from tsrnn import RNNForecaster
        >>> days = pd.date_range("2024-01-01", periods=40)
        >>> y = pd.DataFrame({"shop": np.arange(40.0), "kiosk": np.arange(40.0)}, index=days)
        >>> y.loc["2024-02-03", "kiosk"] = np.nan
        >>> RNNForecaster(horizon=7).check_series(y)[["unique_id", "row"]]
          unique_id         row
        0     kiosk  2024-02-03
        """
        validate_parameters(self)
        engine = engine_of(y)
        if engine is not None:
            return map_method(self, engine, y, "check_series", {})
        return self._without_bad(y, self._fitted_step())[1].table(self.id_column)

    def _without_bad(self, y, step) -> tuple[Any, Skipped]:
        """The series that can be forecast, or before ``fit`` be read, and those that cannot."""
        if step is None:
            return readable_series(self, y)

        def check(rows):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                series = read_series(self, rows, step)
                if self.fitted_.features is None:
                    forecast_context(self, y=series)
                else:  # covariates are not known here
                    self.fitted_.check_other(series)

        return without_bad_series(y, check, self.id_column, self.time_column, self.target_column)

    def _fitted_step(self):
        fitted = getattr(self, "fitted_", None)
        return fitted.history.axes[0].step if isinstance(fitted, FittedForecaster) else None

    def _fit_without_bad(self, y: Any) -> Any:
        """The series that can be read, with a warning of the others, which ``skipped_`` has."""
        good, skipped = readable_series(self, y)
        if good is None:
            raise skipped.errors[0]
        warn_of(skipped)
        self.skipped_ = skipped.table(self.id_column)
        return good

    def _call_skipping(self, method: str, y: Any, arguments: dict[str, Any]) -> Any:
        """Results of a method for the series that are good, with a warning of the others."""
        result, skipped = self._call_without_bad(method, y, arguments, None)
        if result is None:
            raise skipped.errors[0]
        warn_of(skipped)
        return result

    def _call_without_bad(self, method, y, arguments, step):
        """Results of a method, None where no series is good, and the series left out."""

        def call(rows):
            return getattr(self, method)(y=read_series(self, rows, step), **arguments)

        try:
            return call(y), Skipped([], [])
        except DataError:
            if self.errors != "skip":
                raise
            good, skipped = self._without_bad(y, self._fitted_step())
            if not skipped.labels:
                raise
        return None if good is None else call(good), skipped

    # What tsrnn.distributed calls.

    def _portable(self) -> Any:
        """A copy without the series that were fitted, but for what forecasts of others read."""
        portable = copy.copy(self)
        portable.fitted_ = self.fitted_.without_history()
        return portable

    def _unfitted(self) -> Any:
        """A copy with the parameters alone."""
        return clone(self)

    def _engine_template(
        self, frame: pd.DataFrame, method: str, arguments: dict[str, Any], engine: str
    ) -> pd.DataFrame:
        """A frame without rows of the columns and dtypes that a method gives for ``frame``."""
        _check_columns(self, frame, engine)
        if method == "check_series":
            columns = dict.fromkeys(("row", "problem", "remedy"), "str")
            return template_of(frame, [self.id_column], columns)
        check_is_fitted(self)
        validate_parameters(self)
        checked_horizon(self, arguments.get("horizon"))
        if self.ended_after is not None:
            raise ValueError(
                "ended_after compares the end of each series with that of all, and a partition of "
                f"a frame of {engine} has only some. Use ended_after=None, and leave out before "
                "what has ended."
            )
        names = [self.target_column]
        if method == "predict_interval":
            names = list(levels_by_column(as_levels(arguments.get("coverage", 0.9)), []))
        elif method == "predict_quantiles":
            levels = as_levels(arguments.get("quantiles", (0.1, 0.5, 0.9)))
            names = list(levels_by_column([], levels))
        elif method == "predict_samples":
            names = [f"sample_{k}" for k in range(arguments.get("n_samples", 100))]
        keys = self.id_column, self.time_column
        return template_of(frame, keys, dict.fromkeys(names, "float64"))

    def _call_on_partition(
        self, method: str, partition: pd.DataFrame, arguments: dict[str, Any]
    ) -> pd.DataFrame | None:
        """Results of a method for the series of a partition; None where no series is good."""
        if method == "check_series":
            table, dtype = self.check_series(partition), partition[self.id_column].dtype
            return table.astype({self.id_column: dtype})
        return self._call_without_bad(method, partition, arguments, self._fitted_step())[0]

    def _fit_partition(self, rows: pd.DataFrame, arguments: dict) -> tuple:
        """Number of series, fitted state, None without series, and the table of skipped ones."""
        forecaster = clone(self)
        forecaster._is_part = True  # a lone series too
        skipped = Skipped([], [])
        if self.errors == "skip":
            rows, skipped = readable_series(self, rows)
            forecaster.errors = "raise"
        table = skipped.table(self.id_column)
        if rows is None:
            return 0, None, table
        forecaster.fit(rows, **arguments)
        return len(forecaster.fitted_.history.ids), forecaster.fitted_, table


def fit_on_engine(
    forecaster: PartitionMixin, engine: Engine, y: Any, arguments: dict[str, Any]
) -> Any:
    """Fit on a frame of an engine: models of each partition, or one network from a sample."""
    validate_parameters(forecaster)
    refuse_frames(arguments)
    _check_columns(forecaster, engine.template(y), engine.name)
    if forecaster.scope == "local":
        unfitted = _resolved(forecaster, engine, y, arguments)
        fitted: Any = fit_local(unfitted, engine, y, arguments)
        forecaster.fitted_ = fitted
        if forecaster.errors == "skip":
            _note_skipped(forecaster, fitted)
        return forecaster
    if forecaster.n_sample is None:
        raise ValueError(
            f"y is a frame of {engine.name}: say by n_sample how many of its series the network "
            "is fitted to, or use scope='local'."
        )
    n, seed = forecaster.n_sample, _sample_seed(forecaster)
    return forecaster.fit(sample_series(engine, y, forecaster.id_column, n, seed), **arguments)


def _resolved(forecaster, engine, y, arguments):
    """A forecaster whose open parameters are chosen by a sample: the same in all partitions."""
    n, seed = forecaster.n_sample or _N_RESOLVING, _sample_seed(forecaster)
    rows = sample_series(engine, y, forecaster.id_column, n, seed)
    if forecaster.errors == "skip":
        rows, skipped = readable_series(forecaster, rows)
        if rows is None:
            raise skipped.errors[0]
    covariates = read_covariates(forecaster, arguments["X"])
    static = read_static(forecaster, arguments["static"])
    series = read_series(forecaster, rows)
    parameters = resolved_parameters(forecaster, series, covariates, static)
    if forecaster.transform == "auto" and parameters["transform"] == "log":
        values = engine.select(y, [forecaster.target_column])
        least = engine.collect(values, least_value, engine.broadcast(forecaster.target_column))
        parameters["transform"] = "log" if min(least) > 0 else None
    return clone(forecaster).set_params(**parameters | {"n_sample": None})


def drawn_series(forecaster: ForecasterBase, collection: Collection) -> Collection:
    """The ``n_sample`` series that a forecaster is fitted to."""
    drawn = set(sampled(collection.ids, forecaster.n_sample, _sample_seed(forecaster)))
    return take_series(collection, np.flatnonzero([label in drawn for label in collection.ids]))


def _sample_seed(forecaster):
    """A seed of the sample; a RandomState is left as it is."""
    random_state = forecaster.random_state
    return random_state if isinstance(random_state, numbers.Integral) else 0


def readable_series(forecaster: ForecasterBase, y: Any) -> tuple[Any, Skipped]:
    """The series that a fit can read, all of the step of most, and those that it cannot."""
    names = forecaster.id_column, forecaster.time_column, forecaster.target_column
    steps: Counter = Counter()

    def read(rows, step=None):
        series = read_series(forecaster, rows, step)
        is_log = forecaster.transform == "log"
        check_values(series, "log" if is_log else None, forecaster.loss, forecaster.lower)
        return series

    def count(rows):
        series = read(rows)
        steps[series.axes[0].step] += len(series.ids)

    kept, skipped = without_bad_series(y, count, *names)
    if (not skipped.labels and len(steps) <= 1) or not steps:
        return kept, skipped
    usual = steps.most_common(1)[0][0]

    def check(rows):
        series = read(rows, usual)
        axis = series.axes[0]
        if axis.step != usual:
            raise Location(series=series.ids[0]).error(
                f"has {format_step(axis.step, axis.index)}, and most series have "
                f"{format_step(usual, axis.index)}",
                "Bring it to that, or fit it by itself.",
            )

    return without_bad_series(y, check, *names)


def warn_of(skipped: Skipped) -> None:
    """Warn of the series that are left out."""
    if skipped.labels:
        warnings.warn(
            f"{len(skipped.labels)} series are left out: {listed(skipped.labels)}. The first: "
            f"{skipped.errors[0]} (check_series(y) tells of all)",
            stacklevel=user_level(),
        )


def _note_skipped(forecaster, fitted: LocalFit):
    """Keep the frame of the series that partitions left out, and warn of their number."""
    template = forecaster._engine_template(fitted.template, "check_series", {}, fitted.engine.name)
    forecaster.skipped_ = fitted.skipped(template)
    if fitted.n_skipped:
        warnings.warn(
            f"{fitted.n_skipped} series are left out: skipped_ names them", stacklevel=user_level()
        )


def _check_columns(forecaster, frame, engine):
    """Refuse a frame of other columns than those of ids, times and values."""
    names = [forecaster.id_column, forecaster.time_column, forecaster.target_column]
    if sorted(map(str, frame.columns)) != sorted(names):
        raise Location("y").error(
            f"is a frame of {engine} with the columns {frame.columns.tolist()}, not "
            f"{', '.join(map(repr, names))}",
            "Select the columns of ids, times and values, and say which they are by id_column, "
            "time_column and target_column.",
        )
