"""The gradient on its way back through time: how much of it is left, and of what."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.inspection.looked import looked_at
from tsrnn.kernels.jit.compile import Kernel


def gradient_flow(estimator: Any, X: Any = None, y: Any = None) -> pd.DataFrame:
    """How much gradient of the loss reaches each step, and what it says to the weights there.

    Exact, from the backward pass. In a vanilla network it shrinks or grows by about the same factor
    each step (Bengio, Simard & Frasconi 1994); in an LSTM the cell state carries it. A Transformer
    has no way back through time, but one straight to each step: there "hidden" is what comes into
    the layer, whose shares of the weights' gradient are not told.

    Parameters
    ----------
    estimator : RNNRegressor, RNNClassifier or RNNForecaster
        Fitted.
    X : array-like, or Series or frame, optional
        As of ``states``; of a forecaster the last windows whose horizon is known.
    y : array-like, optional
        Targets of the rows; not of a forecaster.

    Returns
    -------
    DataFrame
        By lag, 0 for the last step, in steps of the series; columns by layer, and "hidden", the
        norm of the loss's gradient by h, or "weights", the norm of the step's share of that by the
        layer's weights. Of several sequences the roots of mean squares.
    """
    looked = looked_at(estimator, X, y, judged=True)
    found = looked.walk(loss=looked.loss, levels=looked.levels)
    cell, columns = looked.network.module, {}
    for name, walk in looked.layers(found):
        columns[name, "hidden"] = (walk.flow.astype(float) ** 2).sum(axis=2)
        if looked.network.n_heads:
            continue
        past = 1 + (walk.before.astype(float) ** 2).sum(axis=2, keepdims=True)
        read = (walk.inputs.astype(float) ** 2).sum(axis=2, keepdims=True)
        seen = np.repeat(past + read, len(cell.BLOCKS), axis=2)
        if cell.SPLIT:
            seen[:, :, -2:-1], seen[:, :, -1:] = past, 1 + read
        columns[name, "weights"] = ((walk.grad_gates.astype(float) ** 2).sum(axis=3) * seen).sum(
            axis=2
        )
    n_time = next(iter(columns.values())).shape[1]
    roots = {key: np.sqrt(np.nanmean(values, axis=0)) for key, values in columns.items()}
    lags = pd.RangeIndex(n_time)[::-1] * looked.segment
    frame = pd.DataFrame(roots, lags.rename("lag"))
    frame.columns.names = ["layer", "norm"]
    return frame.sort_index().sort_index(axis=1)


def input_sensitivity(estimator: Any, X: Any = None, *, output: int = 0) -> pd.DataFrame:
    """Derivative of one output by each input, step by step.

    Of the network itself, in the units it computes in: of what it adds to the naive forecast in
    deviations of a window, and of the standardised channels it reads. Exact, from the backward
    pass.

    Parameters
    ----------
    estimator, X
        As of ``states``.
    output : int, default=0
        Which output: of a forecaster the step ahead, from 0.

    Returns
    -------
    DataFrame
        Rows as of ``states``, and "lag", the number of steps of the series before the last, as a
        further level; a column for each input of a step.
    """
    looked = looked_at(estimator, X)
    network = looked.network
    n_output_steps = network.sizes(network.n_time(looked.source)).n_output_steps
    n_outputs = n_output_steps * network.n_out
    if not 0 <= output < n_outputs:
        raise ValueError(f"output must lie between 0 and {n_outputs - 1}; got {output}.")
    grad_outputs = np.zeros((looked.windows.size, n_outputs))
    grad_outputs[:, output] = 1
    found = looked.walk(grad_outputs=grad_outputs.reshape(-1, n_output_steps, network.n_out))
    views, total = network.views(), 0.0
    for name, walk in looked.layers(found):
        if name == "l0" and network.n_heads:
            total = walk.flow.astype(float) @ views["embedding_weight"].astype(float)
        elif name in ("l0", "l0_reverse"):
            weights = views[f"weight_input_{name}"].astype(float)
            total = total + np.einsum("ntbh,bhk->ntk", walk.grad_gates.astype(float), weights)
    columns = pd.RangeIndex(total.shape[2], name="input")
    frame = looked.frame(total, columns, found.first_steps)
    lags = np.arange(total.shape[1])[::-1] * looked.segment
    lags = np.concatenate([lags[begin:] for begin in found.first_steps])
    return frame.set_index(pd.Index(lags, name="lag"), append=True)


def jacobian_spectrum(
    estimator: Any, X: Any = None, *, n_values: int = 3, of: str = "hidden"
) -> pd.DataFrame:
    """Largest singular values of how each state depends on the state before.

    A gradient that goes back a step is multiplied by this Jacobian: where its largest singular
    value stays below one the gradient vanishes, above one it may explode (Pascanu, Mikolov & Bengio
    2013).

    Parameters
    ----------
    estimator, X
        As of ``states``.
    n_values : int, default=3
        How many, from the largest on.
    of : {"hidden", "state"}, default="hidden"
        ``dh_t / dh_{t-1}``, or of the whole state, with the cell state of an LSTM.

    Returns
    -------
    DataFrame
        Rows as of ``states``, columns by layer and number of the value, from 1.
    """
    if of not in ("hidden", "state"):
        raise ValueError(f"of must be 'hidden' or 'state'; got {of!r}.")
    looked = looked_at(estimator, X)
    if looked.network.n_heads:
        raise ValueError("A Transformer's states do not depend on those of the step before.")
    found = looked.walk()
    views, parts, columns = looked.network.views(), [], []
    for name, walk in looked.layers(found):
        weights = views[f"weight_hidden_{name}"].astype(float)
        values = np.stack([
            _spectra(looked.network.module, walk, row, begin, weights, of == "state")
            for row, begin in enumerate(found.first_steps)
        ])[:, :, :n_values]  # fmt: skip
        parts.append(values)
        columns += [(name, number + 1) for number in range(values.shape[2])]
    index = pd.MultiIndex.from_tuples(columns, names=["layer", "value"])
    return looked.frame(np.concatenate(parts, axis=2), index, found.first_steps)


@functools.cache
def _backward(cell) -> Kernel:
    """The cell's step back over any number of units."""
    step = cell.backward

    def backward(n_tasks, gates, h, state, saved, dh, dstate):
        step(gates, h, state, saved, dh, dstate)

    return Kernel(backward, f"{cell.__name__.rpartition('.')[2]}-unit-backward")


