"""Negative log-likelihood of a Poisson distribution, whose mean is ``exp(location)``.

Divided by the target's unit and without the terms of the target alone, so that series of all levels
count alike; where its minimum is depends on neither.
"""

import numpy as np
from scipy import special

from tsrnn.kernels.elementary import exp
from tsrnn.kernels.jit.compile import scalar
from tsrnn.kernels.losses._positive import CountLoss


@scalar
def value_and_slope(location, target):
    """The loss and its derivative with respect to the logarithm of the mean."""
    mean = exp(location)
    return mean - target * location, mean - target


class Poisson(CountLoss):
    """Poisson distribution; its variance is its mean."""

    @staticmethod
    @scalar
    def evaluate(outputs, k, n, target, unit, weight, params):
        value, slope = value_and_slope(outputs[k], target)
        outputs[k] = slope * weight
        return value * weight

    def count_cdf(self, outputs, counts, unit):
        return special.pdtr(counts, unit * self.point(outputs, ()))

    def std(self, outputs, unit=1.0):
        return np.sqrt(self.point(outputs, ()) / unit)


loss = Poisson()
