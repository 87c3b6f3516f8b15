"""Gradients back through time: the loss's at each step, the inputs', and the Jacobians' spectra."""

import dataclasses
import functools
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.inspection.batch import named_layers, read_batch
from tsrnn.kernels.jit.compile import Kernel
from tsrnn.parameters import POSITIVE_INTEGER, Integer, StrOptions, validated

_LEVELS = {"": 0.5, "_lower": 0.1, "_upper": 0.9}  # quantiles of the norms of several sequences
_LARGEST = float(np.finfo(np.float32).max)  # in place of an overflow


def gradient_flow(estimator: Any, X: Any = None, y: Any = None) -> pd.DataFrame:
    """Norm of the loss's gradient at each step, by the hidden state and by the weights.

    Exact, from the backward pass. In a vanilla network it shrinks or grows by about the same factor
    each step (Bengio, Simard & Frasconi 1994); in an LSTM the cell state carries it. In a
    Transformer it reaches each step directly: "hidden" is the layer's input.

    Parameters
    ----------
    estimator : fitted estimator or pipeline
    X : array-like, Series, frame, str or list, optional
        As for ``states``; for a forecaster the last windows whose horizon is known are read.
    y : array-like, optional
        Targets of the rows; not for a forecaster.

    Returns
    -------
    DataFrame
        By lag, 0 for the last step, in steps of the series; columns by layer and "hidden", the
        norm of the loss's gradient by h, or "weights", that of the step's share of the gradient by
        the layer's weights (no Transformer's). Of several sequences the median, robust to a few
        exploding gradients; "hidden_lower" to "hidden_upper" and so on hold 80 % of them.

    See Also
    --------
    jacobian_spectrum : How each step stretches gradients.
    tsrnn.plotting.GradientFlowDisplay : Draw it.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.inspection import gradient_flow
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(hidden_size=3, max_iter=2).fit(X, X[:, 0])
    >>> gradient_flow(regressor, X, X[:, 0]).index.tolist()
    [0, 1, 2, 3, 4]
    """
    batch = read_batch(estimator, X, y, with_targets=True)
    trace = batch.run(backward_from_loss=True)
    cell, squares = batch.network.module, {}
    for name, layer in named_layers(trace):
        squares[name, "hidden"] = (_float64(layer.grad_hidden) ** 2).sum(axis=2)
        if batch.network.n_heads:
            continue
        hidden = 1 + (_float64(layer.before) ** 2).sum(axis=2, keepdims=True)
        inputs = (_float64(layer.inputs) ** 2).sum(axis=2, keepdims=True)
        factors = np.repeat(hidden + inputs, len(cell.BLOCKS), axis=2)
        if cell.SPLIT:
            factors[:, :, -2:-1], factors[:, :, -1:] = hidden, 1 + inputs
        grad_squares = (_float64(layer.grad_gates) ** 2).sum(axis=3)
        squares[name, "weights"] = (grad_squares * factors).sum(axis=2)
    columns = {}
    for (name, norm), values in squares.items():
        norms = pd.DataFrame(np.minimum(np.sqrt(values), _LARGEST))
        for suffix, level in _LEVELS.items():
            columns[name, norm + suffix] = norms.quantile(level).to_numpy()
    lags = pd.RangeIndex(len(next(iter(columns.values()))))[::-1] * batch.segment
    frame = pd.DataFrame(columns, lags.rename("lag"))
    frame.columns.names = ["layer", "norm"]
    return frame.sort_index().sort_index(axis=1)


@validated(output=[Integer(0)])
def input_sensitivity(estimator: Any, X: Any = None, *, output: int = 0) -> pd.DataFrame:
    """Derivative of one output by each input, step by step.

    Exact, from the backward pass, and on the network's own scale: outputs of a forecaster are what
    it adds to the naive forecast in deviations of a window, inputs are standardised channels.

    Parameters
    ----------
    estimator : fitted estimator or pipeline
    X : array-like, Series, frame, str or list, optional
        As for ``states``.
    output : int, default=0
        Number of the output; for a forecaster the step ahead, from 0.

    Returns
    -------
    DataFrame
        Rows as for ``states``, with a level "lag", the steps before the last; columns are numbers
        of inputs. Of a forecaster there is a row for each step of the series, lag 0 is the last
        known one, and lags of the future are negative; columns are "y", covariates, calendar
        features, "holidays" and static columns by name, categories with their level, "observed"
        with ``missing="mask"``. Where covariates are known in the future, "step ahead" is how far
        in it a step is, and "change of ..." the difference of a covariate from the season before.

    See Also
    --------
    permutation_importance : The same over a whole backtest.
    gradient_flow : Gradients of hidden states.

    Examples
    --------
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.datasets import load_seattle_weather
    >>> from tsrnn.inspection import input_sensitivity
    >>> days = load_seattle_weather()[:200]
    >>> forecaster = RNNForecaster(horizon=3, past_covariates=["weather"], max_iter=2)
    >>> table = input_sensitivity(forecaster.fit(days["temp_max"], days[["weather"]]))
    >>> table.columns.tolist()[:3], table.index.names[-1]
    (['y', 'weather=drizzle', 'weather=fog'], 'lag')
    """
    batch = read_batch(estimator, X)
    network = batch.network
    n_output_steps = network.sizes(network.n_time(batch.source)).n_output_steps
    n_outputs = n_output_steps * network.n_out
    if not 0 <= output < n_outputs:
        raise ValueError(f"output must lie between 0 and {n_outputs - 1}; got {output}.")
    grad_outputs = np.zeros((batch.windows.size, n_outputs))
    grad_outputs[:, output] = 1
    trace = batch.run(grad_outputs=grad_outputs.reshape(-1, n_output_steps, network.n_out))
    views = network.views()
    grad_inputs: Any = 0.0
    for name, layer in named_layers(trace):
        if name == "l0" and network.n_heads:
            grad_inputs = _float64(layer.grad_hidden) @ views["embedding_weight"].astype(float)
        elif name in ("l0", "l0_reverse"):
            weights = views[f"weight_input_{name}"].astype(float)
            grad_gates = _float64(layer.grad_gates)
            grad_inputs = grad_inputs + np.einsum("ntbh,bhk->ntk", grad_gates, weights)
    if batch.input_names is not None:
        return _by_name(batch, grad_inputs)
    columns = pd.RangeIndex(grad_inputs.shape[2], name="input")
    frame = batch.frame(grad_inputs, columns, trace.first_steps)
    lags = np.arange(grad_inputs.shape[1])[::-1] * batch.segment
    lags = np.concatenate([lags[first:] for first in trace.first_steps])
    return frame.set_index(pd.Index(lags, name="lag"), append=True)


