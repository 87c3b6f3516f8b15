"""Cross-entropy: minus the logarithm of the target class's softmax (Bridle 1990)."""

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.elementary import exp, log
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.losses._base import PER_CLASS, Loss


class CrossEntropy(Loss):
    """One score for each class; the target is the number of the class."""

    outputs_per_target = PER_CLASS

    @staticmethod
    @device_function
    def evaluate(outputs, k, n, target, weight, params):
        highest = outputs[k]
        for i in range(k, outputs.size, n):
            highest = max(highest, outputs[i])
        mass = 0.0
        for i in range(k, outputs.size, n):
            mass += exp(outputs[i] - highest)
        label = int(target)
        value = log(mass) + highest - outputs[label * n + k]
        for c in range(outputs.size // n):
            probability = exp(outputs[c * n + k] - highest) / mass
            grad = outputs.dtype.type(probability - (1.0 if c == label else 0.0))
            outputs[c * n + k] = grad * weight
        return value * weight

    def skill_errors(self, predictions, targets):
        """Log-loss of probabilities, for targets that are one-hot."""
        return -portable.log(np.maximum(predictions, 1e-12)) * targets

    def constant_losses(self, targets, constant, params):
        entropy = -np.sum(constant * portable.log(np.maximum(constant, 1e-300)))
        return float(entropy), float(portable.log(targets.shape[1]))


loss = CrossEntropy()
