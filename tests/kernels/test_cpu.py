"""The drivers against plain loops, central differences and PyTorch, on every target and dtype."""

import functools
import re
import sys
import types
from typing import Any, NamedTuple

import naive
import numpy as np
import pytest
from conftest import (
    gradient_of,
    lines_of_contributing,
    naive_window_loss,
    numeric_slopes,
    random_network,
    random_values,
    training_steps,
)

from tsrnn import RNNRegressor, inspection
from tsrnn.kernels import cells, heads
from tsrnn.kernels.losses import find_loss
from tsrnn.kernels.sources import INDICATE, SKIP, forecast_source, sequence_source
from tsrnn.parameters import StrOptions
from tsrnn.training import Settings

pytestmark = pytest.mark.slow

LOOKBACK, HORIZON, SEASON = 12, 3, 4
STARTS = np.array([0, 40, 7, 100, 13, 181, 99, 3, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65])
FREE = np.inf  # no clipping
PARAMS = {"quantile": (0.1, 0.5, 0.9), "huber": (0.7,)}


def test_every_cell_and_head_has_its_naive_twin():
    assert set(naive.CELLS) == set(cells.NAMES)
    assert set(naive.HEADS) == set(heads.NAMES)


@pytest.mark.parametrize("n_in", [1, 4])
@pytest.mark.parametrize("cell", cells.NAMES)
def test_forecasting_against_naive(n_in, cell, workers, dtype, tolerance):
    values = random_values()
    network = random_network(cell, n_in=n_in, n_out=HORIZON, dtype=dtype)
    arguments = (network, values, STARTS, LOOKBACK, HORIZON, SEASON, "squared_error")
    source = forecast_source(values, LOOKBACK, SEASON, 0.0)
    expected = naive_window_loss(*arguments)
    mean_loss = network.mean_loss(source, STARTS, "squared_error", workers)
    assert mean_loss == pytest.approx(expected, rel=tolerance)
    assert gradient_of(network, source, STARTS, None, workers)[0] == pytest.approx(
        expected, rel=tolerance
    )
    forecasts = network.predict(source, STARTS, workers)
    for row, start in enumerate(STARTS):
        x, _, _, _ = naive.window(values, start, LOOKBACK, HORIZON, SEASON, n_in)
        said = naive.network(cell, network.views(), x)[0][0]
        np.testing.assert_allclose(forecasts[row], said, rtol=tolerance, atol=tolerance)


def test_counts_against_naive(workers):
    """Windows divided by 1 + their mean, and a loss that knows by what: values and gradient."""
    values, loss = (
        np.random.default_rng(3).poisson(np.abs(random_values(120)) / 20),
        "negative_binomial",
    )
    network, starts = random_network(n_out=2 * HORIZON), STARTS[STARTS < 90]
    source = forecast_source(values.astype(float), LOOKBACK, SEASON, 0.1, by_mean=True)

    def mean_loss(parameters):
        total = 0.0
        for start in starts:
            x, y, scale = naive.window_by_mean(values, start, LOOKBACK, HORIZON)
            said = naive.network("lstm", network.views(parameters), x)[0][0].reshape(2, -1)
            total += naive.negative_binomial(said, y, (), scale).mean()
        return total / len(starts)

    expected = mean_loss(network.parameters)
    assert network.mean_loss(source, starts, loss, workers) == pytest.approx(expected, rel=1e-9)
    settings = Settings(loss=loss, max_grad_norm=FREE)
    found, gradient = gradient_of(network, source, starts, settings, workers)
    assert found == pytest.approx(expected, rel=1e-9)
    used = network.used()
    directions = np.random.default_rng(2).normal(size=(4, used.size)) * used
    slopes = numeric_slopes(mean_loss, network.parameters, directions)
    np.testing.assert_allclose(directions @ gradient, slopes, rtol=1e-5, atol=1e-7)


WALKS = {
    "plain": {},
    "layers": {"n_layers": 2, "residual": True, "n_head": 3},
    "bidirectional": {"bidirectional": True, "n_layers": 2},
}


WALK_CASES = [  # each cell and each shape with both losses
    (cell, shape, ("squared_error", "quantile")[(i + j) % 2])
    for i, cell in enumerate(cells.NAMES)
    for j, shape in enumerate(WALKS)
]


