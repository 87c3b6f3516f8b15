"""States, gates and attention of a fitted network at each step, and how long its units remember."""

from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.inspection.batch import Batch, named_layers, read_batch
from tsrnn.parameters import BOOLEAN, validated

_NEAR = 0.05  # distance from 0 or 1 at which a gate counts as shut or open


def states(estimator: Any, X: Any = None) -> pd.DataFrame:
    """Hidden state, and cell state where the cell has one, after each step.

    For a Transformer the output of each layer; NaN where the last layer's is not used.

    Parameters
    ----------
    estimator : fitted RNNRegressor, RNNClassifier, RNNTagger, RNNForecaster or RNNLanguageModel
        Or a pipeline that ends with one.
    X : array-like, Series, frame, str or list, optional
        Rows that are sequences. For a forecaster series whose last windows are read, by default
        those of ``fit``. For a language model a text or a list of sequences, as in its ``fit``.

    Returns
    -------
    DataFrame
        A row for each recurrent step, by the series' own index (that of the last value a step
        takes) or number, and by row or series where there are several. Step k of a language model
        is that of the k-th token, 0 of the token before the first. Columns by layer, state
        ("hidden", "cell") and unit.

    See Also
    --------
    gates : The gates at each step.
    tsrnn.plotting.UnfoldedDisplay : Draw the states of a series.
    tsrnn.plotting.ActivityDisplay : Draw one unit on a text.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.inspection import states
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(hidden_size=3, max_iter=2).fit(X, X[:, 0])
    >>> states(regressor, X[:1]).shape
    (5, 6)
    """
    batch = read_batch(estimator, X)
    trace = batch.run()
    values, columns = [], []
    for name, layer in named_layers(trace):
        values.append(layer.hidden)
        columns += [(name, "hidden", unit) for unit in range(layer.hidden.shape[2])]
        for k in range(layer.state.shape[2]):
            values.append(layer.state[:, :, k])
            columns += [(name, "cell", unit) for unit in range(layer.hidden.shape[2])]
    index = pd.MultiIndex.from_tuples(columns, names=["layer", "state", "unit"])
    return batch.frame(np.concatenate(values, axis=2), index, trace.first_steps)


def gates(estimator: Any, X: Any = None) -> pd.DataFrame:
    """How far each gate is open at each step, from 0 to 1.

    Parameters
    ----------
    estimator : fitted estimator or pipeline
    X : array-like, Series, frame, str or list, optional
        As for ``states``.

    Returns
    -------
    DataFrame
        Rows as for ``states``, columns by layer, gate (input, forget, output of an LSTM; reset,
        update of a GRU, the share kept of the old state) and unit.

    Raises
    ------
    ValueError
        If the cell has no gates.

    See Also
    --------
    states : Hidden and cell states.
    memory_half_life : How long units remember.
    tsrnn.plotting.GateDisplay : Draw the gates.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.inspection import gates
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(hidden_size=3, max_iter=2).fit(X, X[:, 0])
    >>> gates(regressor, X[:1]).columns.unique("gate").tolist()
    ['forget', 'input', 'output']
    """
    batch = read_batch(estimator, X)
    trace = batch.run()
    cell, values, columns = _gated_cell(batch), [], []
    for name, layer in named_layers(trace):
        for gate in batch.network.gates:
            values.append(layer.gates[:, :, cell.BLOCKS.index(gate)])
            columns += [(name, gate, unit) for unit in range(values[-1].shape[2])]
    index = pd.MultiIndex.from_tuples(columns, names=["layer", "gate", "unit"])
    return batch.frame(np.concatenate(values, axis=2), index, trace.first_steps)


def _gated_cell(batch: Batch) -> ModuleType:
    cell = batch.network.module
    if not batch.network.gates:
        raise ValueError(f"cell={batch.network.cell!r} has no gates: 'lstm' and 'gru' have.")
    return cell


@validated(every_step=[BOOLEAN])
def attention_weights(estimator: Any, X: Any = None, *, every_step: bool = False) -> pd.DataFrame:
    """Attention of a Transformer's last step, or of every step, to each step that it reads.

    Parameters
    ----------
    estimator : fitted estimator or pipeline
    X : array-like, Series, frame, str or list, optional
        As for ``states``.
    every_step : bool, default=False
        Return the weights of every step, not only of the last.

    Returns
    -------
    DataFrame
        Rows as for ``states``, columns by layer and head; weights that sum to one over a sequence.
        With ``every_step`` a row has the weights of its step, with a third level of columns, the
        number of the step attended to, from 0; they sum to one over a row, and later steps are NaN.

    Raises
    ------
    ValueError
        If the estimator has a recurrent cell.

    See Also
    --------
    states : The states of a recurrent network.
    tsrnn.plotting.AttentionDisplay : Draw them.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.inspection import attention_weights
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(cell="attention", n_heads=1, hidden_size=4, max_iter=2)
    >>> attention_weights(regressor.fit(X, X[:, 0]), X[:1]).sum().round(3).tolist()
    [1.0]
    """
    batch = read_batch(estimator, X)
    network = batch.network
    n_heads = network.n_heads
    if not n_heads:
        raise ValueError(f"cell={network.cell!r} does not attend: cell='attention' does.")
    trace, values = batch.run(), []
    columns: list[tuple] = []
    for layer_name, layer in named_layers(trace):
        n_time = layer.gates.shape[1]
        n_queries = n_time if every_step else 1
        weights = _attention(layer.gates, n_heads, network.module.BLOCKS, n_queries)
        if every_step:
            for row, first in enumerate(trace.first_steps):  # steps before it are NaN, now last
                weights[row] = np.roll(weights[row], -first, axis=-1)
            values.append(weights.reshape(*weights.shape[:2], -1))
            columns += [(layer_name, h, k) for h in range(n_heads) for k in range(n_time)]
        else:
            values.append(weights[:, 0].transpose(0, 2, 1))
            columns += [(layer_name, head) for head in range(n_heads)]
    names = ["layer", "head", "attended"] if every_step else ["layer", "head"]
    index = pd.MultiIndex.from_tuples(columns, names=names)
    return batch.frame(np.concatenate(values, axis=2), index, trace.first_steps)


