"""Decoding of connectionist temporal classification: from classes of steps to labels, and back.

``log_p``, (n_steps, n_classes) float64, are logarithms of the probabilities of classes; class 0 is
the blank (see ``tsrnn.kernels.losses.ctc``).
"""

from typing import Protocol

import numpy as np

_NEGLIGIBLE = 50.0  # below the best prefix, in nats
_NEVER = -1e30


class Prior(Protocol):
    """What is added to the logarithm of a prefix's probability, for many prefixes at once."""

    def begin(self) -> None:
        """Begin with one prefix, without labels."""

    def scores(self) -> np.ndarray:
        """What each label, class by class from 1 on, adds to each prefix, (n, n_classes - 1)."""

    def end_scores(self) -> np.ndarray:
        """What its end adds to each prefix, (n,)."""

    def keep(self, prefixes: np.ndarray, classes: np.ndarray) -> None:
        """Go on with some prefixes, by number, each with a further label, or with 0 as it is."""


def best_path(log_p: np.ndarray) -> np.ndarray:
    """Classes of the labels of the most probable path, (n_labels,)."""
    path = log_p.argmax(axis=1)
    is_new = np.append(True, path[1:] != path[:-1])
    return path[is_new & (path > 0)]


def beam_search(log_p: np.ndarray, beam_size: int, prior: Prior | None = None) -> np.ndarray:
    """Classes of the most probable labels, of all paths that read as them, (n_labels,).

    Prefix beam search (Hannun et al. 2014): after each step the ``beam_size`` most probable
    prefixes are kept, each with the probability of its paths that end with a blank, and of those
    that end with its last label.
    """
    tree = _PrefixTree()
    nodes = np.zeros(1, np.int64)
    blank, label, bonus = np.zeros(1), np.full(1, _NEVER), np.zeros(1)
    if prior is not None:
        prior.begin()
    for scores in log_p:
        added = np.zeros((nodes.size, scores.size - 1)) if prior is None else prior.scores()
        total = np.logaddexp(blank, label)
        last = tree.classes_of(nodes)
        further = total[:, None] + scores[1:]
        own = np.flatnonzero(last)
        further[own, last[own] - 1] = blank[own] + scores[last[own]]
        blank, label = total + scores[0], label + scores[last]
        tree.merge(nodes, label, further)
        values = np.column_stack([np.logaddexp(blank, label) + bonus, further])
        values[:, 1:] += bonus[:, None] + added
        prefixes, classes = _best(values, beam_size)
        is_new = classes > 0
        nodes = tree.extend(nodes[prefixes], classes)
        bonus = bonus[prefixes]
        new = prefixes[is_new], classes[is_new] - 1
        bonus[is_new] += added[new]
        blank = np.where(is_new, _NEVER, blank[prefixes])
        label = label[prefixes]
        label[is_new] = further[new]
        if prior is not None:
            prior.keep(prefixes, classes)
    total = np.logaddexp(blank, label) + bonus
    if prior is not None:
        total += prior.end_scores()
    return tree.labels(int(nodes[total.argmax()]))


def _best(values, n):
    """Rows and columns of the n highest values, those that are not negligible."""
    flat = values.ravel()
    order = np.arange(flat.size)
    if flat.size > n:
        order = np.sort(np.argpartition(-flat, n)[:n])
    order = order[flat[order] > flat[order].max() - _NEGLIGIBLE]
    return np.divmod(order, values.shape[1])


class _PrefixTree:
    """Sequences of labels as nodes: each has a parent and a last class; node 0 has none."""

    def __init__(self):
        self._parents, self._classes = [-1], [0]
        self._children: dict[tuple[int, int], int] = {}

    def classes_of(self, nodes):
        """The last class of each node, 0 for none."""
        return np.array([self._classes[node] for node in nodes.tolist()])

    def extend(self, nodes, classes):
        """The nodes with a further class each, or with 0 as they are."""
        return np.array(
            [
                self._child(node, label) if label else node
                for node, label in zip(nodes.tolist(), classes.tolist(), strict=True)
            ]
        )

    def _child(self, node, label):
        key = node, label
        if key not in self._children:
            self._children[key] = len(self._parents)
            self._parents.append(node)
            self._classes.append(label)
        return self._children[key]

    def merge(self, nodes, label, further):
        """Add to nodes what their parents, if among them, become by their last label."""
        places = {node: place for place, node in enumerate(nodes.tolist())}
        for node, place in places.items():
            parent = places.get(self._parents[node])
            if parent is not None:
                column = self._classes[node] - 1
                label[place] = np.logaddexp(label[place], further[parent, column])
                further[parent, column] = _NEVER

    def labels(self, node):
        """The classes from the root to a node."""
        classes = []
        while node:
            classes.append(self._classes[node])
            node = self._parents[node]
        return np.array(classes[::-1], np.int64)


def align(log_p: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First step, and the one after the last, of each label in the most probable path.

    By the algorithm of Viterbi (1967); there must be as many steps as the labels need.
    """
    states = np.zeros(2 * classes.size + 1, np.int64)  # blanks around and between the labels
    states[1::2] = classes
    may_skip = np.zeros(states.size, bool)
    may_skip[3::2] = classes[1:] != classes[:-1]
    emissions = log_p[:, states]
    best = np.full(states.size, _NEVER)
    best[:2] = emissions[0, :2]
    moves = np.zeros(emissions.shape, np.int8)  # states that the path went on by
    candidates = np.full((3, states.size), _NEVER)
    for t in range(1, len(emissions)):
        candidates[0], candidates[1, 1:] = best, best[:-1]
        candidates[2, 2:] = np.where(may_skip[2:], best[:-2], _NEVER)
        moves[t] = candidates.argmax(axis=0)
        best = candidates.max(axis=0) + emissions[t]
    state = states.size - 1
    if state and best[state - 1] > best[state]:
        state -= 1
    starts, ends = np.zeros(classes.size, np.int64), np.zeros(classes.size, np.int64)
    for t in range(len(emissions) - 1, -1, -1):
        if state % 2:
            starts[state // 2] = t
            ends[state // 2] = max(ends[state // 2], t + 1)
        state -= int(moves[t, state])
    return starts, ends
