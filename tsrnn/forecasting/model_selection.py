"""Rolling origins and scorers for scikit-learn's searches and cross-validation."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data import DataError, to_pandas
from tsrnn.forecasting.prediction import SCORES
from tsrnn.parameters import (
    POSITIVE_INTEGER,
    STEPS,
    Label,
    StrOptions,
    validated,
)


class RollingOriginSplit:
    """Rolling origins of one series or a panel, as the ``cv`` of scikit-learn's tools.

    Of each series the rows up to an origin are to fit on, and the horizon after it to score on, so
    that a long frame is split within each of its series. ``TimeSeriesSplit`` would cut it between
    them.

    Parameters
    ----------
    horizon : int
        Rows of each series to score on, as the forecaster's.
    n_windows : int, default=3
        Origins; the last one is a horizon before the end of each series.
    step : int, optional
        Rows from one origin to the next, by default a horizon.
    id_column, time_column : str, default="unique_id", "ds"
        Columns of a long frame, as of the forecaster. A frame without the former is of one series,
        and times that are no column are in the index, with ids as its first level if it has two.

    See Also
    --------
    forecast_scorer : Scores for the same searches.
    tsrnn.search : A search by successive halving, without scikit-learn's.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.forecasting import RollingOriginSplit, forecast_scorer
    >>> series = load_airline()
    >>> frame = series.rename_axis("ds").rename("y").reset_index().assign(unique_id="airline")
    >>> forecaster = RNNForecaster(horizon=6, max_iter=20)
    >>> cv = RollingOriginSplit(horizon=6, n_windows=2)
    >>> grid = {"hidden_size": [4, 8]}
    >>> found = GridSearchCV(forecaster, grid, cv=cv, scoring=forecast_scorer("smape")).fit(frame)
    >>> found.cv_results_["mean_test_score"].shape
    (2,)
    """

    @validated(
        horizon=[STEPS],
        n_windows=[STEPS],
        step=[POSITIVE_INTEGER, None],
        id_column=[Label()],
        time_column=[Label()],
    )
    def __init__(
        self,
        horizon: int,
        *,
        n_windows: int = 3,
        step: int | None = None,
        id_column: str = "unique_id",
        time_column: str = "ds",
    ):
        self.horizon, self.n_windows, self.step = horizon, n_windows, step
        self.id_column, self.time_column = id_column, time_column

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of origins."""
        return self.n_windows

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows to fit on and rows to score on, as places, from the earliest origin on.

        Parameters
        ----------
        X : Series or DataFrame
            The series, in any form that a forecaster takes; scikit-learn calls them X.
        y, groups
            Ignored.

        Raises
        ------
        DataError
            If a series has too few rows for so many origins.
        """
        ids, times = self._ids_and_times(_in_pandas(X))
        order = np.lexsort((pd.factorize(times, sort=True)[0], ids))
        lengths = np.bincount(ids)
        ranks = np.empty(ids.size, int)
        ranks[order] = np.arange(ids.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        from_end = lengths[ids] - ranks
        step = self.step or self.horizon
        needed = self.horizon + step * (self.n_windows - 1)
        if lengths.min() <= needed:
            raise DataError(
                f"has a series of {lengths.min()} rows, too few for n_windows={self.n_windows} "
                f"origins, step={step} apart, and horizon={self.horizon}",
                "Give fewer windows, a smaller step or more history.",
            )
        for window in range(self.n_windows):
            after = self.horizon + step * (self.n_windows - 1 - window)
            is_test = (from_end <= after) & (from_end > after - self.horizon)
            yield np.flatnonzero(from_end > after), np.flatnonzero(is_test)

    def _ids_and_times(self, frame):
        """Number of the series of each row, and times that can be sorted."""
        columns = getattr(frame, "columns", ())
        index = getattr(frame, "index", None)
        if self.time_column in columns:
            times = frame[self.time_column]
            labels = frame[self.id_column] if self.id_column in columns else None
        elif index is None:
            times, labels = np.arange(len(frame)), None
        else:
            times = index.get_level_values(-1)
            labels = index.get_level_values(0) if index.nlevels > 1 else None
        n_rows = len(frame)
        ids = np.zeros(n_rows, int) if labels is None else pd.factorize(labels)[0]
        return ids, times


def _in_pandas(X):
    """A frame of another library in pandas; others as they are."""
    is_foreign = hasattr(X, "columns") and not isinstance(X, pd.DataFrame)
    return to_pandas(X, "X") if is_foreign else X


class _ForecastScorer:
    """Scores a forecaster by one measure; higher is better."""

    def __init__(self, metric):
        self.metric = metric

    def __call__(self, forecaster, y, X=None) -> float:
        return forecaster.score(y, X, metric=self.metric)

    def __repr__(self):
        return f"forecast_scorer({self.metric!r})"


@validated(metric=[StrOptions(SCORES)])
def forecast_scorer(metric: str = "mase") -> _ForecastScorer:
    """A scorer of forecasters for ``scoring`` of scikit-learn's searches and cross-validation.

    scikit-learn's own, such as "neg_mean_absolute_error", call ``predict(X)``, which is not how a
    forecaster predicts.

    Parameters
    ----------
    metric : {"mase", "mae", "rmse", "smape", "rmsse"}, default="mase"
        The error, whose negative is the score; see ``RNNForecaster.score``.

    Returns
    -------
    callable
        Of the fitted forecaster, the series after those of ``fit``, and their covariates.

    See Also
    --------
    RollingOriginSplit : Splits of several series for the same searches.
    tsrnn.search : A search by successive halving, without scikit-learn's.

    Examples
    --------
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.forecasting import forecast_scorer
    >>> y = load_airline()
    >>> forecaster = RNNForecaster(horizon=12, max_iter=0).fit(y[:-12])
    >>> bool(-60 < forecast_scorer("mae")(forecaster, y[-12:]) < 0)
    True
    """
    return _ForecastScorer(metric)
