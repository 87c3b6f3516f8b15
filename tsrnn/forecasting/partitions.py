"""A forecaster on the partitions of a frame of Dask, Spark or Ray."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from tsrnn.data import Collection, Skipped, take_series
from tsrnn.distributed import (
    Engine,
    engine_of,
    fit_local,
    least_value,
    map_method,
    refuse_columns,
    refuse_frames,
    sample_series,
    sampled,
    template_of,
)
from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.fitting import resolved_parameters
from tsrnn.forecasting.inputs import (
    checked_horizon,
    read_covariates,
    read_series,
    read_static,
)
from tsrnn.forecasting.rounds import N_SAMPLED, partitioned_series
from tsrnn.forecasting.skipping import (
    call_without_bad,
    good_series,
    readable_series,
    warn_of,
    without_refused,
)
from tsrnn.forecasting.uncertainty import as_levels, levels_by_column
from tsrnn.parameters import sample_seed, user_level, validate_parameters

_N_RESOLVING = 200  # series that decide what parameters leave open


@dataclasses.dataclass(frozen=True)
class PartitionedForecaster:
    """A forecaster as ``tsrnn.distributed`` sees it, see ``Partitioned``."""

    forecaster: Any

    @property
    def id_column(self) -> str:
        return self.forecaster.id_column

    @property
    def skips(self) -> bool:
        return self.forecaster.errors == "skip"

    def template(
        self, frame: pd.DataFrame, method: str, arguments: dict[str, Any], engine: str
    ) -> pd.DataFrame:
        forecaster = self.forecaster
        validate_parameters(forecaster)
        keys = [forecaster.id_column, forecaster.time_column]
        refuse_columns(frame, [*keys, forecaster.target_column], engine)
        if method == "check_series":
            return template_of(frame, keys[:1], dict.fromkeys(Skipped.COLUMNS, "str"))
        check_is_fitted(forecaster)
        checked_horizon(forecaster, arguments.get("horizon"))
        if forecaster.ended_after is not None:
            raise ValueError(
                "ended_after compares the end of each series with that of all, and a partition of "
                f"a frame of {engine} has only some. Use ended_after=None, and leave out before "
                "what has ended."
            )
        names = [forecaster.target_column]
        if method == "predict_interval":
            names = list(levels_by_column(as_levels(arguments.get("coverage", 0.9)), []))
        elif method == "predict_quantiles":
            levels = as_levels(arguments.get("quantiles", (0.1, 0.5, 0.9)))
            names = list(levels_by_column([], levels))
        elif method == "predict_samples":
            names = [f"sample_{k}" for k in range(arguments.get("n_samples", 100))]
        return template_of(frame, keys, dict.fromkeys(names, "float64"))

    def portable(self) -> Self:
        if not hasattr(self.forecaster, "fitted_"):
            return self
        return self.with_fitted(self.forecaster.fitted_.without_history())

    def with_threads(self, n_threads: int) -> Self:
        if self.forecaster.n_jobs is not None:
            return self
        forecaster = copy.copy(self.forecaster)
        forecaster.n_jobs = n_threads
        return dataclasses.replace(self, forecaster=forecaster)

    def with_fitted(self, fitted: Any) -> Self:
        forecaster = clone(self.forecaster)  # whose other attributes may not leave this process
        forecaster.fitted_ = fitted
        return dataclasses.replace(self, forecaster=forecaster)

    def call(self, method: str, y: pd.DataFrame, arguments: dict[str, Any]) -> pd.DataFrame | None:
        forecaster = self.forecaster
        if method == "check_series":
            table = good_series(forecaster, y)[1].table(self.id_column)
            return table.astype({self.id_column: y[self.id_column].dtype})
        step = forecaster.fitted_.history.axes[0].step
        return call_without_bad(forecaster, method, y, arguments, step)[0]

    def call_fitted(self, method: str, arguments: dict[str, Any]) -> pd.DataFrame:
        return getattr(self.forecaster, method)(**arguments)

    def call_skipping(self, method: str, y: Any, arguments: dict[str, Any]) -> Any:
        result, skipped = call_without_bad(self.forecaster, method, y, arguments)
        if result is None:
            raise skipped.errors[0]
        warn_of(skipped)
        return result

    def fit(self, y: pd.DataFrame, arguments: dict[str, Any]) -> tuple[int, Any, pd.DataFrame]:
        forecaster = clone(self.forecaster)
        forecaster.is_part = True
        good: Any = y
        skipped = Skipped([], [])
        if self.skips:
            forecaster.errors = "raise"
            good, skipped = readable_series(forecaster, y)
        table = skipped.table(self.id_column)
        if good is None:
            return 0, None, table
        fitted = forecaster.fit(good, **arguments).fitted_
        return len(fitted.history.ids), fitted, table


class CheckSeriesMixin(ForecasterBase):
    """``check_series``."""

    def check_series(self, y: Any) -> Any:
        """The series that ``predict(y=...)`` would refuse, or before a fit ``fit`` would.

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
        >>> import numpy as np
        >>> import pandas as pd
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
            return map_method(PartitionedForecaster(self), engine, y, "check_series", {})
        return good_series(self, y)[1].table(self.id_column)


