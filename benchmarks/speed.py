"""Training, prediction, carried steps and local models against PyTorch, in one run.

Run it with ``make bench``; PyTorch must be installed (benchmarks/README.md says how). The libraries
take turns, each in a process of its own with all cores, and the median of several rounds counts.
The share of the peak is the matrix products' operations over the step's whole time, against the
speed of one large product on each core, measured in the same run. ``--only`` runs some parts.
"""

import argparse
import multiprocessing
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
from limits import compile_table, memory_of_a_million_windows, time_per_epoch
from peers import LOCAL, measure

from tsrnn.kernels.threads import available_threads, claim_threads

SIZES = [
    (32, 24, 1, 16), (32, 24, 1, 32), (32, 48, 1, 64), (128, 48, 1, 32),
    (128, 96, 7, 64), (256, 168, 1, 128), (64, 336, 7, 256), (1024, 48, 1, 32),
]  # fmt: skip
BLOCKS = {"lstm": 4, "gru": 3, "rnn": 1}
# Least ratio of training steps, and of predictions, that the project asks of itself.
TRAINING = {
    "lstm": dict(zip(SIZES, [12, 9, 3.5, 3.5, 3, 7, 9, 3.5], strict=True)),
    "gru": dict(zip(SIZES[0:5:2], [12, 4, 3], strict=True)),
    "rnn": dict(zip(SIZES[0:5:2], [8, 3, 2.5], strict=True)),
}
PREDICTION = dict(zip(SIZES, [4, 4, 1.2, 1.2, 1.2, None, 0.9, 1.2], strict=True))


def blas_peak(n_threads: int) -> float:
    """GFLOP/s of large float32 products, one on each core at once."""
    n = 1024
    a, b = np.ones((n, n), np.float32), np.ones((n, n), np.float32)
    outs = [np.empty((n, n), np.float32) for _ in range(n_threads)]
    best = 0.0
    with claim_threads(1), ThreadPoolExecutor(n_threads) as pool:
        for _ in range(5):
            started = time.perf_counter()
            list(pool.map(lambda out: [np.dot(a, b, out) for _ in range(4)], outs))
            seconds = time.perf_counter() - started
            best = max(best, 4 * n_threads * 2 * n**3 / seconds / 1e9)
    return best


def operations(cell, size):
    """Of a training step's products: forward, gradient of the inputs, gradient of the weights."""
    n_batch, n_time, n_in, n_hidden = size
    return 3 * 2 * n_batch * n_time * (n_hidden + 1 + n_in) * BLOCKS[cell] * n_hidden


class Race:
    """The two libraries in turns, so that drifts of the machine hit both."""

    def __init__(self, first, second, rounds, seconds):
        self.workers = ("tsrnn", first), ("PyTorch", second)
        self.rounds, self.seconds = rounds, seconds

    def run(self, task, size, what, kinds, rounds=None):
        """Median seconds of both, and the median of the rounds' ratios."""
        sizes = size if isinstance(size, list) else [size, size]
        times = np.array([
            [
                worker.submit(measure, name, task, kind, own, what, self.seconds).result()
                for (name, worker), kind, own in zip(self.workers, kinds, sizes, strict=True)
            ]
            for _ in range(rounds or self.rounds)
        ])  # fmt: skip
        ours, theirs = np.median(times, axis=0)
        return ours, theirs, float(np.median(times[:, 1] / times[:, 0]))


def bar(value, least):
    """A ratio beside what is asked of it."""
    if least is None:
        return f"{value:.1f}"
    return f"{value:.1f} ({'at least' if value >= least else 'MISSES'} {least:g})"


def cells_table(race, peak):
    """Training steps and predictions of the cells."""
    print("| cell | batch, steps, inputs, hidden | step ms | PyTorch ms | ratio | of peak "
          "| predict ms | PyTorch ms | ratio |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for cell, sizes in TRAINING.items():
        for size, least in sizes.items():
            step, torch_step, ratio = race.run("cell", size, "train", (cell, cell))
            answer, torch_answer, answers = race.run("cell", size, "predict", (cell, cell))
            asked = PREDICTION[size] if cell == "lstm" else None
            share = operations(cell, size) / step / 1e9 / peak
            print(f"| {cell} | {', '.join(map(str, size))} | {step * 1e3:.3f} "
                  f"| {torch_step * 1e3:.3f} | {bar(ratio, least)} | {share:.0%} "
                  f"| {answer * 1e3:.3f} | {torch_answer * 1e3:.3f} "
                  f"| {bar(answers, asked)} |", flush=True)  # fmt: skip


def memory_table(race):
    """One step of series whose state is carried."""
    print("| carried step | us | PyTorch us | ratio |\n|---|---|---|---|")
    for n_series, kind, least in [(1, "LSTM", 10), (1, "LSTMCell", 3), (10_000, "LSTM", 1.5)]:
        ours, theirs, ratio = race.run("memory", n_series, "carry", ("LSTM", kind))
        print(f"| {n_series} series, hidden 32, nn.{kind} | {ours * 1e6:.1f} | {theirs * 1e6:.1f} "
              f"| {bar(ratio, least)} |", flush=True)  # fmt: skip


def locals_table(race):
    """A thousand local models against a loop over twenty."""
    n_ours, n_theirs = 1000, 20
    found = {
        n: race.run("locals", [n_ours, n_theirs], "fit", ("", n), rounds=3)
        for n in sorted({1, available_threads()})
    }
    threads = min(found, key=lambda n: found[n][1])
    ours, theirs, ratio = found[threads]
    hidden, n_time, n_windows, _, n_epochs = LOCAL
    print(f"| {n_ours} local LSTMs, hidden {hidden}, {n_windows} windows of {n_time}, {n_epochs} "
          f"epochs | s | PyTorch s (from {n_theirs}, {threads} threads) | ratio |\n"
          f"|---|---|---|---|\n| | {ours:.1f} | {theirs * n_ours / n_theirs:.0f} "
          f"| {bar(ratio * n_ours / n_theirs, 12)} |", flush=True)  # fmt: skip


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds to take the median of")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each round, each library")
    parts = ["cells", "memory", "locals", "limits", "compile"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("PyTorch, the peer, is not installed: see benchmarks/README.md.", file=sys.stderr)
        return 2
    n_threads = available_threads()
    peak = blas_peak(n_threads)
    print(f"{platform.machine()}, {n_threads} threads, BLAS peak {peak:.0f} GFLOP/s (float32)")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, "
          f"PyTorch {torch.__version__}\n")  # fmt: skip
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as first, ProcessPoolExecutor(1, spawn) as second:
        race = Race(first, second, arguments.rounds, arguments.seconds)
        if "cells" in arguments.only:
            cells_table(race, peak)
        if "memory" in arguments.only:
            memory_table(race)
        if "locals" in arguments.only:
            locals_table(race)
    if "limits" in arguments.only:
        memory_of_a_million_windows()
        time_per_epoch()
    if "compile" in arguments.only:
        compile_table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
