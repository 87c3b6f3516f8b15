"""Optimisers: one parameter's update as scalar maths, and the pass that steps a whole network."""

import math
from typing import NamedTuple

from tsrnn.kernels.elementary import power
from tsrnn.kernels.jit.compile import device_function, scalar

SOLVERS = ("adam", "adamw", "sgd", "rmsprop")
_ADAM, _ADAMW, _SGD, _RMSPROP = range(4)


class Rule(NamedTuple):
    """How one model is trained, as floats: a row of the array that kernels take.

    Attributes
    ----------
    loss : float
        Place in ``tsrnn.kernels.losses.LOSSES``.
    solver : float
        Place in ``SOLVERS``.
    keep_first, keep_second, epsilon : float
        Adam's beta1, beta2 and epsilon; momentum of SGD and RMSprop, and RMSprop's decay.
    nesterov : float
        1 for Nesterov's momentum.
    max_norm : float
        Longer gradients are cut to it.
    alpha : float
        L2 penalty, or the weight decay of AdamW.
    averaging : float
        Share of the old mean that the exponential moving average of the weights keeps in a step.
    dropout, recurrent_dropout : float
        Shares of values dropped.
    seed : float
        Of the dropout; below 2^32.
    """

    loss: float
    solver: float
    keep_first: float
    keep_second: float
    epsilon: float
    nesterov: float
    max_norm: float
    alpha: float
    averaging: float
    dropout: float
    recurrent_dropout: float
    seed: float


@device_function
def rule_of(row):
    """The rule that a row of floats is."""
    return Rule(
        row[0], row[1], row[2], row[3], row[4], row[5],
        row[6], row[7], row[8], row[9], row[10], row[11],
    )  # fmt: skip


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


@scalar
def sgd(parameter, velocity, gradient, rate, momentum, nesterov):
    """Gradient descent with momentum, as PyTorch has it: ``(parameter, velocity)``.

    Nesterov's variant (Sutskever et al. 2013) looks ahead along the velocity.
    """
    velocity = momentum * velocity + gradient
    step = gradient + momentum * velocity if nesterov else velocity
    return parameter - rate * step, velocity


@scalar
def rmsprop(parameter, velocity, second, gradient, rate, momentum, keep_second, epsilon):
    """RMSprop (Tieleman & Hinton 2012) with momentum: ``(parameter, velocity, second)``."""
    second = gradient * gradient + keep_second * (second - gradient * gradient)
    velocity = momentum * velocity + gradient / (math.sqrt(second) + epsilon)
    return parameter - rate * velocity, velocity, second


@device_function
def squares_of(values):
    """Sum of squares in float64, by four sums in a fixed order that do not wait for each other."""
    a = b = c = d = 0.0
    whole = values.size // 4 * 4
    for k in range(0, whole, 4):
        a += float(values[k]) * float(values[k])
        b += float(values[k + 1]) * float(values[k + 1])
        c += float(values[k + 2]) * float(values[k + 2])
        d += float(values[k + 3]) * float(values[k + 3])
    for k in range(whole, values.size):
        a += float(values[k]) * float(values[k])
    return (a + b) + (c + d)


@device_function
def clipped(scale, squares, rule):
    """What to scale gradients by so that ``scale`` times them is no longer than the rule allows."""
    norm = math.sqrt(squares) * scale
    return scale * (rule.max_norm / norm if norm > rule.max_norm else 1.0)


@device_function
def adam_corrections(rule, step, rate):
    """Of Adam's step, what ``adam`` calls rate and divisor."""
    correct = rate / (1.0 - power(rule.keep_first, step))
    return correct, math.sqrt(1.0 - power(rule.keep_second, step))


@device_function
def update(parameters, moments, gradients, scale, step, rate, rule):
    """Step a network along the mean of its gradients.

    Parameters
    ----------
    parameters : (n,) array
        Overwritten.
    moments : (3, n) array
        The solver's two moments and the moving average of the parameters; overwritten.
    gradients : (n_chunks, n) array
        Summed in order into the first, which is then scaled and clipped.
    scale : float
        One over the weight of the minibatch.
    step : int
        Number of this step, from 1.
    rate : float
        Learning rate.
    rule : Rule
    """
    gradient = gradients[0]
    for chunk in range(1, gradients.shape[0]):
        other = gradients[chunk]
        for k in range(gradient.size):
            gradient[k] += other[k]
    scale = clipped(scale, squares_of(gradient), rule)
    correct, divisor = adam_corrections(rule, step, rate)
    move(parameters, moments[0], moments[1], moments[2], gradient, scale, rate, correct, divisor,
         rule)  # fmt: skip


@device_function
def move(parameters, first, second, average, gradient, scale, rate, correct, divisor, rule):
    """Step some parameters along ``scale`` times their gradient, which is overwritten."""
    typed = parameters.dtype.type
    scale, decay = typed(scale), typed(rule.alpha)
    keep_first, keep_second = typed(rule.keep_first), typed(rule.keep_second)
    epsilon = typed(rule.epsilon)
    if rule.solver == _ADAMW:
        keep = typed(1.0 - rate * rule.alpha)
        for k in range(parameters.size):
            parameters[k] *= keep
    elif rule.alpha > 0:
        for k in range(parameters.size):
            gradient[k] = gradient[k] * scale + decay * parameters[k]
        scale = typed(1.0)
    if rule.solver == _SGD:
        nesterov = rule.nesterov > 0
        for k in range(parameters.size):
            parameters[k], first[k] = sgd(
                parameters[k], first[k], gradient[k] * scale, typed(rate), keep_first, nesterov
            )
    elif rule.solver == _RMSPROP:
        for k in range(parameters.size):
            parameters[k], first[k], second[k] = rmsprop(
                parameters[k], first[k], second[k], gradient[k] * scale,
                typed(rate), keep_first, keep_second, epsilon,
            )  # fmt: skip
    else:
        correct, divisor = typed(correct), typed(divisor)
        for k in range(parameters.size):
            parameters[k], first[k], second[k] = adam(
                parameters[k], first[k], second[k], gradient[k] * scale,
                correct, keep_first, keep_second, divisor, epsilon,
            )  # fmt: skip
    if rule.averaging > 0:
        kept = typed(rule.averaging)
        for k in range(parameters.size):
            average[k] = parameters[k] + kept * (average[k] - parameters[k])
