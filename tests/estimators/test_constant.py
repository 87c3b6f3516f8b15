import numpy as np
import pandas as pd
import pytest

from tsrnn.estimators.sequence_model import mean_and_scale
from tsrnn.forecasting.columns import ColumnEncoder


@pytest.mark.parametrize("value", [0.1, 1 / 3, 5.0, -7.7e8, 1e-9, 1e-310, 0.0])
@pytest.mark.parametrize("n", [7, 1000, 100_000])
def test_the_rounding_of_a_mean_is_no_variation(value, n):
    columns = np.column_stack([np.full(n, value), np.arange(n), np.full(n, np.nan)])
    mean, scale = mean_and_scale(lambda: [(columns[: n // 3], np.ones(n // 3))] * 3)
    np.testing.assert_array_equal(scale[[0, 2]], 1)
    assert mean[0] == pytest.approx(value, rel=1e-9)
    assert scale[1] > 0.4
    assert ColumnEncoder.fit(pd.Series(columns[:, 0]), "X").deviation == 1


def test_rows_without_weight_are_no_variation():
    values = np.array([[0.1], [0.1], [3.0]])
    assert mean_and_scale(lambda: [(values, np.array([1.0, 1.0, 0.0]))])[1] == 1
