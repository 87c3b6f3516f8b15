"""Levels and trends of a series by exponential smoothing, whose rates make the least errors."""

from tsrnn.kernels.jit.compile import device_function

_N_RATES = 20  # of simple smoothing
# Of a damped trend
_LEVEL_RATES = (0.1, 0.25, 0.45, 0.7, 0.9)
_TREND_RATES = (0.0, 0.05, 0.15, 0.35)
_DAMPINGS = (0.8, 0.9, 0.98)
_N_FIRST = 5  # steps that the first trend is measured over
# Of a trend with a season
_HOLT_WINTERS_RATES = (0.05, 0.15, 0.3, 0.5, 0.75)
_HOLT_WINTERS_TREND_RATES = (0.0, 0.03, 0.15)
_HOLT_WINTERS_SEASON_RATES = (0.1, 0.3)  # relative to one minus that of the level
_HOLT_WINTERS_DAMPINGS = (0.9, 1.0)
_LEAST_LEVEL = 0.05  # of the mean value, and of a multiplicative season, that errors are divided by


@device_function
def smoothing_error(values, rate):
    """Sum of squared errors one step ahead."""
    level, error = values[0], 0.0
    for t in range(1, values.size):
        difference = values[t] - level
        error += difference * difference
        level += rate * difference
    return error


@device_function
def write_levels(values, levels):
    """Write the level after each value (simple exponential smoothing); return its rate."""
    best, least = 0.5, smoothing_error(values, 0.5)
    for k in range(1, _N_RATES + 1):
        rate = 0.01 + 0.98 * k / _N_RATES
        error = smoothing_error(values, rate)
        if error < least:
            best, least = rate, error
    level = values[0]
    for t in range(values.size):
        level += best * (values[t] - level)
        levels[t] = level
    return best


@device_function
def first_trend(values):
    """The mean change of the first steps."""
    n = min(values.size - 1, _N_FIRST)
    return (values[n] - values[0]) / n if n > 0 else 0.0


@device_function
def damped_error(values, rates):
    """Sum of squared errors one step ahead of a damped trend."""
    level_rate, trend_rate, damping = rates
    level, trend, error = values[0], first_trend(values), 0.0
    for t in range(1, values.size):
        forecast = level + damping * trend
        difference = values[t] - forecast
        error += difference * difference
        level = forecast + level_rate * difference
        trend = damping * trend + level_rate * trend_rate * difference
    return error


@device_function
def write_damped(values, levels, trends):
    """Write level and trend after each value (Gardner & McKenzie 1985); return the damping."""
    best, least = (0.45, 0.05, 0.9), damped_error(values, (0.45, 0.05, 0.9))
    for level_rate in _LEVEL_RATES:
        for trend_rate in _TREND_RATES:
            for damping in _DAMPINGS:
                error = damped_error(values, (level_rate, trend_rate, damping))
                if error < least:
                    best, least = (level_rate, trend_rate, damping), error
    level_rate, trend_rate, damping = best
    levels[0], trends[0] = values[0], first_trend(values)
    for t in range(1, values.size):
        forecast = levels[t - 1] + damping * trends[t - 1]
        difference = values[t] - forecast
        levels[t] = forecast + level_rate * difference
        trends[t] = damping * trends[t - 1] + level_rate * trend_rate * difference
    return damping


@device_function
def holt_winters_step(state, value, of_season, rates, least):
    """Level, trend and season after a value, and the error of its forecast.

    ``state`` is level and trend before it; ``least`` the least level of a multiplicative season,
    and 0 of an additive one.
    """
    level, trend = state
    level_rate, trend_rate, season_rate, damping = rates
    trend = damping * trend
    forecast = level + trend
    if least > 0.0:
        error = value - forecast * of_season
        in_level = error / max(of_season, _LEAST_LEVEL)
        in_season = error / max(forecast, least)
    else:
        error = value - forecast - of_season
        in_level = in_season = error
    level = forecast + level_rate * in_level
    trend += level_rate * trend_rate * in_level
    return level, trend, of_season + season_rate * in_season, error


@device_function
def first_levels(values, pattern, multiplicative):
    """Level of the first value, and the mean change of the first season."""
    m = pattern.size
    n = min(values.size - 1, max(m, _N_FIRST))
    if multiplicative:
        level, later = values[0] / pattern[0], values[n] / pattern[n % m]
    else:
        level, later = values[0] - pattern[0], values[n] - pattern[n % m]
    return level, (later - level) / n if n > 0 else 0.0


@device_function
def holt_winters_error(values, pattern, rates, least, space):
    """Sum of squared errors one step ahead; ``space`` (m,) is scratch."""
    m, total = pattern.size, 0.0
    for k in range(m):
        space[k] = pattern[k]
    level, trend = first_levels(values, pattern, least > 0.0)
    for t in range(1, values.size):
        k = t % m
        level, trend, space[k], error = holt_winters_step(
            (level, trend), values[t], space[k], rates, least
        )
        total += error * error
    return total


@device_function
def write_holt_winters(values, pattern, multiplicative, space, states):
    """Write level, trend and season after each value, (3, n) of ``states``; return the damping.

    Exponential smoothing of level, trend and season (Winters 1960; Hyndman et al. 2008), whose
    season begins with ``pattern`` (m,). ``space`` (m,) is scratch.
    """
    n, m, least = values.size, pattern.size, 0.0
    if multiplicative:
        for value in values:
            least += _LEAST_LEVEL * value / n
    best, least_error = (0.3, 0.03, 0.07, 0.9), -1.0
    for level_rate in _HOLT_WINTERS_RATES:
        for trend_rate in _HOLT_WINTERS_TREND_RATES:
            for share in _HOLT_WINTERS_SEASON_RATES:
                if m == 1 and share > _HOLT_WINTERS_SEASON_RATES[0]:
                    continue  # without a season there is nothing to adapt
                for damping in _HOLT_WINTERS_DAMPINGS:
                    season_rate = share * (1.0 - level_rate) if m > 1 else 0.0
                    rates = (level_rate, trend_rate, season_rate, damping)
                    error = holt_winters_error(values, pattern, rates, least, space)
                    if error < least_error or least_error < 0.0:
                        best, least_error = rates, error
    level, trend = first_levels(values, pattern, multiplicative)
    states[0, 0], states[1, 0], states[2, 0] = level, trend, pattern[0]
    for t in range(1, n):
        of_season = states[2, t - m] if t >= m else pattern[t]
        level, trend, of_season, _ = holt_winters_step(
            (level, trend), values[t], of_season, best, least
        )
        states[0, t], states[1, t], states[2, t] = level, trend, of_season
    return best[3]


@device_function
def slope(values):
    """The slope of a line of least squares."""
    n = values.size
    middle, mean, moments, squares = (n - 1) / 2, 0.0, 0.0, 0.0
    for value in values:
        mean += value / n
    for t in range(n):
        moments += (t - middle) * (values[t] - mean)
        squares += (t - middle) * (t - middle)
    return moments / squares if squares > 0.0 else 0.0
