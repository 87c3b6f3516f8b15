"""Huber's loss (1964): half the squared error up to ``delta = params[0]``, linear beyond."""

from tsrnn.kernels.jit.compile import like, scalar
from tsrnn.kernels.losses._base import PointLoss


@scalar
def value_and_slope(prediction, target, params):
    """The loss and its derivative with respect to the prediction."""
    delta = like(prediction, params[0])
    error = prediction - target
    if abs(error) <= delta:
        return like(prediction, 0.5) * error * error, error
    if error > 0:
        return delta * (error - like(prediction, 0.5) * delta), delta
    return delta * (-error - like(prediction, 0.5) * delta), -delta + like(prediction, 0.0) * error


loss = PointLoss(value_and_slope, robust=True, default_params=(1.0,))
