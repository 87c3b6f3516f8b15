"""The losses, one file each: scalar maths for kernels, and what outputs mean for NumPy code.

Each file defines ``loss``, a ``Loss`` (``_base.py``); another file here is another loss, by its
file's name. Estimators, the command line, saved files and the GPU read this registry.
"""

import importlib
import math
import pkgutil

from tsrnn.kernels.jit.compile import device_function, scalar
from tsrnn.kernels.losses._base import PER_CLASS, PER_QUANTILE, Loss

LOSSES = tuple(
    sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_")
)
_LOSSES = {name: importlib.import_module(f"{__name__}.{name}").loss for name in LOSSES}
REGRESSION_LOSSES = tuple(name for name in LOSSES if not _LOSSES[name].for_classes)


def find_loss(name: str) -> Loss:
    """The loss of that name. Kernels know it by its place in ``LOSSES``."""
    return _LOSSES[name]


_OUTPUTS_PER_TARGET = tuple(loss.outputs_per_target for loss in _LOSSES.values())


@device_function
def targets_of(kind, params, n_out):
    """Targets that ``n_out`` outputs are for; a class is one."""
    n_each = _OUTPUTS_PER_TARGET[kind]
    if n_each == PER_CLASS:
        return 1
    return n_out // (params.size if n_each == PER_QUANTILE else n_each)


@scalar
def _evaluate_none(kind, outputs, k, n, target, weight, params):
    return 0.0


def _dispatch(kind_of_loss, evaluate_loss, evaluate_others):
    """The ``evaluate`` of one loss where ``kind`` is its place, else that of the others."""

    @scalar
    def evaluate(kind, outputs, k, n, target, weight, params):
        if kind == kind_of_loss:
            return evaluate_loss(outputs, k, n, target, weight, params)
        return evaluate_others(kind, outputs, k, n, target, weight, params)

    return evaluate


# One kernel has all losses and chooses at run time.
_evaluate = _evaluate_none
for _kind, _loss in enumerate(_LOSSES.values()):
    _evaluate = _dispatch(_kind, _loss.evaluate, _evaluate)


@device_function
def apply_loss(kind, params, outputs, targets, weights, n_rows):
    """Weighted sum of losses and of weights of an output step; outputs become their gradient.

    Parameters
    ----------
    kind : int
        Place of the loss in ``LOSSES``.
    params : (n,) float64 array
        The loss's parameters: Huber's delta, or the levels of quantiles.
    outputs : (n_out * n_rows,) array
        A block of (targets, rows) for each output per target; overwritten.
    targets : (n_targets * n_rows,) array
        NaN where missing: without loss and gradient.
    weights : (n_rows,) array
        Weight of each row.
    """
    total = total_weight = 0.0
    n_targets = targets_of(kind, params, outputs.size // n_rows)
    n = n_targets * n_rows
    for unit in range(n_targets):  # none of a chunk without rows
        for row in range(n_rows):
            k = unit * n_rows + row
            target, weight = targets[k], weights[row]
            if math.isnan(target) or weight == 0:
                for place in range(k, outputs.size, n):
                    outputs[place] = 0
            else:
                total_weight += weight
                total += _evaluate(kind, outputs, k, n, target, weight, params)
    return total, total_weight
