"""Levels and trends of a series by exponential smoothing, whose rates make the least errors."""

from tsrnn.kernels.jit.compile import device_function

_N_RATES = 20  # of simple smoothing
# Of a damped trend
_LEVEL_RATES = (0.1, 0.25, 0.45, 0.7, 0.9)
_TREND_RATES = (0.0, 0.05, 0.15, 0.35)
_DAMPINGS = (0.8, 0.9, 0.98)
_N_FIRST = 5  # steps that the first trend is measured over


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
