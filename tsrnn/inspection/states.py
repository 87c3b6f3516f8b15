"""What a network holds and lets through at each step: states, gates, and how long it remembers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.inspection.looked import Looked, looked_at

_NEAR = 0.05  # of a gate that is all but shut, or but open


def states(estimator: Any, X: Any = None) -> pd.DataFrame:
    """Hidden state, and cell state where there is one, after each step.

    Of a Transformer what leaves each layer; NaN where the last layer's is not read.

    Parameters
    ----------
    estimator : RNNRegressor, RNNClassifier or RNNForecaster
        Fitted.
    X : array-like, or Series or frame, optional
        Rows that are sequences; of a forecaster series, whose last windows are read, by default
        those that it knows.

    Returns
    -------
    DataFrame
        A row for each recurrent step, by the series' own index (that of the last value a step
        takes) or the number of the step, and by row or series where there are several. Columns by
        layer, state ("hidden", "cell") and unit.

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
    looked = looked_at(estimator, X)
    found = looked.walk()
    parts, columns = [], []
    for name, walk in looked.layers(found):
        parts.append(walk.hidden)
        columns += [(name, "hidden", unit) for unit in range(walk.hidden.shape[2])]
        for k in range(walk.state.shape[2]):
            parts.append(walk.state[:, :, k])
            columns += [(name, "cell", unit) for unit in range(walk.hidden.shape[2])]
    index = pd.MultiIndex.from_tuples(columns, names=["layer", "state", "unit"])
    return looked.frame(np.concatenate(parts, axis=2), index, found.first_steps)


def gates(estimator: Any, X: Any = None) -> pd.DataFrame:
    """How far each gate is open at each step, from 0 to 1.

    Of an LSTM the input, forget and output gates; of a GRU the reset gate, and the update gate,
    which is the share of the old state that is kept.

    Parameters
    ----------
    estimator, X
        As of ``states``.

    Returns
    -------
    DataFrame
        Rows as of ``states``, columns by layer, gate and unit.

    Raises
    ------
    ValueError
        If the cell has no gates.
    """
    looked = looked_at(estimator, X)
    found = looked.walk()
    parts, columns = _gates(looked, found)
    return looked.frame(np.concatenate(parts, axis=2), columns, found.first_steps)


def _gated(looked: Looked) -> ModuleType:
    """The cell, which must have gates."""
    cell = looked.network.module
    if not cell.GATES:
        raise ValueError(f"cell={looked.network.cell!r} has no gates: 'lstm' and 'gru' have.")
    return cell


def _gates(looked: Looked, found) -> tuple[list[np.ndarray], pd.MultiIndex]:
    cell, parts, columns = _gated(looked), [], []
    for name, walk in looked.layers(found):
        for gate in cell.GATES:
            values = walk.gates[:, :, cell.BLOCKS.index(gate)]
            parts.append(values)
            columns += [(name, gate, unit) for unit in range(values.shape[2])]
    return parts, pd.MultiIndex.from_tuples(columns, names=["layer", "gate", "unit"])


def attention_weights(estimator: Any, X: Any = None) -> pd.DataFrame:
    """How much the last step of a Transformer reads of each step, by layer and head.

    Parameters
    ----------
    estimator, X
        As of ``states``.

    Returns
    -------
    DataFrame
        Rows as of ``states``, columns by layer and head; shares, which sum to one over a sequence.

    Raises
    ------
    ValueError
        If the estimator is of a recurrent cell.
    """
    looked = looked_at(estimator, X)
    n_heads = looked.network.n_heads
    if not n_heads:
        raise ValueError(f"cell={looked.network.cell!r} does not attend: cell='attention' does.")
    found, parts = looked.walk(), []
    for _, walk in looked.layers(found):
        n, n_time, _, n_hidden = walk.gates.shape
        blocks = looked.network.module.BLOCKS
        query, keys = (
            walk.gates[:, :, blocks.index(name)].astype(float).reshape(n, n_time, n_heads, -1)
            for name in ("query", "key")
        )
        scores = np.einsum("nhj,nthj->nth", query[:, -1], keys) / np.sqrt(n_hidden / n_heads)
        shares = np.exp(scores - np.nanmax(scores, axis=1, keepdims=True))
        parts.append(shares / np.nansum(shares, axis=1, keepdims=True))
    names = [(name, head) for name, _ in looked.layers(found) for head in range(n_heads)]
    columns = pd.MultiIndex.from_tuples(names, names=["layer", "head"])
    return looked.frame(np.concatenate(parts, axis=2), columns, found.first_steps)


def memory_half_life(estimator: Any, X: Any = None) -> pd.Series:
    """Steps of the series after which half of what a unit remembers is gone.

    What a unit keeps from step to step is its forget gate f, of a GRU its update gate. Over many
    steps it keeps their product, so the half-life is ``log(1/2) / mean(log f)`` steps.

    Parameters
    ----------
    estimator, X
        As of ``states``.

    Returns
    -------
    Series
        By layer and unit, in steps of the series' own frequency.
    """
    looked = looked_at(estimator, X)
    found = looked.walk()
    cell = _gated(looked)
    (keep,) = (block for block, sign in cell.MEMORY.items() if sign > 0)
    lives = {}
    for name, walk in looked.layers(found):
        kept = walk.gates[:, :, cell.BLOCKS.index(keep)].astype(float)
        with np.errstate(divide="ignore"):
            loss = -np.nanmean(np.log(kept), axis=(0, 1))
            own = np.where(loss > 0, np.log(2) / loss, np.inf) * looked.segment
        lives |= {(name, unit): life for unit, life in enumerate(own)}
    index = pd.MultiIndex.from_tuples(lives, names=["layer", "unit"])
    return pd.Series(list(lives.values()), index, name="memory_half_life")


def saturation(estimator: Any, X: Any = None) -> pd.DataFrame:
    """Share of the gates' values, and of the hidden states', that lie near an end of their range.

    Parameters
    ----------
    estimator, X
        As of ``states``.

    Returns
    -------
    DataFrame
        By layer and gate, "hidden" for h: "shut", the share of values within .05 of 0 (of h:
        exactly 0, as a rectifier that is dead says), and "open", within .05 of 1 (of h: of 1 or
        -1).
    """
    looked = looked_at(estimator, X)
    found = looked.walk()
    cell, rows = looked.network.module, {}
    for name, walk in looked.layers(found):
        for gate in cell.GATES:
            values = walk.gates[:, :, cell.BLOCKS.index(gate)]
            values = values[~np.isnan(values)]
            rows[name, gate] = (values < _NEAR).mean(), (values > 1 - _NEAR).mean()
        hidden = np.abs(walk.hidden[~np.isnan(walk.hidden)])
        rows[name, "hidden"] = (hidden == 0).mean(), (hidden > 1 - _NEAR).mean()
    index = pd.MultiIndex.from_tuples(rows, names=["layer", "gate"])
    return pd.DataFrame(list(rows.values()), index, ["shut", "open"])
