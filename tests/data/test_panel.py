import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.data import Panel

lengths_of_series = st.lists(st.integers(0, 12), max_size=6)


def counting(lengths):
    """Series whose every value is its own position in the panel."""
    ends = np.cumsum([0, *lengths])
    return Panel.from_arrays([np.arange(a, b) for a, b in itertools.pairwise(ends)])


@given(lengths_of_series, st.integers(1, 5), st.integers(0, 4), st.integers(1, 3))
def test_windows_are_all_stretches_within_a_series(lengths, lookback, horizon, step):
    panel = counting(lengths)
    starts = panel.window_starts(lookback, horizon, step)
    expected = []
    for i in range(panel.n_series):
        first, end = panel.indptr[i], panel.indptr[i + 1]
        last = end - lookback - horizon
        expected += [s for s in range(first, last + 1) if (last - s) % step == 0]
    assert starts.tolist() == expected
    assert starts.dtype == np.int64


@given(lengths_of_series)
def test_nothing_is_lost_or_moved(lengths):
    panel = counting(lengths)
    assert panel.lengths.tolist() == lengths
    assert panel.n_series == len(lengths)
    np.testing.assert_array_equal(panel.values, np.arange(sum(lengths)))


@pytest.mark.parametrize("indptr", [[], [0], [1, 4], [0, 3], [0, 5, 4], [0, 3, 2, 4]])
def test_offsets_that_do_not_fit_the_values(indptr):
    with pytest.raises(ValueError, match="indptr must rise"):
        Panel(np.zeros(4), np.array(indptr, dtype=int))


def test_from_arrays_copies():
    series = np.arange(3.0)
    panel = Panel.from_arrays([series])
    panel.values[0] = 9
    assert series[0] == 0
