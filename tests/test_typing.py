"""What editors and type checkers see of tsrnn: mypy checks this file (pyproject.toml).

A wrong call that mypy did not report would be an unused ``type: ignore``, which is an error here.
"""

import ast
import inspect
from pathlib import Path
from typing import assert_type, get_args, get_type_hints

import pytest

import tsrnn
from tsrnn import (
    RNNAnomalyDetector,
    RNNClassifier,
    RNNForecaster,
    RNNLanguageModel,
    RNNRegressor,
    RNNTagger,
    RNNTranscriber,
    RNNTranslator,
    SlidingWindows,
    Tokenizer,
)
from tsrnn.kernels import cells
from tsrnn.kernels.losses import REGRESSION_LOSSES
from tsrnn.kernels.optimizers import SOLVERS
from tsrnn.kernels.targets import DEVICES
from tsrnn.parameters import types
from tsrnn.training.schedules import SCHEDULES

ESTIMATORS = [
    RNNAnomalyDetector,
    RNNClassifier,
    RNNForecaster,
    RNNLanguageModel,
    RNNRegressor,
    RNNTagger,
    RNNTranscriber,
    RNNTranslator,
    SlidingWindows,
    Tokenizer,
]


def names_for_type_checkers():
    """Module of each name that is imported under TYPE_CHECKING; None for a subpackage."""
    tree = ast.parse(Path(tsrnn.__file__).read_text(encoding="utf-8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {
        alias.name: None if statement.module == "tsrnn" else statement.module
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def test_type_checkers_and_programs_get_the_same_names():
    names = names_for_type_checkers()
    assert sorted([*names, "__version__"]) == tsrnn.__all__
    for name, module in names.items():
        value = getattr(tsrnn, name)
        assert module is None or value is getattr(__import__(module, fromlist=[name]), name)


def test_constructors_are_seen():
    assert_type(RNNForecaster(horizon=3, cell="gru", hidden_size="auto"), RNNForecaster)
    assert_type(RNNAnomalyDetector(season=[24, 168]), RNNAnomalyDetector)
    with pytest.raises(TypeError):
        RNNForecaster(horison=3)  # type: ignore[call-arg]
    RNNForecaster(horizon="a week")  # type: ignore[arg-type]
    RNNRegressor(device="gpu")  # type: ignore[arg-type]
    Tokenizer("sentence")  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        tsrnn.RNNForecasters  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_parameter_has_a_type(estimator):
    parameters = inspect.signature(estimator).parameters
    assert not [p.name for p in parameters.values() if p.annotation is inspect.Parameter.empty]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_public_method_says_what_it_returns(estimator):
    methods = inspect.getmembers(estimator, inspect.isfunction)
    own = [(name, f) for name, f in methods if f.__module__.startswith("tsrnn")]
    for name, method in own:
        if not name.startswith("_"):
            assert "return" in get_type_hints(inspect.unwrap(method)), name


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        (types.RecurrentCell, cells.NAMES),
        (types.Cell, [*cells.NAMES, "attention"]),
        (types.Loss, REGRESSION_LOSSES),
        (types.Solver, SOLVERS),
        (types.Schedule, SCHEDULES),
        (types.Device, DEVICES),
    ],
    ids=str,
)
def test_editors_complete_the_values_that_are_taken(listed, known):
    literals = [value for part in get_args(listed) for value in get_args(part) or [part]]
    assert sorted(value for value in literals if value is not str) == sorted(known)
