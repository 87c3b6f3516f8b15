import types

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from tsrnn import RNNClassifier, RNNForecaster, RNNRegressor, RNNTagger
from tsrnn.inspection import states
from tsrnn.plotting import UnfoldedDisplay

pytestmark = pytest.mark.slow

matplotlib.use("Agg")
X = np.random.default_rng(0).normal(size=(12, 10))
DAYS = pd.date_range("2024-01-01", periods=60)
Y = pd.Series(np.sin(np.arange(60) / 3) + 20, DAYS, name="level")


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def regressor(cell="lstm", **options):
    options = {"hidden_size": 3, "max_iter": 1} | options
    return RNNRegressor(cell=cell, **options).fit(X, X[:, 0])


def forecaster(y=Y, **options):
    options = {"horizon": 5, "lookback": 12, "segment": 1, "hidden_size": 3} | options
    return RNNForecaster(max_iter=1, early_stopping=False, **options).fit(y)


def drawn(mesh, n_units):
    """What a box's cells show, unit by unit."""
    return np.ma.filled(mesh.get_array(), np.nan).ravel()[:n_units]


def texts_of(display):
    return [text.get_text() for text in display.ax_.texts]


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_cells_are_the_states(cell):
    fitted = regressor(cell, n_layers=2)
    display = UnfoldedDisplay.from_estimator(fitted, X, series=7, n_steps=4)
    frame = states(fitted, X[7:8])
    meshes = {"hidden": display.hidden_meshes_, "cell": display.cell_meshes_}
    assert list(display.hidden_meshes_) == ["l0", "l1"]
    assert bool(display.cell_meshes_) == (cell == "lstm")
    for state in frame.columns.unique(level=1):
        for layer in ("l0", "l1"):
            assert len(meshes[state][layer]) == 4
            for step, mesh in enumerate(meshes[state][layer]):
                expected = frame[layer, state].iloc[step - 4]
                np.testing.assert_array_equal(drawn(mesh, 3), expected)
    bar = display.colour_bars_["hidden"]
    assert (bar.vmin, bar.vmax) == (-1, 1)


def test_steps_stand_in_a_row_and_layers_on_each_other():
    display = UnfoldedDisplay.from_estimator(regressor(n_layers=2), X[:1], n_steps=3)

    def place(mesh):
        return mesh.get_coordinates().reshape(-1, 2).mean(axis=0)

    own = display.hidden_meshes_["l0"]
    assert place(own[0])[0] < place(own[1])[0] < place(own[2])[0]
    assert place(own[0])[1] == place(own[2])[1] < place(display.cell_meshes_["l0"][0])[1]
    above = display.hidden_meshes_["l1"][0]
    assert place(above)[0] == place(own[0])[0]
    assert place(above)[1] > place(display.cell_meshes_["l0"][0])[1]


def test_a_forecaster_on_its_own_time_and_in_its_own_units():
    fitted = forecaster()
    display = UnfoldedDisplay.from_estimator(fitted)
    line = display.series_lines_[0]
    np.testing.assert_array_equal(line.get_ydata(), Y[-12:])
    assert line.get_xdata()[-1] == DAYS[-1]
    assert line.get_markevery() == [6, 7, 8, 9, 10, 11]
    assert [text.get_text() for text in display.inputs_] == [f"{v:.1f}" for v in Y[-6:]]
    np.testing.assert_array_equal(display.forecast_line_.get_ydata(), fitted.predict())
    first, *_, last = display.prediction_.get_text().split("\n")
    assert first == f"2024-03-01  {fitted.predict().iloc[0]:.1f}"
    assert last == f"2024-03-05  {fitted.predict().iloc[-1]:.1f}"
    texts = {text.get_text() for text in display.ax_.texts}
    assert {"2024-02-29", "$W_{hh}$", "$W_{xh}$", r"$\cdots$"} <= texts
    assert display.series_ax_.get_ylabel() == "level"


def test_a_series_of_a_panel_with_segments():
    y = pd.DataFrame({"shop": Y.to_numpy(), "kiosk": 2 * Y.to_numpy()}, DAYS)
    fitted = forecaster(y, segment=4, lookback=16)
    display = UnfoldedDisplay.from_estimator(fitted, series="kiosk", n_steps=2)
    expected = states(fitted).loc["kiosk"]["l0", "hidden"].iloc[-1]
    np.testing.assert_array_equal(drawn(display.hidden_meshes_["l0"][-1], 3), expected)
    np.testing.assert_array_equal(display.series_lines_[0].get_ydata(), y["kiosk"][-16:])
    np.testing.assert_array_equal(display.forecast_line_.get_ydata(), fitted.predict()["kiosk"])
    assert display.inputs_[1].get_text() == f"{y['kiosk'].iloc[-4]:.1f} … {y['kiosk'].iloc[-1]:.1f}"
    assert (
        UnfoldedDisplay.from_estimator(fitted).note == "series shop, 1 of 2; series chooses another"
    )


