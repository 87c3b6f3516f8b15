import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import num2date

from tsrnn import RNNForecaster, RNNRegressor
from tsrnn.inspection import gates, states
from tsrnn.plotting import GateDisplay

pytestmark = pytest.mark.slow

matplotlib.use("Agg")
X = np.random.default_rng(0).normal(size=(12, 8))
PANELS = {
    "lstm": ["forget", "input", "output", "cell"],
    "gru": ["update", "reset", "hidden"],
    "rnn": ["hidden"],
}


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def regressor(cell="lstm", **options):
    options = {"hidden_size": 4, "max_iter": 2} | options
    return RNNRegressor(cell=cell, **options).fit(X, X[:, 0])


@pytest.mark.parametrize("cell", PANELS)
def test_maps_are_the_gates_and_the_state(cell):
    fitted = regressor(cell, n_layers=2)
    display = GateDisplay.from_estimator(fitted, X, series=5, layer="l0")
    assert list(display.axes_) == ["series", *PANELS[cell]]
    held = states(fitted, X[5:6])["l0"]
    let = None if cell == "rnn" else gates(fitted, X[5:6])["l0"]
    for name, mesh in display.meshes_.items():
        frame = held if name in ("hidden", "cell") else let
        expected = frame[name].to_numpy().T[display.units_]
        np.testing.assert_array_equal(mesh.get_array(), expected)
    state = display.meshes_[PANELS[cell][-1]]
    assert state.norm.vmin == -state.norm.vmax
    np.testing.assert_array_equal(display.series_lines_[0].get_ydata(), X[5])


@pytest.mark.parametrize(("cell", "keep"), [("lstm", "forget"), ("gru", "update")])
def test_the_longest_memory_is_on_top(cell, keep):
    display = GateDisplay.from_estimator(regressor(cell), X[:1])
    means = display.meshes_[keep].get_array().mean(axis=1)
    assert (np.diff(means) <= 0).all()
    assert display.axes_[keep].get_ylim() == (4, 0)  # the first row is the upper one
    norm = display.meshes_[keep].norm
    assert (norm.vmin, norm.vmax) == (0, 1)


def test_without_gates_the_steadiest_is_on_top():
    display = GateDisplay.from_estimator(regressor("rnn"), X[:1])
    changes = np.abs(np.diff(display.meshes_["hidden"].get_array(), axis=1)).mean(axis=1)
    assert (np.diff(changes) >= 0).all()


def test_the_last_layer_and_directions():
    fitted = regressor(n_layers=2, bidirectional=True)
    assert GateDisplay.from_estimator(fitted, X[:1]).layer == "l1"
    display = GateDisplay.from_estimator(fitted, X[:1], layer="l0_reverse")
    expected = gates(fitted, X[:1])["l0_reverse", "output"].to_numpy().T[display.units_]
    np.testing.assert_array_equal(display.meshes_["output"].get_array(), expected)
    with pytest.raises(ValueError, match=r"layer is 'l2', and the network has \['l0', 'l0_rev"):
        GateDisplay.from_estimator(fitted, X[:1], layer="l2")


def test_a_series_on_its_own_time_in_segments():
    days = pd.date_range("2024-01-01", periods=60)
    y = pd.Series(np.sin(np.arange(60) / 3), days, name="level")
    fitted = RNNForecaster(
        cell="gru",
        horizon=3,
        lookback=12,
        segment=4,
        hidden_size=3,
        max_iter=1,
        early_stopping=False,
    ).fit(y)
    display = GateDisplay.from_estimator(fitted)
    mesh = display.meshes_["update"]
    assert mesh.get_array().shape == (3, 3)
    edges = [num2date(x).replace(tzinfo=None) for x in mesh.get_coordinates()[0, :, 0]]
    half = pd.Timedelta("12h")
    assert edges == [days[48] - half, days[52] - half, days[56] - half, days[59] + half]
    np.testing.assert_array_equal(display.series_lines_[0].get_ydata(), y[-12:])
    assert display.axes_["series"].get_ylabel() == "level"


def test_given_frames_on_given_axes():
    fitted = regressor("gru")
    held, let = states(fitted, X[:1]), gates(fitted, X[:1])
    values = pd.Series(X[0], held.index)
    figure, axes = matplotlib.pyplot.subplots(4)
    display = GateDisplay.from_states(held, let, values, ax=axes)
    assert list(display.axes_.values()) == list(axes)
    assert matplotlib.pyplot.get_fignums() == [figure.number]
    with pytest.raises(ValueError, match="one for each map, 4 of them, got 2"):
        display.plot(axes[:2])
    with pytest.raises(ValueError, match="gates must be what"):
        GateDisplay.from_states(held, let[1:], values)
    with pytest.raises(ValueError, match="values must have the 8 steps of states"):
        GateDisplay.from_states(held, let, values[:-1])


def test_unsupported_estimators_are_refused():
    with pytest.raises(ValueError, match="RNNRegressor keeps no sequences: give X"):
        GateDisplay.from_estimator(regressor())
    with pytest.raises(ValueError, match="none of the rows of X"):
        GateDisplay.from_estimator(regressor(), X, series=12)
    assert not matplotlib.pyplot.get_fignums()
