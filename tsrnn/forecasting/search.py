"""Search of a forecaster's parameters by successive halving."""

from __future__ import annotations

import dataclasses
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting.backtest import Backtest, backtest
from tsrnn.forecasting.backtesting import with_season
from tsrnn.forecasting.forecaster import RNNForecaster
from tsrnn.forecasting.inputs import read_covariates, read_series, read_static
from tsrnn.forecasting.searching import (
    Halving,
    Record,
    SpaceOptions,
    draw_candidates,
    fingerprint,
)
from tsrnn.forecasting.searching.candidates import shortened
from tsrnn.parameters import (
    BOOLEAN,
    POSITIVE,
    POSITIVE_INTEGER,
    STEPS,
    HasMethods,
    Integer,
    StrOptions,
    Text,
    user_level,
    validate_parameters,
    validated,
)

_METRICS = "MAE", "RMSE", "MAPE", "sMAPE", "MASE", "RMSSE"


@dataclasses.dataclass(frozen=True, eq=False)
class Search:
    """What a search found.

    Attributes
    ----------
    results : DataFrame
        A row for each setting that was tried, the best first, by its number; 0 is the forecaster
        as it was. ``rank``, the ``score``, which is lower for better ones, of its evaluations in
        the most minibatches, their number ``n_evaluations`` and ``share`` of all minibatches,
        ``seconds`` of all its evaluations, ``error`` if it could not be fitted, and its parameters.
    evaluations : DataFrame
        A row for each evaluation, in order: ``candidate``, ``share``, ``repeat``, ``score``,
        ``seconds`` and ``error``.
    best_params_ : dict
        Parameters of the best setting; empty for the forecaster as it was.
    best_score_ : float
        Its score.
    best_forecaster_ : RNNForecaster or None
        With these parameters, fitted on all of the series; None with ``refit=False``.

    See Also
    --------
    tsrnn.search : Makes it.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, search
    >>> from tsrnn.datasets import load_airline
    >>> forecaster = RNNForecaster(horizon=3, max_iter=2)
    >>> found = search(forecaster, {"hidden_size": [4, 8]}, load_airline(), n_windows=1)
    >>> len(found.results), set(found.best_params_) <= {"hidden_size"}
    (3, True)
    """

    results: pd.DataFrame
    evaluations: pd.DataFrame
    best_params_: dict[str, Any]
    best_score_: float
    best_forecaster_: RNNForecaster | None


