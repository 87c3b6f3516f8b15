import functools

import naive
import numpy as np
import pytest

from tsrnn.kernels import updates
from tsrnn.kernels.jit.compile import Kernel
from tsrnn.kernels.updates import SOLVERS, Rule, rule_of, squares_of
from tsrnn.training import Settings


def update(n_tasks, parameters, moments, gradients, scale, step, rate, rule_row):
    updates.update(parameters, moments, gradients, scale, step, rate, rule_of(rule_row))


FUNCTIONS = {
    # As kernels are compiled: leaves that they left raw can't be linked to other functions.
    "compiled": functools.partial(Kernel(update, "update-of-tests"), 1),
    "python": functools.partial(update, 1),
}


def settings_row(**options):
    return np.array(Settings(**options).rule(0), float)


@pytest.mark.parametrize("n", range(10))
def test_squares_of_any_length(n, dtype):
    values = np.random.default_rng(n).normal(size=n).astype(dtype)
    expected = (values.astype(float) ** 2).sum()
    assert squares_of(values) == pytest.approx(expected, rel=1e-14)


def test_squares_are_summed_in_double():
    values = np.full(1001, 1e30, "float32")  # whose squares overflow in single
    assert squares_of(values) == pytest.approx(1001e60, rel=1e-6)


def test_a_rule_is_its_row():
    assert rule_of(np.arange(12.0)) == Rule(*range(12))


@pytest.mark.parametrize("solver", SOLVERS)
def test_settings_become_the_numbers_of_their_solver(solver):
    settings = Settings(solver=solver, beta_1=0.1, beta_2=0.2, momentum=0.3)
    rule = settings.rule(7)
    assert (SOLVERS[rule.solver], rule.keep_second, rule.seed) == (solver, 0.2, 7)
    assert rule.keep_first == (0.1 if solver in ("adam", "adamw") else 0.3)


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("max_norm", [0.25, 100.0, np.inf])
@pytest.mark.parametrize("n", [1, 6, 16])
def test_gradients_of_chunks_are_summed_scaled_and_clipped(n, max_norm, kind, dtype):
    rng = np.random.default_rng(n)
    gradients = rng.normal(size=(3, n)).astype(dtype)
    mean = gradients.sum(axis=0, dtype=float) * 0.5
    parameters, moments = np.zeros(n, dtype), np.zeros((3, n), dtype)
    row = settings_row(solver="sgd", momentum=0.0, max_grad_norm=max_norm)
    FUNCTIONS[kind](parameters, moments, gradients, 0.5, 1, 1.0, row)
    assert parameters.dtype == dtype
    np.testing.assert_allclose(-parameters, naive.clipped(mean, max_norm), rtol=2e-6, atol=1e-7)
    assert np.linalg.norm(parameters) <= max_norm * (1 + 1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_many_steps_against_naive(solver, kind, dtype):
    rng = np.random.default_rng(0)
    gradients, rates = rng.normal(size=(20, 9)), np.linspace(0.001, 0.02, 20)
    start = rng.normal(size=9)
    options = {"alpha": 0.1, "averaging": 0.8, "momentum": 0.7, "beta_1": 0.8, "beta_2": 0.9}
    row = settings_row(solver=solver, max_grad_norm=2.0, **options)
    parameters, moments = start.astype(dtype), np.zeros((3, 9), dtype)
    moments[2] = parameters
    for step, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        chunk = gradient[None].astype(dtype)
        FUNCTIONS[kind](parameters, moments, chunk, 1.0, step, rate, row)
    expected, average = naive.optimise(solver, start, gradients, rates, max_norm=2.0, **options)
    tolerance = {"float32": 2e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(parameters, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(moments[2], average, rtol=tolerance, atol=tolerance)


def test_nan_gradients_are_not_hidden():
    parameters, moments = np.zeros(5), np.zeros((3, 5))
    gradients = np.ones((1, 5))
    gradients[0, 2] = np.nan
    updates.update(parameters, moments, gradients, 1.0, 1, 0.1, rule_of(settings_row()))
    assert np.isnan(parameters[2])
