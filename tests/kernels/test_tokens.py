"""Embeddings, classes, labels and heads that pool: against plain loops and central differences."""

import tracemalloc

import naive
import numpy as np
import pytest
from conftest import gradient_of, numeric_slopes, random_network, training_steps
from kernels.test_cpu import (
    FREE,
    Case,
    assert_gradients_of_pytorch,
    assert_outputs,
    assert_slopes,
    in_pytorch,
    seed_of_the_first_step,
)

from tsrnn.kernels import layout
from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.optimizers import SOLVERS
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.sources import INDICATE, SKIP, sequence_source
from tsrnn.network import RecurrentNetwork
from tsrnn.network import network as networks
from tsrnn.training import Settings, train, train_many

pytestmark = pytest.mark.slow

N_TOKENS = 7  # of which the last is never read
# Every value of a column meets every one of another that it may meet.
COLUMNS = ("cell", "layers", "shape", "noise", "embedding", "numbers", "head", "loss")
CASES = """
lstm      1 plain         quiet     own       2 last   squared_error
lstm      2 both          quiet     tied_head 0 attend cross_entropy
lstm      3 residual      recurrent tied_head 2 max    squared_error
lstm      3 bidirectional dropout   tied      2 mean   binary_cross_entropy
lstm      3 both          dropout   own       2 every  binary_cross_entropy
gru       1 bidirectional recurrent tied_head 2 last   binary_cross_entropy
gru       2 plain         recurrent tied_head 0 mean   binary_cross_entropy
gru       2 residual      quiet     tied_head 0 every  binary_cross_entropy
gru       2 bidirectional dropout   own       2 every  cross_entropy
gru       3 residual      dropout   tied_head 2 attend binary_cross_entropy
gru       3 both          quiet     tied      2 max    squared_error
rnn       1 plain         quiet     tied_head 2 max    cross_entropy
rnn       1 bidirectional quiet     tied      0 every  binary_cross_entropy
rnn       2 residual      recurrent tied      2 mean   cross_entropy
rnn       3 bidirectional recurrent own       2 attend squared_error
rnn       3 both          dropout   tied      0 last   binary_cross_entropy
rnn_relu  1 plain         recurrent own       0 mean   squared_error
rnn_relu  2 residual      dropout   own       0 last   binary_cross_entropy
rnn_relu  2 both          quiet     tied      2 mean   cross_entropy
rnn_relu  3 residual      dropout   tied_head 0 attend cross_entropy
rnn_relu  3 bidirectional quiet     own       0 max    binary_cross_entropy
rnn_relu  3 both          recurrent tied      2 every  cross_entropy
attention 1 plain         quiet     tied      2 attend binary_cross_entropy
attention 2 plain         dropout   own       0 max    cross_entropy
attention 2 plain         dropout   tied_head 0 last   cross_entropy
attention 2 plain         dropout   tied_head 0 every  squared_error
attention 3 plain         quiet     tied      0 mean   cross_entropy
"""
CASES = [" ".join(line.split()) for line in CASES.strip().splitlines()]
# And what may meet fewer: further steps of the last layer, and missing values that are told.
OTHERS = [
    "lstm 1 plain quiet own 0 horizons squared_error",
    "lstm 2 both recurrent own told every cross_entropy",
    "gru 1 bidirectional quiet tied told mean cross_entropy",
    "attention 2 plain dropout own told every binary_cross_entropy",
]
LANGUAGE_MODEL = "lstm 1 plain quiet {} 0 every cross_entropy"


