"""What a fit takes of time and memory by itself: linear or not, and how long it compiles."""

import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from results import Table, below

CELLS = ("lstm", "gru", "rnn", "rnn_relu")
MILLION = """
import resource, sys, threading, time
import numpy as np
from tsrnn.kernels.sources import forecast_source
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Settings, train
import scipy.linalg, sklearn, pandas
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20
rng = np.random.default_rng(0)
short = forecast_source(rng.normal(size=2000).astype(np.float32), 168, 24, 0.1)
def fit(source, n):
    network = RecurrentNetwork("lstm", 24, 16, 24).initialise(rng)
    settings = Settings(max_iter=1, batch_size=256, n_jobs=None)
    train(network, source, np.arange(n), np.arange(n - n // 10, n), settings, rng)
before, peak, done = resident(), 0.0, False
if len(sys.argv) > 1:
    fit(short, 1000)  # compile and load kernels, so that what follows is the fit's own
    before = resident()
def watch():
    global peak
    while not done:
        peak = max(peak, resident())
        time.sleep(0.005)
watcher = threading.Thread(target=watch)
watcher.start()
values = rng.normal(size=1_000_000 + 168 + 24).astype(np.float32)
fit(forecast_source(values, 168, 24, 0.1), 1_000_000)
done = True
watcher.join()
print(peak - before)
"""
COMPILE = """
import sys, time
import numpy as np
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, what):
        compiled.append(what.data["dispatcher"].py_func.__qualname__)
    def on_end(self, what):
        pass
event.register("numba:compile", Listener())
exec(sys.argv[1])  # imports and data
started = time.perf_counter()
exec(sys.argv[2])
seconds = time.perf_counter() - started
kernels = [name for name in compiled if name.startswith("tsrnn_")]
print(seconds, len(kernels), len(kernels) - len(set(kernels)))
"""


def memory_of_a_million_windows():
    """Print the peak memory of a fit on a million windows, over the imports'."""
    title = "Peak memory of a fit on 1,000,000 windows of 168 steps from one series of float32"
    table = Table("speed-memory", title, ["kernels", "MB over the imports"])
    for name, arguments in {"to load": [], "loaded before": ["loaded"]}.items():
        found = subprocess.run(
            [sys.executable, "-c", MILLION, *arguments], check=True, capture_output=True, text=True
        )
        table.row(name, below(float(found.stdout), 300, ".0f"))


def time_per_epoch():
    """Print and draw how the time of an epoch grows with windows and with steps."""
    from tsrnn.kernels.sources import forecast_source
    from tsrnn.network import RecurrentNetwork
    from tsrnn.training import Settings, train

    def seconds_of(n_windows, n_time):
        rng = np.random.default_rng(0)
        source = forecast_source(rng.normal(size=n_windows + n_time + 1), n_time, 1, 0.0)
        times = []
        for _ in range(4):
            network = RecurrentNetwork("lstm", 1, 32, 1).initialise(rng)
            settings = Settings(max_iter=1, n_jobs=1)
            started = time.perf_counter()
            train(network, source, np.arange(n_windows), np.empty(0, int), settings, rng)
            times.append(time.perf_counter() - started)
        return float(np.median(times[1:]))

    windows = {n: seconds_of(n, 48) for n in (1000, 2000, 4000, 8000, 16000)}
    steps = {n: seconds_of(2000, n) for n in (24, 48, 96, 192, 384)}
    title = "Time of an epoch by windows and steps, LSTM of 32 units on one thread"
    table = Table("speed-linear", title, ["windows", "steps", "s", "us a window and step"])
    for n_windows, n_time, taken in [
        *((n, 48, seconds) for n, seconds in windows.items()),
        *((2000, n, seconds) for n, seconds in steps.items()),
    ]:
        each = f"{taken / n_windows / n_time * 1e6:.3f}"
        table.row(f"{n_windows:,}", n_time, f"{taken:.3f}", each)
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", sharey=True)
    for ax, (name, found) in zip(
        axes, {"windows of 48 steps": windows, "steps of 2,000 windows": steps}.items(), strict=True
    ):
        x, y = np.array(list(found)), np.array(list(found.values()))
        ax.loglog(x, y, "o-", label="measured")
        ax.loglog(x, y[0] * x / x[0], "--", color="0.6", label="linear")
        ax.set(xlabel=name, xticks=x, xticklabels=x)
        ax.minorticks_off()
    axes[0].set_ylabel("seconds an epoch")
    axes[0].legend(frameon=False)
    path = os.path.join(os.path.dirname(__file__), "linear.png")
    plt.savefig(path, dpi=110)
    print(f"\ndrawn in {os.path.relpath(path)}")


def cells_compile_table():
    """Print how long the first fit of each cell takes, from an empty cache."""
    setup = "from tsrnn import RNNForecaster; from tsrnn.datasets import load_airline"
    fit = "RNNForecaster(cell={!r}, max_iter=1).fit(load_airline()).predict()"
    compile_table("speed-compile", setup, {cell: fit.format(cell) for cell in CELLS})


def compile_table(name, setup, fits):
    """Print how long first fits take from an empty cache: statements by the name of their row."""
    columns = ["first fit", "s, empty cache", "kernels", "compiled twice", "s, warm cache"]
    table = Table(name, "First fits in a process, without imports", columns)
    for name, fit in fits.items():
        with tempfile.TemporaryDirectory() as cache:
            runs = [
                subprocess.run(
                    [sys.executable, "-c", COMPILE, setup, fit],
                    check=True,
                    capture_output=True,
                    text=True,
                    env=os.environ | {"NUMBA_CACHE_DIR": cache},
                ).stdout.split()
                for _ in range(2)
            ]
        cold, n_kernels, twice = runs[0]
        seconds = below(float(cold), 15, ".1f")
        table.row(name, seconds, n_kernels, twice, f"{float(runs[1][0]):.2f}")
