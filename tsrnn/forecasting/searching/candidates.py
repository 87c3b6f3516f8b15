"""Settings that a search tries, and the same in fewer minibatches."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, ParameterSampler

from tsrnn.data import Collection
from tsrnn.forecasting.base import ForecasterBase, length_of_training
from tsrnn.parameters import Constraint, plain, validate_parameters

# What all settings of a search have in common: they read and forecast the same.
_COMMON = {"horizon", "missing", "id_column", "time_column", "target_column"}
_COMMON |= {"random_state", "max_seconds", "n_jobs", "device", "verbose"}
_LEAST_EPOCHS = 10  # so that there is a best one


class SpaceOptions(Constraint):
    """What ``search`` takes as its space: lists and distributions by name, or several of these."""

    def accepts(self, value: Any) -> bool:
        spaces = [value] if isinstance(value, Mapping) else value
        return bool(spaces) and all(
            isinstance(space, Mapping)
            and bool(space)
            and all(isinstance(name, str) and _is_axis(axis) for name, axis in space.items())
            for space in spaces
        )

    def __str__(self) -> str:
        return (
            "a dict of names of parameters, each with a list of values or a distribution of "
            "scipy.stats, or a list of such dicts"
        )


def _is_axis(axis):
    if callable(getattr(axis, "rvs", None)) and not isinstance(axis, type):
        return True
    is_array = isinstance(axis, np.ndarray) and axis.ndim == 1
    return (isinstance(axis, (list, tuple)) or is_array) and len(axis) > 0


def draw_candidates(
    forecaster: ForecasterBase, space: Any, n_candidates: int, seed: int
) -> list[dict[str, Any]]:
    """Settings to try: at first those of the forecaster, an empty dict, then some of the space.

    All of a space of lists that has no more; else a random choice, without repetitions of lists.

    Raises
    ------
    ValueError
        If a name is no parameter or one that settings have in common, or a value is not allowed.
    """
    spaces = [space] if isinstance(space, Mapping) else list(space)
    names = forecaster.get_params()
    for name in {name: None for each in spaces for name in each}:
        if name not in names:
            raise ValueError(
                f"space has {name!r}, which is no parameter of {type(forecaster).__name__}."
                + "".join(f" Did you mean {near!r}?" for near in get_close_matches(name, names, 1))
            )
        if name in _COMMON:
            raise ValueError(
                f"space has {name!r}, which must be the same for all settings that are compared. "
                "Set it on the forecaster."
            )
    drawn = _drawn(spaces, n_candidates, seed)
    candidates = [{name: plain(each[name]) for name in sorted(each)} for each in drawn]
    for candidate in candidates:
        validate_parameters(clone(forecaster).set_params(**candidate))
    return [{}, *candidates]


def _drawn(spaces, n, seed):
    if not any(hasattr(axis, "rvs") for space in spaces for axis in space.values()):
        n = min(n, len(ParameterGrid(spaces)))
    return list(ParameterSampler(spaces, n, random_state=seed))


def shortened(
    forecaster: ForecasterBase, candidate: dict[str, Any], collection: Collection, share: float
) -> dict[str, Any]:
    """Parameters of a candidate trained on a share of its minibatches; with 1 its own.

    The network is not trained again on all windows, and unless the candidate says of the
    pretrained network, which takes as long for all, it forecasts alone.
    """
    if share == 1:
        return candidate
    parameters = forecaster.get_params() | candidate
    panel, batch_size = collection.panel, parameters["batch_size"]
    is_local = parameters["scope"] == "local"
    if batch_size == "auto":
        batch_size = 32 if is_local or panel.n_series == 1 else 64
    n_windows = panel.values.size / (panel.n_series if is_local else 1)
    max_iter, n_batches = length_of_training(parameters, max(1, -int(-n_windows // batch_size)))
    n_epochs = max(round(share * max_iter), min(_LEAST_EPOCHS, max_iter))
    n_batches = max(1, round(share * max_iter * n_batches / n_epochs))
    fewer = {"max_iter": n_epochs, "batches_per_epoch": n_batches, "refit": False}
    return {"pretrained": None} | candidate | fewer
