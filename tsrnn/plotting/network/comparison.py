"""Several estimators beside each other: their names and colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tsrnn.plotting.style import BLUE, GREEN, PURPLE, VERMILION

# Okabe & Ito's palette, in the order of estimators; styles tell the next round apart
_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, "#e69f00", "#56b4e9")
_LINES = ("-", (0, (5, 2)), (0, (1, 1.5)))


def name_estimators(estimators: Any) -> dict[str, Any]:
    """Fitted estimators by name; of a sequence by their cells.

    Raises
    ------
    ValueError
        If there are none, or they have no names and no cells.
    """
    if isinstance(estimators, Mapping):
        found = {str(name): one for name, one in estimators.items()}
    elif isinstance(estimators, Sequence) and not isinstance(estimators, str):
        found = {}
        for one in estimators:
            name = cell_name(one)
            found[_unused(name, found)] = one
    else:
        raise ValueError(
            f"estimators must be a dict of names and fitted estimators, got "
            f"{type(estimators).__name__}. For one there is from_estimator."
        )
    if not found:
        raise ValueError("estimators is empty: give at least one, by name.")
    return found


def cell_name(estimator: Any) -> str:
    """The cell of an estimator as text has it."""
    return str(getattr(estimator, "cell", type(estimator).__name__)).replace("_", " ").upper()


def line_style(number: int) -> dict[str, Any]:
    """Colour and line style of the estimator of that number."""
    n = len(_COLOURS)
    return {"color": _COLOURS[number % n], "linestyle": _LINES[number // n % len(_LINES)]}


def _unused(name, taken):
    names = [name, *(f"{name} {k}" for k in range(2, len(taken) + 2))]
    return next(one for one in names if one not in taken)
