import numpy as np
import pytest

from tsrnn.forecasting.intervals import ConformalWidths


def test_widths_hold_the_stated_share_of_exchangeable_errors():
    rng = np.random.default_rng(0)
    spread = np.array([1.0, 2.0, 3.0])
    inside = {0.5: [], 0.8: [], 0.95: []}
    for _ in range(300):
        widths = ConformalWidths(rng.standard_t(4, size=(40, 3)) * spread)
        new = np.abs(rng.standard_t(4, size=(200, 3)) * spread)
        for coverage, shares in inside.items():
            shares.append((new <= widths.half_width(coverage)).mean())
    for coverage, shares in inside.items():
        # Never less, and more by no more than the step from one of 40 windows to the next.
        assert coverage - 0.005 < np.mean(shares) < coverage + 1 / 40 + 0.01


def test_widths_grow_with_the_step_and_the_coverage():
    rng = np.random.default_rng(0)
    widths = ConformalWidths(rng.normal(size=(30, 4)) * [2.0, 1.0, 3.0, 2.5])
    narrow, wide = widths.half_width(0.5), widths.half_width(0.9)
    assert (wide > narrow).all()
    assert (np.diff(wide) >= 0).all()


def test_a_coverage_beyond_the_pool_gives_its_largest_error():
    widths = ConformalWidths(np.array([[1.0], [-2.0], [3.0]]))
    assert widths.half_width(0.99) == pytest.approx([3.0])


def test_errors_of_zero_give_no_width():
    np.testing.assert_array_equal(ConformalWidths(np.zeros((5, 2))).half_width(0.9), [0, 0])
