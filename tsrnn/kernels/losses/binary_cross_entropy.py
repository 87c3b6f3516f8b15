"""Cross-entropy of independent labels, each of which is on (1) or off (0): one score for each."""

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.jit.compile import scalar
from tsrnn.kernels.losses._base import PointLoss
from tsrnn.kernels.losses._scalars import softplus


@scalar
def value_and_slope(score, target, params):
    """The loss and its derivative with respect to the score, the logarithm of the odds."""
    value, probability = softplus(score)
    return value - target * score, probability - target


class BinaryCrossEntropy(PointLoss):
    """Several labels, each of which may be on; a prediction is the probability that it is."""

    for_labels = True

    def point(self, outputs, params):
        scores = outputs[..., 0, :]
        small = portable.exp(-np.abs(scores))
        return np.where(scores < 0, small, 1.0) / (1 + small)

    def skill_errors(self, predictions, targets):
        """Log-loss of probabilities."""
        p = np.clip(predictions, 1e-12, 1 - 1e-12)
        return -(targets * portable.log(p) + (1 - targets) * portable.log(1 - p))

    def constant_losses(self, targets, constant, params):
        constant = np.full(targets.shape[1], 0.5) if constant is None else constant
        p = np.clip(constant, 1e-12, 1 - 1e-12)
        losses = -(targets * portable.log(p) + (1 - targets) * portable.log(1 - p))
        return float(np.nanmean(losses)), float(portable.log(2.0))


loss = BinaryCrossEntropy(value_and_slope)
