"""Base of losses of values that are never negative, whose mean is the exponential of an output."""

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.losses._base import Loss

_LARGEST_LOCATION = 80.0  # exponentials of larger ones are near overflow in float32


class PositiveLoss(Loss):
    """Distribution of values that are 0 or more; the first output is the logarithm of its mean.

    Targets, and so means and quantiles, are in a ``unit``, by which the values were divided.
    """

    is_likelihood = is_positive = True

    def point(self, outputs, params):
        return portable.exp(np.minimum(outputs[..., 0, :], _LARGEST_LOCATION))

    def scale(self, outputs):
        return self.std(outputs)

    def constant_losses(self, targets, constant, params):
        """Losses of the constant mean, and of an untrained network, each in a unit of 1."""

        @np.vectorize
        def mean_losses(target, location):
            outputs = np.zeros(self.outputs_per_target)
            outputs[0] = location
            return self.evaluate(outputs, 0, 1, target, 1.0, 1.0, ())

        constant = np.ones(targets.shape[1]) if constant is None else constant
        location = portable.log(np.maximum(constant, 1e-12)) + np.zeros_like(targets)
        losses = (np.nanmean(mean_losses(targets, each)) for each in (location, 0 * location))
        best, initial = map(float, losses)
        return best, initial

    def cdf(self, outputs: np.ndarray, values: np.ndarray, unit: float | np.ndarray) -> np.ndarray:
        """Probability of a value of at most ``values``, which are 0 or more."""
        raise NotImplementedError

    def probability_below(
        self, outputs: np.ndarray, values: np.ndarray, unit: float | np.ndarray
    ) -> np.ndarray:
        """Probability of a value below ``values``: less than ``cdf`` where one has a mass."""
        raise NotImplementedError


class CountLoss(PositiveLoss):
    """Distribution of whole numbers."""

    is_whole = True

    def count_cdf(self, outputs: np.ndarray, counts: np.ndarray, unit) -> np.ndarray:
        """Probability of at most so many, 0 or more."""
        raise NotImplementedError

    def cdf(self, outputs, values, unit):
        counts = np.rint(values * unit)
        return np.where(counts < 0, 0.0, self.count_cdf(outputs, np.maximum(counts, 0), unit))

    def probability_below(self, outputs, values, unit):
        return self.cdf(outputs, values - 1 / unit, unit)

    def quantile(self, outputs, level, params, unit=1.0):
        """The least whole number whose probability not to be exceeded is the level, in units."""
        shape = np.broadcast_shapes(outputs[..., 0, :].shape, np.shape(level))
        low, high = np.full(shape, -1.0), np.full(shape, 1.0)
        for _ in range(60):
            is_short = self.count_cdf(outputs, high, unit) < level
            if not is_short.any():
                break
            low, high = np.where(is_short, high, low), np.where(is_short, 2 * high, high)
        while True:
            middle = np.floor((low + high) / 2)
            is_open = (middle > low) & (middle < high)
            if not is_open.any():
                return high / unit
            is_enough = self.count_cdf(outputs, np.maximum(middle, 0), unit) >= level
            high = np.where(is_open & is_enough, middle, high)
            low = np.where(is_open & ~is_enough, middle, low)