def test_estimates_of_targets_and_classes():
    fitted = regressor()
    display = UnfoldedDisplay.from_estimator(fitted, X[:1], n_steps=99)
    assert len(display.inputs_) == 10
    assert display.forecast_line_ is None
    assert float(display.prediction_.get_text()) == pytest.approx(
        fitted.predict(X[:1])[0], rel=0.01
    )
    assert "$0$" in {text.get_text() for text in display.ax_.texts}
    labels = np.where(X[:, 0] > 0, "up", "down")
    classifier = RNNClassifier(cell="rnn", hidden_size=2, max_iter=1).fit(X, labels)
    outputs = UnfoldedDisplay.from_estimator(classifier, X, series=3).prediction
    np.testing.assert_array_equal(outputs, classifier.predict_proba(X[3:4])[0])
    assert outputs.index.tolist() == ["down", "up"]


def test_a_tagger_shows_the_labels_of_its_last_step():
    labels = [np.where(np.cumsum(row) > 0, "up", "down") for row in X]
    tagger = RNNTagger(hidden_size=3, max_iter=1).fit(X[:, :, None], labels)
    display = UnfoldedDisplay.from_estimator(tagger, X[:, :, None], series=2)
    expected = tagger.predict_proba(X[2:3, :, None])[0][-1]
    np.testing.assert_array_equal(display.prediction, expected)
    assert display.prediction.index.tolist() == ["down", "up"]


@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame])
def test_the_rows_of_a_table_or_frame_are_steps_of_a_tagger(form):
    table = form(X[:, :2])
    labels = np.where(X[:, 0] > 0, "up", "down")
    tagger = RNNTagger(hidden_size=3, max_iter=1).fit(table, labels)
    display = UnfoldedDisplay.from_estimator(tagger, table, n_steps=3)
    np.testing.assert_array_equal(display.prediction, np.asarray(tagger.predict_proba(table))[-1])
    assert len(display.states) == len(table)


def test_rows_of_several_channels_by_their_labels():
    frame = pd.DataFrame(X, index=list("abcdefghijkl"))
    frame.columns = [f"x{k}" for k in range(10)]
    fitted = RNNRegressor(n_channels=2, hidden_size=2, max_iter=1).fit(frame, X[:, 0])
    display = UnfoldedDisplay.from_estimator(fitted, frame, series="c", n_steps=2)
    for k, line in enumerate(display.series_lines_):
        np.testing.assert_array_equal(line.get_ydata(), X[2, k::2])
    with pytest.raises(ValueError, match="series is 'z', which is none of the rows of X"):
        UnfoldedDisplay.from_estimator(fitted, frame, series="z")


def test_a_subset_of_many_units_is_shown():
    fitted = regressor("gru", hidden_size=40)
    display = UnfoldedDisplay.from_estimator(fitted, X[:1])
    assert len(display.units_) == 32
    assert (display.units_[0], display.units_[-1]) == (0, 39)
    expected = states(fitted, X[:1])["l0", "hidden"].iloc[-1].to_numpy()[display.units_]
    np.testing.assert_array_equal(drawn(display.hidden_meshes_["l0"][-1], 32), expected)
    assert "32 of 40 units" in display.ax_.texts[-1].get_text()


def test_states_found_before_on_given_axes():
    fitted = regressor("rnn")
    frame = states(fitted, X[:1])
    values = pd.Series(X[0], frame.index)
    figure, ax = matplotlib.pyplot.subplots(figsize=(4, 2))
    display = UnfoldedDisplay.from_states(frame, values, ax=ax)
    assert display.ax_ is ax
    assert display.prediction_ is None
    assert matplotlib.pyplot.get_fignums() == [figure.number]
    with pytest.raises(ValueError, match="states is of several sequences"):
        UnfoldedDisplay.from_states(states(fitted, X[:2]), values)
    with pytest.raises(ValueError, match="values must have the 10 steps of states"):
        UnfoldedDisplay.from_states(frame, values[1:])
    with pytest.raises(ValueError, match="states must be what"):
        UnfoldedDisplay.from_states(values, values)
    with pytest.raises(ValueError, match=r"n_steps must be a whole number from 1 .*got 0"):
        display.plot(n_steps=0)


def test_drawing_starts_at_any_step():
    fitted = regressor()
    frame = states(fitted, X[3:4])
    display = UnfoldedDisplay.from_estimator(fitted, X, series=3, n_steps=4, start=2)
    for step, mesh in enumerate(display.hidden_meshes_["l0"]):
        np.testing.assert_array_equal(drawn(mesh, 3), frame["l0", "hidden"].iloc[1 + step])
    assert display.series_lines_[0].get_markevery() == [1, 2, 3, 4]
    assert display.prediction_ is None
    assert "LSTM, unfolded over steps 2 to 5 of 10 steps" in texts_of(display)
    assert texts_of(display).count(r"$\cdots$") == 4  # before and after, of h and of c
    last = display.plot(n_steps=4, start=9)
    assert len(last.inputs_) == 2
    assert last.prediction_ is not None
    titled = display.plot(start=1, title="Ten numbers", figsize=(4, 3))
    assert "Ten numbers" in texts_of(titled)
    assert titled.figure_.get_size_inches().tolist() == [4, 3]