class TokenCase(Case):
    """A network of tokens on ragged sequences, and the same for the slow twin.

    Of the sequences, the fifth is empty and the sixth has no token; one has no target. ``n_out`` is
    the number of classes, labels or numbers, unless the embedding is tied.
    """

    def __init__(self, case, dtype="float64", n=19, n_tokens=N_TOKENS, n_out=3, n_hidden=None):
        case = dict(zip(COLUMNS, case.split(), strict=True))
        cell, embedding, self.loss = case["cell"], case["embedding"], case["loss"]
        self.shape = {"head": case["head"], "n_layers": int(case["layers"])}
        if cell == "attention":
            self.shape |= {"n_heads": 2}
        else:
            self.shape["bidirectional"] = case["shape"] in ("bidirectional", "both")
            self.shape["residual"] = case["shape"] in ("residual", "both")
        n_hidden = n_hidden or (4 if cell == "attention" else 3)
        n_embedding = 2
        if embedding != "own":
            n_embedding = n_hidden * (1 + self.shape.get("bidirectional", False))
            n_out = n_tokens
        if embedding == "tied_head":
            self.shape["n_head"] = n_embedding = 5
        if case["head"] == "horizons":
            self.shape["n_horizons"] = 2
        self.told = case["numbers"] == "told"
        n_channels = 2 if self.told else int(case["numbers"])
        self.network = random_network(
            cell,
            n_channels * (3 if self.told else 1),
            n_hidden,
            n_out,
            dtype,
            n_tokens=n_tokens,
            n_embedding=n_embedding,
            tied=embedding != "own",
            **self.shape,
        )
        self.params, self.segment, self.every = (), 1, case["head"] == "every"
        self.n_output_steps = self.shape.get("n_horizons", 1)
        self.n_targets = 1 if self.loss == "cross_entropy" else n_out
        self._draw(np.random.default_rng(3), n, n_channels, dtype)
        self.dropout = 0.4 if case["noise"] != "quiet" and self.shape["n_layers"] > 1 else 0.0
        self.recurrent = 0.3 if case["noise"] == "recurrent" else 0.0
        self.settings = Settings(
            loss=self.loss,
            max_grad_norm=FREE,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent,
        )

    def _draw(self, rng, n, n_channels, dtype):
        self.lengths = rng.integers(1, 6, n)
        self.lengths[0], self.lengths[4] = 5, 0
        self.firsts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        n_rows, network = self.lengths.sum(), self.network
        self.tokens = rng.integers(0, network.n_tokens - 1, n_rows)
        self.tokens[rng.random(n_rows) < 0.1] = -1
        self.tokens[self.firsts[5] : self.firsts[5] + self.lengths[5]] = -1
        self.values = rng.normal(size=(n_rows, n_channels)).astype(dtype)
        self.values[rng.random(self.values.shape) < 0.05] = np.nan
        shape = (n_rows if self.every else n, self.n_output_steps * self.n_targets)
        if self.loss == "squared_error":
            self.targets = rng.normal(size=shape)
        else:
            n_classes = network.n_out if self.loss == "cross_entropy" else 2
            self.targets = rng.integers(0, n_classes, shape).astype(float)
        self.targets[rng.random(shape) < 0.2] = np.nan
        without = slice(self.firsts[2], self.firsts[3]) if self.every else 2
        self.targets[without] = np.nan
        self.weights = rng.uniform(0, 2, n)
        self.weights[3] = 0
        sequences = self.values, self.firsts, self.lengths, self.targets.astype(dtype)
        missing = INDICATE if self.told else SKIP
        self.source = sequence_source(*sequences, self.weights, missing=missing, tokens=self.tokens)

    def sequence(self, window, views=None):
        """Inputs (n_time, n_in) of a sequence, and the row of each step."""
        own = slice(self.firsts[window], self.firsts[window] + self.lengths[window])
        tokens, values = self.tokens[own], self.values[own].astype(float)
        there = self.told | (tokens >= 0) & ~np.isnan(values).any(axis=1)
        x = naive.embedded(views or self.network.views(), tokens, values, self.told)
        return x, self.firsts[window] + np.flatnonzero(there)

    def answers(self, views, window, seed=None, states=None):
        x, _ = self.sequence(window, views)
        noise = (0.0, 0.0, 0, 0) if seed is None else (self.dropout, self.recurrent, seed, window)
        begin = self.n_time - len(x)
        return naive.network(self.network.cell, views, x, self.shape, noise, states, begin)[0]

    def step_losses(self, window):
        """The losses of a sequence's output steps, NaN without target."""
        wanted = self.targets[self.sequence(window)[1]] if self.every else self.targets[[window]]
        return [
            naive.LOSSES[self.loss](outputs, target, ())[0] if target == target else np.nan
            for outputs, target in zip(
                self.answers(self.network.views(), window), wanted, strict=True
            )
        ]

    def directions(self):
        """For each part of the network a direction in which it moves, and two of all at once."""
        network, rng = self.network, np.random.default_rng(0)
        directions = np.zeros((len(network.views()) + 2, network.parameters.size))
        for direction, name in zip(directions, network.views(), strict=False):
            view = network.views(direction)[name]
            view[:] = rng.choice([-1.0, 1.0], view.shape)
        directions[-2:] = rng.choice([-1.0, 1.0], directions[-2:].shape)
        return directions * network.used()

    def numeric_slopes(self, directions):
        views, seed = self.network.views, seed_of_the_first_step()
        return numeric_slopes(
            lambda parameters: self.mean_loss(views(parameters), seed),
            self.network.parameters,
            directions,
        )


