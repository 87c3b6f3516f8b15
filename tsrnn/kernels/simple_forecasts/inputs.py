"""A weighted mean of simple forecasts, and what a network reads to correct it."""

import math

from tsrnn.kernels.elementary import exp, log
from tsrnn.kernels.jit.compile import device_function, scalar
from tsrnn.kernels.simple_forecasts.autoregression import one_step_ahead
from tsrnn.kernels.simple_forecasts.candidates import (
    AUTOREGRESSION,
    LEAST_REGRESSED,
    N_CANDIDATES,
    N_MIXED,
    N_ORIGINS,
    OF_CHANGES,
    decompose,
    write_errors,
    write_forecasts,
)
from tsrnn.kernels.simple_forecasts.seasons import with_season

_N_PATHS = 15  # inputs that are values of the series, or forecasts of them
N_INPUTS = _N_PATHS + 2 + 3 + N_CANDIDATES + 1
_LEAST_ERROR = 0.02  # in units of the scale, that is added to errors
_LEAST_SCALE = 1e-10  # of the mean size of values
_LEAST_POWER = 3.0  # of errors, for weights
_N_SEASON_STEPS = 0.3  # scale at least this share of the mean change of the adjusted series


@scalar
def asinh(x):
    """Inverse hyperbolic sine: nearly x near 0, a logarithm far from it."""
    size = abs(x)
    value = log(size + math.sqrt(size * size + 1.0))
    return value if x >= 0.0 else -value


@device_function
def mean_change(values, lag):
    """Mean absolute difference of values a lag apart; 0 where there are none."""
    total, n = 0.0, values.size - lag
    for t in range(lag, values.size):
        total += abs(values[t] - values[t - lag])
    return total / n if n > 0 else 0.0


@device_function
def write_weights(errors, n_origins, n, least, weights):
    """Weights by a negative power of the forecasts' errors, fixed ones where these are unknown.

    The power grows with the number of steps that errors are known of. Autoregressions have no
    weight where they are fitted to few of the ``n`` values.
    """
    for c in range(N_MIXED):
        weights[c] = 0.0
    if n_origins == 0:
        weights[0] = weights[1] = weights[5] = 1.0 / 3.0
        return
    best = errors[0]
    for c in range(1, N_MIXED):
        best = min(best, errors[c])
    total = 0.0
    for c in range(N_MIXED):
        if n < LEAST_REGRESSED and c in (AUTOREGRESSION, OF_CHANGES):
            continue
        ratio = (errors[c] + least) / (best + least)
        weights[c] = exp(-(_LEAST_POWER + n_origins / 2) * log(ratio))
        total += weights[c]
    for c in range(N_MIXED):
        weights[c] /= total


@device_function
def write_paths(paths, center, scale, row):
    """Write values of the series, or forecasts of them, from a center and in units of the scale."""
    for k in range(_N_PATHS):
        row[k] = asinh((paths[k] - center) / scale)


@device_function
def states_before(parts, t):
    """What Holt-Winters smoothing and autoregressions forecast for a step by those before it."""
    before, season, adjusted = max(t - 1, 0), parts.season, parts.adjusted
    states, pattern, multiplicative = parts.seasonal, parts.pattern, parts.multiplicative
    value = states[0, before] + parts.seasonal_damping * states[1, before]
    of_season = states[2, t - season] if t >= season else pattern[t % season]
    smoothed = value * of_season if multiplicative else value + of_season
    c, orders = parts.coefficients, parts.orders
    regressed = parts.mean + parts.line * (t - (adjusted.size - 1) / 2)
    regressed += one_step_ahead(parts.residuals, t, c[0], orders[0])
    change = one_step_ahead(parts.changes, before, c[1], orders[1])
    return (
        smoothed,
        with_season(regressed, pattern, multiplicative, t),
        with_season(adjusted[before] + change, pattern, multiplicative, t),
    )


