"""Steps: sequences with a label for every step, and results in the form that they came in."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from tsrnn.data import Location
from tsrnn.estimators.classes import checked_labels, join_labels, refuse_nested
from tsrnn.estimators.long_frames import is_frame, read_long
from tsrnn.estimators.sequences import (
    Sequences,
    check_sequences,
    is_array_of_sequences,
    read_ragged,
)
from tsrnn.estimators.tokens import refuse_texts
from tsrnn.parameters import naming

LIST, CUBE, TABLE, FRAME = "list", "3-D array", "table", "frame"  # the rows of the last are steps


@dataclasses.dataclass(frozen=True, eq=False)
class Steps(Sequences):
    """Sequences whose steps may have labels, and the form that they came in."""

    form: str = LIST
    order: np.ndarray | None = None  # of a frame: the row of X of each row of ``values``
    index: pd.Index | None = None  # of a frame

    def name(self, number: int) -> str:
        """A sequence, for messages."""
        if self.ids is not None:
            return super().name(number)
        return "X" if self.form in (TABLE, FRAME) else f"Sequence {number} of X"

    def align(self, values: Any, argument: str) -> Any:
        """Weights in the order of the sequences, those of a frame with ids by its ids."""
        if self.ids is None and np.ndim(values) == 1 and len(values) != len(self):
            n = "one sequence" if len(self) == 1 else f"{len(self)} sequences"
            raise ValueError(
                f"{argument} has {len(values)} entries, and X holds {n}. Give one for each "
                "sequence; a step that is not to count has the label None."
            )
        return super().align(values, argument)

    @naming("y")
    def known_labels(self, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """The labels that are known, in the order of ``values``, and which rows have one."""
        if hasattr(y, "__array__") and not hasattr(y, "ndim"):
            y = np.asarray(y)
        if self.form in (LIST, CUBE):
            rows = enumerate(self._of_sequences(y))
            parts = [_known(labels, f"Sequence {number} of y") for number, labels in rows]
        else:
            parts = [_known(self._of_rows(y), "y")]
        known = join_labels([labels for labels, _ in parts])
        if not known.size:
            raise ValueError("y holds no label: all are missing. Give some steps a label.")
        known = checked_labels(known, "y")
        check_classification_targets(known)
        return known, np.concatenate([mask for _, mask in parts])

    def _of_sequences(self, y) -> list:
        """The labels of each sequence, checked for their number."""
        if not _is_sequence(y) or len(y) != len(self):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: X has "
                f"{len(self)} sequences, and y {_described(y)}. Give the labels of each."
            )
        parts = list(y)
        for number, (labels, n) in enumerate(zip(parts, self.lengths.tolist(), strict=True)):
            if not _is_sequence(labels) or getattr(labels, "ndim", 1) > 1 or len(labels) != n:
                raise ValueError(
                    f"Sequence {number} of X has {n} steps, and that of y {_described(labels)}. "
                    "Give a label for each step, None where it is not known."
                )
        return parts

    def _of_rows(self, y):
        """The labels of the rows of a table or frame, in the order of ``values``."""
        if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
            y = y.iloc[:, 0]
        if not _is_sequence(y) or getattr(y, "ndim", 1) > 1 or len(y) != len(self.values):
            remedy = "Give a label for each row, None where it is not known."
            if self.form == TABLE and getattr(y, "ndim", 1) == 2:
                remedy = "Give sequences as a list, list(X), if each row of X is one."
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: X has "
                f"{len(self.values)} rows, which are steps, and y {_described(y)}. {remedy}"
            )
        if self.index is None:
            return y
        if isinstance(y, pd.Series) and not y.index.equals(self.index):
            y = _by_index(y, self.index)
        return y.iloc[self.order] if isinstance(y, pd.Series) else _array(y)[self.order]

    def results(self, values: list[np.ndarray], columns: Any = None) -> Any:
        """Results of each sequence's steps in the form of X.

        A list; an array, without the channels; for a frame on its index a Series, or a DataFrame
        with ``columns``.
        """
        if self.form == LIST:
            return values
        if self.form == CUBE:
            return np.stack(values)
        joined = np.concatenate(values)
        if self.form == TABLE:
            return joined
        by_row = np.empty_like(joined)
        by_row[self.order] = joined
        if by_row.ndim == 1:
            return pd.Series(by_row, self.index)
        return pd.DataFrame(by_row, self.index, columns)


@naming("X")
def read_steps(estimator: Any, X: Any, n_channels: int | None, *, reset: bool) -> Steps:
    """Validate X, as ``RNNTagger.fit`` describes it, and locate its sequences.

    ``estimator`` stores the columns of X where ``reset``, else is compared with them.
    """
    if reset:
        for name in ("n_features_in_", "feature_names_in_"):
            vars(estimator).pop(name, None)
    steps = _read(estimator, X, n_channels, reset)
    if n_channels not in (None, steps.n_channels):
        raise ValueError(f"X has {steps.n_channels} channels, and {n_channels} were fitted.")
    check_sequences(estimator, steps, reset=reset)
    return steps


def _read(estimator, X, n_channels, reset):
    if is_frame(X) or (isinstance(X, pd.Series) and not is_array_of_sequences(X)):
        rows = read_long(estimator, X, reset=reset, single=True)
        is_pandas = isinstance(X, (pd.Series, pd.DataFrame))
        index = X.index if is_pandas else pd.RangeIndex(len(rows.order))
        places = rows.values, rows.firsts, rows.lengths, rows.ids
        return Steps(*places, form=FRAME, order=rows.order, index=index)
    refuse_texts(X)
    if is_array_of_sequences(X) or (isinstance(X, (list, tuple)) and _are_sequences(X)):
        return _steps(read_ragged(X, n_channels), LIST)
    if getattr(X, "ndim", None) == 3 and len(X):
        return _steps(read_ragged(np.asarray(X), n_channels), CUBE)
    is_collection = hasattr(X, "__len__") or hasattr(X, "__array__")
    is_empty = isinstance(X, (list, tuple)) and not len(X)
    if not is_collection or is_empty or getattr(X, "ndim", None) == 1:
        raise ValueError(
            "X must hold sequences: a list of them, also of one, [x]; a 3-D array; or a table or "
            "frame, whose rows are the steps of one. Reshape your data."
        )
    table = validate_data(
        estimator, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan"
    )
    return _steps(Sequences(table, np.zeros(1, np.int64), np.array([len(table)])), TABLE)


def _steps(sequences, form):
    return Steps(sequences.values, sequences.firsts, sequences.lengths, form=form)


def _are_sequences(X):
    return len(X) > 0 and all(_is_sequence(row) for row in X)


def _is_sequence(values):
    return isinstance(values, (list, tuple)) or getattr(values, "ndim", 0) > 0


def _described(y):
    """What stands where a sequence of labels should, for messages."""
    if not _is_sequence(y):
        return f"is {y!r:.60}"
    return f"has the shape {y.shape}" if getattr(y, "ndim", 1) > 1 else f"has {len(y)}"


def _by_index(y, index):
    """Labels in the order of the rows of a frame, by their index."""
    is_like = y.index.nlevels == index.nlevels and y.index.is_unique and index.is_unique
    if not is_like or not index.isin(y.index).all():
        raise Location("y").error(
            "has another index than X",
            "Give it the index of X; or y.to_numpy(), where its labels are in the order of X.",
        )
    return y.loc[index]


def _array(labels):
    """Labels as an array or Series; a list as objects, lest None or NaN become texts."""
    if isinstance(labels, (np.ndarray, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
        return labels
    array = np.empty(len(labels), object)
    array[:] = labels
    return array


def _known(labels, where):
    """The labels that are not missing, and a mask of these."""
    labels = _array(labels)
    refuse_nested(labels, where)
    mask = ~np.asarray(pd.isna(labels), bool)
    known = labels[mask]
    return (known if isinstance(known, np.ndarray) else np.array(known.tolist(), object)), mask
