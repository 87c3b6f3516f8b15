"""Windows that a language model is trained on: streams of tokens, or short texts and pieces."""

import dataclasses
from typing import Self

import numpy as np

from tsrnn.kernels.sources import Source
from tsrnn.sequences.streams import cut_windows, overlapping_windows, stream_windows

_OVERLAP = 8  # windows of attention that a token is in; an epoch draws one of so many
_SHORT = 2  # times ``n_steps``: mean length of sequences up to which each is read by itself


@dataclasses.dataclass(frozen=True)
class TrainingWindows:
    """Windows of a source to train and to validate on."""

    source: Source
    # (n_streams, n) numbers of windows whose state is carried, or (n,) independent ones.
    training: np.ndarray
    validation: np.ndarray
    n_drawn: int | None = None  # windows of an epoch, where it does not read all

    @classmethod
    def _of(cls, source, training, validation, n_drawn=None) -> Self:
        """Windows of first rows and lengths, ``training`` and ``validation`` pairs of arrays."""
        firsts, lengths = (
            np.concatenate([np.ravel(a), np.ravel(b)])
            for a, b in zip(training, validation, strict=True)
        )
        numbers = np.arange(firsts.size)
        n = np.size(training[0])
        source = source._replace(firsts=firsts.astype(np.int64), lengths=lengths.astype(np.int64))
        return cls(source, numbers[:n].reshape(np.shape(training[0])), numbers[n:], n_drawn)

    @classmethod
    def of_streams(cls, source: Source, n_held_out: int, n_streams: int, n_steps: int) -> Self:
        """Streams of all tokens but the last, which are validated on."""
        n = count_rows(source) - n_held_out
        training = stream_windows(n, n_streams, n_steps)
        return cls._of(source, training, _held_out(n, n_held_out, n_steps))

    @classmethod
    def of_attention(cls, source: Source, n_held_out: int, n_steps: int) -> Self:
        """Overlapping windows of all tokens but the last, which are validated on."""
        n = count_rows(source) - n_held_out
        training = overlapping_windows(n, n_steps, -(-n_steps // _OVERLAP))
        n_drawn = -(-training[0].size // _OVERLAP)
        return cls._of(source, training, _held_out(n, n_held_out, n_steps), n_drawn)

    @classmethod
    def of_sequences(cls, source: Source, n_held_out: int, n_steps: int) -> Self:
        """All sequences but the last, cut where they are longer than ``n_steps``."""
        n = source.firsts.size - n_held_out
        training, validation = (
            cut_windows(source.firsts[part], source.lengths[part], n_steps)
            for part in (slice(0, n), slice(n, None))
        )
        return cls._of(source, training, validation)


def count_rows(source: Source) -> int:
    """Rows of tokens with a target, all sequences end to end."""
    return int(source.firsts[-1] + source.lengths[-1])


def are_short(source: Source, n_steps: int) -> bool:
    """Whether sequences are short: better read each from a state of zeros than in streams.

    A stream has them in the same order in each epoch, which a network would learn by heart.
    """
    return bool(source.lengths.mean() <= _SHORT * n_steps)


def count_held_out(fraction: float, n: int, noun: str) -> int:
    """Tokens or sequences to validate on; ValueError if none is left to train on."""
    n_held_out = int(np.ceil(fraction * n))
    if n_held_out >= n:
        raise ValueError(
            f"early_stopping=True holds {noun} out, and X has only {n}. Use early_stopping=False, "
            "or give more."
        )
    return n_held_out


def _held_out(first, n, n_steps):
    """First rows and lengths of windows of the rows from ``first`` on."""
    return cut_windows(np.array([first]), np.array([n]), n_steps) if n else ([], [])
