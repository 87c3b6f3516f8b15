"""Connectionist temporal classification against sums over all paths, differences and PyTorch."""

import itertools

import naive
import numba
import numpy as np
import pytest
from conftest import gradient_of, numeric_slopes, random_network, training_steps

from tsrnn.kernels.losses import LOSSES, apply_sequence_loss, ctc, find_loss, sequence_space
from tsrnn.kernels.sources import SKIP, sequence_source
from tsrnn.training import Settings

# Labels, and steps more than they need.
TINY = [
    ([], 0),
    ([], 3),
    ([1], 0),
    ([2], 3),
    ([1, 2], 0),
    ([1, 2], 2),
    ([1, 1], 0),
    ([1, 1], 2),
    ([2, 1, 2], 1),
    ([1, 1, 1], 0),
    ([1, 2, 2], 1),
]


def n_needed(labels):
    return len(labels) + sum(a == b for a, b in itertools.pairwise(labels))


def loss_and_gradient(scores, labels, weight=1.0):
    """The loss and its gradient, uncompiled."""
    gradient, space = scores.copy(), find_loss("ctc").space(len(scores), len(labels))
    labels, scratch = np.array(labels, scores.dtype), np.full(space, np.nan, scores.dtype)
    return ctc.evaluate_sequence(gradient, labels, scores.dtype.type(weight), scratch), gradient


def _evaluate_all(outputs, targets, firsts, weights, scratch, losses):
    for row in range(firsts.size):
        losses[row], weights[row] = apply_sequence_loss(
            KIND, outputs, targets, row, firsts[row], weights, scratch
        )


KIND = LOSSES.index("ctc")
_evaluate_compiled = numba.njit(error_model="numpy")(_evaluate_all)


def evaluate_rows(scores, labels, lengths, weights=None):
    """Compiled losses of rows and gradients, as they lie in a chunk; rows end together."""
    n_rows, n_time, n_out = scores.shape
    outputs = scores.transpose(1, 2, 0).reshape(n_time, -1).copy()
    targets = np.full((n_time, n_rows), np.nan, scores.dtype)
    firsts = n_time - lengths
    for row, each in enumerate(labels):
        targets[firsts[row] : firsts[row] + len(each), row] = each
    n_most = max(len(each) for each in labels)
    scratch = np.full(sequence_space("ctc", n_time, n_out, n_most), np.nan, scores.dtype)
    weights = np.ones(n_rows) if weights is None else weights.copy()
    losses = np.empty(n_rows)
    _evaluate_compiled(outputs, targets, firsts, weights.astype(scores.dtype), scratch, losses)
    return losses, outputs.reshape(n_time, n_out, n_rows).transpose(2, 0, 1)


@pytest.mark.parametrize(("labels", "n_more"), TINY)
def test_loss_and_gradient_of_all_paths(labels, n_more):
    rng = np.random.default_rng(len(labels))
    scores = 2 * rng.normal(size=(max(n_needed(labels) + n_more, 1), 3))
    loss, gradient = loss_and_gradient(scores, labels, weight=0.7)
    assert loss == pytest.approx(naive.ctc(scores, labels), rel=1e-12)

    def loss_at(flat):
        return naive.ctc(flat.reshape(scores.shape), labels)

    expected = 0.7 * numeric_slopes(loss_at, scores.ravel(), np.eye(scores.size))
    np.testing.assert_allclose(gradient.ravel(), expected, rtol=1e-6, atol=1e-8)


def random_rows(rng):
    """Scores, labels and lengths of a few ragged rows."""
    n_rows, n_classes = rng.integers(1, 6), rng.integers(2, 12)
    labels = [rng.integers(1, n_classes, rng.integers(0, 9)).tolist() for _ in range(n_rows)]
    lengths = np.array([max(n_needed(each) + rng.integers(0, 20), 1) for each in labels])
    size = n_rows, lengths.max(), n_classes
    return rng.choice([0.1, 1, 10]) * rng.normal(size=size), labels, lengths


