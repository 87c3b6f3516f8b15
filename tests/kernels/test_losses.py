import naive
import numpy as np
import pytest
from conftest import numeric_slopes
from scipy import special

from tsrnn.kernels.losses import (
    LOSS_ROWS,
    LOSSES,
    REGRESSION_LOSSES,
    apply_loss,
    count_targets,
    find_loss,
)
from tsrnn.kernels.losses._scalars import digamma, softplus

PARAMS = {"quantile": (0.1, 0.5, 0.9), "huber": (0.7,)}
N_CLASSES = 4
SINGLE_PARAMS = PARAMS | {"quantile": (0.3,)}  # with one output where there may be several
LOSSES_OF_STEPS = [name for name in LOSSES if not find_loss(name).of_sequences]
every_loss = pytest.mark.parametrize("name", LOSSES_OF_STEPS)
every_loss_of_numbers = pytest.mark.parametrize(
    "name", sorted({*LOSSES_OF_STEPS} - {"cross_entropy"})
)


def value_and_slopes(name, outputs, target):
    """Loss of one target and its derivatives with respect to its outputs."""
    outputs = np.array(outputs, float)
    value = find_loss(name).evaluate(
        outputs, 0, 1, np.float64(target), 1.0, np.array(SINGLE_PARAMS.get(name, ()))
    )
    return value, outputs


def n_outputs(name):
    return find_loss(name).n_outputs(1, SINGLE_PARAMS.get(name, ()))


def test_every_loss_has_its_naive_twin():
    assert sorted(naive.LOSSES) == LOSSES_OF_STEPS
    assert set(LOSSES) - set(LOSSES_OF_STEPS) == {"ctc"}
    of_classes_or_labels = {"cross_entropy", "binary_cross_entropy"}
    assert set(REGRESSION_LOSSES) == set(naive.LOSSES) - of_classes_or_labels


@every_loss_of_numbers
def test_value_and_derivatives(name):
    rng = np.random.default_rng(0)

    def value_of(outputs):
        params = SINGLE_PARAMS.get(name, ())
        return naive.LOSSES[name](outputs[:, None], np.array([target]), params)[0]

    for _ in range(50):
        outputs, target = 2 * rng.normal(size=n_outputs(name)), 2 * rng.normal()
        value, slopes = value_and_slopes(name, outputs, target)
        assert value == pytest.approx(value_of(outputs), rel=1e-12)
        expected = numeric_slopes(value_of, outputs, np.eye(len(outputs)))
        np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["absolute_error", "squared_error", "huber", "quantile"])
def test_no_derivative_where_output_meets_target(name):
    assert value_and_slopes(name, [1.5], 1.5) == (0, [0])


@every_loss_of_numbers
def test_nan_stays_nan(name):
    for place in range(n_outputs(name)):
        outputs = np.full(n_outputs(name), 0.3)
        outputs[place] = np.nan
        value, slopes = value_and_slopes(name, outputs, 1.0)
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


@every_loss
def test_outputs_and_targets_agree(name):
    params = np.array(PARAMS.get(name, ()))
    for n in (1, 2, 5):
        found = count_targets(LOSSES.index(name), params, find_loss(name).n_outputs(n, params))
        assert found == (1 if name == "cross_entropy" else n)


class OutputStep:
    """Outputs (number that a target has, targets, rows) of one loss, with targets and weights."""

    def __init__(self, name, n_rows=5):
        rng = np.random.default_rng(1)
        self.name, self.params, self.n_rows = name, PARAMS.get(name, ()), n_rows
        self.targets = rng.normal(size=(3, n_rows))
        n_each = find_loss(name).n_outputs(1, self.params)
        if name == "cross_entropy":
            self.targets = rng.integers(0, N_CLASSES, (1, n_rows)).astype(float)
            n_each = N_CLASSES
        self.outputs = rng.normal(size=(n_each, len(self.targets), n_rows))
        self.weights = rng.uniform(0.5, 2, n_rows)

    def apply(self):
        """Sum of losses, sum of weights and gradient."""
        outputs = self.outputs.flatten()
        kind, params = LOSSES.index(self.name), np.array(self.params)
        scratch = np.full(LOSS_ROWS * self.n_rows, np.nan)
        sums = apply_loss(kind, params, outputs, self.targets.ravel(), self.weights, scratch)
        self.losses = scratch[: self.n_rows]  # of the rows, where a loss takes all at once
        return *sums, outputs.reshape(self.outputs.shape)

    @property
    def weight(self):
        return (self.weights * ~np.isnan(self.targets)).sum()

    def total(self, outputs=None):
        outputs = self.outputs if outputs is None else outputs.reshape(self.outputs.shape)
        outputs = [[row.ravel()] for row in np.moveaxis(outputs, 2, 0)]
        targets = [[row] for row in self.targets.T]
        mean = naive.mean_loss(self.name, outputs, targets, self.weights, self.params)
        return mean * self.weight


