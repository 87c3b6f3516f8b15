"""What many tests share: the targets a kernel runs on, the dtypes, small networks, one step."""

import logging
import os
import re
from pathlib import Path

import driver  # noqa: F401  chooses the simulator, before Numba is imported
import hypothesis
import naive
import numba
import numpy as np
import pytest

from tsrnn.kernels.cuda.device import require
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.targets import claim, target_of
from tsrnn.network import RecurrentNetwork, Transformer
from tsrnn.training import Settings

# What is written must not depend on which test is the first to compile a kernel.
logging.getLogger("tsrnn").setLevel(logging.ERROR)

# Several test processes keep the cores busy by themselves.
os.environ.setdefault("TSRNN_COMPILE_PROCESSES", "1")

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("tsrnn", deadline=None)
hypothesis.settings.load_profile("tsrnn")

ROOT = Path(__file__).parents[1]
TARGETS = {"serial": 1, "parallel": 2, "cuda": "cuda"}


@pytest.fixture(params=TARGETS)
def workers(request):
    """Tasks that make a kernel run as its serial and as its parallel binary, and the GPU."""
    if request.param == "cuda":
        request.getfixturevalue("cuda")
    with claim("cuda" if request.param == "cuda" else "cpu", None):
        yield TARGETS[request.param]


@pytest.fixture
def cuda():
    """Where there is no GPU and no simulator a test is skipped."""
    try:
        require()
    except RuntimeError as error:
        pytest.skip(str(error))
    from tsrnn.kernels.cuda import pool, run

    pool.clear()  # what another test left there must not matter
    run.prediction_plan.cache_clear()
    if not numba.config.ENABLE_CUDASIM:
        yield
        return
    import simulator

    with simulator.quick():
        yield


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def tolerance(dtype):
    """Relative tolerance of a whole forward or backward pass in that dtype."""
    return {"float32": 1e-4, "float64": 1e-10}[dtype]


def lines_of_contributing(path):
    """The lines of a file that CONTRIBUTING.md adds, fewer than 60, and of its slow twin."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", text, flags=re.DOTALL)
    (lines,) = (lines for block, lines in blocks if block == path)
    assert lines.count("\n") < 60
    definition = f"def {Path(path).stem}("
    (twin,) = (
        lines for block, lines in blocks if block == "tests/naive.py" and definition in lines
    )
    return lines, twin


def random_network(cell="lstm", n_in=1, n_hidden=5, n_out=3, dtype="float64", seed=0, **shape):
    """A network whose weights are all away from zero, the head's too."""
    if cell == "attention":
        network = Transformer(n_in, n_hidden, n_out, dtype, **shape)
    else:
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
    network,
    source,
    order,
    settings,
    workers=1,
    rates=(0.0,),
    seed=0,
    states=None,
    n_batch=None,
    rule_options=None,
):
    """Run minibatches by the kernels alone; moments, gradient and losses.

    The parameters of ``network`` change; what is in working memory must not matter.
    ``rule_options`` replace fields of the settings' ``Rule``.
    """
    n_batch = n_batch or order.size
    n_parameters, dtype = network.parameters.size, network.parameters.dtype
    sizes = network.sizes(network.n_time(source))
    problem = Problem.of(network.module, source, sizes, settings.loss, settings.loss_params)
    separate_hidden = settings.recurrent_dropout > 0
    trainer = target_of(workers).Trainer(
        problem, dtype, 1, n_batch, separate_hidden, states is not None, workers
    )
    for name in ("_work", "_gradients", "_sums", "_squares"):
        if hasattr(trainer, name):
            getattr(trainer, name)[:] = np.nan
    if hasattr(trainer, "_token_grads"):
        trainer._token_grads.values[:] = np.nan
    moments = np.zeros((1, 3, n_parameters), dtype)
    moments[0, 2] = network.parameters
    carried = np.empty((network.state_width, 0), dtype) if states is None else states.T.copy()
    filled = np.full((1, len(rates) * n_batch), -1)
    filled[0, : order.size] = order
    rules = np.array([settings.rule(seed)._replace(**(rule_options or {}))], float)
    losses = trainer.run(
        network.parameters[None],
        moments,
        filled,
        rules,
        np.ones(1, np.int64),
        np.array([rates], float),
        carried,
    )
    if states is not None:
        states[:] = carried.T
    return moments[0], trainer.gradient, losses[0]


def gradient_of(network, source, order, settings=None, workers=1, seed=0, states=None):
    """Mean loss and its gradient, by one training step at rate 0."""
    settings = settings or Settings(loss="squared_error", max_grad_norm=np.inf)
    parameters = network.parameters.copy()
    states = None if states is None else states.copy()
    _, gradient, losses = training_steps(
        network, source, order, settings, workers, seed=seed, states=states
    )
    np.testing.assert_array_equal(network.parameters, parameters)
    loss, weight = losses[0]
    return loss, gradient / gradient.dtype.type(weight)


def numeric_slopes(function, parameters, directions, e=1e-6):
    """Central differences of a function of a vector along directions, (n_directions,)."""
    return np.array(
        [
            (function(parameters + e * step) - function(parameters - e * step)) / (2 * e)
            for step in directions
        ]
    )


def naive_window_loss(network, values, starts, lookback, horizon, season, loss, views=None):
    """The slow twin's mean loss of a forecasting network."""
    views = views or network.views()
    answers, targets = [], []
    for start in starts:
        x, y, _, _ = naive.window(values, start, lookback, horizon, season, network.n_in)
        answers.append(naive.network(network.cell, views, x)[0])
        targets.append([y])
    return naive.mean_loss(loss, answers, targets)
