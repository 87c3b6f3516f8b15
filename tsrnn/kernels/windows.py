"""How the windows of a table of values become a network's inputs and targets, and forecasts again.

A ``Source`` holds the values and says what a window is. There are two kinds:

* *forecasting*, where a window is a position: ``lookback`` values from there on are the past, the
  values after them the future. Inputs are ``(value - last value) / deviation`` of the window
  itself, and covariates as they are; targets are the difference from the seasonal naive forecast
  in the same unit, so that a network that says nothing forecasts naively. Where some covariates
  are known in the future, the network walks on through it, reading these and, for the value that
  nobody knows yet, the seasonal naive forecast;
* *sequences*, where a window is a number: its values begin at ``firsts[number]``, there are
  ``lengths[number]`` of them, they are taken as they are, and its targets stand in ``targets``.

A recurrent step takes a segment of one or more values, those of the network's inputs. Sequences end
together, at the last step; a shorter one begins later.
"""

import math
from typing import NamedTuple

import numpy as np

from tsrnn.kernels.heads import step_targets
from tsrnn.kernels.jit.compile import device_function, kernel_array
from tsrnn.kernels.jit.generate import record_reader

SKIP, TELL = 0, 1  # what becomes of a step with a missing value: see Source.missing


class Source(NamedTuple):
    """Values and what a window of them is.

    Attributes
    ----------
    values : (n, n_channels) array
        Rows of time, of one series after another; of forecasting the series and its covariates,
        those first that are known in the future.
    targets : (n_windows or n, n_targets) array
        Of sequences, one row a window, or one a row of values where every step has its target. Of
        forecasting, (n, 1) where some values that stand in a series were never observed (NaN).
    weights : (n_windows,) float64 array
        Weight of each window in the loss; empty for 1.
    firsts, lengths : (n_windows,) int64 arrays
        Of sequences; empty for forecasting.
    lookback, season, least_scale : int, int, float
        Of forecasting.
    missing : int
        SKIP leaves out recurrent steps with a missing value (NaN); TELL puts 0 for it and gives the
        network, beside the values, whether each is there and the time since the last that was.
    ahead, n_known : int
        Of forecasting: rows of the future that the network walks through, whole segments, 0 for
        none; and covariates that are known there.
    """

    values: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    firsts: np.ndarray
    lengths: np.ndarray
    lookback: int
    season: int
    least_scale: float
    missing: int
    ahead: int
    n_known: int


def forecast_source(
    values: np.ndarray,
    lookback: int,
    season: int,
    least_scale: float,
    weights=(),
    *,
    targets: np.ndarray | None = None,
    ahead: int = 0,
    n_known: int = 0,
) -> Source:
    """Windows of series to be forecast from their past; ``values`` is (n,) or (n, n_channels)."""
    none = np.empty(0, np.int64)
    values = kernel_array(values).reshape(len(values), -1)
    targets = np.empty((0, 0)) if targets is None else np.reshape(targets, (-1, 1))
    return Source(
        values, kernel_array(targets, values.dtype), kernel_array(weights, np.float64), none, none,
        int(lookback), int(season), float(least_scale), SKIP, int(ahead), int(n_known),
    )  # fmt: skip


def sequence_source(
    values: np.ndarray,
    firsts: np.ndarray,
    lengths: np.ndarray,
    targets: np.ndarray | None = None,
    weights=(),
    *,
    missing: int = SKIP,
) -> Source:
    """Sequences taken as they are, with targets of their own; see ``Source``."""
    values = kernel_array(values)
    if targets is None:
        targets = np.empty((0, 0))
    return Source(
        values, kernel_array(targets, values.dtype), kernel_array(weights, np.float64),
        kernel_array(firsts, np.int64), kernel_array(lengths, np.int64), 0, 1, 1.0, missing, 0, 0,
    )  # fmt: skip


def kernel_source(source: Source) -> tuple:
    """A source as kernels take it: a plain tuple, its arrays writable, which kernels tell apart."""
    return tuple(kernel_array(x) if isinstance(x, np.ndarray) else x for x in source)


