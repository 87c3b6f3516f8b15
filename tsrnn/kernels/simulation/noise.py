"""Noise, normal or of heavy tails, alone or correlated, of constant or changing size."""

import math

from tsrnn.kernels.elementary import exp
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.jit.generate import switch
from tsrnn.kernels.simulation.draws import (
    between,
    chance,
    fill_normal,
    fill_student_t,
    normal,
    sign,
    ten_to,
    whole,
)


@device_function
def volatile(stream, pace, noise):
    """Noise whose size wanders."""
    spread, kept = between(stream, 0.2, 0.8), between(stream, 0.8, 0.99)
    size, fresh = normal(stream), math.sqrt(1.0 - kept * kept)
    for t in range(noise.size):
        noise[t] *= exp(spread * size)
        size = kept * size + fresh * normal(stream)


@device_function
def alternating(stream, pace, noise):
    """Times of little noise and of much."""
    factor, change, is_much = ten_to(stream, 0.3, 0.8), between(stream, 0.01, 0.1), False
    for t in range(noise.size):
        if chance(stream, change):
            is_much = not is_much
        if is_much:
            noise[t] *= factor


@device_function
def growing(stream, pace, noise):
    """Noise that grows or fades."""
    growth = sign(stream, 0.5) * between(stream, 0.3, 1.0) / noise.size
    for t in range(noise.size):
        noise[t] *= 1.0 + growth * t


@device_function
def seasonal(stream, pace, noise):
    """Noise that is larger in a part of the season."""
    m = int(pace)
    factor, n = ten_to(stream, 0.2, 0.7), 1 + whole(stream, m)
    for t in range(noise.size):
        if t % m < n:
            noise[t] *= factor


_change_size = switch(
    "kind",
    "kind, stream, pace, noise",
    {0: volatile, 1: alternating, 2: growing, 3: seasonal},
    arguments="stream, pace, noise",
)


@device_function
def fill_noise(stream, pace, noise):
    """Noise of unit size: independent or of order 1, with or without heavy tails."""
    if chance(stream, 0.35):
        fill_student_t(stream, ten_to(stream, 0.45, 1.1), noise)
    else:
        fill_normal(stream, noise)
    if chance(stream, 0.25):
        _change_size(whole(stream, 4), stream, pace, noise)
    is_quick = pace > 52.0  # steps are parts of a day, and resemble each other
    if chance(stream, 0.85 if is_quick else 0.5):
        kept = 1.0 - ten_to(stream, -2.0, -0.5) if is_quick else between(stream, -0.4, 0.9)
        fresh = math.sqrt(1.0 - kept * kept)
        for t in range(1, noise.size):
            noise[t] = kept * noise[t - 1] + fresh * noise[t]


@device_function
def add_noise(stream, pace, size, values, space):
    """Noise of a size."""
    noise = space[: values.size]
    fill_noise(stream, pace, noise)
    for t in range(values.size):
        values[t] += size * noise[t]
