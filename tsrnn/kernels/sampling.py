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
def sort_most_probable(probabilities, sampling, order):
    """Sort the classes to draw from to the end of ``order``, the most probable last.

    Returns their number and the sum of their probabilities. A heap gives one after another.
    """
    n = probabilities.size
    total = 0.0
    for c in range(n):
        order[c] = c
        total += probabilities[c]
    for root in range(n // 2 - 1, -1, -1):
        sift_down(probabilities, order, root, n)
    n_most = min(sampling.top_k, n) if sampling.top_k > 0 else n
    enough = sampling.top_p * total if sampling.top_k == 0 else total
    mass, n_sorted = 0.0, 0
    while n_sorted < n_most and (n_sorted == 0 or mass < enough):
        last = n - 1 - n_sorted
        order[0], order[last] = order[last], order[0]
        mass += probabilities[order[last]]
        n_sorted += 1
        sift_down(probabilities, order, 0, last)
    if sampling.top_k > 0 and sampling.top_p < 1:
        enough, mass, n_most = sampling.top_p * mass, 0.0, n_sorted
        n_sorted = 0
        while n_sorted < n_most and (n_sorted == 0 or mass < enough):
            mass += probabilities[order[n - 1 - n_sorted]]
            n_sorted += 1
    return n_sorted, mass


@device_function
def draw(scores, uniform, sampling, probabilities, order):
    """The class that a number between 0 and 1 draws from scores (n,).

    ``probabilities`` (n,) float64 and ``order`` (n,) int64 are overwritten.
    """
    best = 0
    for c in range(1, scores.size):
        if scores[c] > scores[best]:
            best = c
    if sampling.temperature == 0:
        return best
    mass = 0.0
    for c in range(scores.size):
        difference = float(scores[c]) - float(scores[best])
        probabilities[c] = exp(difference / sampling.temperature)
        mass += probabilities[c]
    if sampling.top_k == 0 and sampling.top_p >= 1:
        left = uniform * mass
        for c in range(scores.size):
            left -= probabilities[c]
            if left < 0:
                return c
        return best
    n_sorted, mass = sort_most_probable(probabilities, sampling, order)
    left = uniform * mass
    for k in range(n_sorted):
        left -= probabilities[order[scores.size - 1 - k]]
        if left < 0:
            return order[scores.size - 1 - k]
    return best