def fit_on_engine(
    forecaster: ForecasterBase, engine: Engine, y: Any, arguments: dict[str, Any]
) -> None:
    """Fit on a frame of an engine: models of each series in its partition, or from a sample."""
    validate_parameters(forecaster)
    refuse_frames(arguments)
    names = [forecaster.id_column, forecaster.time_column, forecaster.target_column]
    refuse_columns(engine.template(y), names, engine.name)
    if forecaster.scope == "local":
        unfitted = PartitionedForecaster(resolved_by_sample(forecaster, engine, y, arguments))
        fitted: Any = fit_local(unfitted, engine, y, arguments)
        forecaster.fitted_ = fitted
        if unfitted.skips:
            forecaster.skipped_ = fitted.skipped(unfitted)
        if fitted.n_skipped:
            verb = "is" if fitted.n_skipped == 1 else "are"
            message = f"{fitted.n_skipped} series {verb} left out: see skipped_"
            warnings.warn(message, stacklevel=user_level())
        return
    id_column, seed = forecaster.id_column, sample_seed(forecaster.random_state)
    if forecaster.n_sample is not None:
        rows: Any = sample_series(engine, y, id_column, forecaster.n_sample, seed)
        table = None
        if forecaster.errors == "skip":
            rows, table = without_refused(forecaster, rows, sampled=True)
        forecaster.fit(rows, **arguments)
        if table is not None:
            forecaster.skipped_ = table
        return

    def sample(frame):
        return sample_series(engine, frame, id_column, N_SAMPLED, seed)

    forecaster.fit(partitioned_series(forecaster, engine, y, seed, sample, arguments))
    if forecaster.errors == "skip":
        forecaster.skipped_ = unfitted_check(forecaster, engine, y)


def unfitted_check(forecaster: ForecasterBase, engine: Engine, y: Any) -> Any:
    """A frame of the series that ``fit`` leaves out, lazily."""
    return map_method(PartitionedForecaster(clone(forecaster)), engine, y, "check_series", {})


def drawn_series(forecaster: ForecasterBase, collection: Collection) -> Collection:
    """The ``n_sample`` series that a forecaster is fitted to."""
    drawn = set(sampled(collection.ids, forecaster.n_sample, sample_seed(forecaster.random_state)))
    return take_series(collection, np.flatnonzero([label in drawn for label in collection.ids]))


def resolved_by_sample(
    forecaster: ForecasterBase, engine: Engine, y: Any, arguments: dict[str, Any]
) -> Any:
    """A forecaster whose open parameters are chosen by a sample: the same in all partitions."""
    n, seed = forecaster.n_sample or _N_RESOLVING, sample_seed(forecaster.random_state)
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
