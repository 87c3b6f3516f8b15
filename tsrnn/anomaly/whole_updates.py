"""Updates of detectors and thresholds that Ctrl-C never leaves half done."""

import copy
import functools
from collections.abc import Callable
from typing import Any

from tsrnn.training.interrupts import Uninterrupted

_FEW = 1000  # rows, which take less than a tenth of a second


def whole_update(update: Callable) -> Callable:
    """Decorate ``update`` of a detector or threshold, so that Ctrl-C never leaves it half done.

    Ctrl-C waits until few rows are taken in; if there are many, the update is undone.
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