class Walk(NamedTuple):
    """A network that goes through the horizon, and what the slow twin says of it."""

    network: Any
    source: Any
    starts: np.ndarray
    answers: list
    mean_loss: float
    directions: np.ndarray  # (n, n_parameters)
    slopes: np.ndarray  # (n,), central differences of the loss along them


@functools.cache  # every target is held against the same
def walk_of(cell, shape, loss):
    values, lookback, horizon, segment, n_known = random_values(), 13, 6, 2, 1
    covariates = np.random.default_rng(1).normal(size=(len(values), 3))
    table = np.column_stack([values, covariates])
    source = forecast_source(table, lookback, SEASON, 0.0, ahead=horizon, n_known=n_known)
    params = PARAMS.get(loss, ())
    network = random_network(
        cell,
        n_in=6 * segment,
        n_out=find_loss(loss).n_outputs(segment, params),
        head="ahead",
        n_horizons=horizon // segment,
        **WALKS[shape],
    )
    starts = STARTS[len(values) - lookback - horizon > STARTS]
    pairs = [
        naive.window_with_covariates(
            values, covariates, start, lookback, horizon, SEASON, n_known, segment
        )
        for start in starts
    ]
    targets = [y.reshape(horizon // segment, segment) for _, y in pairs]

    def answers_of(parameters):
        how = WALKS[shape] | {"head": "ahead", "n_horizons": horizon // segment}
        return [naive.network(cell, network.views(parameters), x, how)[0] for x, _ in pairs]

    def loss_at(parameters):
        return naive.mean_loss(loss, answers_of(parameters), targets, params=params)

    directions = np.random.default_rng(2).normal(size=(4, network.parameters.size))
    directions *= network.used()
    return Walk(
        network,
        source,
        starts,
        answers_of(network.parameters),
        loss_at(network.parameters),
        directions,
        numeric_slopes(loss_at, network.parameters, directions),
    )


@pytest.mark.parametrize(("cell", "shape", "loss"), WALK_CASES)
def test_a_walk_through_the_horizon_against_naive(shape, cell, loss, workers):
    """Covariates known and unknown in the future: what is said, its loss and the gradient."""
    walk, params = walk_of(cell, shape, loss), PARAMS.get(loss, ())
    said = walk.network.predict(walk.source, walk.starts, workers)
    np.testing.assert_allclose(said, [a.ravel() for a in walk.answers], rtol=1e-9, atol=1e-12)
    mean_loss = walk.network.mean_loss(walk.source, walk.starts, loss, workers, params)
    assert mean_loss == pytest.approx(walk.mean_loss, rel=1e-9)
    settings = Settings(loss=loss, loss_params=params, max_grad_norm=FREE)
    found, gradient = gradient_of(walk.network, walk.source, walk.starts, settings, workers)
    assert found == pytest.approx(walk.mean_loss, rel=1e-9)
    np.testing.assert_allclose(walk.directions @ gradient, walk.slopes, rtol=1e-5, atol=1e-7)


# What a network may be beside one layer with a linear head on the last step.
SHAPES = {
    "plain": {},
    "layers": {"n_layers": 3, "residual": True},
    "bidirectional": {"bidirectional": True, "n_layers": 2},
    "bidirectional residual every": {
        "bidirectional": True,
        "n_layers": 2,
        "residual": True,
        "head": "every",
    },
    "bidirectional residual": {"bidirectional": True, "n_layers": 2, "residual": True},
    "every": {"head": "every"},
    "hidden head": {"n_head": 4, "head": "every"},
    "horizons": {"head": "horizons", "n_horizons": 3, "n_head": 3},
    "deep horizons": {"head": "horizons", "n_horizons": 2, "n_layers": 2},
}
OTHER_HEADS = sorted(naive.HEADS.keys() - {"last", "every", "ahead", "horizons"})
SHAPES |= {f"head_{head}": {"head": head} for head in OTHER_HEADS}
SHAPES |= {
    f"head_{head}_layers": {"head": head, "n_layers": 2, "bidirectional": True, "residual": True}
    for head in OTHER_HEADS
}
DATA = {
    "whole": {},
    "ragged": {"ragged": True},
    "missing": {"ragged": True, "missing": SKIP, "segment": 2},
    "told": {"ragged": True, "missing": INDICATE, "segment": 2},
}
NOISE = {"quiet": (0.0, 0.0), "dropout": (0.4, 0.0), "recurrent": (0.3, 0.3)}
# All cells in all shapes, but of heads in layers two cells alone, whose kernels are those of one
# layer; these two with all data and noise in shapes that differ the most.
CASES = [
    (cell, shape, "ragged", "quiet")
    for cell in cells.NAMES
    for shape in SHAPES
    if cell in ("lstm", "gru") or not re.fullmatch("head_.*_layers", shape)
] + [
    (cell, shape, data, noise)
    for cell in ("lstm", "gru")
    for shape in ("layers", "bidirectional residual every", "deep horizons", "bidirectional")
    for data, noise in [
        ("whole", "quiet"),
        ("missing", "quiet"),
        ("told", "quiet"),
        ("ragged", "dropout"),
        ("missing", "recurrent"),
    ]
]


# Of networks that attend, whose streams are shared out among heads.
ATTENDING = {
    "one layer": {"n_heads": 1},
    "two layers": {"n_heads": 2, "n_layers": 2},
    "two layers every": {"n_heads": 2, "n_layers": 2, "head": "every"},
    "four heads, hidden head": {"n_heads": 4, "n_head": 3, "n_layers": 3},
} | {f"attending_head_{head}": {"n_heads": 2, "head": head} for head in OTHER_HEADS}


class Case:
    """A network of some shape on sequences of some kind, and the same for the slow twin."""

    def __init__(self, cell, shape, data, noise, loss="squared_error", dtype="float64", n=18):
        self.shape, self.loss = (SHAPES | ATTENDING)[shape], loss
        self.params = PARAMS.get(loss, ())
        rng = np.random.default_rng(3)
        kind = {"ragged": False, "missing": None, "segment": 1} | DATA[data]
        self.segment, self.missing = kind["segment"], kind["missing"]
        n_channels, longest = 2, 5 * self.segment
        lengths = np.full(n, longest)
        if kind["ragged"]:
            lengths = rng.integers(1, 6, n) * self.segment
            lengths[0], lengths[1] = longest, 1 if self.segment == 1 else longest
        self.lengths = lengths
        self.firsts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        self.values = rng.normal(size=(lengths.sum(), n_channels)).astype(dtype)
        if self.missing is not None:
            self.values[rng.random(self.values.shape) < 0.15] = np.nan
            self.values[: 2 * self.segment] = 0.5  # somewhere a sequence without
            first = self.firsts[2]
            self.values[first : first + lengths[2]] = np.nan  # and one with nothing else
        n_output_steps = self.shape.get("n_horizons", 1)
        n_targets = 1 if loss == "cross_entropy" else 2
        every = self.shape.get("head") == "every"
        rows = len(self.values) if every else n
        self.targets = rng.normal(size=(rows, n_targets * n_output_steps)).astype(dtype)
        if loss == "cross_entropy":
            self.targets = rng.integers(0, 3, self.targets.shape).astype(dtype)
        elif find_loss(loss).is_positive:
            self.targets = np.abs(self.targets)
        self.targets[rng.random(self.targets.shape) < 0.2] = np.nan
        self.weights = rng.uniform(0, 2, n)
        self.weights[3] = 0
        factor = 3 if self.missing == INDICATE else 1
        n_out = 3 if loss == "cross_entropy" else find_loss(loss).n_outputs(n_targets, self.params)
        self.network = random_network(
            cell,
            n_in=n_channels * self.segment * factor,
            n_out=n_out,
            dtype=dtype,
            n_hidden=4 if shape in ATTENDING else 3,
            **self.shape,
        )
        self.n_targets, self.n_output_steps, self.every = n_targets, n_output_steps, every
        self.source = sequence_source(
            self.values,
            self.firsts,
            lengths,
            self.targets,
            self.weights,
            missing=SKIP if self.missing is None else self.missing,
        )
        self.dropout, self.recurrent = NOISE[noise]
        self.settings = Settings(
            loss=loss,
            loss_params=self.params,
            max_grad_norm=FREE,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent,
        )

    def sequence(self, window):
        """Inputs (n_time, n_in) of a sequence and the last row of values of each step."""
        first, length = self.firsts[window], self.lengths[window]
        rows = self.values[first : first + length].astype(float)
        steps = rows.reshape(-1, self.segment * 2)
        ends = first + self.segment * np.arange(1, len(steps) + 1) - 1
        if self.missing == INDICATE:
            gone = np.isnan(rows)
            since = np.column_stack([naive.elapsed(channel) for channel in gone.T])
            parts = [np.where(gone, 0.0, rows), 1.0 - gone, since]
            return np.hstack([part.reshape(len(steps), -1) for part in parts]), ends
        there = ~np.isnan(steps).any(axis=1)
        return steps[there], ends[there]

    def answers(self, views, window, seed=None, states=None):
        x, _ = self.sequence(window)
        begin = self.n_time - len(x)
        noise = (0.0, 0.0, 0, 0) if seed is None else (self.dropout, self.recurrent, seed, window)
        return naive.network(self.network.cell, views, x, self.shape, noise, states, begin)[0]

    def mean_loss(self, views, seed=None):
        said, wanted = [], []
        for window in range(len(self.lengths)):
            said.append(self.answers(views, window, seed))
            if self.every:
                wanted.append(self.targets[self.sequence(window)[1]])
            else:
                wanted.append(self.targets[window].reshape(self.n_output_steps, self.n_targets))
        return naive.mean_loss(self.loss, said, wanted, self.weights, self.params)

    @property
    def n_time(self):
        return self.network.n_time(self.source)

    @property
    def order(self):
        return np.arange(len(self.lengths))

    def gradient(self, workers=1):
        return gradient_of(self.network, self.source, self.order, self.settings, workers)


def seed_of_the_first_step():
    return naive.scramble(0) + 1


@functools.cache  # every target is held against the same
def numeric_slopes_of(cell, shape, data, noise, loss):
    """Directions (n, n_parameters) and central differences along them, (n,).

    Each parameter by itself in the plain shape with the plainest loss; else directions in which all
    of them move: a wrong derivative shows in each.
    """
    case, seed = Case(cell, shape, data, noise, loss), seed_of_the_first_step()
    used = case.network.used()
    if (shape, loss) == ("plain", "squared_error"):
        directions = np.eye(used.size)[used]
    else:
        directions = np.random.default_rng(0).choice([-1.0, 1.0], (4, used.size)) * used
    return directions, numeric_slopes(
        lambda parameters: case.mean_loss(case.network.views(parameters), seed),
        case.network.parameters,
        directions,
    )


def assert_outputs(case, workers):
    """The network says of every sequence of a case what the slow twin says."""
    views = case.network.views()
    out = case.network.predict(case.source, case.order, workers)
    for window in case.order:
        expected = case.answers(views, window)
        found = out[window].reshape(-1, case.network.n_out)
        if case.every:  # places of steps left out, or before the sequence, hold nothing
            ends = case.sequence(window)[1]
            last = case.firsts[window] + case.lengths[window] - 1
            places = case.n_time - 1 - (last - ends) // case.segment
            rest = np.delete(found, places, axis=0)
            assert np.isnan(rest).all()
            found = found[places]
            expected = expected.reshape(found.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def assert_slopes(gradient, directions, slopes):
    scale = np.linalg.norm(gradient)
    np.testing.assert_allclose(directions @ gradient, slopes, rtol=1e-6, atol=1e-7 * scale)


@pytest.mark.parametrize(("cell", "shape", "data", "noise"), CASES)
def test_outputs_loss_and_gradient(cell, shape, data, noise, workers):
    """Outputs and loss are the slow twin's, the gradient its central differences."""
    case = Case(cell, shape, data, noise)
    views = case.network.views()
    assert_outputs(case, workers)
    seed = seed_of_the_first_step()
    loss, gradient = case.gradient(workers)
    assert loss == pytest.approx(case.mean_loss(views, seed), rel=1e-10)
    assert np.isfinite(gradient).all()
    assert_slopes(gradient, *numeric_slopes_of(cell, shape, data, noise, "squared_error"))
    used = case.network.used()
    np.testing.assert_array_equal(gradient[~used], 0)
    assert np.count_nonzero(gradient[used]) > 0.5 * np.count_nonzero(used)


@pytest.fixture
def contributed(monkeypatch, tmp_path):
    """The cell that CONTRIBUTING.md adds, and its slow twin, from its very lines."""
    lines, twin = lines_of_contributing("tsrnn/kernels/cells/mgu.py")
    name = "tsrnn.kernels.cells.mgu"
    module = types.ModuleType(name)
    exec(lines, module.__dict__)
    monkeypatch.setitem(sys.modules, name, module)
    exec(twin, naive.__dict__)
    monkeypatch.setitem(naive.CELLS, "mgu", naive.__dict__.pop("mgu"))
    # The cache goes by the folder's files, and this is none of them.
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    yield
    cells.find.cache_clear()


def test_the_cell_of_contributing(contributed, monkeypatch):
    for shape in ("plain", "bidirectional", "horizons"):
        test_outputs_loss_and_gradient("mgu", shape, "ragged", "quiet", 1)
    monkeypatch.setitem(RNNRegressor._parameter_constraints, "cell", [StrOptions({"mgu"})])
    X = np.random.default_rng(0).normal(size=(20, 6))
    regressor = RNNRegressor(cell="mgu", hidden_size=3, max_iter=2, n_jobs=1, dtype="float64")
    regressor.fit(X, X[:, 0])
    gates = inspection.gates(regressor, X)
    assert gates.columns.unique("gate").tolist() == ["forget"]
    assert gates.to_numpy().min() > 0
    assert gates.to_numpy().max() < 1
    near = {"shut": gates < 0.05, "open": gates > 0.95}
    expected = [values.to_numpy().mean() for values in near.values()]
    assert inspection.saturation(regressor, X).loc[("l0", "forget")].tolist() == expected
    half_lives = inspection.memory_half_life(regressor, X).to_numpy()
    decay = -np.log(1 - gates.to_numpy()).mean(axis=0)  # the gate is what is replaced
    np.testing.assert_allclose(half_lives, np.log(2) / decay, rtol=1e-6)


@pytest.mark.parametrize("loss", naive.LOSSES)
@pytest.mark.parametrize("shape", ["plain", "horizons", "every"])
def test_every_loss_in_every_head(loss, shape, workers):
    case = Case("lstm", shape, "ragged", "quiet", loss)
    loss_found, gradient = case.gradient(workers)
    views = case.network.views()
    assert loss_found == pytest.approx(case.mean_loss(views), rel=1e-10)
    judged = case.network.mean_loss(case.source, case.order, loss, workers, case.params)
    assert judged == pytest.approx(loss_found, rel=1e-10)
    assert_slopes(gradient, *numeric_slopes_of("lstm", shape, "ragged", "quiet", loss))


@pytest.mark.parametrize("cell", cells.NAMES)
@pytest.mark.parametrize("shape", ["bidirectional residual every", "deep horizons"])
def test_float32_gradient_is_the_float64_one(cell, shape, workers):
    exact = Case(cell, shape, "missing", "recurrent").gradient(workers)[1]
    single = Case(cell, shape, "missing", "recurrent", dtype="float32").gradient(workers)[1]
    assert single.dtype == np.float32
    scale = np.abs(exact).max()
    np.testing.assert_allclose(single, exact, rtol=2e-3, atol=2e-5 * scale)


@pytest.mark.parametrize("loss", naive.LOSSES)
def test_float32_losses(loss):
    exact = Case("gru", "every", "ragged", "quiet", loss).gradient()
    single = Case("gru", "every", "ragged", "quiet", loss, dtype="float32").gradient()
    assert single[0] == pytest.approx(exact[0], rel=1e-4)
    scale = np.abs(exact[1]).max()
    np.testing.assert_allclose(single[1], exact[1], rtol=2e-3, atol=2e-5 * scale)


SOLVERS = {
    "adam": {},
    "adamw": {"alpha": 0.1},
    "adam with penalty and average": {"alpha": 0.05, "averaging": 0.9},
    "sgd": {"momentum": 0.8},
    "sgd with penalty": {"momentum": 0.7, "alpha": 0.01},
    "rmsprop": {"momentum": 0.5, "beta_2": 0.95, "averaging": 0.5},
}


@pytest.mark.parametrize("solver", SOLVERS)
def test_training_steps_against_naive_solvers(solver, workers):
    """Several minibatches in one call, the last one short: gradients, clipping, moments, rates."""
    values = random_values()
    source = forecast_source(values, LOOKBACK, SEASON, 0.0)
    network, twin = random_network(n_out=HORIZON), random_network(n_out=HORIZON)
    network.parameters *= 6  # errors large enough to be clipped
    twin.parameters *= 6
    rates = [0.01, 0.03, 0.02]
    name, options = solver.split()[0], dict(SOLVERS[solver])
    momentum = options.pop("momentum", 0.9)
    settings = Settings(loss="squared_error", solver=name, **options)
    start = twin.parameters.copy()
    gradients = []
    for t in range(3):
        gradients.append(gradient_of(twin, source, STARTS[t * 8 : (t + 1) * 8])[1].copy())
        twin.parameters[:], average = naive.optimise(
            name, start, gradients, rates[: t + 1], momentum=momentum, **options
        )
    assert any(np.linalg.norm(g) > 1 for g in gradients)
    rule_options = {} if name.startswith("adam") else {"first_decay": momentum}
    moments, _, _ = training_steps(
        network, source, STARTS, settings, workers, rates, n_batch=8, rule_options=rule_options
    )
    np.testing.assert_allclose(network.parameters, twin.parameters, rtol=1e-9)
    if settings.averaging:
        np.testing.assert_allclose(moments[2], average, rtol=1e-9)


@pytest.mark.parametrize("n_windows", [1, 5, 16, 17, 40])
@pytest.mark.parametrize("cell", cells.NAMES)
def test_same_bits_serial_and_parallel(n_windows, cell):
    values, starts = random_values(), np.arange(n_windows) * 3
    source = forecast_source(values, LOOKBACK, SEASON, 0.0)
    settings = Settings(loss="squared_error", dropout=0.2, recurrent_dropout=0.2)
    results = []
    for workers in (1, 2, 3):
        network = random_network(cell, n_hidden=13, n_out=HORIZON, dtype="float32", n_layers=2)
        _, _, losses = training_steps(
            network, source, np.tile(starts, 2), settings, workers, [0.01] * 2, n_batch=n_windows
        )
        results.append((network.parameters, losses, network.predict(source, starts, workers)))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("cell", cells.NAMES)
@pytest.mark.parametrize("shape", ["plain", "layers", "bidirectional residual"])
def test_states_go_in_and_come_out(cell, shape, workers):
    """Initial states as the slow twin has them; a sequence in two parts is the whole sequence."""
    case = Case(cell, shape, "ragged", "quiet")
    network, views = case.network, case.network.views()
    rng = np.random.default_rng(1)
    states = rng.normal(size=(len(case.order), network.state_width))
    n_state = cells.find(cell).N_STATE
    initial = states.reshape(len(states), -1, 1 + n_state, 3).copy()
    out = network.predict(case.source, case.order, workers, states)
    finals = states.reshape(initial.shape)
    for window in case.order:
        pairs = [(part[0], part[-1]) for part in initial[window]]
        x, _ = case.sequence(window)
        expected, ends = naive.network(cell, views, x, case.shape, states=pairs)
        np.testing.assert_allclose(out[window], expected[0], rtol=1e-10)
        for found, (h, c) in zip(finals[window], ends, strict=True):
            np.testing.assert_allclose(found[0], h, rtol=1e-10, atol=1e-12)
            if n_state:
                np.testing.assert_allclose(found[1], c, rtol=1e-10, atol=1e-12)


def test_training_carries_states_from_one_minibatch_to_the_next(workers):
    """Two streams cut in three windows: forward it is one long sequence, back it ends at a cut."""
    rng = np.random.default_rng(0)
    values, targets = rng.normal(size=(24, 1)), rng.normal(size=(6, 2))
    firsts, lengths = np.arange(0, 24, 4), np.full(6, 4)
    source = sequence_source(values, firsts, lengths, targets)
    network = random_network(n_in=1, n_out=2)
    order = np.array([[0, 1, 2], [3, 4, 5]])
    states = np.zeros((2, network.state_width))
    settings = Settings(loss="squared_error", max_grad_norm=FREE)
    _, _, losses = training_steps(
        network, source, order.T.ravel(), settings, workers, [0.0] * 3, states=states, n_batch=2
    )
    views, carried = network.views(), [None, None]
    for step in range(3):
        said, wanted = [], []
        for stream in range(2):
            window = order[stream, step]
            x = values[firsts[window] : firsts[window] + 4]
            answers, ends = naive.network("lstm", views, x, states=carried[stream])
            carried[stream] = ends
            said.append(answers)
            wanted.append([targets[window]])
        assert losses[step, 0] == pytest.approx(naive.mean_loss("squared_error", said, wanted))
    np.testing.assert_allclose(states[1, :5], carried[1][0][0], rtol=1e-10)


# Our blocks in the order of PyTorch's, with the names that its two biases have in the network.
IN_PYTORCH = {
    "lstm": ("LSTM", {}, [0, 1, 2, 3], [0, 1, 2, 3]),
    "gru": ("GRU", {}, [0, 1, 2], [0, 1, 3]),
    "rnn": ("RNN", {}, [0], [0]),
    "rnn_relu": ("RNN", {"nonlinearity": "relu"}, [0], [0]),
}


def in_pytorch(torch, network):
    """PyTorch's layers with the weights of a network; (tensor, name of the view, blocks) of all."""
    views, kind, n_hidden = (
        network.views(),
        getattr(torch, str(network.parameters.dtype)),
        network.n_hidden,
    )
    name, extra, hidden_blocks, input_blocks = IN_PYTORCH[network.cell]
    layer = getattr(torch.nn, name)(
        network.n_in,
        n_hidden,
        network.n_layers,
        batch_first=True,
        dtype=kind,
        bidirectional=network.bidirectional,
        **extra,
    )
    twins = []
    with torch.no_grad():
        for end in [view[len("bias_") :] for view in views if view.startswith("bias_")]:
            hidden_bias = getattr(layer, f"bias_hh_{end}")
            hidden_bias.zero_()
            twins += [
                (getattr(layer, f"weight_hh_{end}"), f"weight_hidden_{end}", hidden_blocks),
                (getattr(layer, f"weight_ih_{end}"), f"weight_input_{end}", input_blocks),
                (getattr(layer, f"bias_ih_{end}"), f"bias_{end}", input_blocks),
            ]
            if network.cell == "gru":  # only the new content's two biases differ
                hidden_bias[2 * n_hidden :] = torch.tensor(views[f"bias_{end}"][2])
        for tensor, view, blocks in twins:
            tensor.copy_(torch.tensor(views[view][blocks].reshape(tensor.shape)))
    return layer, twins


def assert_gradients_of_pytorch(network, gradient, twins):
    single = network.parameters.dtype == np.float32
    tolerance = {"rtol": 3e-4, "atol": 1e-5} if single else {"rtol": 1e-8, "atol": 1e-12}
    for tensor, view, blocks in twins:
        found = network.views(gradient)[view][blocks].reshape(tensor.shape)
        np.testing.assert_allclose(found, tensor.grad.numpy(), err_msg=view, **tolerance)


@pytest.mark.parametrize("cell", IN_PYTORCH)
@pytest.mark.parametrize("shape", ["plain", "layers", "bidirectional"])
def test_against_pytorch(cell, shape, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch, the second oracle, is not installed")
    values = random_values()
    options = {name: value for name, value in SHAPES[shape].items() if name != "residual"}
    network = random_network(cell, n_in=2, n_hidden=6, n_out=HORIZON, dtype=dtype, **options)
    views, kind = network.views(), getattr(torch, dtype)
    layer, twins = in_pytorch(torch, network)
    head = torch.nn.Linear(6 * network.n_directions, HORIZON, dtype=kind)
    with torch.no_grad():
        head.weight.copy_(torch.tensor(views["head_weight"]))
        head.bias.copy_(torch.tensor(views["head_bias"]))
    twins += [(head.weight, "head_weight", slice(None)), (head.bias, "head_bias", slice(None))]
    windows = [naive.window(values, s, LOOKBACK, HORIZON, SEASON, 2)[:2] for s in STARTS]
    inputs, targets = (
        torch.tensor(np.array(part), dtype=kind) for part in zip(*windows, strict=True)
    )
    finals = layer(inputs)[1]
    h = (finals[0] if cell == "lstm" else finals)[-network.n_directions :]
    loss = ((head(torch.cat(list(h), dim=1)) - targets) ** 2).mean()
    loss.backward()
    ours, gradient = gradient_of(network, forecast_source(values, LOOKBACK, SEASON, 0.0), STARTS)
    assert ours == pytest.approx(loss.item(), rel=1e-5)
    assert_gradients_of_pytorch(network, gradient, twins)
