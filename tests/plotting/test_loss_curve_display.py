import matplotlib
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.datasets import load_airline, make_adding_problem
from tsrnn.plotting import LossCurveDisplay

pytestmark = pytest.mark.slow

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def test_curves_of_a_regressor_with_rows_held_out():
    X, y = make_adding_problem(200, 6, random_state=0)
    regressor = RNNRegressor(n_channels=2, max_iter=4, early_stopping=True).fit(X, y)
    display = LossCurveDisplay.from_estimator(regressor)
    epochs, losses = display.training_line_.get_data()
    np.testing.assert_array_equal(epochs, [1, 2, 3, 4])
    np.testing.assert_array_equal(losses, regressor.loss_curve_)
    held_out = display.validation_line_.get_ydata()
    np.testing.assert_array_equal(-held_out, regressor.validation_scores_)
    assert display.best_line_.get_xdata()[0] == regressor.best_iter_


def test_the_axis_is_logarithmic_where_losses_fall_by_more_than_ten():
    assert LossCurveDisplay.from_curves([1.0, 0.05]).ax_.get_yscale() == "log"
    assert LossCurveDisplay.from_curves([1.0, 0.2]).ax_.get_yscale() == "linear"


def test_without_held_out_rows_there_is_one_curve():
    forecaster = RNNForecaster(max_iter=2, hidden_size=4, early_stopping=False)
    display = LossCurveDisplay.from_estimator(forecaster.fit(load_airline()))
    assert display.validation_line_ is None
    assert display.best_line_ is None
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["training"]


def test_losses_below_zero_are_drawn_on_a_linear_axis():
    _, ax = matplotlib.pyplot.subplots()
    display = LossCurveDisplay.from_curves([0.5, -0.1, -0.3], ax=ax)
    assert display.ax_ is ax
    assert ax.get_yscale() == "linear"


@pytest.mark.parametrize("curve", [[], [[1.0, 2.0]]])
def test_what_is_no_curve_is_refused(curve):
    with pytest.raises(ValueError, match="loss_curve must be a line of numbers"):
        LossCurveDisplay.from_curves(curve)
    with pytest.raises(ValueError, match="validation_curve must be a line of numbers"):
        LossCurveDisplay.from_curves([1.0], curve)


def test_an_estimator_must_be_fitted():
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(RNNRegressor())
