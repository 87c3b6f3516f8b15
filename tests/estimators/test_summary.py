import re

import numpy as np
import pytest
import sklearn

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.datasets import load_airline, make_adding_problem

pytestmark = pytest.mark.slow

X, Y = make_adding_problem(100, 6, random_state=0)


def test_a_fitted_network_shows_its_layers_parameters_and_losses():
    regressor = RNNRegressor(
        n_channels=2, hidden_size=5, n_layers=2, bidirectional=True, max_iter=3, early_stopping=True
    ).fit(X, Y)
    html = regressor._repr_html_()
    assert regressor._repr_mimebundle_()["text/html"].count("tsrnn-network") == 1
    # PyTorch would count two biases a gate; here there is one.
    first, second = 2 * 4 * 5 * (5 + 1 + 2), 2 * 4 * 5 * (5 + 1 + 10)
    assert f"{first + second + 11:,} (float32)" in html
    assert "2 &times; lstm, 5 units, two directions" in html
    curves = re.findall(r'<polyline points="([^"]*)"', html)
    assert [len(curve.split()) for curve in curves] == [3, 3]
    heights = [float(point.split(",")[1]) for point in curves[0].split()]
    assert np.argsort(heights).tolist() == np.argsort(-np.array(regressor.loss_curve_)).tolist()


def test_structural_zeros_of_a_gru_are_no_parameters():
    forecaster = RNNForecaster(cell="gru", hidden_size=3, horizon=2, max_iter=1)
    html = forecaster.fit(load_airline())._repr_html_()
    blocks = 2 * 3 * (3 + 1 + 1) + 3 * (3 + 1) + 3 * (1 + 1)
    assert f"{blocks + 2 * 4} (float32)" in html


def test_not_fitted_or_not_wanted_nothing_is_added():
    assert "tsrnn-network" not in RNNRegressor()._repr_html_()
    with sklearn.config_context(display="text"):
        assert "text/html" not in RNNRegressor()._repr_mimebundle_()


@pytest.mark.parametrize("curve", [[1.0], [0.0, 0.0]])
def test_curves_of_one_point_or_no_height_are_drawn(curve):
    regressor = RNNRegressor(n_channels=2, max_iter=1).fit(X, Y)
    regressor.loss_curve_ = curve
    assert "nan" not in regressor._repr_html_().partition("<polyline")[2]