def _attention(gates, n_heads, blocks, n_queries) -> np.ndarray:
    """Weights of each of the last steps on itself and earlier ones, (n, n_queries, n_heads, n)."""
    n, n_time, _, n_hidden = gates.shape
    query, keys = (
        gates[:, :, blocks.index(name)].astype(float).reshape(n, n_time, n_heads, -1)
        for name in ("query", "key")
    )
    scores = np.einsum("nqhj,nkhj->nqhk", query[:, -n_queries:], keys)
    steps = np.arange(n_time)
    is_later = steps > steps[-n_queries:, None, None]
    scores = np.where(is_later, np.nan, scores / np.sqrt(n_hidden / n_heads))
    with np.errstate(invalid="ignore"):  # steps before the first of a shorter sequence
        weights = np.exp(scores - np.fmax.reduce(scores, axis=3, keepdims=True))
        return weights / np.nansum(weights, axis=3, keepdims=True)


def memory_half_life(estimator: Any, X: Any = None) -> pd.Series:
    """Steps after which half of a unit's memory is gone.

    From step to step a unit keeps the share f of its state, its forget gate (in a GRU its update
    gate), over many steps their product: the half-life is ``log(1/2) / mean(log f)`` steps.

    Parameters
    ----------
    estimator : fitted estimator or pipeline
    X : array-like, Series, frame, str or list, optional
        As for ``states``.

    Returns
    -------
    Series
        By layer and unit, in steps of the series' own frequency.

    See Also
    --------
    gates : The gates that decide it.
    tsrnn.plotting.MemoryDisplay : Draw it.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.inspection import memory_half_life
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(hidden_size=3, max_iter=2).fit(X, X[:, 0])
    >>> memory_half_life(regressor, X).shape
    (3,)
    """
    batch = read_batch(estimator, X)
    trace = batch.run()
    cell = _gated_cell(batch)
    gate, sign = next(iter(cell.MEMORY.items()))
    half_lives: dict[tuple[str, int], float] = {}
    for name, layer in named_layers(trace):
        keep = layer.gates[:, :, cell.BLOCKS.index(gate)].astype(float)
        if sign < 0:  # the gate is the fraction that is replaced
            keep = 1 - keep
        with np.errstate(divide="ignore"):
            decay = -np.nanmean(np.log(keep), axis=(0, 1))
            steps = np.where(decay > 0, np.log(2) / decay, np.inf) * batch.segment
        half_lives |= {(name, unit): half_life for unit, half_life in enumerate(steps)}
    index = pd.MultiIndex.from_tuples(half_lives, names=["layer", "unit"])
    return pd.Series(list(half_lives.values()), index, name="memory_half_life")


def saturation(estimator: Any, X: Any = None) -> pd.DataFrame:
    """Share of gates and hidden states near an end of their range.

    Parameters
    ----------
    estimator : fitted estimator or pipeline
    X : array-like, Series, frame, str or list, optional
        As for ``states``.

    Returns
    -------
    DataFrame
        By layer and gate, "hidden" for h: "shut", the share of values within .05 of 0 (for h:
        exactly 0, the output of a dead rectifier), and "open", within .05 of 1 (h: of 1 or -1).

    See Also
    --------
    gates : The values of the gates.
    diagnose : Says what to change.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.inspection import saturation
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(hidden_size=3, max_iter=2).fit(X, X[:, 0])
    >>> saturation(regressor, X).columns.tolist()
    ['shut', 'open']
    """
    batch = read_batch(estimator, X)
    trace = batch.run()
    cell, rows = batch.network.module, {}
    for name, layer in named_layers(trace):
        for gate in batch.network.gates:
            values = layer.gates[:, :, cell.BLOCKS.index(gate)]
            values = values[~np.isnan(values)]
            rows[name, gate] = (values < _NEAR).mean(), (values > 1 - _NEAR).mean()
        hidden = np.abs(layer.hidden[~np.isnan(layer.hidden)])
        rows[name, "hidden"] = (hidden == 0).mean(), (hidden > 1 - _NEAR).mean()
    index = pd.MultiIndex.from_tuples(rows, names=["layer", "gate"])
    return pd.DataFrame(list(rows.values()), index, ["shut", "open"])
