"""Optimizers: the update of one parameter as scalar maths, and the step of a whole network."""

import math
from typing import NamedTuple

from tsrnn.kernels.elementary import power
from tsrnn.kernels.jit.compile import device_function, scalar
from tsrnn.kernels.jit.generate import record_reader

SOLVERS = ("adam", "adamw", "sgd", "rmsprop")
_ADAM, _ADAMW, _SGD, _RMSPROP = range(4)


class Rule(NamedTuple):
    """Training rule of one model, all floats: a row of the array that kernels take."""

    loss: float  # index in ``tsrnn.kernels.losses.LOSSES``
    solver: float  # index in ``SOLVERS``
    first_decay: float  # beta1 of Adam; momentum of SGD and RMSprop
    second_decay: float  # beta2 of Adam; decay of RMSprop
    epsilon: float  # of Adam and RMSprop
    max_grad_norm: float  # gradients with a larger norm are clipped to it
    alpha: float  # L2 penalty, or the weight decay of AdamW
    averaging: float  # decay of the moving average of the weights; 0 for none
    dropout: float  # probability; likewise recurrent_dropout
    recurrent_dropout: float
    seed: float  # of the dropout; below 2^32


rule_of = record_reader(Rule)


class Update(NamedTuple):
    """A training rule with the numbers of one step, in float64."""

    rule: Rule
    rate: float  # learning rate
    scale: float  # factor of the gradient, for its mean and its clipping
    corrected_rate: float  # see ``adam_corrections``; likewise divisor
    divisor: float


class Factors(NamedTuple):
    """The numbers of a step in the type of the parameters; ``rate`` and ``divisor`` are Adam's."""

    rate: float
    first_decay: float
    second_decay: float
    epsilon: float
    divisor: float


@scalar
def adam(parameter, first, second, gradient, factors):
    """One Adam update (Kingma & Ba 2015): ``(parameter, first, second)`` after it.

    The corrections for moments that started at zero are in ``factors.rate`` and ``.divisor``.
    """
    first = gradient + factors.first_decay * (first - gradient)
    second = gradient * gradient + factors.second_decay * (second - gradient * gradient)
    step = factors.rate * first / (math.sqrt(second) / factors.divisor + factors.epsilon)
    return parameter - step, first, second


@scalar
def sgd(parameter, velocity, gradient, factors):
    """SGD with Nesterov momentum as in PyTorch (Sutskever et al. 2013): (parameter, velocity)."""
    velocity = factors.first_decay * velocity + gradient
    step = gradient + factors.first_decay * velocity
    return parameter - factors.rate * step, velocity


@scalar
def rmsprop(parameter, velocity, second, gradient, factors):
    """RMSprop (Tieleman & Hinton 2012) with momentum: ``(parameter, velocity, second)``."""
    second = gradient * gradient + factors.second_decay * (second - gradient * gradient)
    velocity = factors.first_decay * velocity + gradient / (math.sqrt(second) + factors.epsilon)
    return parameter - factors.rate * velocity, velocity, second


@device_function
def sum_of_squares(values):
    """Sum of squares in float64, by four independent sums in a fixed order."""
    a = b = c = d = 0.0
    n = values.size // 4 * 4
    for k in range(0, n, 4):
        a += float(values[k]) * float(values[k])
        b += float(values[k + 1]) * float(values[k + 1])
        c += float(values[k + 2]) * float(values[k + 2])
        d += float(values[k + 3]) * float(values[k + 3])
    for k in range(n, values.size):
        a += float(values[k]) * float(values[k])
    return (a + b) + (c + d)


@device_function
def clip_scale(scale, squares, rule):
    """``scale``, reduced so that the norm of the scaled gradient is within the rule's maximum."""
    norm = math.sqrt(squares) * scale
    return scale * (rule.max_grad_norm / norm if norm > rule.max_grad_norm else 1.0)


@device_function
def adam_corrections(rule, step, rate):
    """Adam's corrected learning rate and its divisor at a step, counted from 1."""
    corrected_rate = rate / (1.0 - power(rule.first_decay, step))
    return corrected_rate, math.sqrt(1.0 - power(rule.second_decay, step))


@device_function
def optimizer_step(parameters, moments, gradients, scale, step, rate, rule):
    """Update a network by the mean of its gradients; all arrays are overwritten.

    ``moments``, (3, n), are the optimizer's two and the moving average of the parameters;
    ``gradients``, (n_chunks, n), are summed in order; ``scale`` is one over the weight of the
    minibatch; ``step`` counts from 1.
    """
    sum_gradients(gradients, 0, gradients.shape[1])
    update = make_update(rule, sum_of_squares(gradients[0]), scale, step, rate)
    apply_update(parameters, moments[0], moments[1], gradients[0], update)
    update_average(parameters, moments[2], rule)


@device_function
def sum_gradients(gradients, first, last):
    """Add the gradients (n_chunks, n) of all chunks to the first one's, in order, in a part."""
    gradient = gradients[0, first:last]
    for chunk in range(1, gradients.shape[0]):
        other = gradients[chunk, first:last]
        for k in range(gradient.size):
            gradient[k] += other[k]


@device_function
def make_update(rule, squares, scale, step, rate):
    """The ``Update`` of a step; ``squares`` is the sum of squares of the whole gradient."""
    corrected_rate, divisor = adam_corrections(rule, step, rate)
    return Update(rule, rate, clip_scale(scale, squares, rule), corrected_rate, divisor)


@device_function
def update_average(parameters, average, rule):
    """Move the average of the parameters, both (n,), towards them, if the rule has one."""
    if rule.averaging > 0:
        averaging = parameters.dtype.type(rule.averaging)
        for k in range(parameters.size):
            average[k] = parameters[k] + averaging * (average[k] - parameters[k])


@device_function
def apply_update(parameters, first, second, gradient, update):
    """Update parameters and their moments, all (n,), in place; overwrites ``gradient``."""
    rule, rate = update.rule, update.rate
    typed = parameters.dtype.type
    scale, decay = typed(update.scale), typed(rule.alpha)
    is_adam = rule.solver == _ADAM or rule.solver == _ADAMW
    factors = Factors(
        typed(update.corrected_rate if is_adam else rate),
        typed(rule.first_decay),
        typed(rule.second_decay),
        typed(rule.epsilon),
        typed(update.divisor),
    )
    if rule.solver == _ADAMW:
        shrink = typed(1.0 - rate * rule.alpha)
        for k in range(parameters.size):
            parameters[k] *= shrink
    elif rule.alpha > 0:
        for k in range(parameters.size):
            gradient[k] = gradient[k] * scale + decay * parameters[k]
        scale = typed(1.0)
    if rule.solver == _SGD:
        for k in range(parameters.size):
            parameters[k], first[k] = sgd(parameters[k], first[k], gradient[k] * scale, factors)
    elif rule.solver == _RMSPROP:
        for k in range(parameters.size):
            parameters[k], first[k], second[k] = rmsprop(
                parameters[k], first[k], second[k], gradient[k] * scale, factors
            )
    else:
        for k in range(parameters.size):
            parameters[k], first[k], second[k] = adam(
                parameters[k], first[k], second[k], gradient[k] * scale, factors
            )
