"""Cross-entropy: minus the logarithm of the target class's softmax (Bridle 1990).

With label smoothing (Szegedy et al. 2016) a share of its weight is spread over all classes.
"""

import math

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.elementary import exp, log
from tsrnn.kernels.jit.compile import device_function, like
from tsrnn.kernels.losses._base import PER_CLASS, Loss

_PART = 256  # classes whose exponentials are summed apart, for precision


@device_function
def add_smoothing(outputs, of_each, part, losses):
    """Subtract a share of all scores from the losses; ``part`` is zeros, before and after."""
    n_rows = losses.size
    n_classes = outputs.size // n_rows
    for c in range(n_classes):
        for row in range(n_rows):
            part[row] += outputs[c * n_rows + row]
        if (c + 1) % _PART == 0 or c == n_classes - 1:
            for row in range(n_rows):
                losses[row] -= of_each * part[row]
                part[row] = 0


@device_function
def evaluate_rows(outputs, targets, weights, params, scratch):
    """Sums of losses and of weights; the outputs, (n_classes * n_rows,), become the gradient.

    ``params`` may hold the share of label smoothing. The first rows of ``scratch`` hold the losses
    of the rows afterwards, without weights; NaN where the target is missing.
    """
    n_rows = weights.size
    losses, highest = scratch[:n_rows], scratch[n_rows : 2 * n_rows]
    mass, part = scratch[2 * n_rows : 3 * n_rows], scratch[3 * n_rows : 4 * n_rows]
    n_classes = outputs.size // n_rows
    smoothing = params[0] if params.size else 0.0
    of_target, of_each = like(outputs[0], 1.0 - smoothing), like(outputs[0], smoothing / n_classes)
    total = total_weight = 0.0
    for row in range(n_rows):
        highest[row], mass[row], part[row] = outputs[row], 0, 0
        label = 0 if math.isnan(targets[row]) else int(targets[row])
        losses[row] = -of_target * outputs[label * n_rows + row]
    for c in range(1, n_classes):
        scores = outputs[c * n_rows : (c + 1) * n_rows]
        for row in range(n_rows):
            highest[row] = max(highest[row], scores[row])
    if smoothing > 0:
        add_smoothing(outputs, of_each, part, losses)
    for c in range(n_classes):
        scores = outputs[c * n_rows : (c + 1) * n_rows]
        for row in range(n_rows):
            scores[row] = exp(scores[row] - highest[row])
            part[row] += scores[row]
        if (c + 1) % _PART == 0 or c == n_classes - 1:
            for row in range(n_rows):
                mass[row] += part[row]
                part[row] = 0
    for row in range(n_rows):
        losses[row] += highest[row] + like(mass[row], log(float(mass[row])))
        if math.isnan(targets[row]):
            losses[row] = targets[row]
        elif weights[row] > 0:
            total += float(weights[row]) * losses[row]
            total_weight += weights[row]
            outputs[int(targets[row]) * n_rows + row] -= of_target * mass[row]
            part[row] = weights[row] / mass[row]
        highest[row] = of_each * mass[row]
    for c in range(n_classes):
        scores = outputs[c * n_rows : (c + 1) * n_rows]
        for row in range(n_rows):  # what has no weight has no gradient, even if it is NaN
            grad = (scores[row] - highest[row]) * part[row]
            scores[row] = grad if part[row] != 0 else part[row]
    return total, total_weight


class CrossEntropy(Loss):
    """One score for each class; the target is the number of the class.

    The parameters are none, or the share of label smoothing.
    """

    outputs_per_target = PER_CLASS

    evaluate_rows = staticmethod(evaluate_rows)

    def skill_errors(self, predictions, targets):
        """Log-loss of probabilities, for targets that are one-hot."""
        return -portable.log(np.maximum(predictions, 1e-12)) * targets

    def constant_losses(self, targets, constant, params):
        entropy = -np.sum(constant * portable.log(np.maximum(constant, 1e-300)))
        return float(entropy), float(portable.log(targets.shape[1]))


loss = CrossEntropy()
