import naive
import numpy as np
import pytest
from conftest import numeric_slopes
from scipy import special, stats

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


def value_and_slopes(name, outputs, target, unit=1.0):
    """Loss of one target and its derivatives with respect to its outputs."""
    outputs = np.array(outputs, float)
    params = np.array(SINGLE_PARAMS.get(name, ()))
    value = find_loss(name).evaluate(outputs, 0, 1, np.float64(target), unit, 1.0, params)
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
        target = abs(target) if find_loss(name).is_positive else target
        value, slopes = value_and_slopes(name, outputs, target)
        assert value == pytest.approx(value_of(outputs), rel=1e-12)
        expected = numeric_slopes(value_of, outputs, np.eye(len(outputs)))
        np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("unit", [1.0, 3.5, 4000.0])
def test_a_negative_binomial_knows_the_unit_of_its_targets(unit):
    rng = np.random.default_rng(0)
    for count in (0, 1, 7, 5000):
        outputs, target = rng.normal(size=2), np.array([count / unit])

        def value_of(each, target=target):
            return naive.negative_binomial(each[:, None], target, (), unit)[0]

        value, slopes = value_and_slopes("negative_binomial", outputs, target[0], unit)
        assert value == pytest.approx(value_of(outputs), rel=1e-9)
        expected = numeric_slopes(value_of, outputs, np.eye(2))
        np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-6)


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
        if find_loss(name).is_positive:
            self.targets = np.abs(self.targets)
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
        scratch, units = np.full(LOSS_ROWS * self.n_rows, np.nan), np.ones(self.n_rows)
        sums = apply_loss(kind, params, outputs, self.targets.ravel(), self.weights, units, scratch)
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


class TestPositiveDistributions:
    """Quantiles, probabilities and deviations against SciPy's distributions; scales by hand."""

    outputs = np.array([[0.3, -2.0, 1.5, 0.0], [-1.0, 0.5, -3.0, 2.0]])  # location, raw dispersion
    unit, levels = 2.5, np.array([1e-6, 0.1, 0.5, 0.9, 0.999])

    @property
    def mean(self):
        return self.unit * np.exp(self.outputs[0])

    def distribution(self, name):
        if name == "poisson":
            return stats.poisson(self.mean)
        size = 1 / (np.log1p(np.exp(self.outputs[1])) / np.sqrt(self.unit) + 1e-4)
        return stats.nbinom(size, size / (size + self.mean))

    @pytest.mark.parametrize("name", ["poisson", "negative_binomial"])
    def test_counts(self, name):
        loss, distribution = find_loss(name), self.distribution(name)
        assert loss.is_whole
        np.testing.assert_allclose(self.unit * loss.point(self.outputs, ()), distribution.mean())
        np.testing.assert_allclose(
            self.unit * loss.std(self.outputs, self.unit), distribution.std(), rtol=1e-12
        )
        for level in self.levels:
            found = self.unit * loss.quantile(self.outputs, level, (), self.unit)
            np.testing.assert_allclose(found, distribution.ppf(level), atol=1e-9)
        for count in (0, 1, 4, 30):
            values = np.full(4, count / self.unit)
            until = loss.cdf(self.outputs, values, self.unit)
            below = loss.probability_below(self.outputs, values, self.unit)
            np.testing.assert_allclose(until, distribution.cdf(count), rtol=1e-9)
            np.testing.assert_allclose(below, distribution.cdf(count - 1), rtol=1e-9)

    def test_amounts(self):
        loss, (location, raw) = find_loss("tweedie"), self.outputs
        mean, dispersion = np.exp(location), np.log1p(np.exp(raw)) + 1e-4
        # Of power 1.5: so many jumps, each exponential (Joergensen 1987).
        n_jumps, jump = 2 * np.sqrt(mean) / dispersion, dispersion * np.sqrt(mean) / 2
        np.testing.assert_allclose(n_jumps * jump, mean)
        np.testing.assert_allclose(loss.std(self.outputs), np.sqrt(2 * n_jumps * jump**2))
        n = np.arange(1, 400)[:, None]
        for value in (0.0, 0.01, 0.4, 3.0):
            sums = (stats.poisson.pmf(n, n_jumps) * stats.gamma.cdf(value, n, scale=jump)).sum(0)
            expected = np.exp(-n_jumps) + sums
            found = loss.cdf(self.outputs, value, 1.0)
            np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-14)
            below = expected if value > 0 else np.zeros(4)
            found = loss.probability_below(self.outputs, np.full(4, value), 1.0)
            np.testing.assert_allclose(found, below, rtol=1e-8, atol=1e-14)
        for level in self.levels:
            found = loss.quantile(self.outputs, level, ())
            is_zero = level <= np.exp(-n_jumps)
            np.testing.assert_array_equal(found == 0, is_zero)
            back = loss.cdf(self.outputs, found, 1.0)
            np.testing.assert_allclose(back[~is_zero], level, rtol=1e-6)

    @pytest.mark.parametrize("name", ["poisson", "negative_binomial", "tweedie"])
    def test_losses_of_constants(self, name):
        """The mean is the best constant, an untrained network has the mean 1."""
        targets = np.array([[0.0], [1.0], [np.nan], [5.0]])
        loss = find_loss(name)
        best, initial = loss.constant_losses(targets, loss.constant(targets), ())
        for mean, found in ((2.0, best), (1.0, initial)):
            outputs = np.array([[[np.log(mean)] * 3], [[0.0] * 3]])[: loss.outputs_per_target, 0]
            known = targets[[0, 1, 3], 0]
            assert found == pytest.approx(naive.LOSSES[name](outputs, known, ()).mean(), rel=1e-9)
        assert best < initial
