"""Label sequences: the labels of each sequence, without times, as texts or lists."""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets

from tsrnn.estimators.classes import checked_labels, join_labels, refuse_nested
from tsrnn.parameters import naming


@dataclasses.dataclass(frozen=True, eq=False)
class LabelSequences:
    """The labels of sequences, end to end."""

    labels: np.ndarray  # (n_labels,)
    lengths: np.ndarray  # (n_samples,) int64: labels of each
    are_texts: bool  # whose labels are characters

    @property
    def firsts(self) -> np.ndarray:
        """Where the labels of each begin, (n_samples,) int64."""
        return np.cumsum(self.lengths) - self.lengths

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """Values of all labels as an array for each sequence."""
        return np.split(values, np.cumsum(self.lengths)[:-1])

    def __iter__(self):
        return iter(self.split(self.labels))


@naming("y")
def read_label_sequences(y: Any, n_samples: int) -> LabelSequences:
    """The labels of sequences: texts, or sequences of labels: texts, whole numbers or bools.

    ValueError unless there are ``n_samples``, all of one kind, with no label missing.
    """
    if isinstance(y, str):
        raise ValueError(
            "y is one text: give a list, with the text of each sequence; of one sequence [text]."
        )
    if not isinstance(y, (list, tuple)) and np.ndim(y) == 0:
        raise ValueError(f"y must hold the labels of each sequence, got {y!r:.60}. Give a list.")
    rows = list(y)
    if len(rows) != n_samples:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: X has "
            f"{n_samples} sequences, and y the labels of {len(rows)}. Give those of each; of one "
            "sequence alone X as [x], and y as [labels]."
        )
    are_texts = [isinstance(row, str) for row in rows]
    parts = [_labels_of(row, number) for number, row in enumerate(rows)]
    if any(are_texts) and not all(are_texts):
        raise ValueError(
            f"Sequence {are_texts.index(True)} of y is a text, and sequence "
            f"{are_texts.index(False)} a list of labels. Give all as texts, whose labels are "
            "characters, or all as lists."
        )
    known = [part for part in parts if part.size]
    labels = np.empty(0, str)
    if known:
        labels = checked_labels(join_labels(known), "y")
        _refuse_fractions(labels)
        check_classification_targets(labels)
    return LabelSequences(labels, np.array([part.size for part in parts]), all(are_texts))


def _refuse_fractions(labels):
    """Raise ValueError for numbers that are not whole."""
    if labels.dtype.kind == "f" and (labels % 1 != 0).any():
        label = labels[labels % 1 != 0][0]
        raise ValueError(
            f"y holds the label {label}, and continuous values are no labels. Give whole numbers, "
            "or texts."
        )


def _labels_of(row, number):
    """The labels of a sequence as an array."""
    where = f"Sequence {number} of y"
    if isinstance(row, str):
        return np.array(list(row), str)
    if not isinstance(row, (list, tuple)) and np.ndim(row) == 0:
        raise ValueError(
            f"{where} is {row!r:.60}: give its labels as a text or a list; where there are none, "
            "as in silence, an empty one."
        )
    labels = row if isinstance(row, np.ndarray) else np.empty(len(row), object)
    if labels is not row:  # objects, lest None or numbers become texts
        labels[:] = list(row)
    missing = np.asarray(pd.isna(labels), bool)
    if missing.ndim != 1:
        raise ValueError(f"{where} has the shape {missing.shape}: give a flat list of its labels.")
    if missing.any():
        place = int(missing.argmax())
        raise ValueError(
            f"{where} has a missing label at place {place} ({labels[place]!r}). Leave it out: "
            "labels have no times, so that a gap says nothing."
        )
    refuse_nested(labels, where)
    return labels


def join_texts(labels: Sequence[np.ndarray], as_texts: bool) -> list:
    """Label sequences in the form of ``fit``: texts, or arrays."""
    return ["".join(row.tolist()) for row in labels] if as_texts else list(labels)


def count_errors(labels: Sequence[Hashable], predicted: Sequence[Hashable]) -> int:
    """Insertions, deletions and substitutions between two sequences (Levenshtein 1966)."""
    numbers: dict[Hashable, int] = {}
    true, found = (
        np.array([numbers.setdefault(label, len(numbers)) for label in row], int)
        for row in (labels, predicted)
    )
    places = np.arange(found.size + 1)
    errors = places.copy()
    for label in true:
        changed = errors + 1  # where the label is missed
        changed[1:] = np.minimum(changed[1:], errors[:-1] + (found != label))
        errors = np.minimum.accumulate(changed - places) + places  # with labels inserted
    return int(errors[-1])


def label_error_rate(y_true: Any, y_pred: Any) -> float:
    """Label error rate: insertions, deletions and substitutions as a share of the true labels.

    Parameters
    ----------
    y_true, y_pred : list
        Texts, whose labels are characters, or sequences of labels. Of words it is the word error
        rate, of characters the character error rate. It is above 1 where more is wrong than there
        are labels.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there are no labels, other numbers of sequences, or one of them is missing.

    See Also
    --------
    tsrnn.RNNTranscriber : Its ``score`` is one minus this rate.

    Examples
    --------
    >>> from tsrnn.sequences import label_error_rate
    >>> label_error_rate(["seven", "one"], ["sevn", "on e"])
    0.25
    >>> label_error_rate([["call", "home", "now"]], [["call", "me", "now"]])
    0.3333333333333333
    """
    y_true, y_pred = _listed(y_true, "y_true"), _listed(y_pred, "y_pred")
    if len(y_true) != len(y_pred):
        raise ValueError(
            f"y_true has {len(y_true)} sequences, and y_pred {len(y_pred)}. Give as many."
        )
    return weighted_error_rate(y_true, y_pred, np.ones(len(y_true)))


def _listed(y, name):
    """Texts or sequences of labels as a list."""
    if isinstance(y, (str, bytes)) or not hasattr(y, "__iter__"):
        raise ValueError(
            f"{name} must be a list of texts or of sequences of labels, got {y!r:.60}. Give a "
            f"single one as [{name}]."
        )
    rows = list(y)
    for number, row in enumerate(rows):
        if not hasattr(row, "__len__"):
            raise ValueError(
                f"Sequence {number} of {name} is {row!r:.60}: give its labels as a text or a list."
            )
    return rows


def weighted_error_rate(y_true: Sequence, y_pred: Sequence, weights: np.ndarray) -> float:
    """Label error rate with a weight for each sequence, (n_samples,)."""
    n_labels = np.array([len(row) for row in y_true])
    if not (weights * n_labels).sum() > 0:
        raise ValueError("There is no true label, or none has a weight: there is no error rate.")
    errors = [count_errors(*rows) for rows in zip(y_true, y_pred, strict=True)]
    return float((weights * errors).sum() / (weights * n_labels).sum())