@every_loss
def test_loss_and_gradient(name):
    step = OutputStep(name)
    total, weight, gradient = step.apply()
    assert total == pytest.approx(step.total(), rel=1e-12)
    assert weight == pytest.approx(step.weight)
    expected = numeric_slopes(step.total, step.outputs.ravel(), np.eye(step.outputs.size))
    np.testing.assert_allclose(gradient.ravel(), expected, rtol=1e-5, atol=1e-7)
    assert gradient.all()


@pytest.mark.parametrize("smoothing", [0.1, 1.0])
def test_label_smoothing(smoothing):
    step = OutputStep("cross_entropy")
    step.params = (smoothing,)
    step.targets[0, 1] = np.nan
    total, weight, gradient = step.apply()
    assert total == pytest.approx(step.total(), rel=1e-12)
    assert weight == pytest.approx(step.weight)
    expected = numeric_slopes(step.total, step.outputs.ravel(), np.eye(step.outputs.size))
    np.testing.assert_allclose(gradient.ravel(), expected, rtol=1e-5, atol=1e-8)


def test_label_smoothing_as_pytorch():
    """Of more classes than are summed at a time."""
    torch = pytest.importorskip("torch", reason="PyTorch, the second oracle, is not installed")
    step = OutputStep("cross_entropy")
    step.outputs = 2 * np.random.default_rng(0).normal(size=(600, 1, 5))
    step.params = (0.1,)
    total, _, gradient = step.apply()
    outputs = torch.tensor(step.outputs[:, 0].T, requires_grad=True)
    losses = torch.nn.functional.cross_entropy(
        outputs, torch.tensor(step.targets[0].astype(int)), reduction="none", label_smoothing=0.1
    )
    loss = (losses * torch.tensor(step.weights)).sum()
    loss.backward()
    assert total == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(gradient[:, 0].T, outputs.grad.numpy(), rtol=1e-10, atol=1e-12)


@every_loss
def test_what_has_no_target_or_no_weight_counts_for_nothing(name):
    step = OutputStep(name)
    step.targets[0, [1, 3]] = np.nan
    step.weights[2] = 0
    total, weight, gradient = step.apply()
    assert total == pytest.approx(step.total(), rel=1e-12)
    assert weight == pytest.approx(step.weight)
    gone = np.isnan(step.targets) | (step.weights == 0)
    np.testing.assert_array_equal(gradient[:, gone], 0)
    assert gradient[:, ~gone].all()
    # Nor does what was said there, not even a NaN.
    step.outputs[:, gone] = np.nan
    again = step.apply()
    assert again[:2] == (total, weight)
    np.testing.assert_array_equal(again[2], gradient)


@every_loss
def test_a_nan_that_counts_is_seen(name):
    for place in range(len(OutputStep(name).outputs)):
        step = OutputStep(name)
        step.outputs[place, 0, 2] = np.nan
        total, weight, gradient = step.apply()
        assert np.isnan(total)
        assert weight == pytest.approx(step.weight)
        assert np.isnan(gradient[place, 0, 2])
        assert np.isfinite(np.delete(gradient, 2, axis=2)).all()


@every_loss
def test_far_off_outputs_have_finite_losses(name):
    for far in (-500.0, 500.0):
        step = OutputStep(name)
        step.outputs[-1] += far  # the scale, the freedom or the score of a class, where there are
        total, _, gradient = step.apply()
        assert np.isfinite(total)
        assert np.isfinite(gradient).all()
