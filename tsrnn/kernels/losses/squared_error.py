"""Squared error: ``(prediction - target)^2``."""

from tsrnn.kernels.jit.compile import like, scalar
from tsrnn.kernels.losses._base import PointLoss


@scalar
def value_and_slope(prediction, target, params):
    """The loss and its derivative with respect to the prediction."""
    error = prediction - target
    return error * error, like(prediction, 2.0) * error


loss = PointLoss(value_and_slope)