def of_torch(torch, scores, labels, lengths):
    """Losses and gradients of PyTorch, of rows that end together."""
    n_time = scores.shape[1]
    early = np.zeros_like(scores)  # rows that begin together
    for row, n in enumerate(lengths):
        early[row, :n] = scores[row, n_time - n :]
    x = torch.tensor(early, requires_grad=True)
    losses = torch.nn.CTCLoss(reduction="none")(
        x.transpose(0, 1).log_softmax(2),
        torch.tensor([label for each in labels for label in each], dtype=torch.long),
        torch.tensor(lengths),
        torch.tensor([len(each) for each in labels]),
    )
    losses.sum().backward()
    gradients = np.zeros_like(scores)
    for row, n in enumerate(lengths):
        gradients[row, n_time - n :] = x.grad[row, :n].numpy()
    return losses.detach().numpy(), gradients


def test_a_hundred_ragged_cases_against_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for _ in range(100):
        scores, labels, lengths = random_rows(rng)
        losses, gradients = evaluate_rows(scores, labels, lengths)
        expected = of_torch(torch, scores, labels, lengths)
        np.testing.assert_allclose(losses, expected[0], rtol=1e-10, atol=1e-8)
        np.testing.assert_allclose(gradients, expected[1], atol=1e-8)


def test_compiled_as_uncompiled():
    rng = np.random.default_rng(1)
    for _ in range(5):
        scores, labels, lengths = random_rows(rng)
        losses, gradients = evaluate_rows(scores, labels, lengths)
        for row, n in enumerate(lengths):
            loss, gradient = loss_and_gradient(scores[row, -n:], labels[row])
            assert losses[row] == pytest.approx(loss, rel=1e-12)
            np.testing.assert_allclose(gradients[row, -n:], gradient, rtol=1e-9, atol=1e-12)
            assert not gradients[row, :-n].any()


@pytest.mark.parametrize("n_labels", [0, 1, 40, 1999])
def test_float32_of_a_long_sequence(n_labels):
    """With as many labels as steps there is one path, whose states are seldom the most probable."""
    rng = np.random.default_rng(n_labels)
    scores = 4 * rng.normal(size=(1, 2000, 30))
    labels = 1 + np.cumsum(rng.integers(1, 29, n_labels)) % 29  # no two that follow are equal
    lengths = np.array([2000])
    exact = evaluate_rows(scores, [labels], lengths)
    single = evaluate_rows(scores.astype(np.float32), [labels], lengths)
    assert single[0] == pytest.approx(exact[0], rel=1e-5)
    np.testing.assert_allclose(single[1], exact[1], atol=2e-3)
    assert np.abs(exact[1].sum(axis=2)).max() < 1e-9


def test_the_only_path():
    scores = np.random.default_rng(0).normal(size=(5, 4))
    loss, gradient = loss_and_gradient(scores, [1, 1, 3, 2])
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    path = [1, 0, 1, 3, 2]
    assert loss == pytest.approx(-log_p[np.arange(5), path].sum())
    np.testing.assert_allclose(gradient, np.exp(log_p) - np.eye(4)[path], atol=1e-14)


@pytest.mark.parametrize("labels", [[1, 1], [1, 2, 3]])
def test_too_few_steps_have_an_infinite_loss(labels):
    loss, gradient = loss_and_gradient(np.zeros((2, 4)), labels)
    assert loss == np.inf
    assert not gradient.any()


def test_a_nan_is_seen():
    for k in range(3):
        scores = np.zeros((4, 3))
        scores[2, k] = np.nan
        loss, gradient = loss_and_gradient(scores, [1])
        assert np.isnan(loss)
        assert np.isnan(gradient[2, k])


def test_far_off_scores():
    scores = np.zeros((6, 3))
    scores[:, 0] = 500.0
    scores[3, 2] = -800.0
    loss, gradient = loss_and_gradient(scores, [1, 2])
    assert loss == pytest.approx(1000 - np.log(12), rel=1e-12)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient.sum(axis=1)).max() < 1e-12


def test_what_has_no_weight_or_no_step_counts_for_nothing():
    scores, lengths = np.random.default_rng(0).normal(size=(3, 5, 3)), np.array([5, 0, 4])
    scores[0], scores[1] = np.nan, np.nan
    losses, gradients = evaluate_rows(scores, [[1], [], [1, 2]], lengths, np.array([0.0, 1.0, 2.0]))
    loss, gradient = loss_and_gradient(scores[2, 1:], [1, 2], weight=2.0)
    np.testing.assert_allclose(losses, [0, 0, 2 * loss])
    np.testing.assert_allclose(gradients[2, 1:], gradient)
    assert not gradients[:2].any()
    assert not gradients[2, 0].any()


