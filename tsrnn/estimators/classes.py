"""Classes: labels that are checked, numbered and declared in advance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import unique_labels

from tsrnn.data import Location
from tsrnn.parameters import ArrayLike, check_parameter, naming


class ClassesMixin:
    """Mixin of estimators whose targets are classes, those of ``fit`` or declared in advance."""

    loss = "cross_entropy"
    classes_: np.ndarray
    _declared_classes: np.ndarray | None = None

    def _declare_classes(self, classes: Any) -> None:
        """Check and store the classes given to a call of ``partial_fit``."""
        if classes is None and not hasattr(self, "classes_"):
            raise ValueError("classes must be given to the first call of partial_fit.")
        if classes is not None:
            check_parameter("classes", classes, [ArrayLike()])
            if len(classes) == 0:
                raise ValueError("classes is empty. Give the label of each class.")
            with naming("classes"):
                classes = unique_labels(checked_labels(classes, "classes"))
            if hasattr(self, "classes_") and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes {classes.tolist()} differ from those of the first call, "
                    f"{self.classes_.tolist()}."
                )
        self._declared_classes = classes

    def _record_targets(self, y: np.ndarray, is_new: bool) -> None:
        if is_new:
            declared = self._declared_classes
            self.classes_ = np.unique(y) if declared is None else declared

    def _numbers_of(self, labels: np.ndarray) -> np.ndarray:
        """Places of labels in ``classes_``, float64; ValueError for others."""
        numbers = np.searchsorted(self.classes_, labels)
        known = self.classes_[np.minimum(numbers, len(self.classes_) - 1)] == labels
        if not known.all():
            raise ValueError(
                f"y holds classes that are not in classes_: {np.unique(labels[~known]).tolist()}."
            )
        return numbers.astype(float)

    def _target_state(self) -> dict[str, Any]:
        return {"loss": self.loss, "loss_params": (), "y_mean": None, "y_scale": None}

    def _n_outputs(self, n_targets: int) -> int:
        return len(self.classes_)


def checked_labels(labels: Any, argument: str) -> np.ndarray:
    """Labels of classes, (n,), which are not missing and can be sorted."""
    as_objects = np.asarray(labels, dtype=object)  # a list of texts and others would become texts
    missing = pd.isna(as_objects)
    if np.ndim(missing) and missing.any():
        row, label = int(np.argwhere(missing)[0][0]), as_objects[missing][0]
        raise ValueError(
            f"Input {argument} contains NaN or None: {missing.sum()} labels are missing, the first "
            f"in row {row} ({label!r}). Leave these sequences out, or give them a class."
        )
    labels = column_or_1d(labels, warn=True)
    assert_all_finite(labels, input_name=argument)
    try:
        np.unique(as_objects if labels.dtype.kind == "U" else labels)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in as_objects.ravel()})
        raise Location(argument).error(
            f"holds labels of several types, {' and '.join(kinds)}, which cannot be sorted",
            f"Make them of one type, for instance all texts: np.array({argument}).astype(str).",
        ) from error
    return labels


def refuse_nested(labels: np.ndarray, where: str) -> None:
    """Raise ValueError for labels that are tuples or lists."""
    objects = labels if labels.dtype == object else ()
    for place, label in enumerate(objects):
        if isinstance(label, (tuple, list)):
            raise ValueError(
                f"{where} has a {type(label).__name__} at place {place} ({label!r:.60}), and a "
                "label is a text, a whole number or a bool. Give a text in its place."
            )


def join_labels(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Labels of all sequences; those of several kinds as objects, lest numbers become texts."""
    kinds = {"text" if part.dtype.kind in "SU" else part.dtype.kind for part in parts}
    if "O" in kinds or ("text" in kinds and len(kinds) > 1):
        objects = [label for part in parts for label in part.tolist()]
        is_mixed = len({isinstance(label, str) for label in objects}) > 1
        return np.array(objects, object if is_mixed else None)
    return np.concatenate(parts)
