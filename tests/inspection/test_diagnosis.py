"""Networks broken on purpose, whose disease must be named first, and healthy ones."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from tsrnn import RNNClassifier, RNNForecaster, RNNRegressor
from tsrnn.datasets import load_airline, load_seattle_weather, make_adding_problem
from tsrnn.inspection import Diagnosis, Finding, diagnose, gradient_flow, states
from tsrnn.inspection.probe import probe

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
NEAR = RNG.normal(size=(300, 30))  # sequences whose target stands near their end
NEAR_Y = NEAR[:, -1] - NEAR[:, -3] + RNG.normal(scale=0.1, size=300)
ALL = RNG.normal(size=(400, 60))  # and whose target is told by all steps alike
ALL_Y = ALL.sum(axis=1) / np.sqrt(60)


def fitted(X, y, **options):
    return RNNRegressor(**({"max_iter": 10} | options)).fit(X, y)


def first_of(*case):
    result = diagnose(*case)
    assert result
    return result[0]


# Broken ones


@pytest.mark.parametrize("hidden_size", [16, 32])
def test_vanishing_in_training(hidden_size):
    X, y = make_adding_problem(500, 100, random_state=0)
    vanilla = fitted(X, y, cell="rnn", n_channels=2, hidden_size=hidden_size)
    finding = first_of(vanilla, X, y)
    assert (finding.cause, finding.layer) == ("vanishing gradient", "l0")
    assert finding.values["of"] == 100
    assert finding.values["missed"] > 0.1
    assert "Try cell='lstm' or 'gru', with memory=100" in finding.advice


def shrunk(regressor, factor, what="weight_hidden"):
    for name, view in regressor.network_.views().items():
        if name.startswith(what):
            view *= factor
    return regressor


def test_vanishing_by_small_recurrent_weights_is_counted_in_steps():
    vanilla = shrunk(fitted(ALL, ALL_Y, cell="rnn"), 0.1)
    finding = first_of(vanilla, ALL, ALL_Y)
    assert finding.cause == "vanishing gradient"
    assert finding.values["steps"] < 8  # a tenth is left after each: three or four
    assert str(finding.values["steps"]) in finding.wrong
    assert finding.values["missed"] > 0.5


def test_the_same_decay_is_no_finding_without_distant_causes():
    """By its three last steps a network tells half of the targets, and the rest is noise."""
    X = np.hstack([RNG.normal(size=(300, 30)), NEAR])
    y = NEAR_Y + RNG.normal(scale=1.5, size=300)
    vanilla = shrunk(fitted(X, y, cell="rnn", max_iter=15), 0.5)
    assert gradient_flow(vanilla, X, y)["l0", "hidden"].iloc[10] < 1e-2
    assert not diagnose(vanilla, X, y)


def test_a_gated_cell_that_forgets_is_advised_a_longer_memory():
    lstm = fitted(ALL, ALL_Y, max_iter=20)
    view = lstm.network_.views()["bias_l0"]
    view[lstm.network_.module.BLOCKS.index("forget")] = -2  # keeps about an eighth of a step
    finding = first_of(lstm, ALL, ALL_Y)
    assert finding.cause == "vanishing gradient"
    assert finding.advice.startswith("Try memory=60")


def test_exploding_in_training_that_fails_and_that_survives():
    sgd = {"cell": "rnn", "solver": "sgd", "learning_rate": "constant", "max_grad_norm": 1e9}
    words = (
        r"epoch \d+: the loss exploded to nan.* \(max_grad_norm=1\) or lower learning_rate_init=1"
    )
    with pytest.raises(ValueError, match=words):
        fitted(ALL, ALL_Y, learning_rate_init=1.0, **sgd)
    survives = fitted(NEAR, NEAR_Y, cell="rnn", learning_rate_init=10.0, max_grad_norm=1e9)
    finding = first_of(survives, NEAR, NEAR_Y)
    assert finding.cause == "exploding gradient"
    epoch, loss = finding.values["epoch"], finding.values["loss"]
    assert survives.loss_curve_[epoch - 1] == loss == max(survives.loss_curve_)
    assert f"training diverged in epoch {epoch}: the loss exploded to {loss:.4g}" in finding.wrong
    assert finding.advice == "Clip gradients (max_grad_norm=1) or lower learning_rate_init=10."


@pytest.mark.parametrize(("cell", "factor"), [("rnn_relu", 1.6), ("rnn", 3)])
def test_exploding_by_large_recurrent_weights(cell, factor):
    X, y = make_adding_problem(300, 60, random_state=1)
    network = shrunk(fitted(X, y, cell=cell, n_channels=2, max_iter=5), factor)
    finding = first_of(network, X, y)
    assert (finding.cause, finding.layer) == ("exploding gradient", "l0")
    assert finding.values["growth"] > 1e3


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_saturated_by_large_weights(cell):
    network = shrunk(fitted(NEAR, NEAR_Y, cell=cell), 60, "weight_input")
    finding = first_of(network, NEAR, NEAR_Y)
    assert finding.cause == "saturated"
    assert finding.values["share"] > 0.5


def test_saturated_in_training():
    network = fitted(ALL, ALL_Y, cell="rnn", learning_rate_init=0.3)
    assert first_of(network, ALL, ALL_Y).cause == "saturated"


@pytest.mark.parametrize(
    ("cell", "gate", "bias", "words"),
    [
        ("lstm", "forget", -20, "100 % of the forget gates of l0 are shut"),
        ("lstm", "input", -20, "100 % of the input gates of l0 are shut"),
        ("gru", "update", 20, "100 % of the update gates of l0 are open"),
    ],
)
def test_a_gate_that_is_stuck(cell, gate, bias, words):
    network = fitted(ALL, ALL_Y, cell=cell)
    network.network_.views()["bias_l0"][network.network_.module.BLOCKS.index(gate)] = bias
    finding = first_of(network, ALL, ALL_Y)
    assert (finding.cause, finding.wrong) == ("saturated", words)


def test_gates_open_or_shut_by_chrono_initialisation_are_no_finding():
    """A network that has learnt nothing, with its gates where ``memory`` puts them."""
    y = RNG.normal(size=400)
    network = fitted(ALL, y, memory=500, max_iter=1)
    assert "saturated" not in diagnose(network, ALL, y).causes
    network.set_params(memory=None)  # had they come there by themselves
    blocks, bias = network.network_.module.BLOCKS, network.network_.views()["bias_l0"]
    bias[blocks.index("input")] = -9
    assert first_of(network, ALL, y).cause == "saturated"
    network.set_params(memory=500)
    bias[blocks.index("forget")] = 9
    assert "saturated" not in diagnose(network, ALL, y).causes


def test_dead_relu():
    network = fitted(NEAR, NEAR_Y, cell="rnn_relu", n_layers=2)
    network.network_.views()["bias_l1"][0, :24] = -1e4
    finding = first_of(network, NEAR, NEAR_Y)
    hidden = states(network, NEAR)["l1", "hidden"]
    assert (finding.cause, finding.layer) == ("dead ReLU", "l1")
    assert finding.values["share"] == (hidden == 0).all().mean() >= 0.75
    assert finding.wrong.endswith("units of l1 are 0 at all steps of all sequences")


@pytest.mark.parametrize("rate", [1e-6, 1e-5])
def test_learning_rate_too_low(rate):
    network = fitted(NEAR, NEAR_Y, cell="gru", learning_rate_init=rate)
    finding = first_of(network, NEAR, NEAR_Y)
    assert finding.cause == "learning rate too low"
    assert finding.values["fall"] < 0.05
    better = network.set_params(learning_rate_init=rate * finding.values["factor"])
    better.set_params(max_iter=60).fit(NEAR, NEAR_Y)
    assert "learning rate too low" not in diagnose(better, NEAR, NEAR_Y).causes


def test_learning_rate_too_low_of_a_forecaster_and_of_a_classifier():
    forecaster = RNNForecaster(learning_rate_init=1e-6, max_iter=10, early_stopping=False)
    assert first_of(forecaster.fit(load_airline())).cause == "learning rate too low"
    X, y = load_digits(return_X_y=True)
    classifier = RNNClassifier(n_channels=8, learning_rate_init=1e-5, max_iter=3).fit(X, y)
    assert first_of(classifier, X, y).cause == "learning rate too low"


@pytest.mark.parametrize(
    ("change", "words"),
    [(lambda X: 100 * X, "deviation 10"), (lambda X: X + 50, "mean 50"), (lambda X: X / 1e3, "")],
)
def test_input_unscaled(change, words):
    X = change(NEAR)
    finding = first_of(fitted(X, NEAR_Y, cell="rnn", standardize=False), X, NEAR_Y)
    assert finding.cause == "input unscaled"
    assert "channel 0 has " in finding.wrong
    assert words in finding.wrong
    assert finding.values["deviation"] == pytest.approx(X.std(), rel=1e-5)
    causes = diagnose(fitted(X, NEAR_Y, cell="rnn"), X, NEAR_Y).causes
    assert "input unscaled" not in causes


def test_the_unscaled_channel_is_named_before_its_effects():
    X, y = make_adding_problem(300, 20, random_state=0)
    X[..., 1] *= 1e4
    network = fitted(X, y, n_channels=2, standardize=False, cell="rnn")
    assert first_of(network, X, y).values["channel"] == 1
    network = fitted(NEAR * 1e3, NEAR_Y, cell="rnn", standardize=False, max_iter=2)
    assert diagnose(network, NEAR * 1e3, NEAR_Y).causes == ("input unscaled", "saturated")


def test_target_unscaled():
    y = 1000 + 5 * NEAR_Y
    network = fitted(NEAR, y, standardize=False)
    assert "target unscaled" in diagnose(network, NEAR, y).causes
    assert "input unscaled" not in diagnose(network, NEAR, y).causes


def test_input_ignored():
    network = fitted(NEAR, NEAR_Y, solver="adamw", alpha=100.0)
    finding = first_of(network, NEAR, NEAR_Y)
    assert finding.cause == "input ignored"
    assert finding.values["missed"] > 0.5
    assert finding.advice.startswith("Lower alpha=100.")


def test_input_ignored_by_a_forecaster_of_a_series_with_gaps():
    days = pd.date_range("2024-01-01", periods=300)
    y = pd.Series(np.sin(np.arange(300) / 3), days).where(np.arange(300) % 70 != 5)
    forecaster = RNNForecaster(4, lookback=12, season=1, missing="mask", max_iter=5).fit(y)
    forecaster.network_.views()["head_weight"][:] = 0
    assert first_of(forecaster).cause == first_of(forecaster, y).cause == "input ignored"


# Healthy ones


def test_healthy_forecasters():
    airline = load_airline()
    assert not diagnose(RNNForecaster(max_iter=60).fit(airline))
    assert not diagnose(RNNForecaster(cell="rnn", max_iter=60).fit(airline), airline[:100])
    weather = load_seattle_weather()[:300]
    forecaster = RNNForecaster(3, calendar=["day_of_year"], max_iter=5, missing="mask")
    y = weather["temp_max"].where(np.arange(300) != 150)
    assert not diagnose(forecaster.fit(y, weather[["temp_min", "weather"]]))


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_an_unpredictable_series_is_no_finding(cell):
    hours = pd.date_range("2024-01-01", periods=400, freq="h")
    random_walk = pd.Series(np.random.default_rng(5).normal(size=400).cumsum(), hours)
    forecaster = RNNForecaster(6, cell=cell, lookback=48, max_iter=10).fit(random_walk)
    assert not diagnose(forecaster)
    noise = RNG.normal(size=400)
    assert not diagnose(fitted(ALL, noise, cell=cell), ALL, noise)


@pytest.mark.parametrize("loss", ["squared_error", "quantile", "gaussian"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "rnn_relu"])
def test_healthy_on_what_stands_near(cell, loss):
    """Gradients that fade though the sequence is long: the task needs no more."""
    rate = 0.003 if cell == "rnn_relu" else 0.01
    network = fitted(NEAR, NEAR_Y, cell=cell, loss=loss, max_iter=80, learning_rate_init=rate)
    assert network.score(NEAR, NEAR_Y) > 0.8
    assert not diagnose(network, NEAR, NEAR_Y)


def test_healthy_on_the_adding_problem():
    X, y = make_adding_problem(2000, 10, random_state=0)
    assert not diagnose(fitted(X, y, cell="gru", n_channels=2, max_iter="auto"), X, y)
    X, y = make_adding_problem(2000, 40, random_state=0)
    long = fitted(X, y, n_channels=2, memory=40, learning_rate_init=0.01, max_iter=20)
    assert long.score(X, y) > 0.9
    assert not diagnose(long, X, y)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_healthy_classifiers(cell):
    X, y = load_digits(return_X_y=True)
    classifier = RNNClassifier(cell=cell, n_channels=8, max_iter=15).fit(X[:1200], y[:1200])
    assert not diagnose(classifier, X[:1200], y[:1200])
    assert not diagnose(classifier, X[1200:], y[1200:])  # what was not learnt accuses no network


def test_sequences_of_several_lengths_and_two_directions():
    rows = [row[k % 7 :] for k, row in enumerate(NEAR)]
    rows[3] = np.where(np.arange(len(rows[3])) == 5, np.nan, rows[3])
    network = fitted(rows, NEAR_Y, bidirectional=True, n_layers=2, segment=2, max_iter=40)
    assert not diagnose(network, rows, NEAR_Y)


def test_a_transformer_is_checked_by_its_loss_and_its_input():
    network = fitted(NEAR, NEAR_Y, cell="attention", max_iter=40)
    assert network.score(NEAR, NEAR_Y) > 0.5
    assert not diagnose(network, NEAR, NEAR_Y)
    slow = fitted(NEAR, NEAR_Y, cell="attention", learning_rate_init=1e-6)
    assert first_of(slow, NEAR, NEAR_Y).cause == "learning rate too low"
    large = fitted(1000 * NEAR, NEAR_Y, cell="attention", standardize=False)
    assert first_of(large, 1000 * NEAR, NEAR_Y).cause == "input unscaled"


# What is handed back, and what is refused


def test_a_diagnosis_is_a_tuple_in_words():
    none = Diagnosis()
    assert not none
    assert str(none) == repr(none) == "Nothing was found to be wrong."
    one = Finding("saturated", "l0", {"share": 0.9}, "90 % are", "Do this.")
    two = Diagnosis([one, Finding("dead ReLU", None, {}, "all are", "Do that.")])
    assert two
    assert two.causes == ("saturated", "dead ReLU")
    assert next(iter(two)) is one
    assert str(two) == "saturated: 90 % are. Do this.\ndead ReLU: all are. Do that."


def test_the_probe_finds_what_can_be_found_and_nothing_in_noise():
    folds = np.arange(300) * 5 // 300
    x = RNG.normal(size=(300, 40, 2))
    noise = RNG.normal(size=(300, 1))
    assert probe(x, x[:, 7, :1], folds) > 0.8
    assert probe(x, (x[:, :, 0] * x[:, :, 1]).sum(axis=1)[:, None], folds) > 0.5
    assert probe(x, noise, folds) < 0.05
    assert probe(x, x[:, 7, :1], folds, gap=300) == 0  # nothing is left to learn from
    random_walk = RNG.normal(size=400).cumsum()  # windows that overlap: each is like the one before
    windows = np.lib.stride_tricks.sliding_window_view(random_walk, 30)
    windows = (windows - windows[:, 19:20]) / windows[:, :20].std(axis=1, keepdims=True)
    parts = np.arange(len(windows)) * 5 // len(windows)
    assert probe(windows[:, :19, None], windows[:, 20:], parts, gap=30) < 0.05


def test_bad_input():
    regressor = fitted(NEAR, NEAR_Y, max_iter=1)
    with pytest.raises(ValueError, match="keeps no sequences: give X and y"):
        diagnose(regressor)
    with pytest.raises(ValueError, match="keeps no sequences: give X and y"):
        diagnose(regressor, NEAR)
    with pytest.raises(ValueError, match="X has 300 and y has 5"):
        diagnose(regressor, NEAR, NEAR_Y[:5])
    with pytest.raises(ValueError, match="not fitted"):
        diagnose(RNNRegressor(), NEAR, NEAR_Y)
    with pytest.raises(ValueError, match="not fitted"):
        diagnose(RNNForecaster())
    from sklearn.linear_model import Ridge

    with pytest.raises(ValueError, match="Ridge can't be inspected"):
        diagnose(Ridge().fit(NEAR, NEAR_Y), NEAR, NEAR_Y)
    airline = load_airline()
    forecaster = RNNForecaster(max_iter=1).fit(airline)
    with pytest.raises(ValueError, match="leave y out"):
        diagnose(forecaster, airline, airline)
    with pytest.raises(ValueError, match="No series is as long as a window"):
        diagnose(forecaster, airline[:40])
    two = pd.DataFrame({"a": airline, "b": airline[::-1].to_numpy()})
    with pytest.raises(ValueError, match="Each series has its own network"):
        diagnose(RNNForecaster(scope="local", max_iter=1).fit(two))
