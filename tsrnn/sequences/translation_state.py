"""FittedTranslator: an encoder-decoder with the vocabularies of both sides."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from tsrnn.estimators.memory import check_bytes
from tsrnn.kernels.jit.threads import are_worth_it, claim_threads
from tsrnn.kernels.sources import Source
from tsrnn.network import EncoderDecoder, PairSource, StepDecoder
from tsrnn.sequences.beam_search import Beams, search
from tsrnn.sequences.translation_sides import NumberSource, TokenSource, TokenTarget

_GROUP = 128  # sequences that are decoded together, ...
_GROUP_VALUES = 2**24  # ... whose steps have together at most so many outputs of the encoder
_FLOPS = 2e10  # multiply-adds a second


@dataclasses.dataclass(frozen=True, eq=False)
class FittedTranslator:
    """The fitted state of a translator."""

    network: EncoderDecoder
    source: TokenSource | NumberSource
    target: TokenTarget

    def read(self, X: Any) -> Source:
        """Sequences to read; ValueError if X is not like what was fitted."""
        return self.source.read(X)

    def read_pairs(self, X: Any, y: Any, *, training: bool = False) -> PairSource:
        """Pairs of sequences; ValueError as well if one takes more memory than there is."""
        source = self.read(X)
        pairs = PairSource(source, self.target.read(y, source.firsts.size))
        lengths = source.lengths, pairs.decoder.lengths
        (x, n_read), (t, n_written) = ((int(n.argmax()), int(n.max())) for n in lengths)
        check_bytes(
            self.network.count_bytes(pairs, training=training),
            f"Sequence {x} of X has {n_read:,} steps and sequence {t} of y {n_written:,}",
            training=training,
            remedy="Leave out the longest pairs, or take fewer units.",
        )
        return pairs

    def translate(self, source: Source, beams: Beams, n_jobs: int | None) -> list[np.ndarray]:
        """The tokens that are found for each sequence, without those of begin and end."""
        results: list[Any] = [None] * source.firsts.size
        for group, decoder in self._groups(source, beams.size, beams.max_length, n_jobs):
            for number, found in zip(group, search(decoder, beams), strict=True):
                results[number] = found.tokens
        return results

    def follow(
        self, pairs: PairSource, n_jobs: int | None
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Write the given sequences: the most probable token in the place of each, and weights.

        Returns arrays (n_steps,) int64 and (n_steps, n_read), of each pair.
        """
        n, lengths = pairs.decoder.firsts.size, pairs.decoder.lengths
        predicted, weights = ([np.empty(0)] * n for _ in range(2))
        for group, decoder in self._groups(pairs.encoder, 1, int(lengths.max()), n_jobs):
            best, shares = _follow(decoder, pairs.decoder, group)
            for row, number in enumerate(group):
                predicted[number] = best[row, : lengths[number]]
                begin = decoder.first_steps[row]
                weights[number] = shares[row, : lengths[number], begin:]
        return predicted, weights

    def step_losses(self, pairs: PairSource, n_jobs: int | None) -> list[np.ndarray]:
        """Negative log-likelihoods of the steps of each pair, float64 arrays."""
        n = pairs.decoder.firsts.size
        with claim_threads(self.network.threads_for(n_jobs, pairs, n)) as n_tasks:
            losses = self.network.step_losses(pairs, np.arange(n), n_tasks)
        return [row[row.size - k :] for row, k in zip(losses, pairs.decoder.lengths, strict=True)]

    def _groups(
        self, source: Source, n_beams: int, n_steps: int, n_jobs: int | None
    ) -> Iterator[tuple[np.ndarray, StepDecoder]]:
        """Numbers of sequences of like lengths, and what decodes them."""
        order = np.argsort(-source.lengths, kind="stable")
        n_units = self.network.decoder.n_hidden
        n_most = max(1, min(_GROUP, _GROUP_VALUES // (int(source.lengths.max()) * n_units)))
        seconds = order.size * n_beams * n_steps * self.network.parameters.size / _FLOPS
        kernel = self.network.decoding.step
        threads = n_jobs if n_jobs == 1 or are_worth_it(seconds, kernel, kernel) else 1
        with claim_threads(threads) as n_tasks:
            for first in range(0, order.size, n_most):
                group = order[first : first + n_most]
                part = source._replace(firsts=source.firsts[group], lengths=source.lengths[group])
                yield group, StepDecoder(self.network, part, self.target.allowed, n_tasks)


def _follow(decoder, target, group):
    """Most probable tokens, (n, steps), and weights, (n, steps, n_read), of given targets."""
    firsts, lengths = target.firsts[group], target.lengths[group]
    n_steps = int(lengths.max())
    best = np.zeros((group.size, n_steps), np.int64)
    shares = np.zeros((group.size, n_steps, decoder.n_read), np.float64)
    states = decoder.states
    rows = np.arange(group.size)
    for step in range(n_steps):
        goes_on = lengths[rows] > step
        rows, states = rows[goes_on], np.ascontiguousarray(states[:, goes_on])
        tokens = target.tokens[firsts[rows] + step]
        found, _, weights = decoder.step(tokens, rows, states, 1)
        best[rows, step] = found[:, 0]
        if weights.size:
            shares[rows, step] = weights
    return best, shares
