"""Labels of pandas objects that are compared step by step."""

import itertools

import pandas as pd

_NOTHING = object()


def refuse_other_labels(
    labels: pd.Index, required: pd.Index, name: str, base: str, axis: str = "indexes"
) -> None:
    """Raise ValueError with the first label of ``name`` that is not that of ``base``, if any.

    Dates of other units are the same labels, and so are equal numbers of other dtypes.
    """
    if labels.equals(required):
        return
    pairs = itertools.zip_longest(labels, required, fillvalue=_NOTHING)
    for at, pair in enumerate(pairs):
        if not _are_same(*pair):
            first, second = ("nothing" if label is _NOTHING else label for label in pair)
            raise ValueError(
                f"{name} and {base} have different {axis}, first at [{at}]: {first} and {second}. "
                "Give both with the same ones, in the same order, or one of them as an array."
            )


def _are_same(first, second):
    """Whether two labels are equal, or both missing."""
    if first is second:
        return True
    try:
        return bool(first == second) or bool(first != first and second != second)
    except TypeError:  # pd.NA is neither equal to another nor not
        return False
