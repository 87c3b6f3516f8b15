"""Kinds of series: which parts each has, and how often."""

from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.jit.generate import switch
from tsrnn.kernels.simulation.arima import fill_arima
from tsrnn.kernels.simulation.draws import chance, ten_to, uniform
from tsrnn.kernels.simulation.events import (
    add_moving_feast,
    add_outliers,
    add_regimes,
    add_shifts,
    add_shock,
    add_trading_days,
)
from tsrnn.kernels.simulation.noise import add_noise
from tsrnn.kernels.simulation.seasons import add_days, add_season, draw_pattern
from tsrnn.kernels.simulation.trends import add_cycle, add_trend, add_walk, limit_range
from tsrnn.kernels.simulation.values import write_counts, write_demand, write_values


@device_function
def draw_pace(stream, seasons):
    """Steps in which a series changes as much as others do in a year."""
    m = seasons[0]
    if m == 7 or (m >= 24 and m != 52):  # a week or a day, in which little changes
        return m * ten_to(stream, 1.0, 2.6)
    if m > 1:
        return float(m)
    return 1.0 if chance(stream, 0.75) else ten_to(stream, 0.0, 1.7)


@device_function
def add_path(stream, pace, values, space):
    """Where a series goes, seasons and noise apart."""
    if chance(stream, 0.85):
        add_trend(stream, pace, values)
    if chance(stream, 0.7):
        add_walk(stream, pace, values, space)
    if chance(stream, 0.2):
        add_cycle(stream, pace, values, space)
    limit_range(stream, values)


@device_function
def add_seasons(stream, seasons, low, high, values, patterns):
    """A season of each length, or most of them; of days and weeks often days of two kinds."""
    m, n = seasons[0], seasons.size
    if n == 2 and seasons[1] == 7 * m:
        if chance(stream, 0.5):
            add_days(stream, ten_to(stream, low, high), patterns[:, :m], values)
            return
        n = 1 if chance(stream, 0.7) else 2
    for k in range(n):
        m = seasons[k]
        if m > 1 and chance(stream, 0.85):
            add_season(stream, ten_to(stream, low, high), patterns[:, :m], values)


@device_function
def add_events(stream, seasons, values):
    """What happens in some series."""
    if chance(stream, 0.2):
        add_shifts(stream, values)
    if chance(stream, 0.12):
        add_outliers(stream, values)
    if chance(stream, 0.1):
        add_shock(stream, values)
    if chance(stream, 0.05):
        add_regimes(stream, values)
    if seasons[0] > 1 and chance(stream, 0.06):
        add_moving_feast(stream, seasons[0], values)
    if seasons[0] > 1 and chance(stream, 0.06):
        add_trading_days(stream, seasons[0], values)


@device_function
def structural(stream, seasons, values, patterns, space):
    """Trend, seasons, noise and events."""
    pace = draw_pace(stream, seasons)
    is_quick = pace > 52.0  # a day or a week, in which most of what changes is the season
    add_path(stream, pace, values, space)
    if is_quick:
        add_seasons(stream, seasons, -1.3, -0.1, values, patterns)
        noise = ten_to(stream, -4.0, -2.3) if chance(stream, 0.5) else ten_to(stream, -2.3, -0.5)
    else:
        low, high = (-2.9, -0.6) if pace > 6.0 else (-3.2, -0.9)
        add_seasons(stream, seasons, low, high, values, patterns)
        # The longer the steps, the more of the noise in them is averaged out.
        noise = ten_to(stream, -3.3, -0.5 if pace > 6.0 else -1.2)
    add_noise(stream, pace, noise, values, space)
    add_events(stream, seasons, values)
    write_values(stream, values)


@device_function
def arima(stream, seasons, values, patterns, space):
    """A seasonal ARIMA process."""
    pace, m = draw_pace(stream, seasons), seasons[0]
    season = patterns[0, :m]
    draw_pattern(stream, ten_to(stream, -2.0, -0.5), season)
    fill_arima(stream, pace, m, season, values, space)
    limit_range(stream, values)
    if chance(stream, 0.2):
        add_events(stream, seasons, values)
    write_values(stream, values)


@device_function
def counts(stream, seasons, values, patterns, space):
    """Counts whose mean has a trend and seasons."""
    pace = draw_pace(stream, seasons)
    if chance(stream, 0.7):
        add_path(stream, pace, values, space)
    add_seasons(stream, seasons, -1.3, 0.0, values, patterns)
    if chance(stream, 0.4):
        add_noise(stream, pace, ten_to(stream, -1.5, -0.3), values, space)
    write_counts(stream, values)


@device_function
def intermittent(stream, seasons, values, patterns, space):
    """Demand at some steps only."""
    pace = draw_pace(stream, seasons)
    if chance(stream, 0.4):
        add_path(stream, pace, values, space)
    if chance(stream, 0.5):
        add_seasons(stream, seasons, -1.0, 0.0, values, patterns)
    write_demand(stream, values)


# Kinds by their names, and shares of each among all.
KINDS = {
    "structural": (structural, 0.73),
    "arima": (arima, 0.12),
    "counts": (counts, 0.1),
    "intermittent": (intermittent, 0.05),
}
_simulate_kind = switch(
    "kind",
    "kind, stream, seasons, values, patterns, space",
    {k: function for k, (function, _) in enumerate(KINDS.values())},
    arguments="stream, seasons, values, patterns, space",
)


@device_function
def simulate(stream, seasons, shares, values, patterns, space):
    """Write a series of one of the kinds, drawn by their shares."""
    values[:] = 0.0
    left, kind = uniform(stream), 0
    for k in range(shares.size):
        if shares[k] > 0.0 and left >= 0.0:
            kind = k
        left -= shares[k]
    _simulate_kind(kind, stream, seasons, values, patterns, space)
