"""Forecasts of several kinds at a step of a series, and their errors at earlier steps."""

from typing import Any, NamedTuple

from tsrnn.kernels.jit.compile import device_function, matrix
from tsrnn.kernels.simple_forecasts.autoregression import (
    MAX_ORDER,
    continue_autoregression,
    fit_autoregression,
)
from tsrnn.kernels.simple_forecasts.seasons import (
    is_multiplicative,
    remove_season,
    with_season,
    write_seasons,
)
from tsrnn.kernels.simple_forecasts.smoothing import (
    slope,
    write_damped,
    write_holt_winters,
    write_levels,
)

# What the rows of forecasts are, see ``write_forecasts``.
CANDIDATES = (
    "theta",
    "damped_trend",
    "seasonal_naive",
    "level",
    "long_seasonal_naive",
    "drift",
    "last_seasons",
    "season_mean",
    "seasonal_drift",
    "holt_winters",
    "autoregression",
    "autoregression_of_changes",
    "recent_drift",
    "line",
)
N_CANDIDATES = len(CANDIDATES)
N_MIXED = 12  # the first so many are averaged; a network reads all
HOLT_WINTERS, AUTOREGRESSION, OF_CHANGES = 9, 10, 11
LEAST_REGRESSED = 72  # values from which on autoregressions are averaged with others
N_ORIGINS = 12  # most earlier steps at which errors are measured
_DECAY = 0.85  # weight of the errors of a step relative to those of the step after it
_N_SEASONS, _N_LONG_SEASONS = 4, 3  # that means are over
_SEASONAL_DAMPING = 0.8  # of the change from season to season
_N_RECENT, _N_RECENT_STEPS = 3, 5  # seasons, or steps without any, that recent changes are over


class Decomposition(NamedTuple):
    """A series, its season, and its level and trend after each value."""

    values: Any  # (n,)
    adjusted: Any  # (n,) without the season
    levels: Any  # (n,) of simple smoothing
    damped: Any  # (2, n) level and trend of a damped trend
    seasonal: Any  # (3, n) level, trend and season of Holt-Winters smoothing
    changes: Any  # (n - 1,) of the adjusted values
    residuals: Any  # (n,) of a line through the adjusted values
    coefficients: Any  # (2, MAX_ORDER) of autoregressions of adjusted values, and of changes
    pattern: Any  # (long,) season of each step
    season: int  # steps of the season, and of the longer one, the same without
    long: int
    multiplicative: bool  # the season; else it is additive
    mean: float  # of the adjusted values
    line: float  # their slope
    rate: float  # of simple smoothing
    damping: float
    seasonal_damping: float
    orders: tuple[int, int]  # of autoregressions


@device_function
def space_needed(n, long):
    """Values of scratch for ``decompose``."""
    return 11 * n + 5 * long + 4 * MAX_ORDER


@device_function
def decompose(values, season, long, space):
    """The ``Decomposition`` of a series in scratch."""
    n = values.size
    multiplicative = season > 1 and is_multiplicative(values)
    adjusted, levels, damped = space[:n], space[n : 2 * n], matrix(space, 2 * n, 2, n)
    seasonal, changes = matrix(space, 4 * n, 3, n), space[7 * n : 8 * n - 1]
    residuals = space[8 * n : 9 * n]
    coefficients = matrix(space, 9 * n, 2, MAX_ORDER)
    first = 9 * n + 2 * MAX_ORDER
    pattern, scratch = space[first : first + long], space[first + long :]
    write_seasons(values, season, long, multiplicative, scratch, pattern)
    remove_season(values, pattern, multiplicative, adjusted)
    rate = write_levels(adjusted, levels)
    damping = write_damped(adjusted, damped[0], damped[1])
    seasonal_damping = write_holt_winters(
        values, pattern[:season], multiplicative, scratch[:season], seasonal
    )
    mean, line = mean_before(adjusted, n, n), slope(adjusted)
    for t in range(n):
        residuals[t] = adjusted[t] - mean - line * (t - (n - 1) / 2)
    for t in range(1, n):
        changes[t - 1] = adjusted[t] - adjusted[t - 1]
    orders = (
        fit_autoregression(residuals, scratch, coefficients[0]),
        fit_autoregression(changes, scratch, coefficients[1]),
    )
    return Decomposition(
        values,
        adjusted,
        levels,
        damped,
        seasonal,
        changes,
        residuals,
        coefficients,
        pattern,
        season,
        long,
        multiplicative,
        mean,
        line,
        rate,
        damping,
        seasonal_damping,
        orders,
    )


@device_function
def mean_before(values, end, n):
    """Mean of the last values before a step, those that there are."""
    total, first = 0.0, max(0, end - n)
    for t in range(first, end):
        total += values[t]
    return total / (end - first) if end > first else 0.0


@device_function
def naive(values, end, season, h):
    """The value a season before step ``end + h``, or the last one."""
    return values[end - season + h % season] if end >= season else values[end - 1]


