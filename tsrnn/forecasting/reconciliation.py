"""Reconciliation: forecasts of a hierarchy, changed so that each sum is the sum of its parts."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from scipy import linalg

from tsrnn.data import Location
from tsrnn.forecasting.hierarchies import Hierarchy, Names, read_table, with_series
from tsrnn.parameters import BOOLEAN, StrOptions, Text, validated

_WITH_RESIDUALS = "wls_var", "mint_shrink", "mint_cov"
_LEAST_VARIANCE = 1e-12  # of what residuals of a sum and of its parts differ by, over the sum's
_SINGULAR = (
    "The covariance of the residuals is singular: those of sums are the sums of those of their "
    "parts, or there are no more times than series. Take method='wls_var'."
)
_BOUND = re.compile(r"(^|_)(lower|upper|quantile)_[\d.]+$")  # names of columns of predictions
METHODS = ("auto", "bottom_up", "top_down", "ols", "wls_struct", *_WITH_RESIDUALS)


@validated(
    method=[StrOptions(METHODS)],
    nonnegative=[BOOLEAN],
    id_column=[Text()],
    time_column=[Text()],
    target_column=[Text()],
)
def reconcile(
    forecasts: Any,
    hierarchy: Any,
    *,
    method: str = "auto",
    residuals: Any = None,
    nonnegative: bool = False,
    id_column: str = "unique_id",
    time_column: str = "ds",
    target_column: str = "y",
) -> Any:
    """Make forecasts of a hierarchy coherent: each sum becomes the sum of its parts.

    With S the summing matrix and W the covariance of the errors of all series, the forecasts y
    become ``S (S' W^-1 S)^-1 S' W^-1 y``, which of all unbiased coherent forecasts has the least
    total variance (MinT, Wickramasuriya, Athanasopoulos & Hyndman 2019). Forecasts that are
    coherent already stay as they are.

    Parameters
    ----------
    forecasts : DataFrame or Series
        Forecasts of all series, sums too, in a form that ``predict`` returns: a column for each
        series, a long frame (pandas or polars), or ids in the index. Of a long frame all columns
        of numbers are reconciled, each on its own; with a column "cutoff", as ``backtest`` returns
        it, all but the actual values.
    hierarchy : dict or DataFrame
        The parts of each sum, by labels, as in ``{"total": ["north", "south"], "north": ["a",
        "b"]}``. A series may be a part of several sums. Or the summing matrix: a row for each
        series, a column for each that is no sum.
    method : str, default="auto"
        What W is:

        * "ols": the identity;
        * "wls_struct": diagonal, the number of bottom series in each;
        * "wls_var": diagonal, the mean squared residuals;
        * "mint_cov": the mean products of residuals, for many more residuals than series;
        * "mint_shrink": the same, with correlations shrunk to 0 as far as they are unsure
          (Schäfer & Strimmer 2005);
        * "auto": "mint_shrink" if residuals are given, else "wls_struct".

        Or "bottom_up", which sums the forecasts of the bottom series, and "top_down", which
        divides that of the total by the shares of the forecasts at each level (Hyndman et al.
        2011); it needs a tree, and is biased even where forecasts are not.
    residuals : DataFrame or Series, optional
        Errors of forecasts of the same series at the same times, as ``forecaster.residuals_`` or
        ``result.residuals()`` of a backtest, which are out of sample. Times at which one is missing
        are left out. One column is for all columns of ``forecasts``, several are by their names.
    nonnegative : bool, default=False
        Raise reconciled forecasts of bottom series to 0 before they are summed (Di Fonzo &
        Girolimetto 2023).
    id_column, time_column, target_column : str, default="unique_id", "ds", "y"
        Columns of long frames.

    Returns
    -------
    DataFrame or Series
        Like ``forecasts``, with coherent values.

    Raises
    ------
    ValueError
        If series are missing, not in the hierarchy, or not all forecast at the same times; if
        columns are quantiles or bounds of intervals; if residuals are needed and missing, or too
        few for "mint_cov".

    See Also
    --------
    aggregate : The sums of series that a hierarchy names.
    RNNForecaster : Has ``residuals_``.
    backtest : Has residuals out of sample.

    Notes
    -----
    Bounds of intervals and quantiles are refused: they do not add up. Columns of
    ``predict_samples`` are reconciled path by path and are coherent, but the paths of different
    series were drawn independently of each other: the spread of their sums is not calibrated.
    Products of matrices are those of NumPy, whose last bits may differ by processor.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn import reconcile
    >>> forecasts = pd.DataFrame({"total": [105.0], "north": [60.0], "south": [30.0]}, ["2025-01"])
    >>> reconcile(forecasts, {"total": ["north", "south"]}, method="ols")
             total  north  south
    2025-01  100.0   65.0   35.0
    """
    names, tree = Names(id_column, time_column, target_column), Hierarchy.read(hierarchy)
    table = read_table(forecasts, names, "forecasts")
    for name in table.columns:
        if _BOUND.search(str(name)):
            raise Location("forecasts", column=name).error(
                "is a quantile or a bound of an interval, and these do not add up",
                "Drop it, or reconcile samples.",
            )
    places = tree.places(table.labels, "forecasts")
    table.check_complete("forecasts")
    if method == "auto":
        method = "wls_struct" if residuals is None else "mint_shrink"
    covariances = _covariances(method, tree, residuals, names, list(table.columns))
    columns = {}
    for name, values in table.columns.items():
        if method == "top_down":
            bottom = _top_down(values[places], tree)
        elif method == "bottom_up":
            bottom = values[places][len(tree.sums) :]
        else:
            bottom = _projected(values[places], tree, covariances[name])
        if nonnegative:
            bottom = np.maximum(bottom, 0.0)
        columns[name] = np.empty_like(values)
        columns[name][places] = np.vstack([tree.weights @ bottom, bottom])
    return table.restore(columns)


@validated(id_column=[Text()], time_column=[Text()], target_column=[Text()])
def aggregate(
    y: Any,
    hierarchy: Any,
    *,
    id_column: str = "unique_id",
    time_column: str = "ds",
    target_column: str = "y",
) -> Any:
    """Series of a hierarchy with all its sums, from the bottom series.

    Parameters
    ----------
    y : DataFrame or Series
        The bottom series: a column for each, a long frame of ids, times and values (pandas or
        polars), or ids in the index.
    hierarchy : dict or DataFrame
        As in :func:`reconcile`.
    id_column, time_column, target_column : str, default="unique_id", "ds", "y"
        Columns of a long frame.

    Returns
    -------
    DataFrame or Series
        In the form of ``y``, the sums first. Where a part is missing so is the sum, which a long
        frame has no row of: where a part that is missing counts as nothing, fill it with 0 first.

    Raises
    ------
    ValueError
        If bottom series are missing, or series are given that are sums or not in the hierarchy.

    See Also
    --------
    reconcile : Make forecasts of the sums and their parts add up.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn import aggregate
    >>> y = pd.DataFrame({"north": [60.0, 65.0], "south": [30.0, 31.0]}, ["2024-01", "2024-02"])
    >>> aggregate(y, {"total": ["north", "south"]})
             total  north  south
    2024-01   90.0   60.0   30.0
    2024-02   96.0   65.0   31.0
    """
    names, tree = Names(id_column, time_column, target_column), Hierarchy.read(hierarchy)
    table = read_table(y, names, "y")
    places = tree.places(table.labels, "y", bottom=True)
    if len(table.columns) > 1:
        raise Location("y").error(
            f"has the columns {list(table.columns)} of values", "Give one, the values of series."
        )
    values = next(iter(table.columns.values()))[places]
    is_missing = (tree.weights != 0) @ np.isnan(values)
    sums = np.where(is_missing, np.nan, tree.weights @ np.nan_to_num(values))
    return with_series(y, names, tree.sums, table.rows, sums)


def _projected(values, hierarchy, covariance):
    """Reconciled bottom series by error covariances, (n_series, n_series) or a diagonal.

    Equal to the formula of ``reconcile`` and without inverses: with the constraints
    ``C = [I, -A]``, where A are the weights of sums, it is ``y - W C' (C W C')^-1 C y``.
    """
    n_sums, weights = len(hierarchy.sums), hierarchy.weights
    if covariance.ndim == 1:
        above, below = np.diag(covariance[:n_sums]), -(covariance[n_sums:] * weights).T
    else:
        product = covariance[:, :n_sums] - covariance[:, n_sums:] @ weights.T  # W C'
        above, below = product[:n_sums], product[n_sums:]
    inner = above - weights @ below
    variances = covariance if covariance.ndim == 1 else np.diag(covariance)
    if (np.diag(inner) <= _LEAST_VARIANCE * variances[:n_sums]).any():
        raise ValueError(_SINGULAR)
    scale = np.sqrt(np.diag(inner))
    errors = values[:n_sums] - weights @ values[n_sums:]
    try:
        factor = linalg.cho_factor(inner / np.outer(scale, scale))
    except linalg.LinAlgError as error:
        raise ValueError(_SINGULAR) from error
    multipliers = linalg.cho_solve(factor, errors / scale[:, None]) / scale[:, None]
    return values[n_sums:] - below @ multipliers


def _top_down(values, hierarchy):
    """Bottom series as shares of the total, level by level in proportion to their forecasts."""
    values, result = np.asarray(values), np.array(values)
    for number, parts in hierarchy.parts():
        total = values[parts].sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(total == 0, 1 / len(parts), values[parts] / total)
        result[parts] = shares * result[number]
    return result[len(hierarchy.sums) :]


def _covariances(method, hierarchy, residuals, names, columns):
    """Covariance of errors by column of forecasts; nothing for methods without one."""
    if method in _WITH_RESIDUALS and residuals is None:
        raise ValueError(
            f"method={method!r} needs residuals. Give residuals=forecaster.residuals_ or those of "
            "a backtest, or take method='wls_struct'."
        )
    if method == "ols":
        return dict.fromkeys(columns, np.ones(len(hierarchy.labels)))
    if method == "wls_struct":
        return dict.fromkeys(columns, hierarchy.summing.sum(axis=1))
    if method not in _WITH_RESIDUALS:
        return {}
    table = read_table(residuals, names, "residuals")
    places, tables = hierarchy.places(table.labels, "residuals"), table.columns
    if len(tables) == 1:
        tables = dict.fromkeys(columns, next(iter(tables.values())))
    absent = [name for name in columns if name not in tables]
    if absent:
        raise Location("residuals").error(
            f"has the columns {list(tables)} of values, "
            + ("and forecasts one" if absent == [None] else f"without {absent[0]!r} of forecasts"),
            _one_column(residuals, names, list(tables)),
        )
    covariances: dict[Any, np.ndarray] = {}
    for name in columns:
        values = tables[name][places]
        values = values[:, np.isfinite(values).all(axis=0)]
        if values.shape[1] < 2:
            raise Location("residuals").error(
                f"has {values.shape[1]} times at which all series have a residual, too few",
                "Give residuals of the same times for all series.",
            )
        if method == "mint_cov" and values.shape[1] <= len(values):
            raise Location("residuals").error(
                f"has {values.shape[1]} times at which all {len(values)} series have a residual, "
                "too few for method='mint_cov'",
                "Take method='mint_shrink'.",
            )
        covariances[name] = error_covariance(values, method)
    return covariances


def _one_column(residuals, names, columns):
    """What to do about residuals of several forecasters."""
    known = [str(name) for name in getattr(residuals, "columns", ())]
    keys = [name for name in (names.id, "cutoff", names.time) if name in known]
    return (
        "Keep the column of the forecaster that made forecasts, for instance "
        f"residuals[{[*keys, columns[0]]}], or give one for each column of forecasts."
    )


def error_covariance(residuals: np.ndarray, method: str) -> np.ndarray:
    """Covariance of residuals (n_series, n) around 0, the diagonal alone for "wls_var".

    Variances that are 0 are set to the least that counts beside the others.
    """
    n = residuals.shape[1]
    variances = (residuals**2).mean(axis=1)
    variances = np.maximum(variances, np.finfo(float).eps * variances.max())
    if not variances.any():
        variances = np.ones_like(variances)  # nothing is known of the errors
    if method == "wls_var":
        return variances
    scale = np.sqrt(variances)
    scaled = residuals / scale[:, None]
    correlations = scaled @ scaled.T / n
    if method == "mint_shrink":
        correlations *= 1 - _shrinkage(scaled, correlations)
    np.fill_diagonal(correlations, 1.0)
    return correlations * np.outer(scale, scale)


def _shrinkage(scaled, correlations):
    """Intensity by which correlations are shrunk to 0: Schäfer & Strimmer (2005), 0 to 1."""
    n = scaled.shape[1]
    variances = ((scaled**2) @ (scaled**2).T - n * correlations**2) / (n * (n - 1))
    off = ~np.eye(len(scaled), dtype=bool)
    squares = (correlations[off] ** 2).sum()
    return 1.0 if squares == 0 else float(np.clip(variances[off].sum() / squares, 0.0, 1.0))
