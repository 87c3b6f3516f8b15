"""Cross-entropy: minus the logarithm of the target class's softmax (Bridle 1990).

With label smoothing (Szegedy et al. 2016) a share of its weight is spread over all classes.
"""

import math

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.elementary import exp, log
from tsrnn.kernels.jit.compile import like, matrix, scalar
from tsrnn.kernels.losses._base import LOSS_ROWS, PER_CLASS, Loss

_CLASSES = 256  # whose exponentials are summed apart, for precision
LOSS, HIGHEST, MASS, PART = range(LOSS_ROWS)


@scalar
def add_smoothing(scores, of_each, rows):
    """Subtract a share of all scores from the losses; the sums are zeros before and after."""
    n_classes, n_rows = scores.shape
    for c in range(n_classes):
        for row in range(n_rows):
            rows[PART, row] += scores[c, row]
        if (c + 1) % _CLASSES == 0 or c == n_classes - 1:
            for row in range(n_rows):
                rows[LOSS, row] -= of_each * rows[PART, row]
                rows[PART, row] = 0


@scalar
def evaluate_rows(outputs, targets, weights, params, scratch):
    """Sums of losses and of weights; the outputs, (n_classes * n_rows,), become the gradient.

    ``params`` may hold the share of label smoothing. The first rows of ``scratch`` hold the losses
    of the rows afterwards, without weights; NaN where the target is missing.
    """
    n_rows = weights.size
    n_classes = outputs.size // n_rows
    smoothing = params[0] if params.size else 0.0
    of_target, of_each = like(outputs[0], 1.0 - smoothing), like(outputs[0], smoothing / n_classes)
    scores, rows = matrix(outputs, 0, n_classes, n_rows), matrix(scratch, 0, LOSS_ROWS, n_rows)
    total = total_weight = 0.0
    for row in range(n_rows):
        rows[HIGHEST, row], rows[MASS, row], rows[PART, row] = scores[0, row], 0, 0
        label = 0 if math.isnan(targets[row]) else int(targets[row])
        rows[LOSS, row] = -of_target * scores[label, row]
    for c in range(1, n_classes):
        for row in range(n_rows):
            rows[HIGHEST, row] = max(rows[HIGHEST, row], scores[c, row])
    if smoothing > 0:
        add_smoothing(scores, of_each, rows)
    for c in range(n_classes):
        for row in range(n_rows):
            scores[c, row] = exp(scores[c, row] - rows[HIGHEST, row])
            rows[PART, row] += scores[c, row]
        if (c + 1) % _CLASSES == 0 or c == n_classes - 1:
            for row in range(n_rows):
                rows[MASS, row] += rows[PART, row]
                rows[PART, row] = 0
    for row in range(n_rows):
        mass, weight = rows[MASS, row], weights[row]
        rows[LOSS, row] += rows[HIGHEST, row] + like(mass, log(float(mass)))
        if math.isnan(targets[row]):
            rows[LOSS, row] = targets[row]
        elif weight > 0:
            total += float(weight) * rows[LOSS, row]
            total_weight += weight
            scores[int(targets[row]), row] -= of_target * mass
            rows[PART, row] = weight / mass
        rows[HIGHEST, row] = of_each * mass
    for c in range(n_classes):
        for row in range(n_rows):  # what has no weight has no gradient, even if it is NaN
            factor = rows[PART, row]
            grad = (scores[c, row] - rows[HIGHEST, row]) * factor
            scores[c, row] = grad if factor != 0 else factor
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
