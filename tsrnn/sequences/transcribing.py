"""Sequences with labels that have no times: targets to train on, and outputs for their steps."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.estimators.sequences import Sequences
from tsrnn.kernels.sources import Source
from tsrnn.kernels.targets import Workers
from tsrnn.network import Network
from tsrnn.sequences.decoding import Prior, align, beam_search, best_path
from tsrnn.sequences.label_sequences import LabelSequences

_BEAM_SIZE = 16  # with a language model
_OUTPUTS = 2**22  # of sequences that are evaluated at once


def check_feasible(sequences: Sequences, targets: LabelSequences, segment: int) -> None:
    """Raise ValueError where labels need more steps than there are."""
    labels, n_steps = targets.labels, sequences.lengths // segment
    is_repeated = np.zeros(labels.size, bool)  # by the next
    is_repeated[:-1] = labels[1:] == labels[:-1]
    n_needed = np.array(
        [
            n + row[:-1].sum()
            for n, row in zip(targets.lengths, targets.split(is_repeated), strict=True)
        ]
    )
    short = np.flatnonzero(n_needed > n_steps)
    if not short.size:
        return
    number = int(short[0])
    shown = list(targets)[number].tolist()
    n, needed = len(shown), n_needed[number]
    shown = repr("".join(shown)) if targets.are_texts else repr(shown)
    more = f", and {needed - n} between equal ones" if needed > n else ""
    remedy = "Lower segment, or drop it." if segment > 1 else "Drop it, or give more steps."
    steps = "steps" if segment == 1 else f"segments of {segment} steps"
    raise ValueError(
        f"{sequences.name(number)} has {n_steps[number]} {steps} and {n} labels, {shown:.100}, "
        f"which need {needed} at least: one for each{more}. {remedy}"
    )


def with_step_targets(
    sequences: Sequences, n_labels: np.ndarray, numbers: np.ndarray, segment: int
) -> Sequences:
    """Sequences with their labels' numbers as targets of their first segments, and no others.

    The target of a segment is that of its last step.
    """
    lengths, firsts = sequences.lengths, sequences.firsts
    values = sequences.values
    ends = np.cumsum(lengths)
    if not np.array_equal(firsts, ends - lengths) or len(values) != ends[-1]:
        # They share rows, or leave some out; a row has one target.
        values, firsts = values[sequences.rows_of(np.arange(len(sequences)))], ends - lengths
    targets = np.full((len(values), 1), np.nan)
    places = np.arange(numbers.size) - np.repeat(np.cumsum(n_labels) - n_labels, n_labels)
    first_targets = firsts + lengths % segment + segment - 1
    targets[np.repeat(first_targets, n_labels) + segment * places, 0] = numbers
    return dataclasses.replace(sequences, values=values, firsts=firsts, step_targets=targets)


def evaluate_sequences(
    network: Network, source: Source, segment: int, workers: Workers
) -> list[np.ndarray]:
    """Outputs for the steps of whole sequences, (n_steps, n_out) float64 each, some at a time."""
    n_steps, n_out = source.lengths // segment, network.n_out
    results = [np.empty((0, n_out))] * n_steps.size
    order = np.argsort(-n_steps, kind="stable")
    while order.size:
        n = max(1, _OUTPUTS // (int(n_steps[order[0]]) * n_out))
        group, order = order[:n], order[n:]
        part = source._replace(firsts=source.firsts[group], lengths=source.lengths[group])
        outputs = network.predict(part, np.arange(group.size), workers)
        for number, rows in zip(group, outputs.reshape(group.size, -1, n_out), strict=True):
            results[number] = rows[rows.shape[0] - n_steps[number] :].copy()
    return results


def decode(log_p: list[np.ndarray], beam_size: int | None, prior: Prior | None) -> list[np.ndarray]:
    """Classes of the labels of each sequence, by a beam search if a size or a prior is given."""
    if beam_size is None and prior is None:
        return [best_path(rows) for rows in log_p]
    return [beam_search(rows, beam_size or _BEAM_SIZE, prior) for rows in log_p]


def alignment_frame(
    labels: np.ndarray,
    classes: np.ndarray,
    log_p: np.ndarray,
    n_steps: int,
    segment: int,
    hop: float | None,
) -> pd.DataFrame:
    """When each label of a sequence comes: ``label``, ``start`` and ``end``.

    In its steps or, of steps of ``hop`` seconds, in seconds.
    """
    starts, ends = align(log_p, classes)
    skipped = n_steps % segment  # by the network, whose last segment ends with the sequence
    places = {"start": skipped + segment * starts, "end": skipped + segment * ends}
    if hop is not None:
        places = {name: (hop * steps).round(6) for name, steps in places.items()}
    return pd.DataFrame({"label": labels, **places})


def by_id(values: list, sequences: Sequences) -> Any:
    """Results of sequences; of a long frame as a Series with the ids in its index."""
    if sequences.ids is None:
        return values
    objects = np.empty(len(values), object)
    objects[:] = values
    return pd.Series(objects, sequences.ids)
