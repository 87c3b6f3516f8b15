"""Sources: values, their windows, and how a window becomes inputs and targets of a network.

*Forecasting*: a window is numbered by its first row; ``lookback`` rows are its past, those after
them its future. Inputs are ``(value - last value) / deviation`` with the statistics of the past,
and covariates as they are. Targets are differences from the seasonal naive forecast in the same
unit, so that a network with zero output makes the naive forecast. If some covariates are known in
the future, inputs extend through it: these, and the seasonal naive forecast for the values.

With ``by_mean``, for values that are never negative, both inputs and targets are values divided by
``1 + mean`` of the past (Salinas et al. 2020, section 3.3), without a difference.

*Sequences*: a window is a number; its ``lengths[number]`` rows of values start at
``firsts[number]`` and are used as they are. A row may have a token, a row of the network's
embedding, which are a step's first inputs.

A recurrent step reads a segment of one or more rows. Sequences end together, at the last step.
"""

import math
from typing import NamedTuple

import numpy as np

from tsrnn.kernels.jit.compile import device_function, kernel_array
from tsrnn.kernels.jit.generate import record_reader

SKIP, INDICATE = 0, 1  # treatment of missing values: see Source.missing


class Source(NamedTuple):
    """Values and the definition of their windows.

    Values and targets are float64 whatever a network computes in, which rounds them where it reads
    them: kernels for float32 would be others to compile.
    """

    # (n, n_channels): one series after another. For forecasting, channel 0 is the series and
    # the others are covariates, first those known in the future.
    values: np.ndarray
    # (n_windows, n_targets), or (n, n_targets) if every step of a sequence has a target. For
    # forecasting, (n, 1) with NaN where imputed values must not be targets, or empty.
    targets: np.ndarray
    weights: np.ndarray  # (n_windows,) float64: in the loss; empty for 1
    firsts: np.ndarray  # (n_windows,) int64; likewise lengths; empty for forecasting
    lengths: np.ndarray
    tokens: np.ndarray  # (n,) int64, of sequences: row of the embedding, -1 if missing; or empty
    lookback: int  # for forecasting: rows of the past
    season: int  # for forecasting: in rows
    # For forecasting: minimum of the deviation. Of sequences the unit of the targets, see
    # ``window_unit``.
    least_scale: float
    # SKIP leaves out recurrent steps with a missing value (NaN); INDICATE replaces it by 0
    # and adds two inputs for each value: whether it is present, and the time since the last
    # present one.
    missing: int
    ahead: int  # for forecasting: rows of the future in the inputs, whole segments, 0 for none
    n_known: int  # for forecasting: covariates known there
    by_mean: int  # for forecasting: 1 where values are divided by 1 + the mean of the past


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
    by_mean: bool = False,
) -> Source:
    """A source for forecasting series, (n,) or (n, n_channels), from their past."""
    empty = np.empty(0, np.int64)
    values = kernel_array(values, np.float64).reshape(len(values), -1)
    targets = np.empty((0, 0)) if targets is None else np.reshape(targets, (-1, 1))
    return Source(
        values=values,
        targets=kernel_array(targets, np.float64),
        weights=kernel_array(weights, np.float64),
        firsts=empty,
        lengths=empty,
        tokens=empty,
        lookback=int(lookback),
        season=int(season),
        least_scale=float(least_scale),
        missing=SKIP,
        ahead=int(ahead),
        n_known=int(n_known),
        by_mean=int(by_mean),
    )


def sequence_source(
    values: np.ndarray,
    firsts: np.ndarray,
    lengths: np.ndarray,
    targets: np.ndarray | None = None,
    weights=(),
    *,
    missing: int = SKIP,
    tokens=(),
    unit: float = 1.0,
) -> Source:
    """A source of sequences with targets, which were divided by ``unit``."""
    values = kernel_array(values, np.float64)
    return Source(
        values=values,
        targets=kernel_array(np.empty((0, 0)) if targets is None else targets, np.float64),
        weights=kernel_array(weights, np.float64),
        firsts=kernel_array(firsts, np.int64),
        lengths=kernel_array(lengths, np.int64),
        tokens=kernel_array(tokens, np.int64),
        lookback=0,
        season=1,
        least_scale=float(unit),
        missing=missing,
        ahead=0,
        n_known=0,
        by_mean=0,
    )


