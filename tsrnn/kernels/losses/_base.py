"""What every loss offers: to kernels, ``evaluate``; to NumPy code, what its outputs mean."""

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.jit.compile import scalar

PER_QUANTILE, PER_CLASS = 0, -1  # values of ``outputs_per_target``


class Loss:
    """A loss and what the outputs trained with it mean.

    NumPy methods take float64 outputs (..., outputs per target, targets) and, as ``params``, what
    the loss was trained with: one value for each of its parameters.

    Attributes
    ----------
    outputs_per_target : int
        Outputs read for a target; PER_QUANTILE for one for each of ``params``, PER_CLASS where the
        single target is a class and each class has an output.
    default_params : tuple of float
        Parameters where estimators have none for it: Huber's delta.
    is_likelihood : bool
        Whether it is minus the log-likelihood of a distribution with a scale; it may be below 0.
    robust : bool
        Whether the best constant prediction is the median, not the mean.
    evaluate : callable
        Compiled into kernels: ``evaluate(outputs, k, n, target, weight, params)`` returns the
        weighted loss of target ``k`` of ``n``, whose outputs are ``outputs[k]``, ``outputs[n + k]``
        and so on, and overwrites these with the weighted gradient.
    """

    outputs_per_target = 1
    default_params: tuple[float, ...] = ()
    is_likelihood = robust = False

    @property
    def takes_quantiles(self) -> bool:
        """Whether the parameters are levels of quantiles."""
        return self.outputs_per_target == PER_QUANTILE

    @property
    def learns_spread(self) -> bool:
        """Whether outputs tell quantiles."""
        return self.takes_quantiles or self.is_likelihood

    @property
    def for_classes(self) -> bool:
        """Whether the target is a class."""
        return self.outputs_per_target == PER_CLASS

    def params_for(self, quantiles: tuple[float, ...]) -> tuple[float, ...]:
        """Parameters of an estimator with these quantiles."""
        return quantiles if self.takes_quantiles else self.default_params

    def n_outputs(self, n_targets: int, params: tuple = ()) -> int:
        """Outputs for so many targets, or for so many classes."""
        if self.takes_quantiles:
            return len(params) * n_targets
        return n_targets * (1 if self.for_classes else self.outputs_per_target)

    def point(self, outputs: np.ndarray, params: tuple) -> np.ndarray:
        """Point prediction."""
        return outputs[..., 0, :]

    def median(self, outputs: np.ndarray, params: tuple) -> np.ndarray:
        """Median prediction."""
        return self.point(outputs, params)

    def scale(self, outputs: np.ndarray) -> np.ndarray | None:
        """Scale of the predicted distribution, None where the loss learns none."""
        return None

    def skill_errors(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Errors whose sums say how much better one prediction is than another."""
        return np.abs(targets - predictions) ** (1 if self.robust else 2)

    def constant(self, targets: np.ndarray) -> np.ndarray:
        """Best constant prediction of (n, k) targets, (k,); NaN targets are left out."""
        return (np.nanmedian if self.robust else np.nanmean)(targets, axis=0)

    def constant_losses(
        self, targets: np.ndarray, constant: np.ndarray | None, params: tuple
    ) -> tuple[float, float]:
        """Mean losses of the constant prediction (None for zeros) and of a network that says 0."""
        raise NotImplementedError


class PointLoss(Loss):
    """A loss of one prediction for each target.

    Parameters
    ----------
    value_and_slope : callable
        Marked ``scalar``: the loss and its derivative of ``(prediction, target, params)``.
    robust : bool, default=False
    default_params : tuple of float, default=()
    """

    def __init__(self, value_and_slope, robust: bool = False, default_params: tuple = ()):
        self.value_and_slope, self.robust = value_and_slope, robust
        self.default_params = default_params

        @scalar
        def evaluate(outputs, k, n, target, weight, params):
            value, slope = value_and_slope(outputs[k], target, params)
            outputs[k] = slope * weight
            return value * weight

        self.evaluate = evaluate

    def constant_losses(self, targets, constant, params):
        values = np.vectorize(lambda error: self.value_and_slope(error, 0.0, params)[0])
        constant = 0.0 if constant is None else constant
        return tuple(float(np.nanmean(values(targets - c))) for c in (constant, 0.0))


class LikelihoodLoss(Loss):
    """Negative log-likelihood: outputs are a mean, a raw scale, and what a subclass adds.

    Raw numbers become positive by the softplus.
    """

    is_likelihood = True

    def scale(self, outputs):
        return portable.log1p_exp(outputs[..., 1, :]) + 1e-6

    def std(self, outputs: np.ndarray) -> np.ndarray:
        """Standard deviation of the predicted distribution."""
        return self.scale(outputs)

    def standard_quantile(self, outputs: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Quantile of the distribution with mean 0 and scale 1."""
        raise NotImplementedError

    def quantile(self, outputs: np.ndarray, level: np.ndarray, params: tuple) -> np.ndarray:
        """Quantile of a level, which is a number or an array of the predictions' shape."""
        return outputs[..., 0, :] + self.scale(outputs) * self.standard_quantile(outputs, level)

    def constant_losses(self, targets, constant, params):
        """Of a normal distribution about the constant, and of one with mean 0 and scale log 2."""
        constant = 0.0 if constant is None else constant
        variance, square = np.nanmean((targets - constant) ** 2), np.nanmean(targets**2)
        best = (1 + np.log(2 * np.pi * max(variance, 1e-300))) / 2
        return float(best), float(square / (2 * np.log(2) ** 2))


def interpolate(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Values (..., n, k) at fractional places along their last axis but one, (..., k)."""
    last = values.shape[-2] - 1
    place = np.broadcast_to(place, values[..., 0, :].shape)[..., None, :]
    below = np.minimum(place.astype(int), max(last - 1, 0))
    low = np.take_along_axis(values, below, axis=-2)
    high = np.take_along_axis(values, np.minimum(below + 1, last), axis=-2)
    return (low + (place - below) * (high - low))[..., 0, :]
