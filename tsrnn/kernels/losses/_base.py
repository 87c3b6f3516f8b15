"""Base classes of losses: what kernels compile, and how NumPy code interprets outputs."""

from collections.abc import Callable

import numpy as np

from tsrnn.kernels import portable
from tsrnn.kernels.jit.compile import scalar

PER_QUANTILE, PER_CLASS = 0, -1  # values of ``outputs_per_target``
LOSS_ROWS = 4  # values of scratch for each row that ``evaluate_rows`` may use


class Loss:
    """A loss, and the meaning of the outputs of a network trained with it.

    Methods take outputs as float64 arrays (..., outputs per target, n_targets) and the parameters
    that the loss was trained with, and return arrays (..., n_targets).

    Kernels compile ``evaluate(outputs, k, n, target, unit, weight, params)``, which returns the
    weighted loss of target ``k`` of ``n``, whose outputs are ``outputs[k]``, ``outputs[n + k]`` and
    so on, and overwrites these with the weighted gradient; the target was divided by ``unit``. Or
    they compile ``evaluate_rows(outputs, targets, weights, params, scratch)``, which does so for
    all rows of an output step, see ``apply_loss``. Or, if the loss is no sum over steps,
    ``evaluate_sequence(outputs, targets, weight, scratch)``, see ``apply_sequence_loss``.
    """

    evaluate: Callable | None = None
    evaluate_rows: Callable | None = None
    evaluate_sequence: Callable | None = None

    outputs_per_target = 1  # or PER_QUANTILE, one for each level; PER_CLASS, one for each class
    default_params: tuple[float, ...] = ()  # empty for levels of quantiles, set by estimators
    # Whether it is the negative log-likelihood (so a loss may be below 0) of a distribution with
    # a scale; and whether the best constant prediction is the median, not the mean.
    is_likelihood = robust = False
    for_labels = False  # whether targets are labels that are on or off, each by itself
    is_positive = False  # whether values are never negative: see ``PositiveLoss``
    is_whole = False  # whether they are whole numbers

    @property
    def of_sequences(self) -> bool:
        """Whether it is a loss of all steps of a sequence together."""
        return self.evaluate_sequence is not None

    def space(self, n_time: int, n_targets: int) -> int:
        """Values of scratch that ``evaluate_sequence`` takes for so many steps and targets."""
        raise NotImplementedError

    @property
    def takes_quantiles(self) -> bool:
        """Whether the parameters are levels of quantiles."""
        return self.outputs_per_target == PER_QUANTILE

    @property
    def learns_spread(self) -> bool:
        """Whether the outputs give quantiles."""
        return self.takes_quantiles or self.is_likelihood

    @property
    def for_classes(self) -> bool:
        """Whether the target is a class."""
        return self.outputs_per_target == PER_CLASS

    def params_for(self, quantiles: tuple[float, ...]) -> tuple[float, ...]:
        """Parameters of the loss for an estimator with these quantiles."""
        return quantiles if self.takes_quantiles else self.default_params

    def n_outputs(self, n_targets: int, params: tuple = ()) -> int:
        """Number of outputs for a number of targets, or of classes."""
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
        """Scale of the predicted distribution; None unless the loss is a likelihood."""
        return None

    def std(self, outputs: np.ndarray, unit: float | np.ndarray = 1.0) -> np.ndarray:
        """Standard deviation of the predicted distribution, of a likelihood.

        ``unit`` is what values were divided by; it matters to counts alone.
        """
        raise NotImplementedError

    def quantile(
        self,
        outputs: np.ndarray,
        level: float | np.ndarray,
        params: tuple,
        unit: float | np.ndarray = 1.0,
    ) -> np.ndarray:
        """Predicted quantile of a level: a number, or an array of the result's shape.

        ``unit`` is as of ``std``.
        """
        raise NotImplementedError

    def skill_errors(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Errors whose sum measures a prediction's skill."""
        return np.abs(targets - predictions) ** (1 if self.robust else 2)

    def constant(self, targets: np.ndarray) -> np.ndarray:
        """Best constant prediction, (k,), of targets (n, k), ignoring NaN."""
        return (np.nanmedian if self.robust else np.nanmean)(targets, axis=0)

    def constant_losses(
        self, targets: np.ndarray, constant: np.ndarray | None, params: tuple
    ) -> tuple[float, float]:
        """Mean losses of a constant prediction (None for 0) and of a network of zero outputs."""
        raise NotImplementedError


class PointLoss(Loss):
    """A loss whose output is the prediction.

    ``value_and_slope``, a ``scalar`` function of ``(prediction, target, params)``, returns the loss
    and its derivative with respect to the prediction.
    """

    def __init__(self, value_and_slope, robust: bool = False, default_params: tuple = ()):
        self.value_and_slope, self.robust = value_and_slope, robust
        self.default_params = default_params

        @scalar
        def evaluate(outputs, k, n, target, unit, weight, params):
            value, slope = value_and_slope(outputs[k], target, params)
            outputs[k] = slope * weight
            return value * weight

        self.evaluate = evaluate

    def constant_losses(self, targets, constant, params):
        values = np.vectorize(lambda error: self.value_and_slope(error, 0.0, params)[0])
        constant = 0.0 if constant is None else constant
        return tuple(float(np.nanmean(values(targets - c))) for c in (constant, 0.0))


class LikelihoodLoss(Loss):
    """Negative log-likelihood; outputs are the mean, the scale before a softplus, and others."""

    is_likelihood = True

    def scale(self, outputs):
        return portable.log1p_exp(outputs[..., 1, :]) + 1e-6

    def std(self, outputs, unit=1.0):
        return self.scale(outputs)

    def standard_quantile(self, outputs: np.ndarray, level: float | np.ndarray) -> np.ndarray:
        """Quantile of the distribution with mean 0 and scale 1."""
        raise NotImplementedError

    def quantile(self, outputs, level, params, unit=1.0):
        return outputs[..., 0, :] + self.scale(outputs) * self.standard_quantile(outputs, level)

    def constant_losses(self, targets, constant, params):
        """Losses of a normal distribution: of the targets' variance, and of initial scale log 2."""
        constant = 0.0 if constant is None else constant
        variance, square = np.nanmean((targets - constant) ** 2), np.nanmean(targets**2)
        best = (1 + portable.log(2 * np.pi * max(variance, 1e-300))) / 2
        return float(best), float(square / (2 * portable.log(2) ** 2))


def interpolate(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Values (..., n, k) at fractional places along the second last axis, (..., k)."""
    last = values.shape[-2] - 1
    place = np.broadcast_to(place, values[..., 0, :].shape)[..., None, :]
    below = np.minimum(place.astype(int), max(last - 1, 0))
    low = np.take_along_axis(values, below, axis=-2)
    high = np.take_along_axis(values, np.minimum(below + 1, last), axis=-2)
    return (low + (place - below) * (high - low))[..., 0, :]
