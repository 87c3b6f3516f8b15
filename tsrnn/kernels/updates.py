"""Optimiser updates as scalar maths."""

import math

from tsrnn.kernels.compile import scalar


@scalar
def adam(parameter, first, second, gradient, rate, keep_first, keep_second, divisor, epsilon):
    """One Adam update (Kingma & Ba 2015): ``(parameter, first, second)`` after it.

    ``rate`` is the learning rate over 1 - beta1^t and ``divisor`` the root of 1 - beta2^t, the
    corrections for moments that started at zero.
    """
    first = gradient + keep_first * (first - gradient)
    second = gradient * gradient + keep_second * (second - gradient * gradient)
    step = rate * first / (math.sqrt(second) / divisor + epsilon)
    return parameter - step, first, second
