"""How one window of a flat panel becomes a network's inputs and targets, and forecasts again.

A window is a position in the panel's values: ``lookback`` values from there on are the past,
``horizon`` values after them the future. Inputs are ``(value - last value) / deviation`` of the
window itself; targets are the difference from the seasonal naive forecast in the same unit, so
that a network that says nothing forecasts naively. ``data`` is ``(values, lookback, season,
least scale)``.
"""

import math

from tsrnn.kernels.compile import leaf


@leaf
def location_and_scale(data, start):
    """Last value and standard deviation of a window's past, but at least the least scale."""
    values, lookback, _, least_scale = data
    last = values[start + lookback - 1]
    # Sums of differences from the last value: exact where the level dwarfs the deviation.
    total = squares = 0.0
    for k in range(start, start + lookback):
        difference = values[k] - last
        total += difference
        squares += difference * difference
    mean = total / lookback
    deviation = math.sqrt(max(squares / lookback - mean * mean, 0.0))
    return last, max(deviation, least_scale)


@leaf
def naive(data, start, step):
    """Seasonal naive forecast, ``step`` >= 0 after the window's past: the value a season before."""
    values, lookback, season, _ = data
    return values[start + lookback - season + step % season]


@leaf
def write_inputs(data, start, row, n_rows, inputs):
    """Write the scaled past of a window to ``row`` of ``inputs``, (n_time, n_in * n_rows).

    With ``n_in`` > 1 each recurrent step takes a segment of ``n_in`` values.
    """
    values = data[0]
    location, scale = location_and_scale(data, start)
    n_time = inputs.shape[0]
    n_in = inputs.shape[1] // n_rows
    for t in range(n_time):
        for k in range(n_in):
            inputs[t, k * n_rows + row] = (values[start + t * n_in + k] - location) / scale


@leaf
def write_targets(data, start, row, n_rows, targets):
    """Write the scaled future of a window to ``row`` of ``targets``, (horizon * n_rows,)."""
    values, lookback, _, _ = data
    _, scale = location_and_scale(data, start)
    for step in range(targets.size // n_rows):
        value = values[start + lookback + step]
        targets[step * n_rows + row] = (value - naive(data, start, step)) / scale


@leaf
def write_forecast(data, start, row, n_rows, outputs, forecast):
    """Write the forecast that ``row`` of the outputs (horizon * n_rows,) means to (horizon,)."""
    _, scale = location_and_scale(data, start)
    for step in range(forecast.size):
        forecast[step] = naive(data, start, step) + scale * outputs[step * n_rows + row]
