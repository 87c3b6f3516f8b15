"""Windows of labelled sequences that a tagger is trained on."""

import dataclasses

import numpy as np

from tsrnn.estimators.sequences import Sequences
from tsrnn.estimators.training_set import TrainingSet
from tsrnn.sequences.streams import cut_windows

_N_CUTS = 32  # ways in which long sequences are cut; an epoch draws as many windows as one gives


def tagging_set(
    sequences: Sequences, weights: np.ndarray, n_steps: int, fraction: float
) -> TrainingSet:
    """Windows of at most ``n_steps`` of sequences, and of the last ``fraction`` to validate on.

    A long sequence is cut into windows from many starts, lest the places of its cuts be learned:
    with two labels that each last for a window, no window would have both.
    """
    firsts, lengths, numbers = sequences.firsts, sequences.lengths, np.arange(len(sequences))
    held_out = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    if fraction:
        pieces = _cut(firsts, lengths, n_steps)
        n_held_out = int(np.ceil(fraction * pieces[0].size))
        if n_held_out >= pieces[0].size:
            raise ValueError(
                f"early_stopping=True holds windows out, and there are only {pieces[0].size}. Use "
                "early_stopping=False, or give more sequences, or a smaller n_steps."
            )
        held_out = tuple(part[-n_held_out:] for part in pieces)
        last = held_out[2][0]
        lengths = lengths[: last + 1].copy()
        lengths[last] = held_out[0][0] - firsts[last]
        numbers = np.flatnonzero(lengths)
    *windows, n_cuts = _shifted_cuts(firsts[numbers], lengths[numbers], n_steps)
    weight = weights[numbers][windows[2]] / n_cuts[windows[2]]
    firsts, lengths = (
        np.concatenate(parts) for parts in zip(windows[:2], held_out[:2], strict=True)
    )
    weights = np.concatenate([weight, weights[held_out[2]]])
    targets = sequences.step_targets
    assert targets is not None
    n_known = np.concatenate([[0], np.cumsum(~np.isnan(targets[:, 0]))])
    weights[n_known[firsts + lengths] == n_known[firsts]] = 0  # of no label
    n = windows[0].size
    return TrainingSet(
        dataclasses.replace(sequences, firsts=firsts, lengths=lengths, ids=None),
        np.empty((firsts.size, 0)),
        weights,
        np.arange(n),
        np.arange(n, firsts.size),
        share=float((1 / n_cuts[windows[2]]).sum() / n),
    )


def _cut(firsts, lengths, n_steps):
    """First rows, lengths and numbers of sequences of parts of nearly equal length."""
    numbers = np.repeat(np.arange(lengths.size), -(-lengths // n_steps))
    return *cut_windows(firsts, lengths, n_steps), numbers


def _shifted_cuts(firsts, lengths, n_steps):
    """First rows, lengths and numbers of sequences of windows by several cuts; cuts of each.

    Each step of a sequence is in one window of each of its cuts, the first of which is ``shift``
    steps after its start, and the others each ``n_steps`` further.
    """
    is_long = lengths > n_steps
    shifts = np.unique(-(-n_steps * np.arange(1, _N_CUTS + 1) // _N_CUTS))
    short, long = np.flatnonzero(~is_long), np.flatnonzero(is_long)
    parts = [(firsts[short], lengths[short], short)]
    for shift in shifts:
        n_windows = 1 + -(-(lengths[long] - shift) // n_steps)
        numbers = np.repeat(long, n_windows)
        place = np.arange(numbers.size) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
        starts = np.maximum(shift + (place - 1) * n_steps, 0)
        ends = np.minimum(shift + place * n_steps, lengths[numbers])
        parts.append((firsts[numbers] + starts, ends - starts, numbers))
    windows = (np.concatenate(part) for part in zip(*parts, strict=True))
    return *windows, np.where(is_long, shifts.size, 1)