def test_every_value_meets_every_other():
    rows = [case.split() for case in CASES]
    for a in range(len(COLUMNS)):
        for b in range(a):
            met = {(row[a], row[b]) for row in rows}
            never = {
                (x, y)
                for x in {pair[0] for pair in met}
                for y in {pair[1] for pair in met}
                if (x, y) not in met
            }
            assert never <= IMPOSSIBLE, (COLUMNS[a], COLUMNS[b])


IMPOSSIBLE = {("residual", "1"), ("both", "1"), ("dropout", "1"), ("recurrent", "attention")}
IMPOSSIBLE |= {(shape, "attention") for shape in ("residual", "bidirectional", "both")}


@pytest.mark.parametrize("case", CASES + OTHERS)
def test_outputs_loss_and_gradient(case):
    """Outputs and losses are the slow twin's, the gradient its central differences."""
    case = TokenCase(case)
    network, views = case.network, case.network.views()
    assert_outputs(case, 1)
    loss, gradient = case.gradient()
    assert loss == pytest.approx(case.mean_loss(views, seed_of_the_first_step()), rel=1e-10)
    directions = case.directions()
    assert_slopes(gradient, directions, case.numeric_slopes(directions))
    if not network.tied:
        of_tokens = network.views(gradient)["token_embedding"]
        assert of_tokens[:-1].all()
        np.testing.assert_array_equal(of_tokens[-1], 0)
    found = network.mean_loss(case.source, case.order, case.loss)
    assert found == pytest.approx(case.mean_loss(views), rel=1e-10)
    if case.loss == "cross_entropy":
        steps = network.step_losses(case.source, case.order, case.loss)
        for window, of_window in enumerate(steps):
            expected = case.step_losses(window)
            before, after = np.split(of_window, [len(of_window) - len(expected)])
            assert np.isnan(before).all()
            np.testing.assert_allclose(after, expected, rtol=1e-10)


# What each parameter by itself is held against central differences for.
EACH = {
    "embedding": "lstm 1 plain quiet own 0 last squared_error",
    "tied softmax": LANGUAGE_MODEL.format("tied"),
    "tied softmax of a hidden layer": "gru 1 plain quiet tied_head 0 every cross_entropy",
    "several labels and numbers": "gru 1 plain quiet own 2 every binary_cross_entropy",
    "tagger": "lstm 1 bidirectional quiet own 2 every cross_entropy",
    "mean": "lstm 1 bidirectional quiet own 0 mean cross_entropy",
    "max": "gru 1 plain quiet own 0 max cross_entropy",
    "attend": "lstm 1 bidirectional quiet own 0 attend cross_entropy",
    "attention": "attention 1 plain quiet tied 0 every cross_entropy",
}


