"""Beam search: the most probable sequences that an encoder-decoder writes for those it has read."""

from typing import NamedTuple

import numpy as np

from tsrnn.kernels import portable
from tsrnn.network.step_decoder import StepDecoder


class Beams(NamedTuple):
    """How sequences are searched for."""

    begin: int  # token before the first
    end: int  # token after the last
    size: int  # unfinished sequences that are kept at each step
    length_penalty: float
    max_length: int  # tokens of a sequence, the last one included


class Found(NamedTuple):
    """A sequence that was found."""

    tokens: np.ndarray  # int64, without the last one
    score: float  # logarithm of its probability over a power of its length


class _Beam:
    """The sequences of a search, finished and not."""

    def __init__(self, decoder: StepDecoder, beams: Beams):
        self.decoder, self.beams = decoder, beams
        n = decoder.first_steps.size
        self.active = np.arange(n)  # numbers of those sequences read whose search goes on
        self.tokens = np.full((n, beams.size, 1), beams.begin)
        # Equal sequences at first, of which only one counts.
        self.log_probs = np.full((n, beams.size), -np.inf)
        self.log_probs[:, 0] = 0
        self.states = np.repeat(decoder.states, beams.size, axis=1)
        self.found: list[list[Found]] = [[] for _ in range(n)]

    def finish(self, rows: np.ndarray, tokens: np.ndarray, log_probs: np.ndarray, length: int):
        """Note sequences (n, steps) of rows of ``active`` as finished."""
        power = float(portable.exp(self.beams.length_penalty * portable.log(float(length))))
        for row, of_row, log_prob in zip(rows, tokens, log_probs, strict=True):
            if log_prob > -np.inf:
                self.found[self.active[row]].append(Found(of_row[1:].copy(), log_prob / power))

    def step(self):
        """Continue each sequence by a token, and keep the most probable ones."""
        size, end, n = self.beams.size, self.beams.end, self.active.size
        sequences = np.repeat(self.active, size)
        last = np.ascontiguousarray(self.tokens[:, :, -1].ravel())
        # With one more than are kept, enough are left where one of them is the end.
        best, log_probs, _ = self.decoder.step(last, sequences, self.states, size + 1)
        best = best.reshape(n, -1)
        log_probs = (self.log_probs[:, :, None] + log_probs.reshape(n, size, -1)).reshape(n, -1)
        order = np.argsort(-log_probs, axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        log_probs = np.take_along_axis(log_probs, order, axis=1)
        parents, is_end = order // (size + 1), best == end
        # Ends among the most probable finish a sequence; the best others go on.
        rows, places = np.nonzero(is_end[:, :size])
        finished = self.tokens[rows, parents[rows, places]]
        self.finish(rows, finished, log_probs[rows, places], finished.shape[1])
        goes_on = np.argsort(is_end, axis=1, kind="stable")[:, :size]
        parents, best, self.log_probs = (
            np.take_along_axis(values, goes_on, axis=1) for values in (parents, best, log_probs)
        )
        self._keep(parents, best)

    def _keep(self, parents, tokens):
        """Continue the sequences of parents by tokens, and drop finished searches."""
        size = self.beams.size
        goes_on = np.array([len(self.found[number]) < size for number in self.active])
        goes_on &= (self.log_probs > -np.inf).any(axis=1)
        rows = np.flatnonzero(goes_on)
        parents, tokens = parents[rows], tokens[rows]
        before = self.tokens[rows[:, None], parents]
        self.tokens = np.concatenate([before, tokens[:, :, None]], axis=2)
        self.log_probs, self.active = self.log_probs[rows], self.active[rows]
        columns = (rows[:, None] * size + parents).ravel()
        self.states = np.ascontiguousarray(self.states[:, columns])

    def cut(self):
        """Finish what has not come to an end."""
        rows = np.repeat(np.arange(self.active.size), self.beams.size)
        tokens = self.tokens.reshape(rows.size, -1)
        self.finish(rows, tokens, self.log_probs.ravel(), tokens.shape[1] - 1)


def search(decoder: StepDecoder, beams: Beams) -> list[Found]:
    """The best sequence that is found for each one that a decoder has read.

    At each step the ``beams.size`` most probable unfinished sequences are kept. A search ends once
    as many sequences are finished, or at the greatest length, where those that are not finished
    count too. Of two as good the one found first is taken.
    """
    beam = _Beam(decoder, beams)
    for _ in range(beams.max_length):
        if not beam.active.size:
            break
        beam.step()
    if beam.active.size:
        beam.cut()
    none = Found(np.empty(0, np.int64), -np.inf)
    return [max(found, key=lambda each: each.score, default=none) for found in beam.found]
