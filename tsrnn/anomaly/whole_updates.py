"""Updates of detectors that take in all new rows or, after Ctrl-C, none."""

import copy
import functools
from collections.abc import Callable
from typing import Any

from tsrnn.training.interrupts import uninterrupted

_FEW = 1000  # rows, which take less than a tenth of a second


def whole_update(update: Callable) -> Callable:
    """Make the method ``update`` of a detector one that Ctrl-C does not leave halfway.

    Ctrl-C waits for few rows; if there are many it undoes the update.
    """

    @functools.wraps(update)
    def update_wholly(detector: Any, y: Any) -> Any:
        if not hasattr(detector, "fitted_") or _n_rows(y) <= _FEW:
            with uninterrupted():
                return update(detector, y)
        fitted = detector.fitted_
        shared = {id(network): network for network in fitted.networks}
        before = copy.deepcopy((fitted.streams, detector.threshold_), shared)
        try:
            return update(detector, y)
        except BaseException:
            with uninterrupted():
                if fitted.streams is not None:
                    fitted.streams[:] = before[0]
                detector.threshold_ = before[1]
            raise

    return update_wholly


def _n_rows(y):
    try:
        return len(y)
    except TypeError:  # a number
        return 1
