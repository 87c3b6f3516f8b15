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
    n_models, n_windows = padded_windows.shape
    sizes, target = network.sizes(network.n_time(source)), target_of(workers)
    name, loss_params = loss or ("absolute_error", ())
    problem = Problem.of(network.module, source, sizes, name, loss_params)
    # Pieces of about a tenth of a second, so that Ctrl-C is heard between them.
    steps = sizes.n_time * sizes.n_hidden * sizes.n_layers * sizes.n_directions * n_models
    size = sizes.n_rows * (1 + target.MAX_UNIT_STEPS // (steps * sizes.n_rows))
    totals = np.zeros((n_models, 2))
    for first in range(0, n_windows, size):
        piece = slice(first, first + size)
        carried = np.empty((network.state_width, 0), parameters.dtype)
        if states is not None:
            carried = np.ascontiguousarray(states[piece].T)
        part = np.ascontiguousarray(padded_windows[:, piece])
        totals += target.predict(
            problem, parameters, part, carried, out[:, piece], loss is not None, workers
        )
        if states is not None:
            states[piece] = carried.T
    return totals
