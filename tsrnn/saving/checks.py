"""Checks of what a file contains."""

import typing
from numbers import Integral, Real

import numpy as np


def check(condition, what):
    """Raise ValueError, naming what is wrong, unless the condition holds."""
    if not condition:
        raise ValueError(f"{what} does not fit")


def lookup(table, name):
    """The entry of that name in a table."""
    if name not in table:
        raise ValueError(f"it holds a {name!r:.40}, which is unknown")
    return table[name]


def check_parts(parts, required, optional=None):
    """Raise ValueError for missing and unknown parts, and for parts of another type."""
    types = {**required, **(optional or {})}
    missing, unknown = required.keys() - parts.keys(), parts.keys() - types.keys()
    if missing or unknown:
        raise ValueError(f"missing parts {sorted(missing)}, unknown parts {sorted(unknown)[:5]}")
    for name, value in parts.items():
        if not has_type(value, types[name]):
            raise ValueError(f"{name} is a {type(value).__name__}")


def has_type(value, expected):
    """Like ``isinstance``, but NumPy's numbers count as numbers and a bool only as a bool."""
    if typing.get_args(expected):
        return any(has_type(value, each) for each in typing.get_args(expected))
    if expected is bool or isinstance(value, (bool, np.bool_)):
        return expected in (bool, object) and isinstance(value, (bool, np.bool_))
    return isinstance(value, {int: Integral, float: Real}.get(expected, expected))