@validated(
    forecaster=[RNNForecaster],
    space=[SpaceOptions()],
    n_candidates=[POSITIVE_INTEGER],
    factor=[Integer(2, 100)],
    n_windows=[STEPS],
    step=[POSITIVE_INTEGER, None],
    metric=[StrOptions(_METRICS), HasMethods(["__call__"], "a function")],
    max_seconds=[POSITIVE, None],
    path=[HasMethods(["__fspath__"]), Text(), None],
    refit=[BOOLEAN],
    random_state=[Integer(0, 2**32 - 1)],
    verbose=[BOOLEAN, Integer(0)],
)
def search(
    forecaster: RNNForecaster,
    space: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    y: Any,
    X: Any = None,
    static: Any = None,
    *,
    n_candidates: int = 24,
    factor: int = 3,
    n_windows: int = 3,
    step: int | None = None,
    metric: str | Callable[[Backtest], float] = "MASE",
    max_seconds: float | None = None,
    path: str | os.PathLike | None = None,
    refit: bool = True,
    random_state: int = 0,
    verbose: int = 0,
) -> Search:
    """Search for better parameters of a forecaster, by successive halving.

    All settings are trained on a small share of the minibatches that they would take, the best
    third of them on three times as many, and so on up to all (Jamieson & Talwalkar 2016); the
    forecaster as it is, the one to beat, on all from the start. Each is fitted once before the
    first of ``n_windows`` origins at the end of the series and forecasts from all of them (a
    rolling origin), by ``backtest``. Settings go on by their scores, never by how long they took,
    and evaluations use all cores, so that the same search has the same end.

    Parameters
    ----------
    forecaster : RNNForecaster
        Its parameters hold where ``space`` says nothing; it stays as it is.
    space : dict, or list of dict
        For each name of a parameter a list of values, or a distribution of ``scipy.stats``.
    y : array, Series or DataFrame
    X, static : DataFrame, optional
        As in ``RNNForecaster.fit``.
    n_candidates : int, default=24
        Settings to draw from the space, without repetitions; all of a space of lists that has no
        more.
    factor : int, default=3
        How many times fewer settings are left, and more minibatches trained on, from one rung to
        the next.
    n_windows, step : int, default=3, a horizon
        Origins that forecasts are scored from, and steps from one to the next. The last one is a
        horizon before the end of each series.
    metric : str or callable, default="MASE"
        A column of ``Backtest.metrics()`` ("MAE", "RMSE", "MAPE", "sMAPE", "MASE" or "RMSSE"), or a
        function of a Backtest that returns a number; lower is better. Errors are scaled by the
        season of the forecaster as it is, whatever ``season`` a setting has.
    max_seconds : float, optional
        Seconds that the search may take, with the fit of ``best_forecaster_``. If they are few all
        settings are trained on fewer minibatches, but the forecaster as it is on all, so that with
        far too few it is the best one: see ``share`` in ``results``. If there are more than needed
        the last settings are evaluated again by other random numbers until time is up, and means
        decide. By default the search takes as long as it takes.
    path : str or path, optional
        A file that what was tried is written to after each evaluation. If it is there, of a search
        that was stopped, this one goes on from it, and without ``max_seconds`` comes to the same
        end. With it the seconds of what was evaluated count, so that the settings are those of a
        search in one go but for evaluations near the end of the time; the last fit has what is
        left.
    refit : bool, default=True
        Fit the best setting on all of the series.
    random_state : int, default=0
        Seed of the settings that are drawn.
    verbose : int, default=0
        Show progress on standard error.

    Returns
    -------
    Search
        The frames ``results`` and ``evaluations``, and the best setting, fitted.

    Raises
    ------
    ValueError
        If a name or value of the space is not allowed, the file is of another search, or the
        forecaster as it is cannot be fitted. Settings that cannot be are in ``results``.
    KeyboardInterrupt
        After Ctrl-C; what was tried is in the file.

    See Also
    --------
    tsrnn.forecasting.Search : What it returns.
    backtest : Measure the best setting on later values.
    tsrnn.forecasting.forecast_scorer : Scores for searches of scikit-learn.

    Examples
    --------
    >>> from tsrnn import RNNForecaster, search
    >>> from tsrnn.datasets import load_airline
    >>> space = {"hidden_size": [4, 8], "cell": ["lstm", "gru"]}
    >>> forecaster = RNNForecaster(horizon=12, hidden_size=4, max_iter=30)
    >>> found = search(forecaster, space, load_airline(), n_candidates=3)
    >>> found.results["rank"].tolist()
    [1, 2, 3, 4]
    >>> len(found.best_forecaster_.predict())
    12
    """
    began = time.perf_counter()
    validate_parameters(forecaster)
    candidates = draw_candidates(forecaster, space, n_candidates, random_state)
    collection = read_series(forecaster, y)
    data = collection, read_covariates(forecaster, X), read_static(forecaster, static)
    measure = metric if isinstance(metric, str) else getattr(metric, "__qualname__", "function")
    options = (n_windows, step, factor, measure)
    record = Record(path, fingerprint(forecaster, candidates, collection, options))
    between = forecaster.horizon if step is None else step
    n_known = collection.panel.lengths - forecaster.horizon - between * (n_windows - 1)

    def evaluate(candidate, share, repeat, seconds):
        parameters = shortened(forecaster, candidates[candidate], collection, share)
        trial = clone(forecaster).set_params(**parameters, verbose=0)
        if seconds is not None:
            trial.set_params(max_seconds=max(seconds, 1e-3))
        if repeat:
            trial.set_params(random_state=_other_seed(forecaster.random_state, repeat))
        try:
            with warnings.catch_warnings():
                if candidate or repeat:  # those of the forecaster as it is say it once
                    warnings.simplefilter("ignore")
                result = backtest(trial, *data, n_windows=n_windows, step=step, refit=False)
            if candidate == 0:
                record.season = result.season
            elif record.season is not None and result.season != record.season:
                result = with_season(result, collection, n_known, record.season)
            return _score(result, metric), None
        except (ValueError, ArithmeticError) as error:
            if candidate == 0:
                raise
            return np.nan, str(error)

    with progress_bar("search", verbose) as show:
        halving = Halving(len(candidates), factor, evaluate, record, max_seconds, show, began)
        if max_seconds is not None and not record.evaluations:
            with warnings.catch_warnings():  # what kernels take to load is no part of evaluations
                warnings.simplefilter("ignore")
                evaluate(0, 1.0, 0, 1e-3)
        halving.run()
    if len(candidates) > 1 and {key[0] for key in record.evaluations} == {0}:
        warnings.warn(
            f"There was no time to try any setting of space within max_seconds={max_seconds:g}: "
            "the forecaster as it is, which takes longer than that for all its evaluations, is "
            "the result. Raise max_seconds, or lower n_windows.",
            stacklevel=user_level(),
        )
    best, fitted = halving.best(), None
    if refit:
        fitted = clone(forecaster).set_params(**candidates[best])
        left = halving.seconds_left
        fitted.set_params(max_seconds=forecaster.max_seconds if left is None else max(left, 1e-3))
        fitted.fit(*data).set_params(max_seconds=forecaster.max_seconds)
    results, evaluations = _results(halving, candidates), _evaluations(record)
    return Search(results, evaluations, candidates[best], halving.score_of(best), fitted)


def _score(result, metric):
    """The score of a backtest; ValueError if it is not a finite number."""
    if isinstance(metric, str):
        score = float(result.metrics().loc["RNNForecaster", metric])
    else:
        score = float(metric(result))
    if not np.isfinite(score):
        raise ValueError(f"metric={metric!r} is {score}. Take another one, such as 'MAE'.")
    return score


def _other_seed(random_state, repeat):
    """The random state of a repeated evaluation."""
    is_number = isinstance(random_state, (int, np.integer))
    return (int(random_state) + repeat) % 2**32 if is_number else repeat


def _results(halving, candidates):
    """A row for each candidate, the best first."""
    best, rows = halving.best(), []
    ranked = sorted(halving.ranked(), key=lambda candidate: candidate != best)
    for candidate in ranked:
        own = halving.evaluations_of(candidate)
        every = [e for e in halving.record.evaluations.values() if e.candidate == candidate]
        rows.append(
            {
                "rank": len(rows) + 1,
                "score": halving.score_of(candidate),
                "share": own[0].share if own else 0.0,
                "n_evaluations": len(own),
                "seconds": sum(e.seconds for e in every),
                "error": next((e.error for e in every if e.error), None),
            }
        )
    names = list({name: None for each in candidates for name in each})
    frame = pd.DataFrame(rows, pd.Index(ranked, name="candidate"))
    for name in names:
        values = [candidates[k].get(name) for k in ranked]
        frame[name] = pd.Series(values, frame.index, dtype=object)
    return frame


def _evaluations(record):
    """A row for each evaluation."""
    names = ["candidate", "share", "repeat", "score", "seconds", "error"]
    rows = [dataclasses.asdict(each) for each in record.evaluations.values()]
    return pd.DataFrame(rows, columns=names)