@device_function
def write_past(parts, first, center, scale, inputs):
    """Write the inputs of paths for the steps from ``first`` on."""
    values, season, long, adjusted = parts.values, parts.season, parts.long, parts.adjusted
    n, line = values.size, parts.line
    for t in range(first, n):
        row, before = inputs[t - first], max(t - 1, 0)
        level = parts.levels[before]
        damped = parts.damped[0, before] + parts.damping * parts.damped[1, before]
        of_season = values[t - season] if t >= season else values[t]
        of_long = values[t - long] if t >= long else values[t]
        of_two = values[t - 2 * season] if t >= 2 * season else values[t]
        on_line = parts.mean + line * (t - (n - 1) / 2)
        level_here = with_season(level, parts.pattern, parts.multiplicative, t)
        damped_here = with_season(damped, parts.pattern, parts.multiplicative, t)
        paths = (values[t], adjusted[t], of_season, level_here, damped_here, on_line, of_long)
        others = (level, of_two, damped, of_season, on_line)
        write_paths((*paths, *others, *states_before(parts, t)), center, scale, row)
        row[_N_PATHS] = row[_N_PATHS + 1] = 0.0


@device_function
def write_future(forecasts, weights, center, scale, base, inputs):
    """Write the inputs of paths for the steps ahead, and the weighted mean of forecasts."""
    for h in range(base.size):
        row, value, f = inputs[h], 0.0, forecasts[:, h]
        for c in range(N_MIXED):
            value += weights[c] * f[c]
        base[h] = value
        paths = (value, f[3], f[2], f[0], f[1], f[5], f[4], f[6], f[7], f[12], f[8], f[13])
        write_paths((*paths, f[9], f[10], f[11]), center, scale, row)
        row[_N_PATHS], row[_N_PATHS + 1] = 1.0, log(1.0 + h) / 3.0


@device_function
def write_inputs(values, season, long, n_read, space, forecasts, of_candidates, base, inputs):
    """Write a series' inputs, (n_read + horizon, N_INPUTS), and ``base``; return the scale.

    The network reads the last ``n_read`` steps of the series, and then a step for each of the
    horizon, whose outputs times the scale correct ``base``, (horizon,). ``space`` is scratch of
    ``candidates.space_needed``, ``forecasts`` (N_CANDIDATES, horizon), ``of_candidates``
    (2, N_CANDIDATES). The scale is 0 of a constant series.
    """
    n = values.size
    parts = decompose(values, season, long, space)
    errors, weights = of_candidates[0], of_candidates[1]
    n_origins = write_errors(parts, forecasts, errors)
    write_forecasts(parts, n, forecasts)
    size = 0.0
    for value in values:
        size += abs(value) / n
    change = mean_change(parts.adjusted, 1)
    scale = max(mean_change(values, season if n > season else 1), _N_SEASON_STEPS * change)
    is_constant = mean_change(values, 1) == 0.0
    scale = max(max(scale, _LEAST_SCALE * size), 1e-12)
    least = _LEAST_ERROR * scale
    write_weights(errors, n_origins, n, least, weights)
    center = parts.levels[n - 1]
    write_past(parts, n - n_read, center, scale, inputs)
    write_future(forecasts, weights, center, scale, base, inputs[n_read:])
    of_change = log(max(change, 1e-3 * scale) / scale)
    of_length, of_season = log(float(n)) / 4.0, log(float(season)) / 3.0
    for c in range(N_CANDIDATES):
        errors[c] = log((errors[c] + least) / scale) / 2.0 if n_origins > 0 else 0.0
    for t in range(inputs.shape[0]):
        row, k = inputs[t], _N_PATHS + 2
        row[k], row[k + 1], row[k + 2] = of_change, of_length, of_season
        for c in range(N_CANDIDATES):
            row[k + 3 + c] = errors[c]
        row[k + 3 + N_CANDIDATES] = n_origins / N_ORIGINS
    return 0.0 if is_constant else scale
