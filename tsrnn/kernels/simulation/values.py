"""From a sum of parts to the values of a series: on a scale, counts, or intermittent demand."""

import math

from tsrnn.kernels.elementary import exp, log
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.simulation.draws import between, chance, gamma, poisson, ten_to, uniform, whole

_LN_10 = math.log(10.0)
_MOST = 7.0  # logarithm of how far a value may be from its level


@device_function
def multiply(values):
    """Let the parts be factors: the exponential of their sum."""
    for t in range(values.size):
        values[t] = exp(max(-_MOST, min(_MOST, values[t])))


@device_function
def write_values(stream, values):
    """Values on a level of any size: products of the parts, or their sum."""
    level = ten_to(stream, 0.0, 5.0)
    if chance(stream, 0.7):
        multiply(values)
    elif chance(stream, 0.85):
        for t in range(values.size):
            values[t] += 1.0
    for t in range(values.size):
        values[t] *= level
    if chance(stream, 0.2):
        digits = math.floor(log(level) / _LN_10) - 2.0 - whole(stream, 3)
        unit = exp(_LN_10 * digits)
        for t in range(values.size):
            values[t] = unit * math.floor(values[t] / unit + 0.5)


@device_function
def write_counts(stream, values):
    """Counts, Poisson or with more variance (negative binomial)."""
    level, is_poisson = ten_to(stream, -0.5, 2.5), chance(stream, 0.5)
    shape = ten_to(stream, -0.3, 1.5)
    multiply(values)
    for t in range(values.size):
        factor = 1.0 if is_poisson else gamma(stream, shape) / shape
        values[t] = poisson(stream, level * factor * values[t])


@device_function
def write_demand(stream, values):
    """Demand at some steps, more often where the sum of the parts is high, and 0 at others."""
    often, resembles = ten_to(stream, -1.4, -0.1), between(stream, -0.3, 0.5)
    unit = 1.0 if chance(stream, 0.6) else ten_to(stream, 0.0, 3.0)
    rate, spread, was = ten_to(stream, -1.0, 1.3), between(stream, 0.1, 0.9), 0.0
    multiply(values)
    for t in range(values.size):
        probability = often * values[t]
        probability += resembles * (was - probability)
        was = 1.0 if uniform(stream) < probability else 0.0
        size = 0.0
        if was > 0.0 and unit == 1.0:
            size = 1.0 + poisson(stream, rate)
        elif was > 0.0:
            size = unit * math.floor(100.0 * exp(spread * (uniform(stream) * 4.0 - 2.0))) / 100.0
        values[t] = size
