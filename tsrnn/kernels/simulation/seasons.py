"""Seasonal patterns of any shape, constant or changing, added to the values of a series."""

import math

from tsrnn.kernels.elementary import exp, log, sine_cosine
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.jit.generate import switch
from tsrnn.kernels.simulation.draws import between, chance, normal, sign, ten_to, uniform, whole

_MOST_HARMONICS = 8


@device_function
def waves(stream, pattern):
    """Sines and cosines, the quicker the smaller."""
    m = pattern.size
    fall = between(stream, 0.5, 2.5)
    for h in range(1, 2 + whole(stream, min(m // 2, _MOST_HARMONICS))):
        size = exp(-fall * log(float(h)))
        a, b = size * normal(stream), size * normal(stream)
        sine, cosine = sine_cosine(2.0 * math.pi * h / m)
        for k in range(m):
            pattern[k] += a
            a, b = cosine * a + sine * b, cosine * b - sine * a


@device_function
def spikes(stream, pattern):
    """A few phases that differ from all others."""
    for _ in range(1 + whole(stream, 3)):
        pattern[whole(stream, pattern.size)] += sign(stream, 0.7) * between(stream, 0.3, 1.0)


@device_function
def blocks(stream, pattern):
    """A part of the season on another level, as working hours are."""
    m = pattern.size
    first, n = whole(stream, m), 1 + whole(stream, m - 1)
    for k in range(first, first + n):
        pattern[k % m] += 1.0


@device_function
def free(stream, pattern):
    """Every phase for itself, or resembling its neighbours; the last meets the first."""
    m = pattern.size
    kept = exp(-1.0 / (0.3 * m * uniform(stream))) if chance(stream, 0.5) else 0.0
    level, first_draw = 0.0, stream[0]
    for _ in range(m):
        level = kept * level + normal(stream)
    stream[0] = first_draw  # the same again, beginning with what it ended with
    for k in range(m):
        level = kept * level + normal(stream)
        pattern[k] += level


_shape = switch(
    "kind",
    "kind, stream, pattern",
    {0: waves, 1: waves, 2: waves, 3: spikes, 4: blocks, 5: free, 6: free},
    arguments="stream, pattern",
)


@device_function
def standardize(pattern, size):
    """Give a pattern the mean 0 and a standard deviation; leave a constant one at 0."""
    mean = square = 0.0
    for value in pattern:
        mean += value
    mean /= pattern.size
    for value in pattern:
        square += (value - mean) ** 2
    scale = size / math.sqrt(square / pattern.size) if square > 1e-12 else 0.0
    for k in range(pattern.size):
        pattern[k] = (pattern[k] - mean) * scale


@device_function
def draw_pattern(stream, size, pattern):
    """A pattern of one shape or of two, with a standard deviation."""
    pattern[:] = 0.0
    for _ in range(2 if chance(stream, 0.3) else 1):
        _shape(whole(stream, 7), stream, pattern)
    standardize(pattern, size)


@device_function
def constant(stream, size, patterns, values):
    """The same pattern in all seasons."""
    pattern = patterns[0]
    phase = 0
    for t in range(values.size):
        values[t] += pattern[phase]
        phase = phase + 1 if phase + 1 < pattern.size else 0


@device_function
def growing(stream, size, patterns, values):
    """A pattern that grows or fades."""
    pattern, end = patterns[0], ten_to(stream, -0.7, 0.5)
    growth = (end - 1.0) / values.size
    for t in range(values.size):
        values[t] += (1.0 + growth * t) * pattern[t % pattern.size]


@device_function
def shifting(stream, size, patterns, values):
    """A pattern that becomes another one."""
    pattern, other = patterns[0], patterns[1]
    draw_pattern(stream, size, other)
    other_share = between(stream, 0.2, 1.0) / values.size
    for t in range(values.size):
        k = t % pattern.size
        values[t] += pattern[k] + other_share * t * (other[k] - pattern[k])


@device_function
def wandering(stream, size, patterns, values):
    """A pattern in which each phase is a random walk."""
    pattern, scale = patterns[0], size * ten_to(stream, -1.3, -0.2)
    for t in range(values.size):
        k = t % pattern.size
        values[t] += pattern[k]
        pattern[k] += scale * normal(stream)


@device_function
def swelling(stream, size, patterns, values):
    """A pattern that is larger in some seasons than in others."""
    pattern = patterns[0]
    spread, kept, wave = between(stream, 0.1, 0.6), between(stream, 0.0, 0.9), normal(stream)
    fresh, factor = math.sqrt(1.0 - kept * kept), 1.0
    for t in range(values.size):
        k = t % pattern.size
        if k == 0:
            wave = kept * wave + fresh * normal(stream)
            factor = exp(spread * wave)
        values[t] += factor * pattern[k]


_evolve = switch(
    "kind",
    "kind, stream, size, patterns, values",
    {
        0: constant,
        1: constant,
        2: constant,
        3: constant,
        4: growing,
        5: shifting,
        6: wandering,
        7: swelling,
        8: swelling,
    },
    arguments="stream, size, patterns, values",
)


@device_function
def add_season(stream, size, patterns, values):
    """A pattern of any shape, as long as the rows of ``patterns``, which are overwritten."""
    draw_pattern(stream, size, patterns[0])
    _evolve(whole(stream, 9), stream, size, patterns, values)


@device_function
def add_days(stream, size, patterns, values):
    """Days of two kinds in a week, as work and rest, (2, steps of a day), no two quite equal."""
    m = patterns.shape[1]
    work, rest = patterns[0], patterns[1]
    draw_pattern(stream, size, work)
    draw_pattern(stream, size, rest)
    kept, share = between(stream, 0.2, 1.0), between(stream, 0.0, 0.5)
    level = size * sign(stream, 0.25) * between(stream, 0.0, 1.5)
    for k in range(m):
        rest[k] = kept * ((1.0 - share) * work[k] + share * rest[k]) + level
    n_rest, first = 1 + whole(stream, 2), whole(stream, 7 * m)
    spread, moved = size * ten_to(stream, -1.5, -0.2), between(stream, 0.0, 0.9)
    fresh, of_day, factor = math.sqrt(1.0 - moved * moved), normal(stream), 1.0
    swells = ten_to(stream, -1.7, -0.4)
    for t in range(values.size):
        k = (t + first) % (7 * m)
        if k % m == 0:
            of_day = moved * of_day + fresh * normal(stream)
            factor = exp(swells * normal(stream))
        pattern = rest if k // m < n_rest else work
        values[t] += factor * pattern[k % m] + spread * of_day
