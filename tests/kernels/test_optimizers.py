import functools

import naive
import numpy as np
import pytest

from tsrnn.kernels import optimizers
from tsrnn.kernels.jit.compile import Kernel
from tsrnn.kernels.optimizers import SOLVERS, Rule, rule_of, sum_of_squares
from tsrnn.training import Settings


def step(n_tasks, parameters, moments, gradients, scale, number, rate, rule_row):
    rule = rule_of(rule_row)
    optimizers.optimizer_step(parameters, moments, gradients, scale, number, rate, rule)


FUNCTIONS = {
    # Compiled as kernels are: device functions that they call cannot be linked otherwise.
    "compiled": functools.partial(Kernel(step, "optimizer-step-of-tests"), 1),
    "python": functools.partial(step, 1),
}


def rule_row(solver="adam", momentum=0.9, beta_1=0.9, **options):
    decay = beta_1 if solver.startswith("adam") else momentum
    rule = Settings(solver=solver, **options).rule(0)
    return np.array(rule._replace(first_decay=decay), float)


@pytest.mark.parametrize("n", range(10))
def test_sum_of_squares_of_any_length(n, dtype):
    values = np.random.default_rng(n).normal(size=n).astype(dtype)
    expected = (values.astype(float) ** 2).sum()
    assert sum_of_squares(values) == pytest.approx(expected, rel=1e-14)


def test_squares_are_summed_in_double():
    values = np.full(1001, 1e30, "float32")  # whose squares overflow in single
    assert sum_of_squares(values) == pytest.approx(1001e60, rel=1e-6)


def test_a_rule_is_its_row():
    assert rule_of(np.arange(11.0)) == Rule(*range(11))


@pytest.mark.parametrize("solver", SOLVERS)
def test_settings_become_the_numbers_of_their_solver(solver):
    rule = Settings(solver=solver, beta_2=0.2).rule(7)
    assert (SOLVERS[rule.solver], rule.second_decay, rule.seed) == (solver, 0.2, 7)
    assert (rule.first_decay, rule.epsilon) == (0.9, 1e-8)


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("max_norm", [0.25, 100.0, np.inf])
@pytest.mark.parametrize("n", [1, 6, 16])
def test_gradients_of_chunks_are_summed_scaled_and_clipped(n, max_norm, kind, dtype):
    rng = np.random.default_rng(n)
    gradients = rng.normal(size=(3, n)).astype(dtype)
    mean = gradients.sum(axis=0, dtype=float) * 0.5
    parameters, moments = np.zeros(n, dtype), np.zeros((3, n), dtype)
    row = rule_row(solver="sgd", momentum=0.0, max_grad_norm=max_norm)
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
    row = rule_row(solver=solver, max_grad_norm=2.0, **options)
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
    optimizers.optimizer_step(parameters, moments, gradients, 1.0, 1, 0.1, rule_of(rule_row()))
    assert np.isnan(parameters[2])
