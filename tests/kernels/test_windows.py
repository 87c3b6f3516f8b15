import naive
import numpy as np
import pytest
from conftest import random_values

from tsrnn.kernels import windows


@pytest.mark.parametrize(("season", "n_in"), [(1, 1), (4, 1), (4, 4), (12, 3)])
def test_window_against_naive(season, n_in):
    values = random_values()
    data, lookback, horizon = (values, 12, season, 0.0), 12, 15
    for start in (0, 17, len(values) - 27):
        inputs = np.full((lookback // n_in, n_in, 2), np.nan)
        targets = np.full((horizon, 2), np.nan)
        windows.write_inputs(data, start, 1, 2, inputs.reshape(-1, 2 * n_in))
        windows.write_targets(data, start, 1, 2, targets.ravel())
        x, y, naive_forecast, scale = naive.window(values, start, lookback, horizon, season, n_in)
        np.testing.assert_allclose(inputs[:, :, 1], x, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(targets[:, 1], y, rtol=1e-12, atol=1e-12)
        assert np.isnan(inputs[:, :, 0]).all()  # the other row is somebody else's
        forecast = np.empty(horizon)
        windows.write_forecast(data, start, 1, 2, np.zeros(2 * horizon), forecast)
        np.testing.assert_allclose(forecast, naive_forecast)
        windows.write_forecast(data, start, 1, 2, targets.ravel(), forecast)
        np.testing.assert_allclose(forecast, values[start + 12 : start + 12 + 15])
        assert windows.location_and_scale(data, start) == (
            values[start + 11],
            pytest.approx(scale, rel=1e-12),
        )


@pytest.mark.parametrize("level", [0.0, 1e-12, 1.0, 0.1, 1e12, -3.7e5])
def test_a_past_that_hardly_moves_has_the_least_scale(level):
    values = np.full(30, level)
    assert windows.location_and_scale((values, 12, 1, 0.25), 3) == (level, 0.25)
    values[7] += 1e-3
    assert windows.location_and_scale((values, 12, 1, 0.25), 3)[1] == 0.25


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_scales_do_not_matter(scale):
    values = random_values()
    inputs = np.empty((2, 12, 1))
    windows.write_inputs((values, 12, 4, 0.0), 5, 0, 1, inputs[0])
    windows.write_inputs((values * scale, 12, 4, 0.0), 5, 0, 1, inputs[1])
    np.testing.assert_allclose(inputs[0], inputs[1], rtol=1e-9)


def test_small_swings_on_a_high_level_keep_their_digits():
    swings = np.sin(np.arange(30.0))
    _, scale = windows.location_and_scale((1e9 + swings, 12, 1, 0.0), 0)
    assert scale == pytest.approx(swings[:12].std(), rel=1e-6)
