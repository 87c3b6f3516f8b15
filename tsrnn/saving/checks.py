"""What must hold of what a file tells."""

from __future__ import annotations

import typing
from numbers import Integral, Real

import numpy as np


def check(fits, what):
    if not fits:
        raise ValueError(f"{what} does not fit")


def known(table, name):
    if name not in table:
        raise ValueError(f"it holds a {name!r:.40}, which is unknown")
    return table[name]


def check_parts(parts, always, sometimes=None):
    """Refuse missing and unknown parts, and parts of another type."""
    types = {**always, **(sometimes or {})}
    missing, unknown = always.keys() - parts.keys(), parts.keys() - types.keys()
    if missing or unknown:
        raise ValueError(f"there is no {sorted(missing)}, and unknown {sorted(unknown)[:5]}")
    for name, value in parts.items():
        if not is_a(value, types[name]):
            raise ValueError(f"{name} is a {type(value).__name__}")


def is_a(value, kind):
    if typing.get_args(kind):
        return any(is_a(value, each) for each in typing.get_args(kind))
    if kind is bool or isinstance(value, (bool, np.bool_)):
        return kind in (bool, object) and isinstance(value, (bool, np.bool_))
    return isinstance(value, {int: Integral, float: Real}.get(kind, kind))