def kernel_source(source: Source) -> tuple:
    """A source as kernels take it: a plain tuple of writable arrays and numbers."""
    return tuple(kernel_array(x) if isinstance(x, np.ndarray) else x for x in source)


source_of = record_reader(Source)


@device_function
def location_and_scale(source, start):
    """Last value and standard deviation of a window's past, the latter at least the minimum.

    With ``by_mean`` 0, and 1 + the mean.
    """
    values, lookback = source.values, source.lookback
    last = 0 * values[start, 0] if source.by_mean else values[start + lookback - 1, 0]
    # Sums of differences from the last value: exact where the level dwarfs the deviation.
    total = squares = 0.0
    for k in range(start, start + lookback):
        difference = values[k, 0] - last
        total += difference
        squares += difference * difference
    mean = total / lookback
    if source.by_mean:
        return last, 1.0 + mean
    deviation = math.sqrt(max(squares / lookback - mean * mean, 0.0))
    return last, max(deviation, source.least_scale)


@device_function
def naive_index(source, start, step):
    """Index of the value that the seasonal naive forecast repeats, ``step`` >= 0 after the past."""
    return start + source.lookback - source.season + step % source.season


@device_function
def inputs_per_row(source):
    """Number of inputs from a row of values in forecasting: see ``write_covariates``."""
    return source.values.shape[1] + (1 + source.n_known if source.ahead else 0)


@device_function
def write_inputs(source, window, row, n_rows, inputs):
    """Write a window to ``row`` of ``inputs``, (n_time, n_in * n_rows); return its first step."""
    if source.firsts.size:
        return write_sequence(source, window, row, n_rows, inputs)
    n_each = inputs_per_row(source)
    n_time, segment = inputs.shape[0], inputs.shape[1] // n_rows // n_each
    values, present = source.values, window + source.lookback
    location, scale = location_and_scale(source, window)
    start = present - n_time * segment + source.ahead
    for t in range(n_time):
        for k in range(segment):
            index = start + t * segment + k
            if index >= present:
                index = naive_index(source, window, index - present)
            inputs[t, k * n_each * n_rows + row] = (values[index, 0] - location) / scale
    if n_each > 1:
        write_covariates(source, window, row, n_rows, segment, inputs)
    return 0