@pytest.mark.parametrize("name", EACH)
def test_each_parameter_by_itself(name):
    case = TokenCase(EACH[name], n=10)
    loss, gradient = case.gradient()
    assert loss == pytest.approx(case.mean_loss(case.network.views()), rel=1e-10)
    slopes = case.numeric_slopes(np.eye(gradient.size))
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8 * scale)
    for view, of_view in case.network.views(gradient).items():
        if not view.startswith("key_bias"):  # added to all scores alike it changes nothing
            assert np.abs(of_view).max() > 1e-6 * scale, view


@pytest.mark.parametrize("embedding", ["own", "tied", "tied_head"])
def test_a_vocabulary_of_several_parts(embedding):
    """Products and sums over a vocabulary are made of parts of 256 classes."""
    case = TokenCase(LANGUAGE_MODEL.format(embedding), n=6, n_tokens=700, n_out=700)
    assert_outputs(case, 1)
    loss, gradient = case.gradient()
    assert loss == pytest.approx(case.mean_loss(case.network.views()), rel=1e-10)
    directions = case.directions()
    assert_slopes(gradient, directions, case.numeric_slopes(directions))


IN_SINGLE = [
    "lstm 1 plain quiet tied 0 every cross_entropy",
    "lstm 2 both recurrent own 2 attend binary_cross_entropy",
    "attention 2 plain dropout own 2 every cross_entropy",
]


