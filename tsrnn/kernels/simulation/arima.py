"""Seasonal ARIMA processes, whose polynomials are drawn by their roots so that all are stable."""

import math

from tsrnn.kernels.elementary import sine_cosine
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.simulation.draws import between, chance, fill_normal, ten_to, uniform
from tsrnn.kernels.simulation.trends import draw_slope

N_BURN_IN = 64  # values before a series, beside three seasons


@device_function
def draw_roots(stream):
    """Coefficients (a, b) of two roots inside the unit circle, ``1 - a B - b B^2``."""
    if chance(stream, 0.3):
        radius, angle = math.sqrt(between(stream, 0.05, 0.95)), math.pi * uniform(stream)
        return 2.0 * radius * sine_cosine(angle)[1], -radius * radius
    first = between(stream, -0.6, 0.8)
    second = between(stream, -0.6, 0.6) if chance(stream, 0.4) else 0.0
    return first + second, -first * second


@device_function
def auto_regress(a, b, lag, values):
    """Add to each value ``a`` times that a lag before and ``b`` times that two lags before."""
    for t in range(lag, values.size):
        values[t] += a * values[t - lag]
        if b != 0.0 and t >= 2 * lag:
            values[t] += b * values[t - 2 * lag]


@device_function
def moving_average(a, b, lag, values):
    """As ``auto_regress``, of the values as they were, subtracted."""
    for t in range(values.size - 1, lag - 1, -1):
        values[t] -= a * values[t - lag]
        if b != 0.0 and t >= 2 * lag:
            values[t] -= b * values[t - 2 * lag]


@device_function
def fill_arima(stream, pace, m, season, values, space):
    """Write a seasonal ARIMA process; ``season`` (m,) is what its first season begins with.

    It has the order (2, d, 2)(1, D, 1) at most, with d and D 0 or 1.
    """
    n_before = 3 * m + N_BURN_IN
    path = space[: n_before + values.size]
    fill_normal(stream, path)
    is_integrated, has_season = chance(stream, 0.75), m > 1 and chance(stream, 0.7)
    repeats = has_season and chance(stream, 0.6)
    if chance(stream, 0.7):
        a, b = draw_roots(stream)
        moving_average(a, b, 1, path)
    if has_season and chance(stream, 0.8):
        low = 0.3 if repeats else -0.3
        moving_average(between(stream, low, 0.95), 0.0, m, path)
    if chance(stream, 0.5):
        a, b = draw_roots(stream)
        auto_regress(a, b, 1, path)
    if has_season and not repeats:
        auto_regress(between(stream, 0.0, 0.95), 0.0, m, path)
    now = path[n_before:]
    scale = ten_to(stream, -1.9, -0.5) / deviation(now)
    scale *= 1.0 / math.sqrt(pace) if is_integrated else 1.0
    slope = draw_slope(stream, pace) if chance(stream, 0.7) else 0.0
    drift = slope if is_integrated else 0.0
    for t in range(now.size):
        now[t] *= scale
    if repeats:
        auto_regress(1.0, 0.0, m, now)
    if is_integrated:
        for t in range(now.size):
            now[t] += drift
        auto_regress(1.0, 0.0, 1, now)
    phase = 0
    for t in range(values.size):
        values[t] += now[t] + (season[phase] if repeats else 0.0)
        phase = phase + 1 if phase + 1 < m else 0


@device_function
def deviation(values):
    """Root of the mean square, at least a little."""
    square = 1e-6
    for value in values:
        square += value * value
    return math.sqrt(square / values.size)