@device_function
def write_covariates(source, window, row, n_rows, segment, inputs):
    """Write the inputs of a window besides the series' values.

    First all covariates, 0 in the future if not known there; with inputs of the future, then the
    position in it, 0 in the past and 1 at the end, and the difference of each known covariate from
    the row that the naive forecast repeats, 0 if that is before the window.
    """
    values, n_channels, n_each = source.values, source.values.shape[1], inputs_per_row(source)
    present = window + source.lookback
    start = present - inputs.shape[0] * segment + source.ahead
    for n in range(inputs.shape[0] * segment):
        index, step = start + n, start + n - present
        row_inputs = inputs[n // segment, n % segment * n_each * n_rows :]
        for k in range(1, n_channels):
            known = step < 0 or k <= source.n_known
            row_inputs[k * n_rows + row] = values[index, k] if known else 0
        if source.ahead:
            row_inputs[n_channels * n_rows + row] = max(step + 1, 0) / source.ahead
            before = index - source.season if step < 0 else naive_index(source, window, step)
            for k in range(1, source.n_known + 1):
                difference = values[index, k] - values[before, k] if before >= window else 0
                row_inputs[(n_channels + k) * n_rows + row] = difference


@device_function
def segment_length(source, n_in):
    """Number of rows of values that a recurrent step of a sequence reads."""
    if source.tokens.size:
        return 1
    return n_in // (source.values.shape[1] * (3 if source.missing == INDICATE else 1))


@device_function
def is_complete(source, first, n_values):
    """Whether ``n_values`` rows have no missing value."""
    for k in range(first, first + n_values):
        if source.tokens.size and source.tokens[k] < 0:
            return False
        for channel in range(source.values.shape[1]):
            if math.isnan(source.values[k, channel]):
                return False
    return True


@device_function
def write_sequence(source, window, row, n_rows, inputs):
    """Like ``write_inputs``, for a sequence."""
    values, indicate = source.values, source.missing == INDICATE
    n_time, n_in, n_channels = inputs.shape[0], inputs.shape[1] // n_rows, values.shape[1]
    segment = segment_length(source, n_in)
    first, length = source.firsts[window], source.lengths[window]
    n_steps = min(length // segment, n_time)
    first += length - n_steps * segment
    t = n_time
    for step in range(n_steps - 1, -1, -1):
        start = first + step * segment
        if indicate or is_complete(source, start, segment):
            t -= 1
            for k in range(segment * n_channels):
                value = values[start + k // n_channels, k % n_channels]
                present = not math.isnan(value)
                inputs[t, k * n_rows + row] = value if present else 0
                if indicate:
                    inputs[t, (segment * n_channels + k) * n_rows + row] = 1 if present else 0
    for empty in range(t):
        for k in range(n_in):
            inputs[empty, k * n_rows + row] = 0
    if indicate:
        write_elapsed(source, first, row, n_rows, segment, inputs[t:])
    return t


@device_function
def write_elapsed(source, first, row, n_rows, segment, inputs):
    """Write the time since the last present value, as in GRU-D (Che et al. 2018), eq. 2."""
    values, n_channels = source.values, source.values.shape[1]
    n = segment * n_channels
    for channel in range(n_channels):
        elapsed = 0.0
        for k in range(inputs.shape[0] * segment):
            column = 2 * n + k % segment * n_channels + channel
            inputs[k // segment, column * n_rows + row] = elapsed
            elapsed = 1.0 + (elapsed if math.isnan(values[first + k, channel]) else 0.0)


@device_function
def window_weight(source, window):
    """Weight of a window in the loss."""
    return source.weights[window] if source.weights.size else 1.0


@device_function
def window_unit(source, window):
    """What the targets of a window were divided by, if that matters to a loss; else 1."""
    if source.by_mean:
        return location_and_scale(source, window)[1]
    return source.least_scale if source.firsts.size else 1.0


@device_function
def write_targets(source, window, sizes, row, n_rows, targets):
    """Write a window's targets to ``row`` of ``targets``, (n_output_steps, n_targets * n_rows)."""
    n_output_steps, n_each = targets.shape[0], targets.shape[1] // n_rows
    if source.firsts.size == 0:
        _, scale = location_and_scale(source, window)
        observed = source.targets if source.targets.size else source.values
        for step in range(n_output_steps * n_each):
            value = observed[window + source.lookback + step, 0]
            if not source.by_mean:
                value -= source.values[naive_index(source, window, step), 0]
            targets[step // n_each, step % n_each * n_rows + row] = value / scale
    elif sizes.step_targets:
        t, index = sizes.n_time, 0
        while t > 0:
            t, index = previous_step(source, window, sizes, t, index)
            for k in range(n_each):
                value = math.nan if index < 0 else source.targets[index, k]
                targets[t, k * n_rows + row] = value
    else:
        for k in range(n_output_steps * n_each):
            targets[k // n_each, k % n_each * n_rows + row] = source.targets[window, k]


@device_function
def previous_step(source, window, sizes, t, index):
    """The step before ``t`` (first ``sizes.n_time``) and the index of its last row, -1 for none."""
    segment = segment_length(source, sizes.n_in)
    first, length = source.firsts[window], source.lengths[window]
    n_steps = min(length // segment, sizes.n_time)
    index = first + length - 1 if t == sizes.n_time else index - segment
    while index + 1 >= first + length - (n_steps - 1) * segment:
        if source.missing == INDICATE or is_complete(source, index - segment + 1, segment):
            return t - 1, index
        index -= segment
    return t - 1, -1


@device_function
def write_outputs(source, window, sizes, row, n_rows, outputs, out):
    """Copy the outputs of ``row``, of (n_output_steps, n_out * n_rows), to ``out`` of a window.

    With an output at every step, ``out`` ends with the last segment's; those of skipped or absent
    steps are NaN.
    """
    n_each = outputs.shape[1] // n_rows
    if source.firsts.size == 0 or not sizes.step_targets:
        for k in range(out.size):
            out[k] = outputs[k // n_each, k % n_each * n_rows + row]
        return
    for k in range(out.size):
        out[k] = math.nan
    segment = segment_length(source, sizes.n_in)
    last = source.firsts[window] + source.lengths[window] - 1
    t, index = sizes.n_time, 0
    while t > 0:
        t, index = previous_step(source, window, sizes, t, index)
        if index < 0:
            return
        output_step = sizes.n_time - 1 - (last - index) // segment
        if output_step >= 0:
            for k in range(n_each):
                out[output_step * n_each + k] = outputs[t, k * n_rows + row]
