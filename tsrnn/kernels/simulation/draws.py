"""Random numbers by hashing: the k-th of a series depends on the series' key and on k alone.

A ``stream``, a uint64 array of one element, is where a series is in its sequence of numbers, that
of SplitMix64 (Steele, Lea and Flood 2014): as many bits as there are series and draws of a long
training, which 32 are too few for.
"""

import math

import numpy as np

from tsrnn.kernels.elementary import exp, log, sine_cosine
from tsrnn.kernels.jit.compile import device_function, scalar

_u8 = np.uint64
_STEP = _u8(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio
_LN_10 = math.log(10.0)
_2_PI = 2.0 * math.pi
_SMALL_RATE = 30.0  # of a Poisson distribution; a larger one is near a normal one


@scalar
def mix(x):
    """64 bits, each depending on all bits of x: the last step of SplitMix64."""
    x = (x ^ (x >> _u8(30))) * _u8(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> _u8(27))) * _u8(0x94D049BB133111EB)
    return x ^ (x >> _u8(31))


@device_function
def start(stream, seed, series):
    """Put a stream where the numbers of a series begin."""
    stream[0] = mix(mix(_u8(seed)) + _u8(series) * _STEP)


@scalar
def uniform(stream):
    """A number between 0 and 1, neither of them."""
    stream[0] += _STEP
    return (float(mix(stream[0]) >> _u8(12)) + 0.5) * 2.220446049250313e-16


@scalar
def between(stream, low, high):
    """A number between two."""
    return low + (high - low) * uniform(stream)


@device_function
def ten_to(stream, low, high):
    """Ten to the power of a number between two."""
    return exp(_LN_10 * between(stream, low, high))


@scalar
def chance(stream, probability):
    """True with a probability."""
    return uniform(stream) < probability


@scalar
def sign(stream, probability):
    """1 with a probability, else -1."""
    return 1.0 if uniform(stream) < probability else -1.0


@scalar
def whole(stream, n):
    """A whole number from 0 to n - 1."""
    return int(n * uniform(stream))


@device_function
def normal(stream):
    """A number from the standard normal distribution, by Box and Muller (1958)."""
    radius = math.sqrt(-2.0 * log(uniform(stream)))
    return radius * sine_cosine(_2_PI * uniform(stream))[1]


@device_function
def fill_normal(stream, values):
    """Fill an array with numbers from the standard normal distribution, two at a time."""
    for k in range(0, values.size, 2):
        radius = math.sqrt(-2.0 * log(uniform(stream)))
        sine, cosine = sine_cosine(_2_PI * uniform(stream))
        values[k] = radius * cosine
        if k + 1 < values.size:
            values[k + 1] = radius * sine


@device_function
def fill_student_t(stream, df, values):
    """Fill an array with numbers from Student's t distribution, by Bailey (1994)."""
    for k in range(values.size):
        radius = math.sqrt(df * (exp(-2.0 / df * log(uniform(stream))) - 1.0))
        values[k] = radius * sine_cosine(_2_PI * uniform(stream))[1]


@device_function
def gamma(stream, shape):
    """A number from the gamma distribution of scale 1, by Marsaglia and Tsang (2000)."""
    boost = 1.0
    if shape < 1.0:
        boost = exp(log(uniform(stream)) / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(stream)
        v = 1.0 + c * x
        if v > 0.0:
            v = v * v * v
            if log(uniform(stream)) < 0.5 * x * x + d - d * v + d * log(v):
                return boost * d * v


@device_function
def poisson(stream, rate):
    """A number from the Poisson distribution; for a large rate a rounded normal one."""
    if rate > _SMALL_RATE:
        return max(0.0, math.floor(rate + math.sqrt(rate) * normal(stream) + 0.5))
    limit, product, n = exp(-rate), uniform(stream), 0.0
    while product > limit:
        product *= uniform(stream)
        n += 1.0
    return n
