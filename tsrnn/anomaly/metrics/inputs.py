"""Checked labels, scores and events, as arrays over the same steps."""

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsrnn.data.labels import refuse_other_labels
from tsrnn.parameters import naming

Labels: TypeAlias = ArrayLike | pd.Series | pd.DataFrame
Scores: TypeAlias = ArrayLike | pd.Series


def labelled_scores(labels: Labels, scores: Scores) -> tuple[np.ndarray, np.ndarray]:
    """Runs of anomalous steps, (n_runs, 2) first and one past last, and scores (n,) of all steps.

    Raises ValueError for labels and scores that do not match, and for invalid values.
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
    required = steps if isinstance(scores, pd.Series) else None
    return _runs(labels, "labels", steps, required, "scores"), values


def two_runs(
    labels: Labels, predicted: Labels, index: pd.Index | ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Runs of anomalous and of flagged steps, (n_runs, 2) int each, and the number of steps.

    ``index`` holds the steps, needed if both are events. Raises ValueError as
    :func:`labelled_scores`.
    """
    both = {"labels": labels, "predicted": predicted}
    vectors = {name: x for name, x in both.items() if not isinstance(x, pd.DataFrame)}
    series = {name: x for name, x in vectors.items() if isinstance(x, pd.Series)}
    base, values = next(iter({**series, **vectors}.items()), ("index", None))
    if index is not None:
        with naming("index"):
            base, steps = "index", pd.Index(index)
    elif values is not None:
        steps = _index_of(values, _numbers(values, base).size)
    else:
        raise ValueError("labels and predicted are both events. Give index, the steps they lie on.")
    runs = [_runs(x, name, steps, steps, base) for name, x in both.items()]
    return runs[0], runs[1], len(steps)


def marked(runs: np.ndarray, n: int) -> np.ndarray:
    """Whether each of n steps is in a run, (n,) bool."""
    return np.repeat(
        np.tile([False, True], len(runs) + 1)[:-1], np.diff(runs.ravel(), prepend=0, append=n)
    )


def refuse_single_class(runs: np.ndarray, n: int) -> None:
    """Raise ValueError if no step is anomalous, or all are."""
    anomalous = np.diff(runs).sum()
    if not anomalous:
        raise ValueError(f"labels has no anomaly among {n} steps: there is nothing to find.")
    if anomalous == n:
        raise ValueError(f"labels has all {n} steps anomalous: no alarm could be false.")


def _index_of(values: Any, n: int) -> pd.Index:
    return values.index if isinstance(values, pd.Series) else pd.RangeIndex(n)


def _numbers(values: Any, name: str) -> np.ndarray:
    """A non-empty float array (n,)."""
    try:
        if isinstance(values, pd.Series):
            values = values.to_numpy(dtype=float, na_value=np.nan)
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be numbers: {error}.") from None
    if values.ndim != 1 or not values.size:
        raise ValueError(f"{name} must have one axis with values, got shape {values.shape}.")
    return values


def _runs(
    labels: Any, name: str, steps: pd.Index, required: pd.Index | None, base: str
) -> np.ndarray:
    """Runs of 0/1 labels or events over steps, which are those of the argument ``base``.

    ``required`` is the index that a Series must have, if any.
    """
    if isinstance(labels, pd.DataFrame):
        return _runs_of_events(labels, steps, name)
    values = _numbers(labels, name)
    if values.size != len(steps):
        raise ValueError(f"{name} has {values.size} steps and {base} has {len(steps)}.")
    if isinstance(labels, pd.Series) and required is not None:
        refuse_other_labels(labels.index, required, name, base)
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
    """First step of an event, and the step after its last."""
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


def _refuse(bad: np.ndarray, what: str, remedy: str, values: np.ndarray) -> None:
    """Raise ValueError with the first bad position, if any."""
    if bad.any():
        at = int(np.argmax(bad))
        more = f" and at {bad.sum() - 1} more" if bad.sum() > 1 else ""
        raise ValueError(f"{what} at [{at}]: {values[at]}{more}. {remedy}.")
