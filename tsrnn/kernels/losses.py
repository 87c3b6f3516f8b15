"""Loss functions as scalar maths, and one pass that turns outputs into their gradient.

A loss of kind (number in ``LOSSES``) reads one or several outputs for each target:

==================  =====================================================================
squared_error       the prediction
absolute_error      the prediction
huber               the prediction; squared within ``levels[0]`` of the target, linear beyond
quantile            one prediction for each of ``levels`` (pinball loss, Koenker & Bassett 1978)
gaussian            mean and raw scale: negative log-likelihood of a normal distribution
student_t           mean, raw scale, raw degrees of freedom: of Student's t (Salinas et al. 2020)
cross_entropy       one score for each class; the target is the number of the class
==================  =====================================================================

Raw numbers become positive by ``softplus``: the scale is ``softplus(raw)`` and the degrees of
freedom ``2 + softplus(raw)``, so that the variance is finite.
"""

import math

from tsrnn.kernels.elementary import exp, log, log1p, log_gamma
from tsrnn.kernels.jit.compile import device_function, like, scalar

LOSSES = (
    "absolute_error",
    "squared_error",
    "huber",
    "quantile",
    "gaussian",
    "student_t",
    "cross_entropy",
)
_ABSOLUTE, _SQUARED, _HUBER, _QUANTILE, _GAUSSIAN, _STUDENT, _ENTROPY = range(7)


def n_outputs(loss: str, n_targets: int, levels: tuple = ()) -> int:
    """Outputs that a loss reads for so many targets, or for cross-entropy so many classes."""
    each = {"quantile": len(levels), "gaussian": 2, "student_t": 3}.get(loss, 1)
    return each * n_targets


@device_function
def targets_of(kind, levels, n_out):
    """Targets that ``n_out`` outputs are judged by; the class is one."""
    if kind == _ENTROPY:
        return 1
    if kind == _QUANTILE:
        return n_out // levels.size
    return n_out // (2 if kind == _GAUSSIAN else 3 if kind == _STUDENT else 1)


@scalar
def absolute_error(prediction, target):
    """Value and derivative by the prediction of ``|prediction - target|``."""
    error = prediction - target
    if error > 0:
        return error, like(prediction, 1.0)
    if error < 0:
        return -error, like(prediction, -1.0)
    return error, error  # 0 where they meet; a NaN stays one


@scalar
def squared_error(prediction, target):
    """Value and derivative of ``(prediction - target)^2``."""
    error = prediction - target
    return error * error, like(prediction, 2.0) * error


@scalar
def huber(prediction, target, delta):
    """Value and derivative of Huber's loss (1964), half the squared error near the target."""
    error = prediction - target
    if abs(error) <= delta:
        return like(prediction, 0.5) * error * error, error
    if error > 0:
        return delta * (error - like(prediction, 0.5) * delta), delta
    return delta * (-error - like(prediction, 0.5) * delta), -delta + like(prediction, 0.0) * error


@scalar
def pinball(prediction, target, level):
    """Value and derivative of the loss whose least mean is at the quantile ``level``."""
    error = target - prediction
    if error > 0:
        return level * error, -level
    if error < 0:
        return (level - like(prediction, 1.0)) * error, like(prediction, 1.0) - level
    return error, error


@scalar
def softplus(x):
    """``log(1 + exp(x))`` and its derivative, the logistic function, where neither overflows."""
    one = like(x, 1.0)
    if x > 0:
        small = exp(-x)
        return x + log1p(small), one / (one + small)
    small = exp(x)
    return log1p(small), small / (one + small)


@scalar
def gaussian(mean, raw_scale, target):
    """Negative log-likelihood of a normal distribution and its derivatives by its two outputs."""
    scale, slope = softplus(raw_scale)
    scale += like(mean, 1e-6)
    z = (target - mean) / scale
    value = log(scale) + like(mean, 0.5) * z * z + like(mean, 0.9189385332046727)
    return value, -z / scale, (like(mean, 1.0) - z * z) / scale * slope


@scalar
def digamma(x):
    """Derivative of ``log_gamma``, x > 0: recurrence and the asymptotic series (A&S 6.3.18)."""
    shift = 0.0
    while x < 6.0:
        shift -= 1.0 / x
        x += 1.0
    s = 1.0 / (x * x)
    series = s * (
        1 / 12
        - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12)))))
    )
    return shift + log(x) - 0.5 / x - series


