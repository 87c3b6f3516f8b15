"""Labels, scores and events in whatever form they come, checked, as arrays over the same steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

Labels = ArrayLike | pd.Series | pd.DataFrame
Scores = ArrayLike | pd.Series


def labelled_scores(labels: Labels, scores: Scores) -> tuple[np.ndarray, np.ndarray]:
    """The runs of anomalous steps and the score of each step.

    Parameters
    ----------
    labels : (n,) array-like, Series or DataFrame of events
        What is known.
    scores : (n,) array-like or Series
        Finite, the higher the more anomalous.

    Returns
    -------
    runs : (n_runs, 2) int array
        First step of each run, and the step after its last, in order.
    scores : (n,) float array

    Raises
    ------
    ValueError
        If they do not go together, or a value is none of what it should be; the message says where.
    """
    if isinstance(scores, pd.DataFrame):
        raise ValueError("scores is a frame. Give the scores of one series, a Series or an array.")
    values = _numbers(scores, "scores")
    _refuse(
        ~np.isfinite(values),
        "scores is missing or infinite",
        "Give finite scores, the least where a detector has none",
        values,
    )
    steps = _index_of(scores, values.size)
    on = steps if isinstance(scores, pd.Series) else None
    return _runs(labels, "labels", steps, on, "scores"), values


def two_runs(
    labels: Labels, predicted: Labels, index: pd.Index | ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """The runs of anomalous steps, those of flagged steps, and the number of steps.

    Parameters
    ----------
    labels, predicted : (n,) array-like, Series or DataFrame of events
        What is known and what was flagged.
    index : Index or array-like, optional
        The steps, needed where both are events.

    Returns
    -------
    anomalous, flagged : (n_runs, 2) int array
        First step of each run, and the step after its last, in order.
    n : int
        Steps.

    Raises
    ------
    ValueError
        If they do not go together, or a value is none of what it should be; the message says where.
    """
    given = {"labels": labels, "predicted": predicted}
    vectors = {name: x for name, x in given.items() if not isinstance(x, pd.DataFrame)}
    series = {name: x for name, x in vectors.items() if isinstance(x, pd.Series)}
    base, values = next(iter({**series, **vectors}.items()), ("index", None))
    if index is not None:
        base, steps = "index", pd.Index(index)
    elif values is not None:
        steps = _index_of(values, _numbers(values, base).size)
    else:
        raise ValueError("labels and predicted are both events. Give index, the steps they lie on.")
    runs = [_runs(x, name, steps, steps, base) for name, x in given.items()]
    return runs[0], runs[1], len(steps)


def marked(runs: np.ndarray, n: int) -> np.ndarray:
    """Which of n steps the runs hold, as bool array."""
    return np.repeat(
        np.tile([False, True], len(runs) + 1)[:-1],
        np.diff(runs.ravel(), prepend=0, append=n),
    )


def refuse_one_kind(runs: np.ndarray, n: int) -> None:
    """Raise ValueError where no step is anomalous, or all are."""
    anomalous = np.diff(runs).sum()
    if not anomalous:
        raise ValueError(f"labels has no anomaly among {n} steps: there is nothing to find.")
    if anomalous == n:
        raise ValueError(f"labels has all {n} steps anomalous: no alarm could be false.")


def _index_of(values: Any, n: int) -> pd.Index:
    return values.index if isinstance(values, pd.Series) else pd.RangeIndex(n)


def _numbers(values: Any, name: str) -> np.ndarray:
    """A float array of one axis with something in it."""
    try:
        if isinstance(values, pd.Series):
            values = values.to_numpy(dtype=float, na_value=np.nan)
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers: {error}.") from None
    if values.ndim != 1 or not values.size:
        raise ValueError(f"{name} must have one axis with values, got shape {values.shape}.")
    return values


def _runs(labels: Any, name: str, steps: pd.Index, on: pd.Index | None, base: str) -> np.ndarray:
    """The runs of 0/1 labels or events, over steps that are those of ``base``.

    ``on`` is the index that a Series must have, if there is one.
    """
    if isinstance(labels, pd.DataFrame):
        return _runs_of_events(labels, steps, name)
    values = _numbers(labels, name)
    if values.size != len(steps):
        raise ValueError(f"{name} has {values.size} steps and {base} has {len(steps)}.")
    if isinstance(labels, pd.Series) and on is not None:
        _refuse_other_index(labels.index, on, name, base)
    _refuse(
        ~((values == 0) | (values == 1)),
        f"{name} is not 0 or 1",
        "Give 0 and 1, of a detector predict(y) == -1",
        values,
    )
    return np.flatnonzero(np.diff(values, prepend=0, append=0)).reshape(-1, 2)


def _runs_of_events(events: pd.DataFrame, index: pd.Index, name: str) -> np.ndarray:
    if not {"start", "end"} <= set(events.columns):
        raise ValueError(
            f"{name} is a frame without the columns start and end, it has {list(events.columns)}. "
            "Give events, or a Series of 0 and 1."
        )
    rows = list(zip(events.index, events["start"], events["end"], strict=True))
    runs = np.array([_run(*row, index, name) for row in rows], dtype=np.int64).reshape(-1, 2)
    runs = runs[np.argsort(runs[:, 0], kind="stable")]
    _refuse(runs[1:, 0] < runs[:-1, 1], f"events of {name} overlap", "Join them", runs[1:, 0])
    return runs


def _run(row: Any, start: Any, end: Any, index: pd.Index, name: str) -> tuple[int, int]:
    """The steps of one event."""
    what = f"event {row!r} of {name}, {start} to {end},"
    if pd.isna(start) or pd.isna(end) or start > end:
        raise ValueError(f"{what} does not start before it ends. Give start <= end.")
    try:
        steps = np.flatnonzero((index >= start) & (index <= end))
    except TypeError as error:
        raise ValueError(f"{what} is not of the kind of the index: {error}.") from None
    if not steps.size:
        raise ValueError(f"{what} holds no step of {index[0]} to {index[-1]}. Leave it out.")
    if steps[-1] - steps[0] != steps.size - 1:
        raise ValueError(f"{what} is not in one piece: the index is not in order. Sort it.")
    return steps[0], steps[-1] + 1


def _refuse_other_index(index: pd.Index, on: pd.Index, name: str, base: str) -> None:
    if index.equals(on):
        return
    other = (i for i, (x, y) in enumerate(zip(index, on, strict=True)) if x != y)
    if (at := next(other, None)) is not None:
        raise ValueError(
            f"{name} and {base} have different indexes, first at [{at}]: {index[at]} and {on[at]}. "
            "Give both of the same steps, in the same order."
        )


def _refuse(bad: np.ndarray, what: str, remedy: str, values: np.ndarray) -> None:
    """Raise ValueError with the first bad place, if there is one."""
    if bad.any():
        at = int(np.argmax(bad))
        more = f" and at {bad.sum() - 1} more" if bad.sum() > 1 else ""
        raise ValueError(f"{what} at [{at}]: {values[at]}{more}. {remedy}.")