@device_function
def mean_of_seasons(values, end, season, h):
    """Mean of the same phase of the last seasons."""
    n = min(_N_SEASONS, end // season)
    total = 0.0
    for k in range(n):
        total += values[end - (k + 1) * season + h % season]
    return total / n if n > 0 else values[end - 1]


@device_function
def last_long_seasons(parts, end, h, otherwise):
    """Mean of the last long seasons, each from its level at its beginning, from that of now."""
    values, season, long = parts.values, parts.season, parts.long
    n = min(_N_LONG_SEASONS, (end - season) // long) if long > 1 else 0
    if n <= 0:
        return otherwise
    total = 0.0
    for k in range(n):
        begin = end - (k + 1) * long
        total += values[begin + h % long] - mean_before(values, begin, season)
    return total / n + mean_before(values, end, season)


@device_function
def recent_changes(parts, end):
    """The last season's mean, that of an earlier one, and the steps between them."""
    season, adjusted = parts.season, parts.adjusted
    n = min(_N_RECENT_STEPS, end - 1) if season == 1 else season * min(_N_RECENT, end // season - 1)
    if n <= 0:
        return adjusted[end - 1], adjusted[end - 1], 1
    return mean_before(adjusted, end, season), mean_before(adjusted, end - n, season), n


@device_function
def write_by_states(parts, end, forecasts):
    """Write forecasts by Holt-Winters smoothing and by autoregressions."""
    season, pattern, multiplicative = parts.season, parts.pattern, parts.multiplicative
    states, adjusted = parts.seasonal, parts.adjusted
    value, damping = states[0, end - 1], 1.0
    of_holt_winters = forecasts[HOLT_WINTERS]
    regressed, of_changes = forecasts[AUTOREGRESSION], forecasts[OF_CHANGES]
    coefficients, orders, changes = parts.coefficients, parts.orders, parts.changes
    continue_autoregression(parts.residuals, end, coefficients[0], orders[0], regressed)
    continue_autoregression(changes, end - 1, coefficients[1], orders[1], of_changes)
    last = adjusted[end - 1]
    for h in range(forecasts.shape[1]):
        t = end + h
        damping *= parts.seasonal_damping
        value += damping * states[1, end - 1]
        before = end - season + h % season
        of_season = states[2, before] if before >= 0 else pattern[t % season]
        of_holt_winters[h] = value * of_season if multiplicative else value + of_season
        on_line = parts.mean + parts.line * (t - (adjusted.size - 1) / 2)
        regressed[h] = with_season(on_line + regressed[h], pattern, multiplicative, t)
        last += of_changes[h]
        of_changes[h] = with_season(last, pattern, multiplicative, t)


@device_function
def write_forecasts(parts, end, forecasts):
    """Write forecasts of the steps from ``end`` on, (N_CANDIDATES, horizon), by what is before it.

    Theta: the level with half the slope of a line (Hyndman & Billah 2003). Rates of smoothing and
    the season are those of the whole series.
    """
    season, long, pattern = parts.season, parts.long, parts.pattern
    multiplicative = parts.multiplicative
    values, adjusted = parts.values, parts.adjusted
    level, last, trend = parts.levels[end - 1], adjusted[end - 1], parts.damped[1, end - 1]
    line, begun = slope(adjusted[:end]), 1.0
    for _ in range(end):
        begun *= 1.0 - parts.rate
    lag = (1.0 - begun) / parts.rate - 1.0  # of the level behind the line
    damped, damping = parts.damped[0, end - 1], 1.0
    now, before, n_between = recent_changes(parts, end)
    drifting, change = damped, mean_before(values, end, season)
    change -= mean_before(values, max(end - season, 1), season)
    mean = mean_before(adjusted, end, end)
    seasonal_drift = 0.0
    write_by_states(parts, end, forecasts)
    for h in range(forecasts.shape[1]):
        damping *= parts.damping
        damped += damping * trend
        t = end + h
        theta = level + 0.5 * line * (h + 1 + lag)
        drift = last + line * (h + 1)
        forecasts[0, h] = with_season(theta, pattern, multiplicative, t)
        forecasts[1, h] = with_season(damped, pattern, multiplicative, t)
        forecasts[2, h] = naive(values, end, season, h)
        forecasts[3, h] = with_season(level, pattern, multiplicative, t)
        forecasts[4, h] = naive(values, end, long, h) if end >= long else forecasts[2, h]
        forecasts[5, h] = with_season(drift, pattern, multiplicative, t)
        forecasts[6, h] = last_long_seasons(parts, end, h, forecasts[1, h])
        forecasts[7, h] = mean_of_seasons(values, end, season, h)
        if h % season == 0:
            change *= _SEASONAL_DAMPING
            seasonal_drift += change
        forecasts[8, h] = forecasts[2, h] + seasonal_drift
        drifting += (now - before) / n_between
        forecasts[12, h] = with_season(drifting, pattern, multiplicative, t)
        on_line = mean + line * (t - (end - 1) / 2)
        forecasts[13, h] = with_season(on_line, pattern, multiplicative, t)


@device_function
def write_errors(parts, forecasts, errors):
    """Write the mean absolute error of each forecast at earlier steps; return how many there are.

    These are every half horizon, and have a third of the series before them. ``forecasts``
    (N_CANDIDATES, horizon) is scratch.
    """
    n, horizon, weight, total = parts.values.size, forecasts.shape[1], 1.0, 0.0
    n_origins = 0
    for c in range(N_CANDIDATES):
        errors[c] = 0.0
    for k in range(1, N_ORIGINS + 1):
        end = n - k * max(horizon // 2, 1)
        weight *= _DECAY
        if end < max(4, n // 3) or (parts.season > 1 and end < parts.season + 2):
            break
        n_origins = k
        write_forecasts(parts, end, forecasts)
        for h in range(min(horizon, n - end)):
            total += weight
            for c in range(N_CANDIDATES):
                errors[c] += weight * abs(parts.values[end + h] - forecasts[c, h])
    for c in range(N_CANDIDATES):
        errors[c] /= max(total, 1e-300)
    return n_origins
