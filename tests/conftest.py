"""What many tests share: the targets a kernel runs on, the dtypes, small networks, one step."""

import naive
import numpy as np
import pytest

from tsrnn.kernels.shapes import workspace_size
from tsrnn.kernels.threads import claim_threads
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Settings

TARGETS = {"serial": 1, "parallel": 2}


@pytest.fixture(params=TARGETS)
def n_tasks(request):
    """Tasks that make a kernel run as its serial and as its parallel binary."""
    with claim_threads(None):
        yield TARGETS[request.param]


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def tolerance(dtype):
    """Relative tolerance of a whole forward or backward pass in that dtype."""
    return {"float32": 1e-4, "float64": 1e-10}[dtype]


def random_network(cell="lstm", n_in=1, n_hidden=5, n_out=3, dtype="float64", seed=0, **shape):
    """A network whose weights are all away from zero, the head's too."""
    network = RecurrentNetwork(cell, n_in, n_hidden, n_out, dtype, **shape)
    rng = np.random.default_rng(seed)
    network.initialise(rng)
    used = network.used()
    network.parameters[used] += rng.normal(scale=0.2, size=np.count_nonzero(used))
    return network


def random_values(n=200, seed=0):
    """A wandering series with a season of 4."""
    rng = np.random.default_rng(seed)
    return 50 + rng.normal(size=n).cumsum() + 3 * np.sin(np.arange(n) * np.pi / 2)


def training_steps(
    network, source, order, settings, n_tasks=1, rates=(0.0,), seed=0, states=None, n_batch=None
):
    """Run minibatches by the kernels alone; moments, gradients and losses.

    The parameters of ``network`` change; what is in working memory must not matter.
    """
    dtype = network.parameters.dtype
    n_batch = n_batch or order.size
    sizes = network.sizes(network.n_time(source), n_batch)
    n_chunks = -(-n_batch // sizes.n_rows)
    apart = settings.recurrent_dropout > 0
    n_sets = 1
    work = np.full((n_tasks, workspace_size(sizes, True, apart)), np.nan, dtype)
    moments = np.zeros((1, 3, network.parameters.size), dtype)
    moments[0, 2] = network.parameters
    gradients = np.full((n_sets, n_chunks, network.parameters.size), np.nan, dtype)
    losses = np.empty((1, len(rates), 2))
    carried = np.empty((0, 0), dtype) if states is None else states.T.copy()
    drivers = network.drivers
    (drivers.train if n_tasks == 1 else drivers.train_one)(
        n_tasks, network.parameters[None], moments, gradients, np.empty((n_sets, n_chunks, 2)),
        work, tuple(source), order[None], n_batch, tuple(sizes),
        np.array([settings.rule(seed)], float),
        np.array(settings.levels, float), np.ones(1, np.int64), np.array([rates], float), losses,
        np.empty((n_tasks, sizes.n_rows), np.int64),
        carried,
    )  # fmt: skip
    if states is not None:
        states[:] = carried.T
    return moments[0], gradients[0], losses[0]


def gradient_of(network, source, order, settings=None, n_tasks=1, seed=0, states=None):
    """Mean loss and its gradient, by one training step at rate 0."""
    settings = settings or Settings(loss="squared_error", max_grad_norm=np.inf)
    parameters = network.parameters.copy()
    states = None if states is None else states.copy()
    _, gradients, losses = training_steps(
        network, source, order, settings, n_tasks, seed=seed, states=states
    )
    np.testing.assert_array_equal(network.parameters, parameters)
    loss, weight = losses[0]
    return loss, gradients[0] / gradients.dtype.type(weight)


def numeric_slopes(function, parameters, directions, e=1e-6):
    """Central differences of a function of a vector along directions, (n_directions,)."""
    return np.array([
        (function(parameters + e * step) - function(parameters - e * step)) / (2 * e)
        for step in directions
    ])  # fmt: skip


def naive_window_loss(network, values, starts, lookback, horizon, season, loss, views=None):
    """The slow twin's mean loss of a forecasting network."""
    views = views or network.views()
    answers, targets = [], []
    for start in starts:
        x, y, _, _ = naive.window(values, start, lookback, horizon, season, network.n_in)
        answers.append(naive.network(network.cell, views, x)[0])
        targets.append([y])
    return naive.mean_loss(loss, answers, targets)
