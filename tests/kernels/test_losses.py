import naive
import numpy as np
import pytest
from conftest import numeric_slopes
from scipy import special

from tsrnn.kernels.losses import (
    LOSSES,
    absolute_error,
    apply_loss,
    find_loss,
    gaussian,
    huber,
    quantile,
    squared_error,
    student_t,
    targets_of,
)
from tsrnn.kernels.losses._scalars import digamma, softplus

LEVELS = {"quantile": (0.1, 0.5, 0.9), "huber": (0.7,)}
N_CLASSES = 4

# Scalar maths of one target, the outputs it reads, and the levels that its slow twin takes.
SCALARS = {
    "absolute_error": (lambda *args: absolute_error.value_and_slope(*args, ()), 1, ()),
    "squared_error": (lambda *args: squared_error.value_and_slope(*args, ()), 1, ()),
    "huber": (lambda *args: huber.value_and_slope(*args, (0.7,)), 1, (0.7,)),
    "quantile": (lambda *args: quantile.pinball(*args, 0.3), 1, (0.3,)),
    "gaussian": (gaussian.value_and_slopes, 2, ()),
    "student_t": (student_t.value_and_slopes, 3, ()),
}


def test_every_loss_has_its_naive_twin():
    assert sorted(naive.LOSSES) == list(LOSSES) == sorted([*SCALARS, "cross_entropy"])


@pytest.mark.parametrize("name", SCALARS)
def test_value_and_derivatives(name):
    function, n, levels = SCALARS[name]
    rng = np.random.default_rng(0)

    def value_of(outputs):
        return naive.LOSSES[name](outputs[:, None], np.array([target]), levels)[0]

    for _ in range(50):
        outputs, target = 2 * rng.normal(size=n), 2 * rng.normal()
        value, *slopes = function(*outputs, target)
        assert value == pytest.approx(value_of(outputs), rel=1e-12)
        expected = numeric_slopes(value_of, outputs, np.eye(len(outputs)))
        np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["absolute_error", "squared_error", "huber", "quantile"])
def test_no_derivative_where_output_meets_target(name):
    assert SCALARS[name][0](1.5, 1.5) == (0, 0)


@pytest.mark.parametrize("name", SCALARS)
def test_nan_stays_nan(name):
    function, n, _ = SCALARS[name]
    for place in range(n):
        outputs = np.full(n, 0.3)
        outputs[place] = np.nan
        value, *slopes = function(*outputs, 1.0)
        assert np.isnan([value, slopes[place]]).all()


def test_digamma():
    x = np.concatenate([np.logspace(-3, 6, 200), [0.5, 1.0, 5.999999, 6.0]])
    found = [digamma(each) for each in x]
    np.testing.assert_allclose(found, special.digamma(x), rtol=1e-11, atol=1e-12)


def test_softplus_overflows_nowhere():
    x = np.concatenate([[-1000.0, 1000.0, 0.0], np.linspace(-40, 40, 99)])
    values, slopes = zip(*map(softplus, x), strict=True)
    np.testing.assert_allclose(values, np.logaddexp(0, x), rtol=1e-14)
    np.testing.assert_allclose(slopes, special.expit(x), rtol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_outputs_and_targets_agree(name):
    levels = np.array(LEVELS.get(name, ()))
    for n in (1, 2, 5):
        found = targets_of(LOSSES.index(name), levels, find_loss(name).n_outputs(n, levels))
        assert found == (1 if name == "cross_entropy" else n)


class Answer:
    """Outputs (number that a target has, targets, rows) of one loss, with targets and weights."""

    def __init__(self, name, n_rows=5):
        rng = np.random.default_rng(1)
        self.name, self.levels, self.n_rows = name, LEVELS.get(name, ()), n_rows
        self.targets = rng.normal(size=(3, n_rows))
        n_each = find_loss(name).n_outputs(1, self.levels)
        if name == "cross_entropy":
            self.targets = rng.integers(0, N_CLASSES, (1, n_rows)).astype(float)
            n_each = N_CLASSES
        self.outputs = rng.normal(size=(n_each, len(self.targets), n_rows))
        self.weights = rng.uniform(0.5, 2, n_rows)

    def charge(self):
        """Sum of losses, sum of weights and gradient."""
        outputs = self.outputs.flatten()
        kind, levels = LOSSES.index(self.name), np.array(self.levels)
        sums = apply_loss(kind, levels, outputs, self.targets.ravel(), self.weights, self.n_rows)
        return *sums, outputs.reshape(self.outputs.shape)

    @property
    def weight(self):
        return (self.weights * ~np.isnan(self.targets)).sum()

    def total(self, outputs=None):
        outputs = self.outputs if outputs is None else outputs.reshape(self.outputs.shape)
        said = [[row.ravel()] for row in np.moveaxis(outputs, 2, 0)]
        wanted = [[row] for row in self.targets.T]
        mean = naive.mean_loss(self.name, said, wanted, self.weights, self.levels)
        return mean * self.weight


every_loss = pytest.mark.parametrize("name", LOSSES)


@every_loss
def test_charges(name):
    answer = Answer(name)
    total, weight, gradient = answer.charge()
    assert total == pytest.approx(answer.total(), rel=1e-12)
    assert weight == pytest.approx(answer.weight)
    expected = numeric_slopes(answer.total, answer.outputs.ravel(), np.eye(answer.outputs.size))
    np.testing.assert_allclose(gradient.ravel(), expected, rtol=1e-5, atol=1e-7)
    assert gradient.all()


@every_loss
def test_what_has_no_target_or_no_weight_counts_for_nothing(name):
    answer = Answer(name)
    answer.targets[0, [1, 3]] = np.nan
    answer.weights[2] = 0
    total, weight, gradient = answer.charge()
    assert total == pytest.approx(answer.total(), rel=1e-12)
    assert weight == pytest.approx(answer.weight)
    gone = np.isnan(answer.targets) | (answer.weights == 0)
    np.testing.assert_array_equal(gradient[:, gone], 0)
    assert gradient[:, ~gone].all()
    # Nor does what was said there, not even a NaN.
    answer.outputs[:, gone] = np.nan
    again = answer.charge()
    assert again[:2] == (total, weight)
    np.testing.assert_array_equal(again[2], gradient)


@every_loss
def test_a_nan_that_counts_is_seen(name):
    for place in range(len(Answer(name).outputs)):
        answer = Answer(name)
        answer.outputs[place, 0, 2] = np.nan
        total, weight, gradient = answer.charge()
        assert np.isnan(total)
        assert weight == pytest.approx(answer.weight)
        assert np.isnan(gradient[place, 0, 2])
        assert np.isfinite(np.delete(gradient, 2, axis=2)).all()


@every_loss
def test_far_off_outputs_have_finite_losses(name):
    for far in (-500.0, 500.0):
        answer = Answer(name)
        answer.outputs[-1] += far  # the scale, the freedom or the score of a class, where there are
        total, _, gradient = answer.charge()
        assert np.isfinite(total)
        assert np.isfinite(gradient).all()