@pytest.mark.parametrize("case", IN_SINGLE)
def test_float32_is_float64_to_rounding(case):
    exact, single = TokenCase(case), TokenCase(case, "float32")
    order, loss = exact.order, exact.loss
    (loss_exact, gradient), (loss_single, found) = exact.gradient(), single.gradient()
    assert found.dtype == np.float32
    assert loss_single == pytest.approx(loss_exact, rel=1e-5)
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(found, gradient, rtol=2e-3, atol=2e-5 * scale)
    said, expected = (each.network.predict(each.source, order) for each in (single, exact))
    np.testing.assert_allclose(said, expected, rtol=1e-4, atol=1e-5)
    if loss == "cross_entropy":
        of_steps, expected = (
            each.network.step_losses(each.source, order, loss) for each in (single, exact)
        )
        np.testing.assert_allclose(of_steps, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", IN_SINGLE)
def test_same_bits_serial_and_parallel(case):
    """Three chunks of rows, several minibatches, and so many parameters that tasks share them."""
    results = []
    for workers in (1, 2, 3):
        twin = TokenCase(case, "float32", 75, n_tokens=2500, n_out=2500, n_hidden=26)
        network, source, settings = twin.network, twin.source, twin.settings
        assert network.n_parameters > 2**16
        moments, gradient, losses = training_steps(
            network, source, twin.order, settings, workers, [0.01] * 2, n_batch=40
        )
        said = network.predict(source, twin.order, workers)
        judged = network.mean_loss(source, twin.order, twin.loss, workers)
        results.append([network.parameters, moments, gradient, losses, said, judged])
        if twin.loss == "cross_entropy":
            results[-1].append(network.step_losses(source, twin.order, twin.loss, workers))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


# Steps left out, and what is carried


@pytest.mark.parametrize(
    "case",
    [
        LANGUAGE_MODEL.format("own"),
        "lstm 2 both quiet own 2 attend cross_entropy",
        "attention 1 plain quiet tied 0 every cross_entropy",
    ],
)
def test_a_missing_token_is_no_step(case):
    """To the bit: in outputs, losses and gradient, as if the row were not there."""
    case = TokenCase(case)
    rows = np.concatenate([case.sequence(window)[1] for window in case.order])
    lengths = np.array([len(case.sequence(window)[1]) for window in case.order])
    shorter = sequence_source(
        case.values[rows],
        np.cumsum(lengths) - lengths,
        lengths,
        case.targets[rows] if case.every else case.targets,
        case.weights,
        tokens=case.tokens[rows],
    )
    network, results = case.network, []
    for source in (case.source, shorter):
        loss, gradient = gradient_of(network, source, case.order, case.settings)
        steps = network.step_losses(source, case.order, case.loss)
        results.append((loss, gradient, steps[:, -lengths.max() :]))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_losses_of_steps_go_on_from_states(cell):
    """A sequence cut in two is the whole sequence; shorter ones leave the state as it was."""
    case = TokenCase(f"{cell} 2 residual quiet tied 0 every cross_entropy")
    network, firsts, lengths = case.network, case.firsts, case.lengths
    whole = network.step_losses(case.source, case.order, case.loss)
    states, half = np.zeros((len(firsts), network.state_width)), lengths // 2
    losses = []
    for part in ((firsts, half), (firsts + half, lengths - half)):
        source = sequence_source(case.values, *part, case.targets, tokens=case.tokens)
        losses.append(network.step_losses(source, case.order, case.loss, states=states))
    for window, expected in enumerate(whole):
        found = np.concatenate([part[window] for part in losses])
        found, expected = (each[~np.isnan(each)] for each in (found, expected))
        np.testing.assert_allclose(found, expected, rtol=1e-12)


# Blocks of output steps


@pytest.fixture
def few_outputs_at_once(monkeypatch):
    """Sets how many output steps of a network are computed at a time."""

    def limit(network, n_steps):
        monkeypatch.setattr(layout, "_OUTPUT_VALUES", n_steps * network.n_out * layout.ROWS)
        networks._sizes.cache_clear()

    yield limit
    networks._sizes.cache_clear()


@pytest.mark.parametrize(
    "case",
    [
        LANGUAGE_MODEL.format("own"),
        "gru 2 bidirectional dropout tied 2 every cross_entropy",
        "gru 2 residual quiet tied_head 0 every binary_cross_entropy",
        "attention 2 plain dropout tied_head 0 every squared_error",
        "lstm 1 plain quiet own 0 horizons squared_error",
    ],
)
def test_blocks_of_output_steps(case, few_outputs_at_once):
    case = TokenCase(case)
    # Sequences of one chunk begin late, so that blocks before them are empty.
    case.lengths[:16] = np.minimum(case.lengths[:16], 2)
    network = case.network
    source = case.source._replace(lengths=case.lengths)

    def results():
        loss, gradient = gradient_of(network, source, case.order, case.settings)
        values = [loss, gradient, network.mean_loss(source, case.order, case.loss)]
        values.append(network.predict(source, case.order))
        if case.loss == "cross_entropy":
            values.append(network.step_losses(source, case.order, case.loss))
        return values

    whole = results()
    for n_steps in (1, 2, 3):
        few_outputs_at_once(network, n_steps)
        sizes = network.sizes(case.n_time)
        assert sizes.n_output_block == min(n_steps, sizes.n_output_steps)
        for found, expected in zip(results(), whole, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


def train_size(n_tokens, n_steps, n_hidden=4):
    """Values of a workspace to train a language model on sequences of so many steps."""
    shape = {"n_tokens": n_tokens, "n_embedding": n_hidden, "head": "every"}
    network = RecurrentNetwork("lstm", 0, n_hidden, n_tokens, **shape)
    source = sequence_source(np.empty((0, 0)), [], [], tokens=[0])
    problem = Problem.of(network.module, source, network.sizes(n_steps), "cross_entropy")
    return workspace_size(problem.sizes, training=True)


def test_the_workspace_of_a_step_does_not_grow_with_the_vocabulary():
    of_a_thousand = train_size(20_000, 2000) - train_size(20_000, 1000)
    assert train_size(90_000, 2000) - train_size(90_000, 1000) == of_a_thousand
    assert of_a_thousand < 1000 * 200 * layout.ROWS
    assert train_size(90_000, 2000) - 2 * of_a_thousand <= 2**23


def test_outputs_are_never_held_for_all_steps():
    """In training, nor in what judges all steps: the memory that both allocate tells."""
    n_tokens, n_rows, n_steps = 30_000, 16, 64
    shape = {"n_tokens": n_tokens, "n_embedding": 4, "head": "every"}
    network = RecurrentNetwork("lstm", 0, 4, n_tokens, "float32", **shape)
    network.initialise(np.random.default_rng(0))
    tokens = np.random.default_rng(0).integers(0, n_tokens, n_rows * n_steps + 1)
    source = sequence_source(
        np.empty((tokens.size - 1, 0), "float32"),
        np.arange(n_rows) * n_steps,
        np.full(n_rows, n_steps),
        tokens[1:, None],
        tokens=tokens[:-1],
    )
    settings = Settings(loss="cross_entropy", max_iter=1, batch_size=n_rows, n_jobs=1)
    windows, rng = np.arange(n_rows), np.random.default_rng(0)
    tracemalloc.start()
    try:
        history = train(network, source, windows, np.arange(0), settings, rng)
        losses = network.step_losses(source, windows, "cross_entropy")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * n_tokens * n_rows * n_steps / 2
    assert history.loss_curve == [pytest.approx(np.log(n_tokens), rel=1e-3)]
    assert losses.mean() < history.loss_curve[0]


# Training


def seen_parameters(network, tokens):
    """Which a minibatch that reads the tokens changes: of an embedding of its own, their rows."""
    seen = np.ones(network.parameters.size, bool)
    if not network.tied:
        of_embedding = network.views(seen)["token_embedding"]
        of_embedding[:] = False
        of_embedding[tokens] = True
    return seen


OPTIONS = {
    "adam": {"averaging": 0.8},
    "adamw": {"alpha": 0.2},
    "sgd": {"alpha": 0.05},
    "rmsprop": {"alpha": 0.02, "averaging": 0.5, "beta_2": 0.95},
}


@pytest.mark.parametrize("embedding", ["own", "tied"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_training_steps_against_naive_solvers(solver, embedding):
    """Rows that a minibatch reads change, by the steps counted from the start; others stay."""
    options, n_batch, rates = OPTIONS[solver], 4, [0.02, 0.05, 0.03, 0.04]
    case = TokenCase(LANGUAGE_MODEL.format(embedding), n=15)
    twin, network = case.network, case.network.like(case.network.parameters.copy())
    settings = Settings(loss=case.loss, solver=solver, max_grad_norm=0.1, **options)
    moments, _, _ = training_steps(
        network, case.source, case.order, settings, rates=rates, n_batch=n_batch
    )
    start, gradients, seen = twin.parameters.copy(), [], []
    for step in range(len(rates)):
        batch = case.order[step * n_batch : (step + 1) * n_batch]
        gradients.append(gradient_of(twin, case.source, batch, case.settings)[1].copy())
        rows = np.concatenate([case.sequence(window)[1] for window in batch])
        seen.append(seen_parameters(twin, case.tokens[rows]))
        twin.parameters[:], average = naive.optimise(
            solver, start, gradients, rates[: step + 1], max_norm=0.1, seen=seen, **options
        )
    assert all(np.linalg.norm(gradient) > 0.1 for gradient in gradients)
    assert embedding == "tied" or 0 < np.mean(seen) < 1
    np.testing.assert_allclose(network.parameters, twin.parameters, rtol=1e-9, atol=1e-12)
    if settings.averaging:
        np.testing.assert_allclose(moments[2], average, rtol=1e-9, atol=1e-12)


def test_a_minibatch_without_target_changes_nothing():
    case = TokenCase(LANGUAGE_MODEL.format("own"))
    before = case.network.parameters.copy()
    settings = Settings(loss=case.loss, solver="adamw", alpha=0.1)
    batch = np.array([2, 4, 5])  # without target, empty, without token
    moments, _, losses = training_steps(case.network, case.source, batch, settings, rates=[0.1])
    np.testing.assert_array_equal(case.network.parameters, before)
    np.testing.assert_array_equal(moments[:2], 0)
    np.testing.assert_array_equal(losses, 0)


class Streams:
    """Two streams of tokens cut in three windows each, of which some are short and one is empty."""

    lengths = np.array([[4, 4, 3], [3, 4, 0]])

    def __init__(self, embedding):
        rng, tied = np.random.default_rng(1), embedding == "tied"
        self.firsts = (np.cumsum(self.lengths) - self.lengths.ravel()).reshape(2, 3)
        n = self.lengths.sum()
        self.tokens, self.targets = rng.integers(0, 3, n), rng.integers(0, 5, (n, 1)).astype(float)
        self.tokens[0] = 3  # read by the first minibatch alone
        self.targets[3] = np.nan
        self.source = sequence_source(
            np.empty((n, 0)),
            self.firsts.ravel(),
            self.lengths.ravel(),
            self.targets,
            tokens=self.tokens,
        )
        shape = {"n_tokens": 5, "n_embedding": 2, "tied": tied, "head": "every"}
        self.network = random_network("lstm", 0, 2, 5, **shape)

    def rows(self, step):
        """The rows of a minibatch's windows."""
        pairs = zip(self.firsts[:, step], self.lengths[:, step], strict=True)
        return np.concatenate([np.arange(first, first + length) for first, length in pairs])

    def loss_and_states(self, parameters, step, states):
        """Mean loss of a minibatch and the states after it, by plain loops."""
        views, answers, targets, finals = self.network.views(parameters), [], [], []
        for stream, state in enumerate(states):
            first = self.firsts[stream, step]
            rows = slice(first, first + self.lengths[stream, step])
            x = naive.embedded(views, self.tokens[rows], np.empty((rows.stop - first, 0)))
            said, ends = naive.network("lstm", views, x, {"head": "every"}, states=state)
            answers.append(said)
            targets.append(self.targets[rows])
            finals.append(ends)
        return naive.mean_loss("cross_entropy", answers, targets), finals

    def train(self, solver, rate, n_epochs, **options):
        """Parameters, their average and the losses of epochs, by plain loops alone."""
        start = self.network.parameters.copy()
        parameters, gradients, seen, curve = start, [], [], []
        for _ in range(n_epochs):
            states, losses, weights = [None, None], [], []
            for step in range(3):

                def loss_at(parameters, step=step, states=states):
                    return self.loss_and_states(parameters, step, states)[0]

                gradients.append(numeric_slopes(loss_at, parameters, np.eye(start.size)))
                rows = self.rows(step)
                seen.append(seen_parameters(self.network, self.tokens[rows]))
                loss, states = self.loss_and_states(parameters, step, states)
                losses.append(loss)
                weights.append(np.count_nonzero(~np.isnan(self.targets[rows])))
                rates = [rate] * len(gradients)
                parameters, average = naive.optimise(
                    solver, start, gradients, rates, max_norm=0.1, seen=seen, **options
                )
            curve.append(np.average(losses, weights=weights))
        return parameters, average, curve


@pytest.mark.parametrize(
    ("solver", "embedding"), [("adam", "own"), ("adam", "tied"), ("rmsprop", "own")]
)
def test_training_with_carried_states_against_naive(solver, embedding):
    streams, options = Streams(embedding), OPTIONS[solver]
    expected, average, curve = streams.train(solver, 0.05, 2, **options)
    settings = Settings(
        loss="cross_entropy",
        solver=solver,
        max_iter=2,
        learning_rate="constant",
        learning_rate_init=0.05,
        max_grad_norm=0.1,
        n_jobs=1,
        **options,
    )
    network, windows = streams.network, np.arange(6).reshape(2, 3)
    before = network.parameters.copy()
    rng = np.random.default_rng(0)
    history = train(network, streams.source, windows, np.arange(0), settings, rng)
    assert np.abs(expected - before).max() > 0.1
    np.testing.assert_allclose(history.loss_curve, curve, rtol=1e-6)
    np.testing.assert_allclose(network.parameters, average, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_networks_trained_together_are_as_trained_alone(n_jobs, monkeypatch):
    """Those of a task note one after another which tokens they have seen in the same memory."""
    monkeypatch.setattr(networks, "are_worth_it", lambda *_: True)
    settings = Settings(loss="cross_entropy", max_iter=2, batch_size=3, n_jobs=n_jobs)
    case = TokenCase(LANGUAGE_MODEL.format("own"))
    windows, n = [case.order[:9], case.order[5:], case.order[::2]], 3

    def fresh():
        return [random_network("lstm", 0, **shape, seed=seed) for seed in range(n)]

    shape = {"n_hidden": 3, "n_out": 3, "n_tokens": N_TOKENS, "n_embedding": 2, "head": "every"}
    rngs = [[np.random.default_rng(seed) for seed in range(n)] for _ in range(2)]
    together, alone, none = fresh(), fresh(), np.arange(0)
    train_many(together, case.source, windows, [none] * n, [settings] * n, rngs[0])
    for network, own, rng in zip(alone, windows, rngs[1], strict=True):
        train(network, case.source, own, none, settings, rng)
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.parameters, other.parameters)


# PyTorch


def pooled(torch, head, outputs, query):
    """What a head reads of the outputs (n_steps, n) of all steps, (output steps, n)."""
    if head == "every":
        return outputs
    if head == "mean":
        return outputs.mean(dim=0, keepdim=True)
    if head == "max":
        return outputs.max(dim=0, keepdim=True).values
    return torch.softmax(outputs @ query / len(query) ** 0.5, dim=0)[None] @ outputs


@pytest.mark.parametrize(
    ("case", "dtype"),
    [
        (LANGUAGE_MODEL.format("tied"), "float32"),
        (LANGUAGE_MODEL.format("tied"), "float64"),
        ("gru 2 bidirectional quiet own 2 every cross_entropy", "float64"),
        ("lstm 1 bidirectional quiet own 0 attend binary_cross_entropy", "float32"),
        ("lstm 1 bidirectional quiet own 0 attend binary_cross_entropy", "float64"),
        ("rnn 2 bidirectional quiet own 2 mean cross_entropy", "float64"),
        ("gru 1 bidirectional quiet own 0 max binary_cross_entropy", "float64"),
    ],
)
def test_pytorch_agrees(case, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch, the second oracle, is not installed")
    case = TokenCase(case, dtype)
    network, kind = case.network, getattr(torch, dtype)
    layer, twins = in_pytorch(torch, network)
    tensors = {
        name: torch.tensor(network.views()[name], requires_grad=True)
        for name in ("head_weight", "head_bias", "token_embedding", "query")
        if name in network.views()
    }
    twins += [(tensor, name, slice(None)) for name, tensor in tensors.items()]
    embedding = tensors.get("token_embedding", tensors["head_weight"])
    query = tensors.get("query", torch.zeros(1)).ravel()
    said, wanted, weights = [], [], []
    for window in case.order:
        rows = case.sequence(window)[1]
        if not len(rows):
            case.weights[window] = 0
            continue
        numbers = torch.tensor(case.values[rows].astype(dtype))
        x = torch.cat(
            [torch.nn.functional.embedding(torch.tensor(case.tokens[rows]), embedding), numbers], 1
        )
        read = pooled(torch, case.shape["head"], layer(x[None])[0][0], query)
        said.append(read @ tensors["head_weight"].T + tensors["head_bias"])
        wanted.append(torch.tensor(case.targets[rows] if case.every else case.targets[[window]]))
        weights.append(torch.full((len(said[-1]), 1), case.weights[window], dtype=kind))
    said, wanted, weights = torch.cat(said), torch.cat(wanted), torch.cat(weights)
    missing = wanted.isnan()
    if case.loss == "cross_entropy":
        labels = torch.where(missing, -100, wanted)[:, 0].long()
        losses = torch.nn.functional.cross_entropy(said, labels, reduction="none")[:, None]
    else:
        labels = torch.where(missing, 0, wanted).to(kind)
        losses = torch.nn.BCEWithLogitsLoss(reduction="none")(said, labels)
    weights = weights * ~missing
    loss = (losses * weights).sum() / weights.sum()
    loss.backward()
    source = case.source._replace(weights=case.weights)
    found, gradient = gradient_of(network, source, case.order, case.settings)
    assert found == pytest.approx(loss.item(), rel=1e-5 if dtype == "float32" else 1e-12)
    assert_gradients_of_pytorch(network, gradient, twins)