source_of = record_reader(Source)


@device_function
def location_and_scale(source, start):
    """Last value and standard deviation of a window's past, but at least the least scale."""
    values, lookback = source.values, source.lookback
    last = values[start + lookback - 1, 0]
    # Sums of differences from the last value: exact where the level dwarfs the deviation.
    total = squares = 0.0
    for k in range(start, start + lookback):
        difference = values[k, 0] - last
        total += difference
        squares += difference * difference
    mean = total / lookback
    deviation = math.sqrt(max(squares / lookback - mean * mean, 0.0))
    return last, max(deviation, source.least_scale)


@device_function
def naive_place(source, start, step):
    """Where the seasonal naive forecast of ``step`` >= 0 after the past stands: a season before."""
    return start + source.lookback - source.season + step % source.season


@device_function
def inputs_of_row(source):
    """Inputs that a row of values becomes in forecasting: see ``write_known``."""
    return source.values.shape[1] + (1 + source.n_known if source.ahead else 0)


@device_function
def write_inputs(source, window, row, n_rows, inputs):
    """Write a window to ``row`` of ``inputs``, (n_time, n_in * n_rows); return its first step."""
    if source.firsts.size:
        return write_sequence(source, window, row, n_rows, inputs)
    n_each = inputs_of_row(source)
    n_time, segment = inputs.shape[0], inputs.shape[1] // n_rows // n_each
    values, present = source.values, window + source.lookback
    location, scale = location_and_scale(source, window)
    start = present - n_time * segment + source.ahead
    for t in range(n_time):
        for k in range(segment):
            place = start + t * segment + k
            if place >= present:
                place = naive_place(source, window, place - present)
            inputs[t, k * n_each * n_rows + row] = (values[place, 0] - location) / scale
    if n_each > 1:
        write_known(source, window, row, n_rows, segment, inputs)
    return 0


