"""Seasonal patterns of a series, shrunk by how uncertain they are."""

import math

from tsrnn.kernels.elementary import sine_cosine
from tsrnn.kernels.jit.compile import device_function, matrix

_DECAY = 0.9  # weight of a season relative to that after it
YEAR = 364  # of days: whole weeks
_N_HARMONICS = 2  # of a year of days, which has too many phases for means of each
_LEAST_SHARE = 0.05  # of the mean size: where all values are above it, seasons are multiplicative


@device_function
def is_multiplicative(values):
    """Whether the season of a series is a factor of its level, and not added to it."""
    least, size = values[0], 0.0
    for value in values:
        least = min(least, value)
        size += abs(value)
    return least > _LEAST_SHARE * size / values.size


@device_function
def write_ratios(values, m, multiplicative, ratios):
    """Values less their moving average over a season, or over it; those at the ends not."""
    half, is_even, inner = m // 2, m % 2 == 0, 0.0
    for t in range(m - 1 if is_even else m):
        inner += values[t + 1 if is_even else t]
    for t in range(half, values.size - half):
        # ``inner`` is the sum of the values around t, without the halves of an even season.
        mean = inner / m
        if is_even:
            mean = (inner + 0.5 * (values[t - half] + values[t + half])) / m
        ratios[t] = values[t] / mean if multiplicative else values[t] - mean
        first = t - half + 1 if is_even else t - half
        last = t + half if is_even else t + half + 1
        if t + half + 1 < values.size:
            inner += values[last] - values[first]


@device_function
def write_pattern(values, m, multiplicative, ratios, sums, pattern):
    """Write the seasonal pattern (m,), whose first phase is that of the first value.

    It is the mean of each phase, later seasons counting more, shrunk towards no season by the
    estimator of James and Stein (1961; Miller & Williams 2003). ``ratios`` is of the size of the
    values; ``sums`` (3, m). No season where there are fewer than two and a value.
    """
    n = values.size
    for k in range(m):
        pattern[k] = 1.0 if multiplicative else 0.0
    if m == 1 or n < 2 * m + 1:
        return
    write_ratios(values, m, multiplicative, ratios)
    half, weight = m // 2, 1.0
    for k in range(m):
        sums[0, k] = sums[1, k] = sums[2, k] = 0.0
    for back in range(n):
        t = n - 1 - back
        if back > 0 and back % m == 0:
            weight *= _DECAY
        if half <= t < n - half:
            sums[0, t % m] += weight
            sums[1, t % m] += weight * ratios[t]
            sums[2, t % m] += weight * ratios[t] * ratios[t]
    mean = within = n_seasons = 0.0
    for k in range(m):
        n_seasons += sums[0, k] / m
        sums[1, k] /= sums[0, k]
        mean += sums[1, k] / m
        within += max(sums[2, k] / sums[0, k] - sums[1, k] * sums[1, k], 0.0) / m
    between = 0.0
    for k in range(m):
        between += (sums[1, k] - mean) * (sums[1, k] - mean) / (m - 1)
    noise = within / max(n_seasons - 1.0, 0.5)  # variance of a phase's mean
    shrinkage = (m - 3.0) / (m - 1.0) if m > 3 else 1.0
    share_left = max(0.0, 1.0 - shrinkage * noise / between) if between > 0.0 else 0.0
    for k in range(m):
        if multiplicative:
            pattern[k] = 1.0 + share_left * (sums[1, k] / mean - 1.0)
        else:
            pattern[k] = share_left * (sums[1, k] - mean)


@device_function
def smooth_pattern(pattern, smooth):
    """Write the mean and the first harmonics of a pattern (m,) to ``smooth`` (m,)."""
    m = pattern.size
    for k in range(m):
        smooth[k] = 0.0
    for value in pattern:
        smooth[0] += value / m
    for k in range(1, m):
        smooth[k] = smooth[0]
    for harmonic in range(1, _N_HARMONICS + 1):
        of_sine = of_cosine = 0.0
        for k in range(m):
            sine, cosine = sine_cosine(2.0 * math.pi * harmonic * k / m)
            of_sine += 2.0 * pattern[k] * sine / m
            of_cosine += 2.0 * pattern[k] * cosine / m
        for k in range(m):
            sine, cosine = sine_cosine(2.0 * math.pi * harmonic * k / m)
            smooth[k] += of_sine * sine + of_cosine * cosine


@device_function
def remove_season(values, pattern, multiplicative, out):
    """Values without their season."""
    m = pattern.size
    for t in range(values.size):
        out[t] = values[t] / pattern[t % m] if multiplicative else values[t] - pattern[t % m]


@device_function
def with_season(value, pattern, multiplicative, t):
    """A value with the season of step t."""
    of_season = pattern[t % pattern.size]
    return value * of_season if multiplicative else value + of_season


@device_function
def write_seasons(values, m, long, multiplicative, scratch, pattern):
    """Write a pattern of the longer season, that of both together; ``long`` is m without one.

    ``scratch`` (2 n + 4 long,) is overwritten.
    """
    n = values.size
    ratios, rest = scratch[:n], scratch[n : 2 * n]
    sums, short = scratch[2 * n : 2 * n + 3 * long], scratch[2 * n + 3 * long :]
    write_pattern(values, m, multiplicative, ratios, matrix(sums, 0, 3, m), short[:m])
    for k in range(long):
        pattern[k] = short[k % m]
    if long > m and n > 2 * long:
        remove_season(values, pattern, multiplicative, rest)
        write_pattern(rest, long, multiplicative, ratios, matrix(sums, 0, 3, long), short[:long])
        if long == YEAR:
            smooth_pattern(short[:long], sums[:long])
            for k in range(long):
                short[k] = sums[k]
        for k in range(long):
            pattern[k] = pattern[k] * short[k] if multiplicative else pattern[k] + short[k]
