"""Updates of detectors and thresholds that take in all new rows or, after Ctrl-C, none."""

import copy
import functools
from collections.abc import Callable
from typing import Any

from tsrnn.training.interrupts import Uninterrupted

_FEW = 1000  # rows, which take less than a tenth of a second


def whole_update(update: Callable) -> Callable:
    """Make the method ``update`` of a detector or threshold one that Ctrl-C does not leave halfway.

    Ctrl-C waits for few rows; if there are many it undoes the update.
    """

    @functools.wraps(update)
    def update_wholly(owner: Any, *args: Any, **kwargs: Any) -> Any:
        if max(map(_n_rows, (*args, *kwargs.values())), default=0) <= _FEW:
            with Uninterrupted():
                return update(owner, *args, **kwargs)
        networks = getattr(getattr(owner, "fitted_", None), "networks", ())  # never change
        before = copy.deepcopy(vars(owner), {id(network): network for network in networks})
        try:
            return update(owner, *args, **kwargs)
        except BaseException:
            vars(owner).update(before)
            raise

    return update_wholly


def _n_rows(y):
    try:
        return len(y)
    except TypeError:  # a number
        return 1