def _by_name(batch, grad_inputs):
    """Derivatives by the inputs of each step of a forecaster's series."""
    n, n_time, _ = grad_inputs.shape
    n_rows = n_time * batch.segment
    by_row = dataclasses.replace(batch, step_labels=batch.row_labels)
    columns = pd.Index(batch.input_names, name="input")
    values = grad_inputs.reshape(n, n_rows, len(columns))
    frame = by_row.frame(values, pd.RangeIndex(len(columns)), np.zeros(n, int))
    frame.columns = columns
    lags = np.arange(n_rows)[::-1] - batch.n_future
    return frame.set_index(pd.Index(np.tile(lags, n), name="lag"), append=True)


@validated(n_values=[POSITIVE_INTEGER], of=[StrOptions(["hidden", "state"])])
def jacobian_spectrum(
    estimator: Any, X: Any = None, *, n_values: int = 3, of: str = "hidden"
) -> pd.DataFrame:
    """Largest singular values of the Jacobian of each state by the state before.

    A gradient that goes back a step is multiplied by this Jacobian: it vanishes where the largest
    value stays below one, and may explode above one (Pascanu, Mikolov & Bengio 2013).

    Parameters
    ----------
    estimator : fitted estimator or pipeline
    X : array-like, Series, frame, str or list, optional
        As for ``states``.
    n_values : int, default=3
        Number of singular values, from the largest on.
    of : {"hidden", "state"}, default="hidden"
        ``dh_t / dh_{t-1}``, or of the whole state, with the cell state of an LSTM.

    Returns
    -------
    DataFrame
        Rows as for ``states``, columns by layer and number of the value, from 1.

    See Also
    --------
    gradient_flow : The gradient at each lag.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.inspection import jacobian_spectrum
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(hidden_size=3, max_iter=2).fit(X, X[:, 0])
    >>> jacobian_spectrum(regressor, X[:1], n_values=1).shape
    (5, 1)
    """
    batch = read_batch(estimator, X)
    network = batch.network
    if network.n_heads:
        raise ValueError("A Transformer's states do not depend on those of the step before.")
    trace = batch.run()
    views, values, columns = network.views(), [], []
    for name, layer in named_layers(trace):
        weights = views[f"weight_hidden_{name}"].astype(float)
        spectra = [
            _spectra(network.module, layer, row, first, weights, of == "state")
            for row, first in enumerate(trace.first_steps)
        ]
        values.append(np.stack(spectra)[:, :, :n_values])
        columns += [(name, number + 1) for number in range(values[-1].shape[2])]
    index = pd.MultiIndex.from_tuples(columns, names=["layer", "value"])
    return batch.frame(np.concatenate(values, axis=2), index, trace.first_steps)


def _float64(values: np.ndarray | None) -> np.ndarray:
    assert values is not None
    return values.astype(float)


@functools.cache
def _backward_kernel(cell) -> Kernel:
    step = cell.backward

    def backward(n_tasks, gates, h, state, saved, dh, dstate):
        step(gates, h, state, saved, dh, dstate)

    return Kernel(backward, f"{cell.__name__.rpartition('.')[2]}-unit-backward")


def _spectra(cell, layer, row, first, weights, whole_state):
    """Singular values of the Jacobians of a row's steps, (n_time, n); NaN before its first step."""
    n_time, n_hidden = layer.before.shape[1:]
    n_state = layer.state.shape[2]
    n_vectors = n_hidden * (1 + n_state if whole_state else 1)  # unit vectors to propagate back
    spectra = np.full((n_time, n_vectors), np.nan)
    for t in range(first, n_time):
        repeated = [
            np.repeat(part[row, t].astype(float).reshape(-1), n_vectors)
            for part in (layer.gates, layer.before, layer.state_before, layer.saved)
        ]
        identity = np.eye(n_vectors)  # rows of [dh, dstate], one unit vector each
        dh = np.ascontiguousarray(identity[:n_hidden]).ravel()
        dstate = np.zeros((n_state * n_hidden, n_vectors))
        if whole_state:
            dstate[:] = identity[n_hidden:]
        dstate = dstate.ravel()
        gates = repeated[0]
        _backward_kernel(cell)(1, *repeated, dh, dstate)
        dz = gates.reshape(len(cell.BLOCKS), n_hidden, n_vectors)
        jacobian = np.einsum("bhr,bhk->rk", dz, weights)
        if cell.KEEPS_H:
            jacobian += dh.reshape(n_hidden, n_vectors).T
        if whole_state:
            jacobian = np.hstack([jacobian, dstate.reshape(-1, n_vectors).T])
        spectra[t] = np.linalg.svd(jacobian, compute_uv=False)
    return spectra
