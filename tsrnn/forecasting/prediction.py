"""The predictions of a forecaster: forecasts, intervals, quantiles, sample paths, and a score."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tsrnn.data import Location
from tsrnn.distributed import on_engines
from tsrnn.forecasting.inputs import forecast_context, read_new
from tsrnn.forecasting.metrics.points import mae, rmse, scale_or_nan, smape
from tsrnn.forecasting.partitions import CheckSeriesMixin, PartitionedForecaster
from tsrnn.forecasting.predictor import Predictor
from tsrnn.forecasting.uncertainty import as_levels
from tsrnn.parameters import RANDOM_STATE, STEPS, Probabilities, StrOptions, validated

SCORES = "mase", "mae", "rmse", "smape", "rmsse"
_LEVELS = Probabilities(scalar=True, labelled=True)


class PredictMixin(CheckSeriesMixin):
    """Predictions of a forecaster, and their score."""

    @on_engines(PartitionedForecaster)
    def predict(
        self,
        horizon: int | None = None,
        X: Any = None,
        y: Any = None,
        static: Any = None,
    ) -> Any:
        """Forecast the steps that follow each series.

        Parameters
        ----------
        horizon : int, optional
            Steps, by default the parameter ``horizon``. Beyond those forecast at once, the network
            reads its own forecasts and the last values of covariates not known in the future.
        X : Series or DataFrame, optional
            Covariates that are known in the future: a row for each step of the horizon, unless
            ``fit`` was given them. With ``y`` also those of its history.
        y : Series or DataFrame, optional
            Other series, in any form that ``fit`` takes, also a frame of Dask, Spark or Ray; by
            default those of ``fit`` and of updates, but for those that have ended, see
            ``ended_after``.
        static : DataFrame, optional
            Static values of these other series.

        Returns
        -------
        Series or DataFrame
            The forecasts in the form ``y`` had, indexed by the steps after each series.

        Raises
        ------
        ValueError
            If ``horizon`` is below 1, covariates do not cover it, or other series are of another
            frequency, not positive where logarithms are taken, or with ``short="raise"`` shorter
            than the lookback.
        """
        horizon, context = forecast_context(self, horizon, X, y, static)
        values = self._predictor().after(context, horizon)["RNNForecaster"]
        return context.collection.after(horizon, values)

    @validated(coverage=[_LEVELS])
    @on_engines(PartitionedForecaster)
    def predict_interval(
        self,
        horizon: int | None = None,
        X: Any = None,
        y: Any = None,
        static: Any = None,
        *,
        coverage: float | Sequence[float] = 0.9,
    ) -> Any:
        """Intervals that contain the truth with a given probability, step by step.

        Parameters
        ----------
        horizon, X, y, static
            As in ``predict``; later than the steps forecast at once, errors count as at the last.
        coverage : float or sequence of float, default=0.9
            Probability, from 0.000001 to 0.999999.

        Returns
        -------
        DataFrame
            With the index, or ids and times, of ``predict``; columns ``lower_90``, ``upper_90`` for
            a coverage of 0.9. In a wide frame they are the second level of the columns.

        Raises
        ------
        ValueError
            If a coverage is not between 0 and 1; or with ``pretrained=None``, nothing was held out
            in fitting to measure widths by: with ``early_stopping=False``, or where too few values
            were observed.
        """
        horizon, context = forecast_context(self, horizon, X, y, static)
        coverages = as_levels(coverage)
        columns = self._predictor().after(context, horizon, coverages)
        del columns["RNNForecaster"]
        return context.collection.after(horizon, columns)

    @validated(quantiles=[_LEVELS])
    @on_engines(PartitionedForecaster)
    def predict_quantiles(
        self,
        horizon: int | None = None,
        X: Any = None,
        y: Any = None,
        static: Any = None,
        *,
        quantiles: float | Sequence[float] = (0.1, 0.5, 0.9),
    ) -> Any:
        """Quantiles of the future values, step by step, which never cross.

        Parameters
        ----------
        horizon, X, y, static
            As in ``predict``.
        quantiles : float or sequence of float, default=(0.1, 0.5, 0.9)
            Probabilities, from 0.000001 to 0.999999; 0.1 and 0.9 are the bounds of a coverage of
            0.8.

        Returns
        -------
        DataFrame
            In the form of ``predict_interval``, with columns ``quantile_10`` for 0.1 and so on.

        Raises
        ------
        ValueError
            As in ``predict_interval``.

        Examples
        --------
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> forecaster = RNNForecaster(horizon=3, loss="quantile", max_iter=20).fit(load_airline())
        >>> forecaster.predict_quantiles(quantiles=[0.25, 0.75]).columns.tolist()
        ['quantile_25', 'quantile_75']
        """
        horizon, context = forecast_context(self, horizon, X, y, static)
        levels = as_levels(quantiles)
        columns = self._predictor().after(context, horizon, (), levels)
        del columns["RNNForecaster"]
        return context.collection.after(horizon, columns)

    @validated(n_samples=[STEPS], random_state=RANDOM_STATE)
    @on_engines(PartitionedForecaster)
    def predict_samples(
        self,
        horizon: int | None = None,
        X: Any = None,
        y: Any = None,
        static: Any = None,
        *,
        n_samples: int = 100,
        random_state: Any = 0,
    ) -> Any:
        """Sample paths: equally likely futures of each series.

        Each is the forecast plus the errors of one held-out window, which depend on each other from
        step to step; with ``pretrained=None`` and beyond the steps forecast at once, the network
        reads the path so far. Where none was held out, or with ``conformal=False``, paths have the
        quantiles of the pretrained network; or without it each step is drawn independently, from
        the distribution that the loss learnt.

        Parameters
        ----------
        horizon, X, y, static
            As in ``predict``.
        n_samples : int, default=100
            Paths of each series, at most a million.
        random_state : int, RandomState instance or None, default=0
            Seed of the draws.

        Returns
        -------
        DataFrame
            In the form of ``predict_interval``, with columns ``sample_0``, ``sample_1`` and so on.

        Raises
        ------
        ValueError
            As in ``predict_interval``; or if the file it was loaded from is too old to have errors.

        Examples
        --------
        The chance that fewer than five million passengers come in the year ahead:

        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> forecaster = RNNForecaster(horizon=12, max_iter=50).fit(load_airline())
        >>> totals = forecaster.predict_samples(n_samples=200).sum()
        >>> bool((totals < 5000).mean() < 0.05)
        True
        """
        horizon, context = forecast_context(self, horizon, X, y, static)
        seed = check_random_state(random_state).randint(2**31)
        paths = self._predictor().samples(context, horizon, n_samples, seed)
        columns = {f"sample_{k}": paths[:, k] for k in range(n_samples)}
        return context.collection.after(horizon, columns)

    @validated(metric=[StrOptions(SCORES)])
    def score(self, y: Any, X: Any = None, metric: str = "mase") -> float:
        """Minus the error of forecasts of what follows the series of ``fit``.

        Forecasts are made ``horizon`` steps at a time, each from all values before it, as
        ``GridSearchCV`` with a ``TimeSeriesSplit`` needs, or of a long frame with a
        ``RollingOriginSplit``. For another measure give it ``scoring=forecast_scorer("mae")``, or a
        function as ``lambda forecaster, y: -mae(y, forecaster.predict(len(y)))``: scikit-learn's
        own scorers, by name, call ``predict(X)``, which is not how a forecaster predicts.

        Parameters
        ----------
        y, X : Series or DataFrame
            The values after each series and their covariates, as in ``fit``.
        metric : {"mase", "mae", "rmse", "smape", "rmsse"}, default="mase"
            The error, a function of ``tsrnn.forecasting``; "mase" is the mean absolute one over the
            mean absolute seasonal difference of the history (Hyndman & Koehler 2006).

        Returns
        -------
        float
            Minus the error of each series, averaged over series; higher is better.

        Raises
        ------
        ValueError
            If ``y`` holds other series, does not start where they end, or no history varies.

        Examples
        --------
        >>> from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> forecaster = RNNForecaster(horizon=6, max_iter=20)
        >>> grid = {"hidden_size": [4, 8]}
        >>> search = GridSearchCV(forecaster, grid, cv=TimeSeriesSplit(2)).fit(load_airline())
        >>> len(search.best_estimator_.predict())
        6
        """
        check_is_fitted(self)
        horizon, state = self.horizon, self.fitted_
        self._refuse_covariates(y)
        history = state.history.panel.lengths
        whole, _ = read_new(self, state.history, y, X, every=True)
        panel = whole.panel
        origins = history[:, None] + np.arange(0, (panel.lengths - history).max(), horizon)
        ends = np.minimum(origins, panel.lengths[:, None])
        forecasts = self._predictor().columns(state.context(whole), ends, horizon)["RNNForecaster"]
        errors = []
        for k, (first, end) in enumerate(zip(panel.indptr[:-1], panel.indptr[1:], strict=True)):
            present = first + history[k]
            actual = panel.values[present:end]
            forecast = forecasts[k].ravel()[: len(actual)]
            if whole.observed is not None:
                is_observed = whole.observed[present:end]
                actual, forecast = actual[is_observed], forecast[is_observed]
            known, season = panel.values[first:present], state.spec.season
            errors.append(_error(metric, actual, forecast, known, season))
        if np.isnan(errors).all():
            raise ValueError(
                "The history of y is constant, or repeats itself every season, and there is "
                "nothing to scale errors by. Score predict() by tsrnn.forecasting.mae."
            )
        return -float(np.nanmean(errors))

    def _refuse_covariates(self, y):
        """Refuse covariates in place of the series, as scikit-learn's score(X, y) has them."""
        features = self.fitted_.features
        columns = [] if features is None else [c.name for c in (*features.known, *features.past)]
        if columns and {*columns} <= {*getattr(y, "columns", ())}:
            raise Location("y").error(
                f"has the columns of X, {columns}",
                "A forecaster is scored by score(y, X), the series first. Scikit-learn's "
                "permutation_importance, which calls score(X, y), does not suit it: that of "
                "tsrnn.inspection does.",
            )

    def _predictor(self) -> Predictor:
        is_naive = self.short == "naive"
        computing = self.conformal, self.device, self.n_jobs
        return self.fitted_.predictor(*computing, self.lower, is_naive)


def _error(metric, actual, forecast, history, season):
    """The error of the forecasts of one series by a metric of ``SCORES``; NaN without any."""
    if not actual.size:
        return np.nan
    if metric == "mase":
        return mae(actual, forecast) / scale_or_nan(history, season)
    if metric == "rmsse":
        return rmse(actual, forecast) / scale_or_nan(history, season, squared=True) ** 0.5
    return {"mae": mae, "rmse": rmse, "smape": smape}[metric](actual, forecast)