@scalar
def student_t(mean, raw_scale, raw_freedom, target):
    """Negative log-likelihood of Student's t and its derivatives by its three outputs."""
    one, half = like(mean, 1.0), like(mean, 0.5)
    scale, scale_slope = softplus(raw_scale)
    scale += like(mean, 1e-6)
    extra, freedom_slope = softplus(raw_freedom)
    freedom = like(mean, 2.0) + extra
    more = half * (freedom + one)
    z = (target - mean) / scale
    ratio = z * z / freedom
    value = (
        log_gamma(half * freedom) - log_gamma(more)
        + half * log(like(mean, math.pi) * freedom) + log(scale)
        + more * log1p(ratio)
    )  # fmt: skip
    pull = (freedom + one) * z / (freedom + z * z)
    by_freedom = half * (
        digamma(half * freedom) - digamma(more) + one / freedom + log1p(ratio)
    ) - more * ratio / (freedom + z * z)
    return (
        value,
        -pull / scale,
        (one - pull * z) / scale * scale_slope,
        like(mean, by_freedom) * freedom_slope,
    )


@device_function
def apply_loss(kind, levels, outputs, targets, weights, n_rows):
    """Weighted sum of losses and of weights of one answer; its outputs become their gradient.

    Parameters
    ----------
    kind : int
        Place of the loss in ``LOSSES``.
    levels : (n,) float64 array
        Huber's delta, or the quantiles.
    outputs : (n_out * n_rows,) array
        A block of (targets, rows) for each thing that the loss reads; overwritten.
    targets : (n_targets * n_rows,) array
        NaN where there is none: it counts for nothing.
    weights : (n_rows,) array
        Weight of each row.
    """
    typed = outputs.dtype.type
    total = weight = 0.0
    if kind == _ENTROPY:
        return cross_entropy(outputs, targets, weights, n_rows)
    n_each = 2 if kind == _GAUSSIAN else 3 if kind == _STUDENT else 1
    if kind == _QUANTILE:
        n_each = levels.size
    n = outputs.size // n_each  # targets times rows
    for unit in range(n // n_rows):
        for row in range(n_rows):
            k = unit * n_rows + row
            target, w = targets[k], weights[row]
            if math.isnan(target) or w == 0:
                for each in range(n_each):
                    outputs[each * n + k] = 0
                continue
            weight += w
            if kind == _ABSOLUTE:
                value, slope = absolute_error(outputs[k], target)
                outputs[k] = slope * w
            elif kind == _SQUARED:
                value, slope = squared_error(outputs[k], target)
                outputs[k] = slope * w
            elif kind == _HUBER:
                value, slope = huber(outputs[k], target, typed(levels[0]))
                outputs[k] = slope * w
            elif kind == _QUANTILE:
                value = typed(0)
                for each in range(n_each):
                    place = each * n + k
                    one, slope = pinball(outputs[place], target, typed(levels[each]))
                    value += one / typed(n_each)
                    outputs[place] = slope * w / typed(n_each)
            elif kind == _GAUSSIAN:
                value, by_mean, by_scale = gaussian(outputs[k], outputs[n + k], target)
                outputs[k], outputs[n + k] = by_mean * w, by_scale * w
            else:
                value, by_mean, by_scale, by_freedom = student_t(
                    outputs[k], outputs[n + k], outputs[2 * n + k], target
                )
                outputs[k], outputs[n + k] = by_mean * w, by_scale * w
                outputs[2 * n + k] = by_freedom * w
            total += value * w
    return total, weight


@device_function
def cross_entropy(outputs, targets, weights, n_rows):
    """As ``apply_loss``: minus the logarithm of the target class's softmax (Bridle 1990)."""
    typed = outputs.dtype.type
    total = weight = 0.0
    n_classes = outputs.size // n_rows
    for row in range(n_rows):
        target, w = targets[row], weights[row]
        if math.isnan(target) or w == 0:
            for k in range(row, outputs.size, n_rows):
                outputs[k] = 0
            continue
        highest = outputs[row]
        for k in range(row, outputs.size, n_rows):
            highest = max(highest, outputs[k])
        mass = 0.0
        for k in range(row, outputs.size, n_rows):
            mass += exp(outputs[k] - highest)
        own = int(target)
        total += (log(mass) + highest - outputs[own * n_rows + row]) * w
        weight += w
        for c in range(n_classes):
            share = exp(outputs[c * n_rows + row] - highest) / mass
            outputs[c * n_rows + row] = typed(share - (1.0 if c == own else 0.0)) * w
    return total, weight
