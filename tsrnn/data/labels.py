"""Labels of pandas objects that are compared step by step."""

import itertools

import pandas as pd


def refuse_other_labels(
    labels: pd.Index, required: pd.Index, name: str, base: str, axis: str = "indexes"
) -> None:
    """Raise ValueError with the first label of ``name`` that is not that of ``base``, if any.

    Dates of other units are the same labels, and so are equal numbers of other dtypes.
    """
    if labels.equals(required):
        return
    nothing = object()
    pairs = itertools.zip_longest(labels, required, fillvalue=nothing)
    for at, pair in enumerate(pairs):
        if pair[0] is not pair[1] and pair[0] != pair[1]:
            first, second = ("nothing" if label is nothing else label for label in pair)
            raise ValueError(
                f"{name} and {base} have different {axis}, first at [{at}]: {first} and {second}. "
                "Give both with the same ones, in the same order."
            )
