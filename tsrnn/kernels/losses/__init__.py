"""The losses, one file each: a file defines ``loss``, a ``Loss``, registered by the file's name."""

import importlib
import math
import pkgutil

from tsrnn.kernels.jit.compile import device_function, matrix, scalar
from tsrnn.kernels.jit.generate import switch
from tsrnn.kernels.losses._base import LOSS_ROWS, PER_CLASS, PER_QUANTILE, Loss

__all__ = [
    "LOSSES",
    "LOSS_ROWS",
    "REGRESSION_LOSSES",
    "apply_loss",
    "apply_sequence_loss",
    "count_targets",
    "find_loss",
    "sequence_space",
]

LOSSES = tuple(
    sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_")
)
_BY_NAME = {name: importlib.import_module(f"{__name__}.{name}").loss for name in LOSSES}
REGRESSION_LOSSES = tuple(
    name for name in LOSSES if not (_BY_NAME[name].for_classes or _BY_NAME[name].for_labels)
)


def find_loss(name: str) -> Loss:
    """The loss of that name; kernels are given its index in ``LOSSES``."""
    return _BY_NAME[name]


_OUTPUTS_PER_TARGET = tuple(loss.outputs_per_target for loss in _BY_NAME.values())


@device_function
def count_targets(kind, params, n_out):
    """Number of targets that ``n_out`` outputs predict; 1 for a class."""
    n_each = _OUTPUTS_PER_TARGET[kind]
    if n_each == PER_CLASS:
        return 1
    return n_out // (params.size if n_each == PER_QUANTILE else n_each)


# A kernel contains all losses and selects one at run time.
_evaluate = switch(
    "kind",
    "kind, outputs, k, n, target, unit, weight, params",
    {kind: loss.evaluate for kind, loss in enumerate(_BY_NAME.values()) if loss.evaluate},
    arguments="outputs, k, n, target, unit, weight, params",
    mark=scalar,
)
_evaluate_rows = switch(
    "kind",
    "kind, outputs, targets, weights, params, scratch",
    {kind: loss.evaluate_rows for kind, loss in enumerate(_BY_NAME.values()) if loss.evaluate_rows},
    arguments="outputs, targets, weights, params, scratch",
    mark=scalar,
)
_evaluate_sequence = switch(
    "kind",
    "kind, outputs, targets, weight, scratch",
    {
        kind: loss.evaluate_sequence
        for kind, loss in enumerate(_BY_NAME.values())
        if loss.of_sequences
    },
    arguments="outputs, targets, weight, scratch",
)
_TAKES_ROWS = tuple(loss.evaluate_rows is not None for loss in _BY_NAME.values())


@device_function
def apply_loss(kind, params, outputs, targets, weights, units, scratch):
    """Sums of weighted losses and of weights over one output step; outputs become the gradient.

    ``outputs``, (n_out * n_rows,), has for each output per target a block (n_targets, n_rows);
    ``targets``, (n_targets * n_rows,), are NaN where missing: neither loss nor gradient. They were
    divided by ``units``, (n_rows,), which matters to losses of counts alone. ``scratch`` is
    (LOSS_ROWS * n_rows,).
    """
    if _TAKES_ROWS[kind]:
        return _evaluate_rows(kind, outputs, targets, weights, params, scratch)
    n_rows = weights.size
    total = total_weight = 0.0
    n_targets = count_targets(kind, params, outputs.size // n_rows)
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
                total += _evaluate(kind, outputs, k, n, target, units[row], weight, params)
    return total, total_weight


def sequence_space(name: str, n_time: int, n_out: int, n_targets: int) -> int:
    """Values of scratch for ``apply_sequence_loss`` and sequences with at most so many targets."""
    return n_time * (n_out + 1) + find_loss(name).space(n_time, n_targets)


@device_function
def apply_sequence_loss(kind, outputs, targets, row, first, weights, scratch):
    """The loss of a row's sequence and its weight; the row's outputs become the weighted gradient.

    ``outputs``, (n_time, n_out * n_rows), are from step ``first`` on; ``targets``, (n_time,
    n_rows), of which those are left out that are NaN, may be none. A sequence without steps has
    neither loss nor gradient.
    """
    n_time, n_rows, weight = outputs.shape[0], weights.size, float(weights[row])
    n_out, n_steps = outputs.shape[1] // n_rows, n_time - first
    if weight == 0 or n_steps == 0:
        for t in range(n_time):
            for k in range(row, outputs.shape[1], n_rows):
                outputs[t, k] = 0
        return 0.0, 0.0
    own = matrix(scratch, 0, n_steps, n_out)
    own_targets, n_targets = scratch[n_steps * n_out : n_steps * (n_out + 1)], 0
    for t in range(n_steps):
        for k in range(n_out):
            own[t, k] = outputs[first + t, k * n_rows + row]
        if not math.isnan(targets[first + t, row]):
            own_targets[n_targets] = targets[first + t, row]
            n_targets += 1
    rest = scratch[n_steps * (n_out + 1) :]
    value = _evaluate_sequence(kind, own, own_targets[:n_targets], weights[row], rest)
    for t in range(n_time):
        for k in range(n_out):
            outputs[t, k * n_rows + row] = own[t - first, k] if t >= first else 0
    return value * weight, weight
