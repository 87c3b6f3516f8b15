"""Drawing a class from the scores of all."""

from typing import NamedTuple

from tsrnn.kernels.elementary import exp
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.jit.generate import record_reader


class Sampling(NamedTuple):
    """How a class is drawn from the softmax of scores."""

    temperature: float = 1.0  # divides the scores; 0 takes the highest
    top_k: int = 0  # number of the most probable classes that are drawn from; 0 for all
    # Then the fewest most probable ones of these with this share of the probability (the nucleus
    # of Holtzman et al. 2020, arXiv 1904.09751).
    top_p: float = 1.0


sampling_of = record_reader(Sampling)


@device_function
def comes_first(probabilities, a, b):
    """Whether class a comes before b: more probable, or as probable and of a lower number."""
    if probabilities[a] == probabilities[b]:
        return a < b
    return probabilities[a] > probabilities[b]


@device_function
def sift_down(probabilities, heap, root, n):
    """Restore the order of a heap's first n entries below ``root``."""
    while 2 * root + 1 < n:
        child = 2 * root + 1
        if child + 1 < n and comes_first(probabilities, heap[child + 1], heap[child]):
            child += 1
        if comes_first(probabilities, heap[root], heap[child]):
            return
        heap[root], heap[child] = heap[child], heap[root]
        root = child


@device_function
def pop(probabilities, order, n):
    """Move the first of a heap's n classes to its end; return its probability."""
    order[0], order[n - 1] = order[n - 1], order[0]
    sift_down(probabilities, order, 0, n - 1)
    return probabilities[order[n - 1]]


@device_function
def sort_most_probable(probabilities, total, sampling, order):
    """Sort the classes to draw from to the end of ``order``, the most probable last.

    ``total`` is the sum of all probabilities. Returns the number of the classes and the sum of
    their probabilities. A heap gives one after another, as few may be enough.
    """
    n = probabilities.size
    for c in range(n):
        order[c] = c
    for root in range(n // 2 - 1, -1, -1):
        sift_down(probabilities, order, root, n)
    n_sorted, n_most = 0, n
    if sampling.top_k > 0:
        n_most, total = min(sampling.top_k, n), 0.0
        while n_sorted < n_most:
            total += pop(probabilities, order, n - n_sorted)
            n_sorted += 1
    n_kept, mass = 0, 0.0
    while n_kept < n_most and (n_kept == 0 or mass < sampling.top_p * total):
        if n_kept == n_sorted:
            pop(probabilities, order, n - n_sorted)
            n_sorted += 1
        mass += probabilities[order[n - 1 - n_kept]]
        n_kept += 1
    return n_kept, mass


@device_function
def draw(scores, uniform, sampling, probabilities, order):
    """The class that a number between 0 and 1 draws from scores (n,).

    ``probabilities`` (n,) float64 and ``order`` (n,) int64 are overwritten.
    """
    n, best = scores.size, 0
    for c in range(1, n):
        if scores[c] > scores[best]:
            best = c
    if sampling.temperature == 0:
        return best
    mass = 0.0
    for c in range(n):
        difference = float(scores[c]) - float(scores[best])
        probabilities[c] = exp(difference / sampling.temperature)
        mass += probabilities[c]
    n_kept, is_sorted = n, sampling.top_k > 0 or sampling.top_p < 1
    if is_sorted:
        n_kept, mass = sort_most_probable(probabilities, mass, sampling, order)
    left = uniform * mass
    for k in range(n_kept):
        c = order[n - 1 - k] if is_sorted else k
        left -= probabilities[c]
        if left < 0:
            return c
    return best
