"""What happens once, now and then or by the calendar, added to the values of a series."""

import math

from tsrnn.kernels.elementary import sine_cosine
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.simulation.draws import between, chance, sign, ten_to, whole

_TRADING_DAYS = 0.348  # cycles a month: four weeks and a rest


@device_function
def add_shifts(stream, values):
    """One level shift or two."""
    for _ in range(1 + whole(stream, 2)):
        size = sign(stream, 0.5) * ten_to(stream, -1.5, -0.1)
        for t in range(whole(stream, values.size), values.size):
            values[t] += size


@device_function
def add_outliers(stream, values):
    """Single values far off."""
    size, rate = ten_to(stream, -1.2, 0.0), ten_to(stream, -2.3, -1.2)
    upward = between(stream, 0.0, 1.0)
    for t in range(values.size):
        if chance(stream, rate):
            values[t] += sign(stream, upward) * size * between(stream, 0.5, 1.5)


@device_function
def add_shock(stream, values):
    """A shock that fades, or ends after some steps."""
    size = sign(stream, 0.4) * ten_to(stream, -1.0, 0.1)
    kept = between(stream, 0.5, 0.97) if chance(stream, 0.7) else 1.0
    first = whole(stream, values.size)
    last = values.size if kept < 1.0 else min(values.size, first + 1 + whole(stream, 8))
    for t in range(first, last):
        values[t] += size
        size *= kept


@device_function
def add_regimes(stream, values):
    """Two levels that alternate at random."""
    size = sign(stream, 0.5) * ten_to(stream, -1.3, -0.1)
    leave, come_back, is_other = ten_to(stream, -2.0, -0.7), ten_to(stream, -1.5, -0.3), False
    for t in range(values.size):
        if chance(stream, come_back if is_other else leave):
            is_other = not is_other
        if is_other:
            values[t] += size


@device_function
def add_moving_feast(stream, m, values):
    """An event of each season that falls on one step or on the next."""
    size, first = sign(stream, 0.6) * ten_to(stream, -1.5, -0.4), whole(stream, m)
    drift, share = between(stream, 0.1, 0.9), between(stream, 0.2, 0.8)
    place = between(stream, 0.0, 1.0)
    for t in range(first, values.size, m):
        k = t + 1 if place > share else t
        if k < values.size:
            values[k] += size
        place = place + drift if place + drift < 1.0 else place + drift - 1.0


@device_function
def add_trading_days(stream, m, values):
    """Sums over months of days that differ by the weekday; for other steps any quick beat."""
    frequency = _TRADING_DAYS if m == 12 else between(stream, 0.05, 0.5)
    size = ten_to(stream, -2.0, -1.1)
    sine, cosine = sine_cosine(2.0 * math.pi * frequency)
    b, a = sine_cosine(2.0 * math.pi * between(stream, 0.0, 1.0))
    for t in range(values.size):
        values[t] += size * a
        a, b = cosine * a + sine * b, cosine * b - sine * a
