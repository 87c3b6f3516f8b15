"""Thousands of local models: the GPU, our CPU on all cores, and a loop over PyTorch's."""

import time

import numpy as np
from peers import LOCAL, PyTorch
from results import Table, at_least

from gpu_sections.run import Clock
from tsrnn.kernels.jit.threads import available_threads
from tsrnn.kernels.sources import forecast_source
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Settings, train_many

LEAST_OF_CPU = 10.0


def local(run):
    """Print each figure's row."""
    shape = (3, 4, 8, 4, 1) if run.dry else LOCAL
    n_hidden, n_time, n_windows, n_batch, n_epochs = shape
    n_models, n_cpu, n_torch = (3, 2, 1) if run.dry else (4096, 512, 4)
    title = f"{n_models} local LSTMs, hidden {n_hidden}, {n_windows} windows of {n_time}, "
    columns = ["where", "s", "the GPU's ratio", "first call s"]
    table = Table("gpu-local", f"{title}{n_epochs} epochs", columns)
    seconds = {}
    for device, n in (("cuda", n_models), ("cpu", n_cpu)):
        if not run.has_time_for(f"local models on {device}"):
            return
        first = run.first_call(lambda device=device: train_locals(2, device, (*shape[:-1], 1)))
        seconds[device] = train_locals(n, device, shape) * n_models / n
        where, ratio = "GPU", ""
        if device == "cpu":
            where = f"CPU, {available_threads()} threads, from {n_cpu}"
            ratio = at_least(seconds["cpu"] / seconds["cuda"], None if run.dry else LEAST_OF_CPU)
        table.row(where, f"{seconds[device]:.1f}", ratio, f"{first:.1f}")
    if run.has_time_for("a loop over PyTorch's"):
        n_steps = n_torch * n_epochs * -(-n_windows // n_batch)
        model = PyTorch("lstm", (n_batch, n_time, 1, n_hidden), 1, "cpu" if run.dry else "cuda")
        model.train(2)
        loop = Clock(run.dry)(lambda: model.train(n_steps)) / 1e3 * n_models / n_torch
        ratio = loop / seconds["cuda"]
        table.row(f"a loop over PyTorch's, from {n_torch}", f"{loop:.0f}", f"{ratio:.0f}")


def train_locals(n_models, device, shape):
    """Seconds to train as many local LSTMs."""
    n_hidden, n_time, n_windows, n_batch, n_epochs = shape
    rng = np.random.default_rng(0)
    length = n_time + n_windows
    values = rng.normal(size=(n_models, length)).cumsum(axis=1).astype(np.float32)
    source = forecast_source(values.ravel(), n_time, 1, 0.1)
    networks = [RecurrentNetwork("lstm", 1, n_hidden, 1).initialise(rng) for _ in range(n_models)]
    windows = [k * length + np.arange(n_windows) for k in range(n_models)]
    settings = Settings(max_iter=n_epochs, batch_size=n_batch, device=device)
    rngs, none = [np.random.default_rng(k) for k in range(n_models)], [np.empty(0, int)] * n_models
    started = time.perf_counter()
    train_many(networks, source, windows, none, [settings] * n_models, rngs)
    return time.perf_counter() - started
