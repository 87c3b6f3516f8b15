"""Trends and cycles, added to the values of a series."""

import math

from tsrnn.kernels.activations import tanh
from tsrnn.kernels.elementary import sine_cosine
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.jit.generate import switch
from tsrnn.kernels.simulation.draws import (
    between,
    chance,
    fill_normal,
    normal,
    sign,
    ten_to,
    whole,
)

_UPWARD = 0.8  # share of trends that rise


@device_function
def draw_slope(stream, pace):
    """Growth a step."""
    return sign(stream, _UPWARD) * ten_to(stream, -2.0, -0.85) / pace


@device_function
def linear(stream, pace, values):
    """The same growth at every step."""
    slope = draw_slope(stream, pace)
    for t in range(values.size):
        values[t] += slope * t


@device_function
def damped(stream, pace, values):
    """Growth that fades."""
    slope, trend = 3.0 * draw_slope(stream, pace), 0.0
    kept = 1.0 - 1.0 / (1.0 + pace * between(stream, 1.0, 15.0))
    for t in range(values.size):
        values[t] += trend
        trend += slope
        slope *= kept


@device_function
def changing(stream, pace, values):
    """Growth that changes now and then."""
    slope, trend = draw_slope(stream, pace), 0.0
    change = 1.0 / (1.0 + pace * between(stream, 1.5, 12.0))
    for t in range(values.size):
        values[t] += trend
        trend += slope
        if chance(stream, change):
            slope = draw_slope(stream, pace)


@device_function
def local(stream, pace, values):
    """Growth that wanders about its mean."""
    slope, scale, trend = draw_slope(stream, pace), ten_to(stream, -2.3, -1.1) / pace, 0.0
    kept = 1.0 - 1.0 / (1.0 + pace * between(stream, 0.5, 6.0))
    spread, wandering = math.sqrt(1.0 - kept * kept), normal(stream)
    for t in range(values.size):
        values[t] += trend
        trend += slope + scale * wandering
        wandering = kept * wandering + spread * normal(stream)


@device_function
def s_curve(stream, pace, values):
    """From one level to another, slowly first and last."""
    size = sign(stream, _UPWARD) * ten_to(stream, -1.0, 0.5)
    middle = values.size * between(stream, -0.2, 1.2)
    width = (values.size + pace) * between(stream, 0.05, 0.4)
    for t in range(values.size):
        values[t] += 0.5 * size * tanh((t - middle) / width)


_trend = switch(
    "kind",
    "kind, stream, pace, values",
    {0: linear, 1: linear, 2: linear, 3: linear, 4: damped, 5: changing, 6: local, 7: s_curve},
    arguments="stream, pace, values",
)


@device_function
def add_trend(stream, pace, values):
    """A trend of any kind."""
    _trend(whole(stream, 8), stream, pace, values)


@device_function
def add_walk(stream, pace, values, space):
    """A random walk, often one whose steps resemble the one before."""
    scale = ten_to(stream, -1.9, -0.6) / math.sqrt(pace)
    kept = between(stream, 0.0, 0.85) if chance(stream, 0.7) else 0.0
    spread, level, step = math.sqrt(1.0 - kept * kept), 0.0, 0.0
    noise = space[: values.size]
    fill_normal(stream, noise)
    for t in range(values.size):
        step = kept * step + (spread if t else 1.0) * noise[t]
        level += scale * step
        values[t] += level


@device_function
def add_cycle(stream, pace, values, space):
    """A cycle of no known length, whose phase and size wander (Harvey 1989)."""
    period = max(2.5, between(stream, 2.5, 12.0) * (pace if chance(stream, 0.7) else 1.0))
    size = ten_to(stream, -2.0, -0.4)
    kept = 1.0 - ten_to(stream, -3.5, -0.7)
    spread = math.sqrt(1.0 - kept * kept)
    sine, cosine = sine_cosine(2.0 * math.pi / period)
    noise = space[: 2 * values.size]
    fill_normal(stream, noise)
    a, b = normal(stream), normal(stream)
    for t in range(values.size):
        values[t] += size * a
        a, b = kept * (cosine * a + sine * b), kept * (cosine * b - sine * a)
        a += spread * noise[2 * t]
        b += spread * noise[2 * t + 1]


@device_function
def limit_range(stream, values):
    """Shrink a path that goes further than growth goes."""
    most = ten_to(stream, -0.1, 0.8)
    low = high = values[0]
    for t in range(values.size):
        low, high = min(low, values[t]), max(high, values[t])
    if high - low > most:
        scale = most / (high - low)
        for t in range(values.size):
            values[t] *= scale
