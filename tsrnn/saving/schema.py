"""Schemas of estimators: the parts that their fitted state is saved as, and how to check them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tsrnn.network import Network
from tsrnn.parameters import validate_parameters
from tsrnn.saving.checks import check, check_parts, has_type

# Attributes of scikit-learn, set by set_callbacks and set_fit_request, which are no results of fit,
# and the seconds of a fit: the same fit gives the same file.
_NOT_SAVED = {
    "fit_time_",
    "skipped_",
    "_callback_fit_ctx",
    "_metadata_request",
    "_parent_callback_ctx",
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
}


class EstimatorSchema(NamedTuple):
    """How an estimator's class is saved."""

    cls: type
    required: dict  # types of the parts in a file, by name
    optional: dict  # types of parts that may be absent
    # raises ValueError for parts that do not fit together
    check: Callable[[dict], Any] = lambda parts: None
    attributes: set | None = None  # names of the fitted attributes, if not the parts'
    encode: Callable[[dict], dict] = dict  # parts from fitted attributes
    decode: Callable[[dict], dict] = dict  # fitted attributes from checked parts
    fitted_attribute: str = "network_"  # exists once fit has succeeded
    # parameters of files from before there were these
    older: Mapping[str, Any] = MappingProxyType({})


def split_estimator(schema: EstimatorSchema, estimator: Any) -> tuple[dict, dict]:
    """Parameters of an estimator and parts of its fitted state, none if fit did not succeed."""
    parameters = estimator.get_params(deep=False)
    parameters.pop("device", None)  # chosen where the file is loaded
    fitted = {
        name: value
        for name, value in vars(estimator).items()
        if (name.startswith("_") or name.endswith("_")) and name not in _NOT_SAVED
    }
    known = schema.attributes or {*schema.required, *schema.optional}
    unknown = sorted(fitted.keys() - known)
    if unknown:  # dropping it silently would lose it
        raise ValueError(f"attribute {unknown[0]} is none that tsrnn.save knows. Delete it first.")
    return parameters, schema.encode(fitted) if schema.fitted_attribute in fitted else {}


def build_estimator(schema: EstimatorSchema, parameters: dict, parts: dict) -> Any:
    """An estimator from its parameters and the parts of its fitted state, which are checked."""
    estimator = schema.cls(**{**schema.older, **parameters})
    validate_parameters(estimator)
    if parts:
        check_parts(parts, schema.required, schema.optional)
        schema.check(parts)
        vars(estimator).update(schema.decode(parts))
    return estimator


TRAINED = {
    "network_": Network,
    "loss_curve_": list,
    "validation_scores_": list | None,
    "n_iter_": int,
    "best_iter_": int,
}


def check_curves(parts):
    """Check the loss curves of a trained estimator."""
    curves = [*parts["loss_curve_"], *(parts["validation_scores_"] or [])]
    check(all(has_type(loss, float) for loss in curves), "loss_curve_ or validation_scores_")