def _spectra(cell, walk, row, begin, weights, whole):
    """Singular values of the Jacobians of a sequence's steps, (n_time, n); NaN before it begins."""
    n_time, n_hidden = walk.before.shape[1:]
    n_state = walk.state.shape[2]
    n_rows = n_hidden * (1 + n_state if whole else 1)  # unit vectors that go back
    found = np.full((n_time, n_rows), np.nan)
    for t in range(begin, n_time):
        spread = [
            np.repeat(part[row, t].astype(float).reshape(-1), n_rows)
            for part in (walk.gates, walk.before, walk.state_before, walk.saved)
        ]
        back = np.eye(n_rows)  # rows of [dh, dstate], one unit vector each
        dh = np.ascontiguousarray(back[:n_hidden]).ravel()
        dstate = np.zeros((n_state * n_hidden, n_rows))
        if whole:
            dstate[:] = back[n_hidden:]
        dstate = dstate.ravel()
        gates = spread[0]
        _backward(cell)(1, *spread, dh, dstate)
        dz = gates.reshape(len(cell.BLOCKS), n_hidden, n_rows)
        by_hidden = np.einsum("bhr,bhk->rk", dz, weights)
        if cell.KEEPS_H:
            by_hidden += dh.reshape(n_hidden, n_rows).T
        jacobian = by_hidden
        if whole:
            jacobian = np.hstack([by_hidden, dstate.reshape(-1, n_rows).T])
        found[t] = np.linalg.svd(jacobian, compute_uv=False)
    return found
