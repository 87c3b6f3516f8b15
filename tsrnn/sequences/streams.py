"""Windows of long sequences: streams whose state is carried, and steps that are evaluated."""

from collections.abc import Callable, Iterator

import numpy as np

_WINDOWS_OF_A_STREAM = 4  # at least, lest most of a short text be one update of the weights
_STEPS = 256  # of a window that is evaluated with a carried state
_OUTPUTS = 2**22  # of windows that are evaluated at once


def stream_windows(n: int, n_streams: int, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """First rows and lengths of the windows of streams, (n_streams, n_windows) each.

    ``n`` rows are cut into streams of nearly equal length, and each stream into windows of at most
    ``n_steps`` rows, of nearly equal length too. Fewer streams are made of few rows.
    """
    n_streams = int(np.clip(n // (_WINDOWS_OF_A_STREAM * n_steps), 1, n_streams))
    ends = n * np.arange(n_streams + 1) // n_streams
    firsts, lengths = ends[:-1, None], np.diff(ends)[:, None]
    n_windows = -(-int(lengths.max()) // n_steps)
    bounds = firsts + lengths * np.arange(n_windows + 1) // n_windows
    return bounds[:, :-1], np.diff(bounds)


def overlapping_windows(n: int, n_steps: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """First rows and lengths of windows of ``n_steps`` rows that begin every ``stride`` rows.

    The last ends with the last row.
    """
    n_steps = min(n, n_steps)
    firsts = np.append(np.arange(0, n - n_steps, stride), n - n_steps)
    return firsts, np.full(firsts.size, n_steps)


def cut_windows(
    firsts: np.ndarray, lengths: np.ndarray, n_steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """First rows and lengths of sequences, longer ones cut into parts of nearly equal length."""
    n_parts = -(-lengths // n_steps)
    sequence = np.repeat(np.arange(lengths.size), n_parts)
    part = np.arange(sequence.size) - np.repeat(np.cumsum(n_parts) - n_parts, n_parts)
    first = lengths[sequence] * part // n_parts[sequence]
    end = lengths[sequence] * (part + 1) // n_parts[sequence]
    return firsts[sequence] + first, end - first


def evaluate_carried(
    firsts: np.ndarray,
    lengths: np.ndarray,
    state_width: int,
    dtype: np.dtype,
    run: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    n_outputs: int = 1,
) -> list[np.ndarray]:
    """What ``run`` returns for the steps of sequences, each from a state of zeros, in parts.

    ``run(firsts, lengths, states)`` evaluates windows, (n_windows, n_time, ...), the last step of
    each in the last place, and overwrites the states.
    """
    results: list = [[] for _ in lengths]
    order = np.argsort(-lengths, kind="stable")
    size = max(1, _OUTPUTS // (_STEPS * n_outputs))
    for first in range(0, order.size, size):
        group = order[first : first + size]
        states = np.zeros((group.size, state_width), dtype)
        for start in range(0, int(lengths[group[0]]), _STEPS):
            rows = group[: np.count_nonzero(lengths[group] > start)]
            parts = np.minimum(lengths[rows] - start, _STEPS)
            values = run(firsts[rows] + start, parts, states[: rows.size])
            for row, n, of_row in zip(rows, parts, values, strict=True):
                results[row].append(of_row[-n:].copy())
    return [np.concatenate(parts) for parts in results]


def evaluate_windows(
    firsts: np.ndarray,
    lengths: np.ndarray,
    n_steps: int,
    run: Callable[[np.ndarray, np.ndarray], np.ndarray],
    n_outputs: int = 1,
    *,
    centred: bool = False,
) -> list[np.ndarray]:
    """As ``evaluate_carried``, of a network without a state: each step after half a window.

    Windows of ``n_steps`` begin every half of their length; of all but a sequence's first the
    latter half counts. If ``centred`` it is the middle half, of the first and last window all up to
    the ends, and the last, which ends with the sequence, is as long as the others.
    """
    windows = [
        (number, *window)
        for number, length in enumerate(lengths.tolist())
        for window in _half_windows(length, n_steps, centred)
    ]
    results: list = [[] for _ in lengths]
    size = max(1, _OUTPUTS // (n_steps * n_outputs))
    for group in _batches(windows, size):
        numbers, starts, ends, first_counted, last_counted = np.array(group).T
        values = run(firsts[numbers] + starts, ends - starts)
        n_time = values.shape[1]
        counted = zip(n_time + first_counted - ends, n_time + last_counted - ends, strict=True)
        for number, (first, last), of_window in zip(numbers, counted, values, strict=True):
            results[number].append(of_window[first:last].copy())
    return [np.concatenate(parts) for parts in results]


def _half_windows(length, n_steps, centred) -> Iterator[tuple[int, int, int, int]]:
    """Start and end of the windows of a sequence, and of the steps of each that count."""
    stride = max(n_steps // 2, 1)
    n_after = n_steps // 4 if centred else 0
    start, end = 0, min(length, n_steps)
    counted = end - n_after if end < length else end
    yield 0, end, 0, counted
    while end < length:
        start += stride
        end = min(start + n_steps, length)
        first, counted = counted, end - n_after if end < length else end
        yield end - n_steps if centred else start, end, first, counted


def _batches(items: list, size: int) -> Iterator[list]:
    for first in range(0, len(items), size):
        yield items[first : first + size]