class Case:
    """A network with targets of whole sequences, in more than one chunk, and its slow twin."""

    def __init__(self, cell="gru", dtype="float64", n=18, **shape):
        rng = np.random.default_rng(3)
        self.shape = {"head": "every"} | shape
        self.labels = [rng.integers(1, 3, rng.integers(0, 3)).tolist() for _ in range(n)]
        self.lengths = np.array([max(n_needed(each), 1) for each in self.labels])
        self.lengths += rng.integers(0, 3, n)
        self.firsts = np.cumsum(self.lengths) - self.lengths
        self.values = rng.normal(size=(self.lengths.sum(), 2)).astype(dtype)
        self.targets = np.full((len(self.values), 1), np.nan, dtype)
        for first, each in zip(self.firsts, self.labels, strict=True):
            self.targets[first : first + len(each), 0] = each
        self.weights = rng.uniform(0, 2, n)
        self.weights[3] = 0
        self.network = random_network(cell, 2, 3, 3, dtype=dtype, **self.shape)
        places = self.firsts, self.lengths
        self.source = sequence_source(self.values, *places, self.targets, self.weights)
        self.order = rng.permutation(n)

    def mean_loss(self, parameters):
        total, views = 0.0, self.network.views(parameters)
        for k, (first, n) in enumerate(zip(self.firsts, self.lengths, strict=True)):
            x = self.values[first : first + n]
            outputs = naive.network(self.network.cell, views, x, self.shape)[0]
            total += self.weights[k] * naive.ctc(np.array(outputs), self.labels[k])
        return total / self.weights.sum()


SHAPES = {"plain": {}, "layers": {"n_layers": 2, "bidirectional": True, "n_head": 3}}
SETTINGS = Settings(loss="ctc", max_grad_norm=np.inf)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_networks_against_naive(shape, workers):
    case = Case(**SHAPES[shape])
    network, expected = case.network, case.mean_loss(case.network.parameters)
    loss, gradient = gradient_of(network, case.source, case.order, SETTINGS, workers)
    assert loss == pytest.approx(expected, rel=1e-10)
    found = network.mean_loss(case.source, case.order, "ctc", workers)
    assert found == pytest.approx(expected, rel=1e-10)
    directions = np.random.default_rng(0).normal(size=(4, gradient.size))
    slopes = numeric_slopes(case.mean_loss, network.parameters, directions)
    np.testing.assert_allclose(directions @ gradient, slopes, rtol=1e-6, atol=1e-8)


@pytest.mark.slow
def test_losses_of_sequences():
    case = Case()
    losses = case.network.step_losses(case.source, case.order, "ctc")
    assert np.isnan(losses[:, :-1]).all()
    assert np.isnan(losses[case.order == 3, -1]).all()  # of no weight
    mean = np.nansum(losses[:, -1] * case.weights[case.order]) / case.weights.sum()
    assert mean == pytest.approx(case.mean_loss(case.network.parameters), rel=1e-10)


@pytest.mark.slow
def test_labels_of_steps_that_are_left_out_are_lost_and_no_others():
    case = Case()
    values = np.insert(case.values, 1, np.nan, axis=0)
    targets = np.insert(case.targets, 1, np.nan, axis=0)
    places = (
        case.firsts + (np.arange(case.firsts.size) > 0),
        case.lengths + 1 - (np.arange(case.firsts.size) > 0),
    )
    source = sequence_source(values, *places, targets, case.weights, missing=SKIP)
    loss = case.network.mean_loss(source, case.order, "ctc")
    assert loss == case.network.mean_loss(case.source, case.order, "ctc")


@pytest.mark.slow
def test_same_bits_serial_and_parallel():
    results = []
    for workers in (1, 2, 3):
        case = Case(dtype="float32", n=40, bidirectional=True)
        steps = case.network, case.source, np.tile(case.order, 2), SETTINGS, workers, [0.01] * 2
        _, _, losses = training_steps(*steps, n_batch=40)
        evaluated = case.network.mean_loss(case.source, case.order, "ctc", workers)
        results.append((case.network.parameters, losses, evaluated))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.usefixtures("cuda")
def test_not_on_a_gpu():
    case = Case()
    with pytest.raises(ValueError, match="Losses of whole sequences are for the CPU only"):
        case.network.mean_loss(case.source, np.arange(2), "ctc", "cuda")