@device_function
def write_known(source, window, row, n_rows, segment, inputs):
    """Write what a row says beside the series' value, in this order.

    All covariates, 0 in the future for those not known there. Where the network walks on: how far
    in the future the row is, from 0 in the past to 1; and how much the known covariates differ
    from those of the row that the naive forecast repeats, 0 where that is before the window.
    """
    values, n_channels, n_each = source.values, source.values.shape[1], inputs_of_row(source)
    present = window + source.lookback
    start = present - inputs.shape[0] * segment + source.ahead
    for n in range(inputs.shape[0] * segment):
        place, step = start + n, start + n - present
        here = inputs[n // segment, n % segment * n_each * n_rows :]
        for k in range(1, n_channels):
            known = step < 0 or k <= source.n_known
            here[k * n_rows + row] = values[place, k] if known else 0
        if source.ahead:
            here[n_channels * n_rows + row] = max(step + 1, 0) / source.ahead
            before = place - source.season if step < 0 else naive_place(source, window, step)
            for k in range(1, source.n_known + 1):
                differs = values[place, k] - values[before, k] if before >= window else 0
                here[(n_channels + k) * n_rows + row] = differs


@device_function
def segment_of(source, n_in):
    """Rows of values that a recurrent step of a sequence takes."""
    return n_in // (source.values.shape[1] * (3 if source.missing == TELL else 1))


@device_function
def complete(source, first, n_values):
    """Whether no value is missing in so many rows."""
    for k in range(first, first + n_values):
        for channel in range(source.values.shape[1]):
            if math.isnan(source.values[k, channel]):
                return False
    return True


@device_function
def write_sequence(source, window, row, n_rows, inputs):
    """As ``write_inputs``, for a sequence taken as it is."""
    values, tell = source.values, source.missing == TELL
    n_time, n_in, n_channels = inputs.shape[0], inputs.shape[1] // n_rows, values.shape[1]
    segment = segment_of(source, n_in)
    first, length = source.firsts[window], source.lengths[window]
    n_steps = min(length // segment, n_time)
    first += length - n_steps * segment
    t = n_time
    for step in range(n_steps - 1, -1, -1):
        here = first + step * segment
        if tell or complete(source, here, segment):
            t -= 1
            for k in range(segment * n_channels):
                value = values[here + k // n_channels, k % n_channels]
                there = not math.isnan(value)
                inputs[t, k * n_rows + row] = value if there else 0
                if tell:
                    inputs[t, (segment * n_channels + k) * n_rows + row] = 1 if there else 0
    for empty in range(t):
        for k in range(n_in):
            inputs[empty, k * n_rows + row] = 0
    if tell:
        write_elapsed(source, first, row, n_rows, segment, inputs[t:])
    return t


@device_function
def write_elapsed(source, first, row, n_rows, segment, inputs):
    """Write the time since the last value was there, as in GRU-D (Che et al. 2018), eq. 2."""
    values, n_channels = source.values, source.values.shape[1]
    n = segment * n_channels
    for channel in range(n_channels):
        elapsed = 0.0
        for k in range(inputs.shape[0] * segment):
            place = 2 * n + k % segment * n_channels + channel
            inputs[k // segment, place * n_rows + row] = elapsed
            elapsed = 1.0 + (elapsed if math.isnan(values[first + k, channel]) else 0.0)


@device_function
def weight_of(source, window):
    """The weight of a window in the loss."""
    return source.weights[window] if source.weights.size else 1.0


@device_function
def write_targets(source, window, sizes, row, n_rows, targets):
    """Write a window's targets to ``row`` of ``targets``, (answers, n_targets * n_rows)."""
    n_output_steps, n_each = targets.shape[0], targets.shape[1] // n_rows
    if source.firsts.size == 0:
        _, scale = location_and_scale(source, window)
        observed = source.targets if source.targets.size else source.values
        for step in range(n_output_steps * n_each):
            value = observed[window + source.lookback + step, 0]
            base = source.values[naive_place(source, window, step), 0]
            targets[step // n_each, step % n_each * n_rows + row] = (value - base) / scale
    elif step_targets(sizes):
        t, place = sizes.n_time, 0
        while t > 0:
            t, place = previous_step(source, window, sizes, t, place)
            for k in range(n_each):
                value = math.nan if place < 0 else source.targets[place, k]
                targets[t, k * n_rows + row] = value
    else:
        for k in range(n_output_steps * n_each):
            targets[k // n_each, k % n_each * n_rows + row] = source.targets[window, k]


@device_function
def previous_step(source, window, sizes, t, place):
    """The step before ``t``, and the last row of values that it takes, -1 where there is none.

    Begin with ``t`` the number of steps.
    """
    segment = segment_of(source, sizes.n_in)
    first, length = source.firsts[window], source.lengths[window]
    n_steps = min(length // segment, sizes.n_time)
    place = first + length - 1 if t == sizes.n_time else place - segment
    while place + 1 >= first + length - (n_steps - 1) * segment:
        if source.missing == TELL or complete(source, place - segment + 1, segment):
            return t - 1, place
        place -= segment
    return t - 1, -1


@device_function
def write_outputs(source, window, sizes, row, n_rows, outputs, out):
    """Write what the network says of ``row``, (answers, n_out * n_rows), in its own units.

    Where it speaks at every step, the last place is that of the last segment of values; NaN where a
    step was left out or there is none.
    """
    n_each = outputs.shape[1] // n_rows
    if source.firsts.size == 0 or not step_targets(sizes):
        for k in range(out.size):
            out[k] = outputs[k // n_each, k % n_each * n_rows + row]
        return
    for k in range(out.size):
        out[k] = math.nan
    segment = segment_of(source, sizes.n_in)
    last = source.firsts[window] + source.lengths[window] - 1
    t, place = sizes.n_time, 0
    while t > 0:
        t, place = previous_step(source, window, sizes, t, place)
        if place < 0:
            return
        output_step = sizes.n_time - 1 - (last - place) // segment
        if output_step >= 0:
            for k in range(n_each):
                out[output_step * n_each + k] = outputs[t, k * n_rows + row]
