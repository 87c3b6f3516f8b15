"""Parts of a file from which ``partial_fit`` goes on."""

from typing import Any

import numpy as np

from tsrnn.estimators.sequence_model import PartialFitState
from tsrnn.saving.checks import check
from tsrnn.training import Moments

PARTIAL_FIT = {"_moments": Moments, "_rng": np.random.Generator}  # optional parts, by name


def split_partial_fit(fitted: dict[str, Any]) -> dict[str, Any]:
    """Parts of fitted attributes: two of the state of ``partial_fit``, if there is one."""
    parts = {}
    for name, value in fitted.items():
        if name != "_partial_fit_state":
            parts[name] = value
        elif value is not None:
            parts |= {"_moments": value.moments, "_rng": value.rng}
    return parts


def join_partial_fit(parts: dict[str, Any]) -> dict[str, Any]:
    """Fitted attributes of parts, in their order."""
    fitted = {}
    for name, value in parts.items():
        if name == "_moments":
            fitted["_partial_fit_state"] = PartialFitState(value, parts["_rng"])
        elif name != "_rng":
            fitted[name] = value
    return fitted


def check_partial_fit(parts: dict[str, Any]) -> None:
    """Raise ValueError for a state that does not fit the network."""
    if "_moments" in parts:
        values, weights = parts["_moments"].values, parts["network_"].parameters
        check(values.shape == (3, weights.size), "_moments")
        check(values.dtype == weights.dtype and "_rng" in parts, "_moments")
