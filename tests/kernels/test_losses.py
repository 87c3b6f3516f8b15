import naive
import numpy as np
import pytest

from tsrnn.kernels.losses import LOSSES


@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient(name):
    value, gradient = LOSSES[name]
    rng = np.random.default_rng(0)
    for output, target in rng.normal(size=(50, 2)):
        assert value(output, target) == pytest.approx(naive.LOSSES[name](output, target))
        e = 1e-6
        slope = (value(output + e, target) - value(output - e, target)) / (2 * e)
        assert gradient(output, target) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_no_gradient_where_output_meets_target_and_nan_stays_nan(name):
    _, gradient = LOSSES[name]
    assert gradient(1.5, 1.5) == 0
    assert np.isnan(gradient(np.nan, 1.0))
