"""What a class has that fit sets: taken off one object as parts, checked, and put on another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tsrnn.network import RecurrentNetwork
from tsrnn.saving.checks import check, check_parts, is_a

# scikit-learn's, set by set_callbacks and set_fit_request: not of the fit.
_LEFT_OUT = {
    "_callback_fit_ctx", "_metadata_request", "_parent_callback_ctx", "_skl_callbacks",
    "_skl_callbacks_to_teardown",
}  # fmt: skip


class Estimator(NamedTuple):
    """A class, the types of what fit sets, and what holds that together.

    Attributes
    ----------
    of : type
    always, sometimes : dict
        Types of the parts that a file holds, by name.
    check : callable, optional
        Refuses parts, given as a dict, that do not fit together.
    attributes : set, optional
        Names of what fit sets, where these are not the parts'.
    apart, joined : callable, optional
        Parts from attributes, and attributes from parts that were checked; dicts, the same by
        default.
    mark : str
        An attribute that there is once fit has come to its end.
    """

    of: type
    always: dict
    sometimes: dict
    check: Callable[[dict], Any] = lambda parts: None
    attributes: set | None = None
    apart: Callable[[dict], dict] = dict
    joined: Callable[[dict], dict] = dict
    mark: str = "network_"


def parts_of(kind: Estimator, estimator: Any) -> tuple[dict, dict]:
    """Parameters of an estimator, and parts that fit has set; none where it failed half way."""
    parameters = estimator.get_params(deep=False)
    parameters.pop("device", None)  # it is used wherever the file is loaded
    other = {*parameters, *_LEFT_OUT}
    found = {
        name: value for name, value in vars(estimator).items()
        if name not in other and (name.startswith("_") or name.endswith("_"))
    }  # fmt: skip
    unknown = sorted(found.keys() - (kind.attributes or {*kind.always, *kind.sometimes}))
    if unknown:  # were it left out, nobody would know
        raise ValueError(f"attribute {unknown[0]} is none that tsrnn.save knows. Delete it first.")
    return parameters, kind.apart(found) if kind.mark in found else {}


def whole_of(kind: Estimator, parameters: dict, parts: dict) -> Any:
    """The estimator of these parameters and parts."""
    estimator = kind.of(**parameters)
    estimator._validate_params()
    if parts:
        vars(estimator).update(attributes_of(kind, parts))
    return estimator


def attributes_of(kind: Estimator, parts: dict) -> dict:
    """What fit has set, from parts that are checked."""
    check_parts(parts, kind.always, kind.sometimes)
    kind.check(parts)
    return kind.joined(parts)


TRAINED = {
    "network_": RecurrentNetwork,
    "loss_curve_": list,
    "validation_scores_": list | None,
    "n_iter_": int,
    "best_iter_": int,
}


def check_curves(parts):
    curves = [*parts["loss_curve_"], *(parts["validation_scores_"] or [])]
    check(all(is_a(each, float) for each in curves), "loss_curve_ or validation_scores_")
