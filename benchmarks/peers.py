"""The two sides of a measurement: this library's kernels and PyTorch's modules, on the same sizes.

A size is (batch, steps, inputs of a step, hidden units). A training step is gather, forward, loss,
backward, clipping by norm and Adam, in both.
"""

import contextlib
import functools
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from tsrnn import RNNRegressor
from tsrnn.kernels.jit.threads import available_threads, claim_threads
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.sources import forecast_source
from tsrnn.kernels.targets import target_of
from tsrnn.network import Memory, RecurrentNetwork
from tsrnn.training import Settings, train_many

LOSS = "squared_error"
LOCAL = (16, 24, 192, 32, 20)  # local models: hidden units, steps, windows, batch, epochs


class Ours:
    """This library's kernels on windows of one series; ``n_in`` values make a step."""

    def __init__(self, cell, size, workers):
        self.n_batch, n_time, n_in, n_hidden = size
        rng = np.random.default_rng(0)
        self.network = RecurrentNetwork(cell, n_in, n_hidden, 1).initialise(rng)
        values = rng.normal(size=n_time * n_in + 5000)
        self.source = forecast_source(values, n_time * n_in, 1, 0.0)
        self.windows = rng.integers(0, 4999, (1, self.n_batch * 400))
        self.workers = workers
        self.parameters = self.network.parameters[None]
        self.moments = np.zeros((1, 3, self.parameters.size), np.float32)
        self.rules = np.array([Settings(loss=LOSS).rule(0)], float)
        sizes = self.network.sizes(n_time)
        problem = Problem.of(self.network.module, self.source, sizes, LOSS)
        self.trainer = target_of(workers).Trainer(
            problem, np.float32, 1, self.n_batch, False, False, workers
        )

    def train(self, n_steps):
        self.trainer.run(
            self.parameters,
            self.moments,
            self.windows[:, : n_steps * self.n_batch],
            self.rules,
            np.ones(1, np.int64),
            np.full((1, n_steps), 1e-3),
            np.empty((self.network.state_width, 0), np.float32),
        )

    def predict(self, n_times):
        for k in range(n_times):
            windows = self.windows[0, k % 400 * self.n_batch :][: self.n_batch]
            self.network.predict(self.source, windows, self.workers)


class PyTorch:
    """nn.LSTM, nn.GRU or nn.RNN with a linear head, batch first, windows ready in memory."""

    def __init__(self, cell, size, n_threads, device="cpu"):
        import torch

        torch.set_num_threads(n_threads)
        torch.manual_seed(0)
        self.torch = torch
        n_batch, n_time, n_in, n_hidden = size
        self.layer = getattr(torch.nn, cell.upper())(n_in, n_hidden, batch_first=True).to(device)
        self.head = torch.nn.Linear(n_hidden, 1).to(device)
        self.parameters = [*self.layer.parameters(), *self.head.parameters()]
        self.adam = torch.optim.Adam(self.parameters, lr=1e-3, fused=device != "cpu")
        self.x = torch.randn(n_batch, n_time, n_in, device=device)
        self.y = torch.randn(n_batch, 1, device=device)

    def train(self, n_steps):
        for _ in range(n_steps):
            self.step(self.x, self.y)

    def step(self, x, y):
        self.adam.zero_grad(set_to_none=True)
        outputs, _ = self.layer(x)
        ((self.head(outputs[:, -1]) - y) ** 2).mean().backward()
        self.torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adam.step()

    def predict(self, n_times):
        with self.torch.inference_mode():
            for _ in range(n_times):
                self.head(self.layer(self.x)[0][:, -1])


