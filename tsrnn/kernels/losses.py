"""Loss functions as scalar maths: each a value and its derivative by the prediction."""

from typing import NamedTuple

from tsrnn.kernels.compile import like, scalar


class Loss(NamedTuple):
    """A loss of one prediction: ``value(prediction, target)`` and ``gradient`` of it."""

    value: callable
    gradient: callable


@scalar
def _squared_value(prediction, target):
    error = prediction - target
    return error * error


@scalar
def _squared_gradient(prediction, target):
    return like(prediction, 2.0) * (prediction - target)


@scalar
def _absolute_value(prediction, target):
    return abs(prediction - target)


@scalar
def _absolute_gradient(prediction, target):
    error = prediction - target
    if error > 0:
        return like(prediction, 1.0)
    if error < 0:
        return like(prediction, -1.0)
    return error  # 0 where they meet; a NaN stays one


LOSSES = {
    "squared_error": Loss(_squared_value, _squared_gradient),
    "absolute_error": Loss(_absolute_value, _absolute_gradient),
}