def test_drawing_starts_at_a_time_of_a_forecaster():
    display = UnfoldedDisplay.from_estimator(forecaster(), n_steps=2, start="2024-02-20")
    assert {"2024-02-20", "2024-02-21"} <= set(texts_of(display))
    for start in ("2024-01-02", "2024-04-01"):
        with pytest.raises(ValueError, match="is not among the steps that are read, 2024-02-18"):
            display.plot(start=start)
    with pytest.raises(ValueError, match="start='level' is no label of the steps, such as 2024"):
        display.plot(start="level")


@pytest.mark.parametrize("segment", [1, 2])
def test_a_forecaster_runs_on_through_a_known_future(segment):
    promotion = pd.DataFrame({"promotion": np.arange(60) % 3.0}, DAYS)
    options = {"lookback": 12, "segment": segment, "hidden_size": 3, "calendar": ["weekday"]}
    fitted = RNNForecaster(horizon=4, max_iter=1, early_stopping=False, **options)
    fitted.fit(Y, promotion)
    display = UnfoldedDisplay.from_estimator(fitted, n_steps=4)
    frame = states(fitted)
    n_ahead = 4 // segment
    first = min(len(frame) - n_ahead - 2, len(frame) - 4)
    for step, mesh in enumerate(display.hidden_meshes_["l0"]):
        np.testing.assert_array_equal(drawn(mesh, 3), frame["l0", "hidden"].iloc[first + step])
    before = RNNForecaster(horizon=4, max_iter=1, early_stopping=False, **options)
    before = before.fit(Y, promotion).predict(y=Y[:-4], X=promotion)
    np.testing.assert_allclose(display.forecast_line_.get_ydata(), before, rtol=1e-6)
    assert display.forecast_line_.get_xdata()[0] == DAYS[-4]
    shown = [f"{value:.1f}" for value in before]
    pairs = (
        shown
        if segment == 1
        else [f"{a} … {b}" for a, b in zip(shown[::2], shown[1::2], strict=True)]
    )
    assert [text.get_text() for text in display.outputs_] == pairs[:2]
    assert [text.get_text() for text in display.inputs_[2:]] == ["promotion … weekday"] * 2
    assert display.prediction_ is None
    assert max(display.series_lines_[0].get_markevery()) == 16 - 4 - 1


def test_rows_ahead_are_checked():
    frame = states(regressor("rnn"), X[:1])
    values, prediction = pd.Series(X[0], frame.index), pd.Series([1.0, 2.0], frame.index[-2:])
    display = UnfoldedDisplay.from_states(frame, values, prediction, n_ahead=2, known=["price"])
    assert [text.get_text() for text in display.outputs_] == ["1", "2"]
    for wrong in ({"n_ahead": 3}, {"n_ahead": 10}):
        with pytest.raises(ValueError, match="must be whole steps of segment=1 values"):
            UnfoldedDisplay.from_states(frame, values, prediction, **wrong)


def test_what_cannot_be_unfolded_is_refused():
    with pytest.raises(ValueError, match=r"reads in both directions \(l0_reverse\)"):
        UnfoldedDisplay.from_estimator(regressor(bidirectional=True), X[:1])
    attentive = types.SimpleNamespace(network_=types.SimpleNamespace(cell="attention"))
    with pytest.raises(ValueError, match="cell='attention' is not recurrent"):
        UnfoldedDisplay.from_estimator(attentive, X)
    with pytest.raises(ValueError, match="RNNRegressor keeps no sequences: give X"):
        UnfoldedDisplay.from_estimator(regressor())
    with pytest.raises(ValueError, match="series chooses one of a panel, and this is one series"):
        UnfoldedDisplay.from_estimator(forecaster(), series="shop")
    with pytest.raises(NotFittedError):
        UnfoldedDisplay.from_estimator(RNNForecaster())
    assert not matplotlib.pyplot.get_fignums()


def test_a_sequence_of_a_long_frame():
    """Is drawn as the same sequence of a list is."""
    arrays = [np.arange(8.0).reshape(4, 2), np.arange(10.0).reshape(5, 2)]
    parts = [
        pd.DataFrame(values, columns=["a", "b"]).assign(id=name, time=range(len(values)))
        for values, name in zip(arrays, [7, 3], strict=True)
    ]
    options = {"max_iter": 1, "hidden_size": 4}
    expected = RNNRegressor(**options).fit(arrays, [1.0, 2.0])
    regressor = RNNRegressor(**options, id_column="id", time_column="time")
    regressor.fit(pd.concat(parts), pd.Series({3: 2.0, 7: 1.0}))
    for series, row in ((7, 0), (3, 1), (None, 0)):
        result = UnfoldedDisplay.from_estimator(regressor, pd.concat(parts), series=series)
        other = UnfoldedDisplay.from_estimator(expected, arrays, series=row)
        np.testing.assert_array_equal(result.values, other.values)
        np.testing.assert_array_equal(result.prediction, other.prediction)