def batches_of_a_fit(size):
    """Minibatches of the fits that are timed."""
    n_batch, n_time, _, n_hidden = size
    return max(4, 2**21 // (n_batch * n_time * n_hidden))


class OurFit:
    """RNNRegressor.fit on some minibatches of whole sequences."""

    def __init__(self, cell, size, n_threads):
        n_batch, n_time, n_in, n_hidden = size
        n = n_batch * batches_of_a_fit(size)
        rng = np.random.default_rng(0)
        self.X, self.y = rng.normal(size=(n, n_time, n_in)), rng.normal(size=n)
        self.regressor = RNNRegressor(
            cell=cell,
            hidden_size=n_hidden,
            n_channels=n_in,
            batch_size=n_batch,
            max_iter=1,
            early_stopping=False,
            random_state=0,
        )

    def fit(self, n_times):
        for _ in range(n_times):
            self.regressor.fit(self.X, self.y)


class Peak:
    """Large float32 products, one on each core at once, by NumPy's BLAS."""

    def __init__(self, kind, size, n_threads):
        self.a = np.ones((size, size), np.float32)
        self.outs = [np.empty((size, size), np.float32) for _ in range(n_threads)]
        self.pool = ThreadPoolExecutor(n_threads)

    def train(self, n_times):
        with threadpool_limits(1, "blas"):
            for _ in range(n_times):
                list(self.pool.map(lambda out: np.dot(self.a, self.a, out), self.outs))


class OurMemory:
    """One carried step of ``n_series`` of LSTMs with 32 hidden units, from Python."""

    def __init__(self, kind, n_series, n_threads):
        network = RecurrentNetwork("lstm", 1, 32, 1).initialise(np.random.default_rng(0))
        self.memory = Memory(network, n_series)
        self.x = np.ones((n_series, 1), np.float32)

    def carry(self, n_times):
        step, x = self.memory.step, self.x
        for _ in range(n_times):
            step(x)


class TorchMemory:
    """The same by nn.LSTM, or where the kind says so by nn.LSTMCell."""

    def __init__(self, kind, n_series, n_threads):
        import torch

        torch.set_num_threads(n_threads)
        self.torch = torch
        self.layer = torch.nn.LSTMCell(1, 32) if kind == "LSTMCell" else torch.nn.LSTM(1, 32)
        self.head = torch.nn.Linear(32, 1)
        self.is_cell = kind == "LSTMCell"
        shape = (n_series,) if self.is_cell else (1, n_series)
        self.x = torch.ones(*shape, 1)
        self.state = (torch.zeros(*shape, 32), torch.zeros(*shape, 32))

    def carry(self, n_times):
        layer, head, x, state = self.layer, self.head, self.x, self.state
        with self.torch.inference_mode():
            for _ in range(n_times):
                if self.is_cell:
                    state = layer(x, state)
                    head(state[0])
                else:
                    h, state = layer(x, state)
                    head(h)


class OurLocals:
    """Local models, all in one call; a unit of work is one model's whole training."""

    def __init__(self, kind, n_models, n_threads):
        n_hidden, n_time, n_windows, n_batch, n_epochs = LOCAL
        rng = np.random.default_rng(0)
        length = n_time + n_windows
        self.source = forecast_source(rng.normal(size=n_models * length), n_time, 1, 0.0)
        self.windows = [k * length + np.arange(n_windows) for k in range(n_models)]
        self.settings = Settings(
            loss=LOSS, max_iter=n_epochs, batch_size=n_batch, learning_rate="constant"
        )
        self.n_hidden, self.n_models = n_hidden, n_models

    def fit(self, n_times):
        n = self.n_models
        for _ in range(n_times):
            rngs = [np.random.default_rng(k) for k in range(n)]
            networks = [RecurrentNetwork("lstm", 1, self.n_hidden, 1).initialise(r) for r in rngs]
            none = [np.empty(0, np.int64)] * n
            train_many(networks, self.source, self.windows, none, [self.settings] * n, rngs)


class TorchLocals:
    """A loop over models, as one writes it in PyTorch."""

    def __init__(self, kind, n_models, n_threads):
        self.n_models, self.n_threads = n_models, int(kind)

    def fit(self, n_times):
        n_hidden, n_time, n_windows, n_batch, n_epochs = LOCAL
        for _ in range(n_times * self.n_models):
            model = PyTorch("lstm", (n_windows, n_time, 1, n_hidden), self.n_threads)
            for _ in range(n_epochs):
                order = model.torch.randperm(n_windows)
                for first in range(0, n_windows, n_batch):
                    some = order[first : first + n_batch]
                    model.step(model.x[some], model.y[some])


SIDES = {
    ("tsrnn", "cell"): Ours,
    ("PyTorch", "cell"): PyTorch,
    ("tsrnn", "fit"): OurFit,
    ("tsrnn", "peak"): Peak,
    ("tsrnn", "memory"): OurMemory,
    ("PyTorch", "memory"): TorchMemory,
    ("tsrnn", "locals"): OurLocals,
    ("PyTorch", "locals"): TorchLocals,
}


@functools.cache
def side(library, task, kind, size):
    """One of the two libraries at work on a size, in the worker process that is its own."""
    return SIDES[library, task](kind, size, available_threads())


def measure(library, task, kind, size, what, seconds):
    """Seconds of one call, over as many as fit; run in a worker.

    On one thread those of the processor, which other work on the machine changes least.
    """
    run = getattr(side(library, task, kind, size), what)
    # A kernel called bare needs its threads claimed; Memory and train_many do it themselves.
    bare = library == "tsrnn" and task == "cell"
    clock = time.process_time if available_threads() == 1 else time.perf_counter
    with claim_threads(None) if bare else contextlib.nullcontext():
        run(1)
        started = clock()
        run(1)
        count = int(np.clip(seconds / (clock() - started), 1, 400))
        if what == "carry":
            count *= 25
        started = clock()
        run(count)
        return (clock() - started) / count
