"""Options have the names, defaults and choices of the parameters in Python."""

import argparse
import inspect

import pytest

import tsrnn
from tsrnn.cli.options import parser
from tsrnn.cli.wording import in_options
from tsrnn.parameters import StrOptions
from tsrnn.warming import warm_up

# What a file holds, how it is read, and what is written: these have no parameter
COLUMNS = {"target", "time", "id", "known", "past"}  # target_column, ..., past_covariates
FILES = {"file", "files", "model", "future", "static", "out", "plot", "save", "load", "scores"}
FORMAT = {"sep", "decimal", "thousands", "encoding", "time_format", "freq", "quiet"}
OTHERS = {
    "forecast": {"zero_shot"},  # max_iter=0
    "backtest": {"zero_shot"},
    "update": {"partial_fit"},  # a method
    "generate": {"lines", "texts"},
    "transcribe": {"align", "resample"},
    "compile": {"all"},
}
FORECASTER, DETECTOR = tsrnn.RNNForecaster, tsrnn.RNNAnomalyDetector
MODEL, TRANSCRIBER = tsrnn.RNNLanguageModel, tsrnn.RNNTranscriber
PREDICT = FORECASTER.predict, FORECASTER.predict_interval, FORECASTER.predict_quantiles
CALLS = {
    "forecast": [FORECASTER, *PREDICT],
    "backtest": [tsrnn.backtest, FORECASTER, tsrnn.forecasting.Backtest.metrics],
    "detect": [DETECTOR, DETECTOR.detect],
    "predict": [FORECASTER, *PREDICT],
    "update": [FORECASTER, FORECASTER.update],
    "score": [FORECASTER, FORECASTER.predict_interval, DETECTOR.detect],
    "generate": [MODEL, MODEL.generate],
    "transcribe": [TRANSCRIBER, TRANSCRIBER.predict],
    "translate": [tsrnn.RNNTranslator, tsrnn.RNNTranslator.predict],
    "compile": [warm_up, FORECASTER],
    "kernels": [],
}
# Defaults that the command line has of its own
OWN_DEFAULTS = {
    ("forecast", "coverage"),
    ("forecast", "quantiles"),  # of predict_quantiles
    ("backtest", "coverage"),
    ("backtest", "refit"),
    ("predict", "coverage"),
    ("predict", "quantiles"),
    ("generate", "temperature"),
}


def options():
    """Every option of every command."""
    (commands,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        for action in command._actions:
            if not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS:
                yield name, action


def parameters(command):
    """Defaults of the parameters that a command may be given, by name."""
    signatures = [inspect.signature(call).parameters for call in CALLS[command]]
    return {name: each.default for known in reversed(signatures) for name, each in known.items()}


@pytest.mark.parametrize("command", CALLS)
def test_options_are_named_as_parameters(command):
    names = {action.dest for name, action in options() if name == command}
    others = OTHERS.get(command, set())
    assert names - COLUMNS - FILES - FORMAT - others <= set(parameters(command))
    assert others <= names
    spelt = [(action.dest, text) for name, action in options() for text in action.option_strings]
    assert all(text == "--" + dest.replace("_", "-") for dest, text in spelt)


def test_options_have_the_defaults_of_parameters():
    plain = {(): [], None: []}
    for command, action in options():
        known = parameters(command)
        if action.dest not in known or (command, action.dest) in OWN_DEFAULTS:
            continue
        wanted, default = known[action.dest], action.default
        if default is None or wanted is inspect.Parameter.empty:  # left out, or required
            continue
        wanted = plain.get(wanted, list(wanted) if isinstance(wanted, tuple) else wanted)
        is_prompt = (command, action.dest) == ("generate", "prompt")
        assert default == ("" if is_prompt else wanted), (command, action.dest)


@pytest.mark.parametrize(
    ("command", "estimator"),
    [("forecast", FORECASTER), ("backtest", FORECASTER), ("detect", DETECTOR)],
)
def test_options_have_the_choices_of_parameters(command, estimator):
    seen = set()
    for name, action in options():
        if name == command and action.choices and action.dest in estimator._parameter_constraints:
            allowed = estimator._parameter_constraints[action.dest]
            (names,) = (each.options for each in allowed if type(each) is StrOptions)
            assert set(action.choices) == names, action.dest
            seen.add(action.dest)
    assert {"missing", "device"} < seen


def parsed(command, *options):
    return parser().parse_args([command, "f.csv", "--target", "y", *options])


def test_values_that_parameters_take():
    given = parsed("forecast", "--lower", "-2.5", "--max-iter", "0", "--ended-after", "0")
    assert (given.lower, given.max_iter, given.ended_after) == (-2.5, 0, 0)
    wanted = {"7": 7, "none": None, "auto": "auto"}
    for command in ("forecast", "backtest", "detect"):
        for text, value in wanted.items():
            given = parsed(command, "--batches-per-epoch", text)
            assert given.batches_per_epoch == value
        given = parsed(command, "--season", "24", "--season", "168", "8766")
        assert given.season == [24, 168, 8766]
    assert parsed("backtest", "--refit").refit is True
    assert parsed("backtest", "--refit", "3").refit == 3
    assert parsed("backtest", "--baselines").baselines == []


def test_errors_of_new_parameters_name_options():
    message = (
        "needs values of at least lower=0, and is -1 at 3. Correct y, or give a smaller lower."
    )
    wanted = "needs values of at least --lower 0, and is -1 at 3. Correct the column, or give a "
    assert in_options(message) == wanted + "smaller --lower."
    message = "whole numbers for loss='poisson', and is 0.5. Use loss='tweedie', or round y."
    wanted = (
        "whole numbers for --loss poisson, and is 0.5. Use --loss tweedie, or round the column."
    )
    assert in_options(message) == wanted
