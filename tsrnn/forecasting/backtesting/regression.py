"""RegressionForecaster: a scikit-learn regressor over windows, to compare networks with."""

import dataclasses
from typing import Any

import numpy as np
from sklearn.base import clone

from tsrnn.data import Location, affected
from tsrnn.forecasting.backtesting.block import Block
from tsrnn.parameters import BOOLEAN, POSITIVE_INTEGER, HasMethods, StrOptions, validated

_N_SEASONS, _LEAST_LOOKBACK = 3, 24  # of the default lookback, as of RNNForecaster


class RegressionForecaster:
    """A regressor of scikit-learn over windows of series, as one of the forecasters of a backtest.

    One regressor learns from the windows of all series. Its features are the last ``lookback``
    values, then the channels that the backtest's first RNNForecaster reads: those known in the
    future (covariates, calendar, holidays) at the step that is forecast, others (past covariates,
    static values) at the origin. Missing values are filled by the last one of their season, and
    are no targets.

    Parameters
    ----------
    regressor : object
        With ``fit(X, y)`` and ``predict(X)``, X (n_windows, n_features); cloned for each fit.
    lookback : int, optional
        Past values that it reads; by default three seasons, or the larger of 24 and the horizon
        where there is no season, but at most half of the shortest history.
    strategy : {"recursive", "direct"}, default="recursive"
        One regressor for one step ahead that goes on from its own forecasts, or one for each step.
    scale : bool, default=True
        Whether each window and its target are centred on the window's mean and divided by its
        standard deviation, so that one regressor serves series of all levels. Without it they are
        in units of the series, as losses such as Poisson's or Tweedie's need.

    See Also
    --------
    tsrnn.backtest : Compare it with networks.
    tsrnn.RNNForecaster : A forecaster by a network.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from tsrnn import RNNForecaster, backtest
    >>> from tsrnn.datasets import load_airline
    >>> from tsrnn.forecasting import RegressionForecaster
    >>> forecasters = {
    ...     "network": RNNForecaster(horizon=12, max_iter=0),
    ...     "ridge": RegressionForecaster(Ridge(), lookback=24, strategy="direct"),
    ... }
    >>> result = backtest(forecasters, load_airline(), n_windows=3, refit=False)
    >>> table = result.metrics()
    >>> bool(table.loc["ridge", "MASE"] < table.loc["drift", "MASE"])
    True
    """

    @validated(
        regressor=[HasMethods(("fit", "predict", "get_params"), "Ridge()")],
        lookback=[POSITIVE_INTEGER, None],
        strategy=[StrOptions(["recursive", "direct"])],
        scale=[BOOLEAN],
    )
    def __init__(
        self,
        regressor: Any,
        *,
        lookback: int | None = None,
        strategy: str = "recursive",
        scale: bool = True,
    ):
        self.regressor, self.lookback = regressor, lookback
        self.strategy, self.scale = strategy, scale

    def forecasts(self, block: Block) -> np.ndarray:
        """Forecasts of a regressor fitted at the first origin, (n_series, n_origins, horizon)."""
        windows = _Windows(block, self._lookback(block), self.scale)
        is_direct = self.strategy == "direct"
        starts = windows.training_places()
        regressors = [
            self._fitted(windows, starts, step) for step in range(block.horizon if is_direct else 1)
        ]
        places = (block.collection.panel.indptr[:-1, None] + block.ends).ravel()
        lags, forecast = windows.lags(places), np.empty((places.size, block.horizon))
        for step in range(block.horizon):
            features, centre, spread = windows.features(lags, places, step)
            predicted = np.ravel(regressors[step if is_direct else 0].predict(features))
            forecast[:, step] = centre + spread * predicted
            if not is_direct:
                lags = np.column_stack([lags[:, 1:], forecast[:, step]])
        return forecast.reshape(*block.ends.shape, block.horizon)

    def _lookback(self, block):
        """Past values to read: the parameter, or the default for the season and the histories."""
        lengths = block.ends[:, 0]
        n_ahead = block.horizon if self.strategy == "direct" else 1
        if self.lookback is None:
            wanted = _N_SEASONS * block.season
            wanted = wanted if block.season > 1 else max(_LEAST_LOOKBACK, block.horizon)
            return int(max(1, min(wanted, (lengths.min() - n_ahead) // 2)))
        short = np.flatnonzero(lengths < self.lookback + n_ahead)
        if short.size:
            ids = [block.collection.ids[k] for k in short]
            raise Location(series=ids[0]).error(
                f"has {lengths[short[0]]} observations before the first origin, and a regressor of "
                f"lookback={self.lookback} needs {self.lookback + n_ahead}{affected(ids)}",
                "Give a shorter lookback or more history.",
            )
        return self.lookback

    def _fitted(self, windows, places, step):
        """A regressor for a step ahead, counted from 0."""
        places, targets = windows.targets(places, step)
        features, centre, spread = windows.features(windows.lags(places), places, step)
        return clone(self.regressor).fit(features, (targets - centre) / spread)


@dataclasses.dataclass(frozen=True)
class _Windows:
    """Windows of the series of a block; a window's place is that of the value after it."""

    block: Block
    lookback: int
    scale: bool

    def training_places(self):
        """Places of all windows before the first origin, with the end of what was known there."""
        firsts = self.block.collection.panel.indptr[:-1]
        bounds = zip(firsts + self.lookback, firsts + self.block.ends[:, 0], strict=True)
        pairs = [(np.arange(first, end), end) for first, end in bounds]
        places = np.concatenate([row for row, _ in pairs])
        return np.column_stack(
            [places, np.repeat([e for _, e in pairs], [len(r) for r, _ in pairs])]
        )

    def targets(self, places, step):
        """Places of windows whose value at a step is known and observed, and these values."""
        places = places[places[:, 0] + step < places[:, 1], 0]
        targets = self.block.collection.targets[places + step]
        observed = ~np.isnan(targets)
        return places[observed], targets[observed]

    def lags(self, places):
        """Values before the places, (n_windows, lookback)."""
        return self.block.collection.panel.values[places[:, None] + np.arange(-self.lookback, 0)]

    def features(self, lags, places, step):
        """Features of windows for a step, and centre and spread of each window."""
        centre, spread = np.zeros(len(lags)), np.ones(len(lags))
        if self.scale:
            centre, deviation = lags.mean(axis=1), lags.std(axis=1)
            spread = np.where(deviation > 1e-9 * np.abs(centre), deviation, 1.0)
        parts = [(lags - centre[:, None]) / spread[:, None]]
        channels, n_known = self.block.collection.covariates, self.block.n_known
        if channels is not None:
            parts += [channels[places + step, :n_known], channels[places - 1, n_known:]]
        return np.hstack(parts), centre, spread
