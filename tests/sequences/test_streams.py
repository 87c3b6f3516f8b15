"""Windows of streams, and the evaluation of sequences in parts."""

import numpy as np
import pytest

from tsrnn.sequences import streams
from tsrnn.sequences.streams import (
    cut_windows,
    evaluate_carried,
    evaluate_windows,
    overlapping_windows,
    stream_windows,
)


def rows_of(firsts, lengths):
    """The rows of windows, end to end."""
    pairs = zip(np.ravel(firsts), np.ravel(lengths), strict=True)
    return np.concatenate([np.arange(first, first + length) for first, length in pairs])


@pytest.mark.parametrize("n", [1, 2, 7, 40, 119, 120, 121, 1000, 1003])
@pytest.mark.parametrize("n_streams", [1, 3, 16])
@pytest.mark.parametrize("n_steps", [1, 10, 64])
def test_streams_hold_every_row_once_and_in_order(n, n_streams, n_steps):
    firsts, lengths = stream_windows(n, n_streams, n_steps)
    assert firsts.shape == lengths.shape
    assert len(firsts) <= n_streams
    np.testing.assert_array_equal(rows_of(firsts, lengths), np.arange(n))
    # Windows of a minibatch are about as long, so that their steps count alike.
    assert lengths.min() >= (n_steps > 1)  # of single steps a shorter stream has none left
    assert lengths.max() <= n_steps
    assert np.ptp(lengths) <= 2


def test_few_rows_are_few_streams_of_at_least_four_windows():
    assert stream_windows(79, 64, 10)[0].shape == (1, 8)
    assert stream_windows(80, 64, 10)[0].shape == (2, 4)
    assert stream_windows(10**6, 64, 128)[0].shape == (64, 123)


@pytest.mark.parametrize("n", [1, 9, 10, 11, 12, 100])
def test_overlapping_windows_reach_the_last_row(n):
    firsts, lengths = overlapping_windows(n, 10, 2)
    assert set(lengths) == {min(n, 10)}
    assert firsts[0] == 0
    assert firsts[-1] + lengths[-1] == n
    assert (np.diff(firsts) > 0).all()
    assert np.diff(firsts, append=firsts[-1]).max() <= 2


def test_long_sequences_are_cut_evenly():
    firsts, lengths = cut_windows(np.array([5, 100, 200]), np.array([10, 1, 25]), 10)
    assert firsts.tolist() == [5, 100, 200, 208, 216]
    assert lengths.tolist() == [10, 1, 8, 8, 9]


SEQUENCES = np.array([0, 3, 30, 31]), np.array([3, 27, 1, 12])


@pytest.mark.parametrize(("steps", "outputs"), [(256, 2**22), (4, 2**22), (4, 8), (5, 1)])
def test_states_are_carried_through_each_sequence(steps, outputs, monkeypatch):
    monkeypatch.setattr(streams, "_STEPS", steps)
    monkeypatch.setattr(streams, "_OUTPUTS", outputs)

    def run(firsts, lengths, states):
        """Windows' rows and the number of the row in its sequence; the state counts rows."""
        assert lengths.max() <= steps
        out = np.full((firsts.size, lengths.max(), 2), np.nan)
        for values, first, length, state in zip(out, firsts, lengths, states, strict=True):
            values[-length:, 0] = np.arange(first, first + length)
            values[-length:, 1] = state[0] + np.arange(length)
            state += length
        return out

    values = evaluate_carried(*SEQUENCES, 1, np.float32, run)
    for first, length, of_sequence in zip(*SEQUENCES, values, strict=True):
        expected = np.column_stack([np.arange(first, first + length), np.arange(length)])
        np.testing.assert_array_equal(of_sequence, expected)


@pytest.mark.parametrize("outputs", [2**22, 10])
@pytest.mark.parametrize("n_steps", [1, 2, 5, 8])
def test_windows_without_state_read_half_a_window_before_each_step(n_steps, outputs, monkeypatch):
    monkeypatch.setattr(streams, "_OUTPUTS", outputs)

    def run(firsts, lengths):
        """Windows' rows, and how many of the window come before."""
        assert lengths.max() <= n_steps
        out = np.full((firsts.size, lengths.max(), 2), np.nan)
        for values, first, length in zip(out, firsts, lengths, strict=True):
            values[-length:, 0] = np.arange(first, first + length)
            values[-length:, 1] = np.arange(length)
        return out

    values = evaluate_windows(*SEQUENCES, n_steps, run)
    for first, length, of_sequence in zip(*SEQUENCES, values, strict=True):
        rows, before = of_sequence.T
        np.testing.assert_array_equal(rows, np.arange(first, first + length))
        assert (before >= np.minimum(np.arange(length), n_steps // 2)).all()
