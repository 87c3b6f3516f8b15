"""Names and line styles of estimators that are compared in one plot."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.pipeline import Pipeline

from tsrnn.plotting.style import BLUE, GREEN, PURPLE, VERMILION

# Okabe & Ito's palette, in the order of estimators; after it comes the next line style.
_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, "#e69f00", "#56b4e9")
_LINES = ("-", (0, (5, 2)), (0, (1, 1.5)))


def name_estimators(estimators: Any) -> dict[str, Any]:
    """Fitted estimators by name; those of a sequence are named by their cells."""
    if isinstance(estimators, Mapping):
        by_name = {str(name): estimator for name, estimator in estimators.items()}
    elif isinstance(estimators, Sequence) and not isinstance(estimators, str):
        by_name = {}
        for estimator in estimators:
            name = cell_name(estimator)
            names = [name, *(f"{name} {k}" for k in range(2, len(by_name) + 2))]
            by_name[next(name for name in names if name not in by_name)] = estimator
    else:
        raise ValueError(
            f"estimators must be a dict of names and fitted estimators, got "
            f"{type(estimators).__name__}. For one there is from_estimator."
        )
    if not by_name:
        raise ValueError("estimators is empty: give at least one, by name.")
    return by_name


def cell_name(estimator: Any) -> str:
    estimator = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    return str(getattr(estimator, "cell", type(estimator).__name__)).replace("_", " ").upper()


def line_style(number: int) -> dict[str, Any]:
    """Colour and line style of an estimator by its number."""
    n = len(_COLOURS)
    return {"color": _COLOURS[number % n], "linestyle": _LINES[number // n % len(_LINES)]}
