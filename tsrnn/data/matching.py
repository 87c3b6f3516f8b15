"""Matching of series that are given after ``fit`` to the fitted ones, in whatever form."""

import dataclasses
from collections.abc import Hashable
from typing import Any

from tsrnn.data.collection import Collection
from tsrnn.data.errors import Location, listed
from tsrnn.data.forms import Levels, SingleSeries, Wide


def matched(known: Collection, new: Collection, argument: str = "y") -> Collection:
    """New observations, labelled like the known series if it is clear which of them they are.

    A single Series is the known series of its name, or the only known one. A single labelled series
    is the known one that has no label. DataError if the name says that it is another.
    """
    if known.ids == new.ids or [None] not in (known.ids, new.ids):
        return new
    labelled, single = (known, new) if new.ids == [None] else (new, known)
    labels, name = labelled.ids, None
    if isinstance(single.form, SingleSeries):
        name = single.form.name
    if single is new and name in labels:
        return dataclasses.replace(new, ids=[name])
    if len(labels) == 1 and name in (None, labels[0], _value_name(labelled.form)):
        return dataclasses.replace(new, ids=known.ids)
    shown = listed(labels)
    if single is new:
        raise Location(argument).error(
            f"is a single series, and the series {shown} were fitted",
            f"Name the one that it is: {_labelled(argument, new.form, known)}.",
        )
    of_name = "" if name is None else f" {name!r}"
    remedy = "Give its rows alone, or fit on all series."
    if len(labels) == 1:
        remedy = f"If it is the same series, remove its label: {_unlabelled(argument, new.form)}."
    raise Location(argument).error(
        f"has the series {shown}, and a single series{of_name} was fitted", remedy
    )


def _value_name(form: Any) -> Hashable:
    """Name of the values in a form, if they have one."""
    return getattr(form, "target_column", getattr(form, "target", None))


def _labelled(argument, form, known):
    """Code that gives a single series a label."""
    label = known.ids[0]
    if isinstance(form, SingleSeries):
        return f"{argument} = {argument}.rename({label!r})"
    column = getattr(known.form, "id_column", None) or "unique_id"
    frame = f"{argument}.to_pandas()" if hasattr(form, "library") else argument
    return f"{argument} = {frame}.assign({column}={label!r})"


def _unlabelled(argument, form):
    """Code that takes a single series out of a form with labels."""
    if isinstance(form, Wide):
        return f"{argument} = {argument}[{form.columns[0]!r}]"
    if isinstance(form, Levels):
        return f"{argument} = {argument}.droplevel(0)"
    frame = f"{argument}.to_pandas()" if hasattr(form, "library") else argument
    return f"{argument} = {frame}.set_index({form.time_column!r})[{form.target_column!r}]"
