"""Absolute error: ``|prediction - target|``."""

from tsrnn.kernels.jit.compile import like, scalar
from tsrnn.kernels.losses._base import PointLoss


@scalar
def value_and_slope(prediction, target, params):
    """The loss and its derivative with respect to the prediction."""
    error = prediction - target
    if error > 0:
        return error, like(prediction, 1.0)
    if error < 0:
        return -error, like(prediction, -1.0)
    return error, error  # 0 at the target; NaN stays NaN


loss = PointLoss(value_and_slope, robust=True)
