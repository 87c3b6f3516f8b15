"""Connectionist temporal classification (Graves et al. 2006): labels of a sequence without times.

Class 0 is the blank. A path gives every step a class; it reads as labels once neighbours that are
equal are merged, and blanks left out after that. The loss is minus the logarithm of the probability
of all paths that read as the targets. Around and between ``n`` labels there are ``n + 1`` blanks; a
path goes through these states in order, and may leave out the blank between two unequal labels.

Probabilities of states are logarithms relative to the most probable state of their step, so that
float32 will do for any number of steps.
"""

import math

from tsrnn.kernels.elementary import LOG_SERIES, exp, fma, log
from tsrnn.kernels.jit.compile import device_function, like, matrix, scalar
from tsrnn.kernels.losses._base import PER_CLASS, Loss

_NEVER = -1e30  # the logarithm of no probability; unlike that of infinities a difference is no NaN
_L1, _L2, _L3, _L4, _L5, _L6, _L7 = LOG_SERIES


@scalar
def log_of_few(x):
    """Logarithm of a number from 1 to 3; unlike ``log``, LLVM makes vectors of a loop of it."""
    root, half, zero = like(x, 2**0.5), like(x, 0.5), like(x, 0.0)
    n = (like(x, 1.0) if x > root else zero) + (like(x, 1.0) if x > root + root else zero)
    x *= (half if x > root else like(x, 1.0)) * (half if x > root + root else like(x, 1.0))
    f = x - like(x, 1.0)
    s = f / (like(x, 2.0) + f)
    z = s * s
    series = fma(z, fma(z, fma(z, like(x, _L7), like(x, _L6)), like(x, _L5)), like(x, _L4))
    series = fma(z, fma(z, fma(z, series, like(x, _L3)), like(x, _L2)), like(x, _L1))
    return n * like(x, math.log(2)) + (f - s * (f - z * series))


@scalar
def log_sum(a, b, c):
    """Logarithm of ``exp(a) + exp(b) + exp(c)``."""
    highest = max(max(a, b), c)
    return highest + log_of_few(exp(a - highest) + exp(b - highest) + exp(c - highest))


@scalar
def log_sum_of_two(a, b):
    """Logarithm of ``exp(a) + exp(b)``."""
    return max(a, b) + log_of_few(like(a, 1.0) + exp(min(a, b) - max(a, b)))


@device_function
def state_width(n_labels):
    """Values for a step's states: n labels between one value more on either side, then blanks."""
    return 2 * n_labels + 3


@device_function
def steps_needed(labels):
    """The fewest steps of a path that reads as labels: a blank must part equal ones."""
    n = labels.size
    for k in range(1, labels.size):
        if labels[k] == labels[k - 1]:
            n += 1
    return n


@device_function
def to_log_softmax(scores):
    """Overwrite scores, (n_classes,), with the logarithms of their softmax; their log-sum."""
    highest = scores[0]
    for k in range(1, scores.size):
        highest = max(highest, scores[k])
    total = like(highest, 0.0)
    for k in range(scores.size):
        total += exp(scores[k] - highest)
    log_total = highest + log(total)
    for k in range(scores.size):
        scores[k] -= log_total
    return log_total


@device_function
def fill(values, value):
    """Set all values."""
    for k in range(values.size):
        values[k] = value


@device_function
def subtract_highest(values):
    """Subtract the highest value from all, and return it."""
    highest = values[0]
    for k in range(1, values.size):
        highest = max(highest, values[k])
    for k in range(values.size):
        values[k] -= highest
    return highest


@device_function
def add_emissions(log_p, labels, states):
    """Add to a step's states the logarithms of the probabilities of their classes."""
    of_labels, of_blanks = states[1 : labels.size + 1], states[labels.size + 2 :]
    for k in range(of_labels.size):
        of_labels[k] += log_p[int(labels[k])]
    for k in range(of_blanks.size):
        of_blanks[k] += log_p[0]


