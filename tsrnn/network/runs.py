"""Runs of many models of one shape through the kernels, in pieces that Ctrl-C can come between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tsrnn.kernels.jit.compile import kernel_array
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.sources import Source
from tsrnn.kernels.targets import Workers, target_of

if TYPE_CHECKING:
    from tsrnn.network.network import Network

_PREDICTED_PIECES = 4  # predictions run in pieces of a quarter of the length of those of losses
_SECONDS_OF_A_UNIT_STEP = 8e-9  # of a network with 32 units, on one core
_MOST_COSTLY = 64  # at most as many times that, of large networks


def predict_models(
    network: Network,
    parameters: np.ndarray,
    source: Source,
    windows: Sequence[np.ndarray],
    workers: Workers,
) -> list[np.ndarray]:
    """The outputs of each model for its windows, (n_windows, n_output_steps * n_out) each.

    ``parameters``, (n_models, n_parameters), are of models of the shape of ``network``.
    """
    padded_windows = _pad(windows)
    sizes = network.sizes(network.n_time(source))
    out = np.empty((*padded_windows.shape, sizes.n_output_steps * network.n_out))
    run_models(network, parameters, source, padded_windows, out, workers)
    return [outputs[: row.size] for outputs, row in zip(out, windows, strict=True)]


def evaluate_models(
    network: Network,
    parameters: np.ndarray,
    source: Source,
    windows: Sequence[np.ndarray],
    loss: tuple[str, tuple],
    workers: Workers,
) -> np.ndarray:
    """Sums of losses (name, loss_params) and of weights of each model, (n_models, 2) float64."""
    padded_windows = _pad(windows)
    out = np.empty((*padded_windows.shape, 0))
    return run_models(network, parameters, source, padded_windows, out, workers, loss=loss)


def _pad(windows):
    """Windows in a row for each model, filled up with -1."""
    padded_windows = np.full((len(windows), max(row.size for row in windows)), -1)
    for padded, row in zip(padded_windows, windows, strict=True):
        padded[: row.size] = row.ravel()
    return padded_windows


def run_models(
    network: Network,
    parameters: np.ndarray,
    source: Source,
    padded_windows: np.ndarray,
    out: np.ndarray,
    workers: Workers,
    *,
    states: np.ndarray | None = None,
    loss: tuple[str, tuple] | None = None,
) -> np.ndarray:
    """Write the outputs of many models of one shape, (n_models, n_windows, outputs), to ``out``.

    With ``loss`` (a name and its loss_params) the loss is evaluated instead, and that of each step
    of a class written to ``out`` if it has room, (n_models, n_windows, n_output_steps).
    ``padded_windows``, (n_models, n_windows), holds each model's windows, filled up with -1;
    ``states``, (n_windows, state_width), are those of one model, overwritten with the final ones.
    Returns the sums of losses and of weights, (n_models, 2), zeros without ``loss``.
    """
    # A model loaded with a memory map is read-only, which kernels would be compiled for anew.
    padded_windows, parameters = kernel_array(padded_windows, np.int64), kernel_array(parameters)
    n_models = len(padded_windows)
    sizes, target = network.sizes(network.n_time(source)), target_of(workers)
    name, loss_params = loss or ("absolute_error", ())
    problem = Problem.of(network.module, source, sizes, name, loss_params)
    totals = np.zeros((n_models, 2))
    n_unit_steps = target.MAX_UNIT_STEPS // (1 if loss else _PREDICTED_PIECES)
    for models, piece in _pieces(network, source, padded_windows.shape, n_unit_steps):
        carried = np.empty((network.state_width, 0), parameters.dtype)
        if states is not None:
            carried = np.ascontiguousarray(states[piece].T)
        part, part_out = kernel_array(padded_windows[models, piece]), out[models, piece]
        written = kernel_array(part_out)
        totals[models] += target.predict(
            problem, parameters[models], part, carried, written, loss is not None, workers
        )
        if written is not part_out:
            part_out[:] = written
        if states is not None:
            states[piece] = carried.T
    return totals


def _pieces(network, source, shape, n_unit_steps):
    """Parts of (n_models, n_windows), two slices each; Ctrl-C is noticed between them.

    Each takes about as long as ``n_unit_steps`` of a network with few units, and is at least a
    chunk of windows of one model.
    """
    (n_models, n_windows), sizes = shape, network.sizes(network.n_time(source))
    steps = sizes.n_time * sizes.n_hidden * sizes.n_layers * sizes.n_directions
    if n_models * n_windows * steps * _MOST_COSTLY <= n_unit_steps:
        return [(slice(None), slice(None))]
    cost = network.seconds_of_a_window(source) / _SECONDS_OF_A_UNIT_STEP
    n_chunks = int(n_unit_steps / (max(steps, cost) * sizes.n_rows))
    n_models_each = min(max(n_chunks, 1), n_models)
    size = sizes.n_rows * (1 + n_chunks // n_models)
    return [
        (slice(model, model + n_models_each), slice(first, first + size))
        for model in range(0, n_models, n_models_each)
        for first in range(0, n_windows, size)
    ]