@device_function
def step_forward(before, skips, after):
    """Write the states a step after ``before``, without their emissions.

    ``skips``, (n + 2,), of a label is 0 if it may follow the one before without a blank.
    """
    n = skips.size - 2
    label_before, label, blank, skip = before[:n], before[1 : n + 1], before[n + 2 :], skips[:n]
    new_label, new_blank = after[1 : n + 1], after[n + 2 :]
    for k in range(n):
        new_label[k] = log_sum(label[k], blank[k], label_before[k] + skip[k])
    before_blank = before[: n + 1]
    for k in range(n + 1):
        new_blank[k] = log_sum_of_two(blank[k], before_blank[k])


@device_function
def step_backward(after, skips, before):
    """Write of each state what follows it, from that of the states after, with their emissions."""
    n = skips.size - 2
    label, label_after, skip = after[1 : n + 1], after[2 : n + 2], skips[1 : n + 1]
    blank, blank_after = after[n + 2 :], after[n + 3 :]
    new_label, new_blank = before[1 : n + 1], before[n + 2 :]
    for k in range(n):
        new_label[k] = log_sum(label[k], blank_after[k], label_after[k] + skip[k])
    after_blank = after[1 : n + 2]
    for k in range(n + 1):
        new_blank[k] = log_sum_of_two(blank[k], after_blank[k])


@device_function
def write_alphas(log_p, labels, skips, before, alphas):
    """Write of each step's states the probability of all paths up to them; that of all in full."""
    n, total = labels.size, 0.0
    fill(before, _NEVER)
    before[n + 2] = 0  # the blank at the beginning
    for t in range(log_p.shape[0]):
        fill(alphas[t], _NEVER)
        step_forward(before if t == 0 else alphas[t - 1], skips, alphas[t])
        add_emissions(log_p[t], labels, alphas[t])
        total += subtract_highest(alphas[t])
    last = alphas[log_p.shape[0] - 1]
    return total + log_sum_of_two(last[n], last[2 * n + 2])


@device_function
def write_posteriors(log_p, labels, skips, betas, after, alphas):
    """Turn the alphas of each step's states into their probability given the labels."""
    fill(betas, _NEVER)
    fill(after, _NEVER)
    after[after.size - 1] = 0  # the blank at the end
    for t in range(log_p.shape[0] - 1, -1, -1):
        states, total = alphas[t], like(after[0], 0.0)
        step_backward(after, skips, betas)
        subtract_highest(betas)
        for k in range(states.size):
            states[k] += betas[k]
        subtract_highest(states)
        for k in range(states.size):
            states[k] = exp(states[k])
            total += states[k]
        for k in range(states.size):
            states[k] /= total
            after[k] = betas[k]
        add_emissions(log_p[t], labels, after)


@device_function
def evaluate_sequence(outputs, labels, weight, scratch):
    """The loss of a sequence; outputs, (n_time, n_classes), become its weighted gradient.

    It is infinite, without a gradient, if there are fewer steps than the labels need.
    """
    n_time, n = outputs.shape[0], labels.size
    if n_time < steps_needed(labels):
        for t in range(n_time):
            fill(outputs[t], 0)
        return math.inf
    width = state_width(n)
    alphas, rest = matrix(scratch, 0, n_time, width), scratch[n_time * width :]
    skips, one, other = rest[: n + 2], rest[width : 2 * width], rest[2 * width : 3 * width]
    fill(skips, _NEVER)
    for k in range(1, n):
        if labels[k] != labels[k - 1]:
            skips[k] = 0
    log_totals = 0.0
    for t in range(n_time):
        log_totals += to_log_softmax(outputs[t])
    log_likelihood = write_alphas(outputs, labels, skips, one, alphas)
    write_posteriors(outputs, labels, skips, one, other, alphas)
    for t in range(n_time):
        gradient = outputs[t]
        for k in range(gradient.size):
            gradient[k] = exp(gradient[k]) * weight
        for k in range(n):
            gradient[int(labels[k])] -= alphas[t, 1 + k] * weight
        for k in range(n + 1):
            gradient[0] -= alphas[t, n + 2 + k] * weight
    return log_totals if math.isnan(log_totals) else -log_likelihood


class CTC(Loss):
    """One score for each class, of which the first is the blank; targets are numbers of others."""

    outputs_per_target = PER_CLASS

    evaluate_sequence = staticmethod(evaluate_sequence)

    def space(self, n_time, n_targets):
        return (n_time + 3) * state_width(n_targets)


loss = CTC()
