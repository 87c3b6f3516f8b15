"""Training, prediction, carried steps and local models against PyTorch, in one run.

Run it with ``make bench``; PyTorch must be installed (benchmarks/README.md says how). The libraries
take turns, each in a process of its own with all cores, and the median of several rounds counts.
The share of the peak is the matrix products' operations over the step's whole time, against the
speed of one large product on each core, measured in the same rounds. ``fit`` is a minibatch's share
of ``RNNRegressor.fit``. ``--only`` runs some parts; ``--emulate v3`` compiles for AVX2, and
holds NumPy's BLAS and PyTorch to it, where the processor has more. ``--one-thread`` gives all of
them one thread and measures seconds of the processor: for a machine that has other work.
"""

import argparse
import multiprocessing
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from limits import cells_compile_table, memory_of_a_million_windows, time_per_epoch
from peers import LOCAL, batches_of_a_fit, measure
from results import Table, at_least, parse_arguments, processor_name
from threadpoolctl import threadpool_info

from tsrnn.kernels.jit.processor import host_processor
from tsrnn.kernels.jit.threads import available_threads

EMULATED = {
    "v3": {
        "NUMBA_CPU_NAME": "x86-64-v3",
        "NUMBA_CPU_FEATURES": "",
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "MKL_CBWR": "AVX2",
    },
}
ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
SIZES = [
    (32, 24, 1, 16),
    (32, 24, 1, 32),
    (32, 48, 1, 64),
    (128, 48, 1, 32),
    (128, 96, 7, 64),
    (256, 168, 1, 128),
    (64, 336, 7, 256),
    (1024, 48, 1, 32),
]
BLOCKS = {"lstm": 4, "gru": 3, "rnn": 1}
# Least ratio of an LSTM's training steps that the project asks of itself, by bytes of a vector.
TRAINING = {
    32: dict(zip(SIZES, [12, 6.5, 2.4, 2.8, 2.1, 1.6, 1.3, 3.1], strict=True)),
    64: dict(zip(SIZES, [18, 12, 5, 6, 4.3, 3.1, 2.0, 6], strict=True)),
}
SHARE = {16: 0.35, 32: 0.5, 64: 0.75, 128: 0.75, 256: 0.75}  # of the peak, by hidden units
PREDICTION = 1.5
CELLS = {"lstm": SIZES, "gru": SIZES[0:5:2], "rnn": SIZES[0:5:2]}


def operations(cell, size):
    """Of a training step's products: forward, gradient of the inputs, gradient of the weights."""
    n_batch, n_time, n_in, n_hidden = size
    return 3 * 2 * n_batch * n_time * (n_hidden + 1 + n_in) * BLOCKS[cell] * n_hidden


def blas_kernel() -> str:
    """The BLAS of NumPy, with what processor it takes this one for."""
    np.ones((2, 2)) @ np.ones((2, 2))
    kinds = [
        f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}".strip()
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]
    return ", ".join(sorted(set(kinds))) or "no BLAS that tells its name"


def print_machine(peers, *, emulated=False):
    """Print the processor, threads and versions; ``peers`` names those of other libraries."""
    print(
        f"{processor_name()}, {available_threads()} threads, vectors of "
        f"{host_processor().vector_bytes} bytes{' (emulated)' * emulated}"
    )
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__} with {blas_kernel()}, "
        f"{peers}\n",
        flush=True,
    )


def threads_text():
    """What the title of a table says of threads."""
    n = available_threads()
    return "one thread, seconds of the processor" if n == 1 else f"{n} threads"


def suffix():
    """What tables of one thread have at the end of their names."""
    return "-one-thread" if available_threads() == 1 else ""


class Race:
    """Libraries in turns, each in a worker of its own, so that drifts of the machine hit all."""

    def __init__(self, workers, rounds, seconds):
        self.workers = workers  # by the library's name, ours first
        self.rounds, self.seconds = rounds, seconds

    def turns(self, call, arguments, rounds=None):
        """Results of ``call(library, *arguments[library])``, a list of rounds for each library."""
        results = {library: [] for library in self.workers}
        for _ in range(rounds or self.rounds):
            for library, worker in self.workers.items():
                results[library].append(worker.submit(call, library, *arguments[library]).result())
        return results

    def run(self, task, size, what, kinds, rounds=None):
        """Median seconds of both, and the median of the rounds' ratios."""
        sizes = size if isinstance(size, list) else [size, size]
        arguments = {
            library: (task, kind, own, what, self.seconds)
            for library, kind, own in zip(self.workers, kinds, sizes, strict=True)
        }
        times = np.array(list(self.turns(measure, arguments, rounds).values()))
        ours, theirs = np.median(times, axis=1)
        return ours, theirs, float(np.median(times[1] / times[0]))

    def ours(self, tasks):
        """Seconds of each of our tasks, (rounds, tasks), one after another in every round."""
        worker = self.workers["tsrnn"]
        return np.array(
            [
                [
                    worker.submit(measure, "tsrnn", *task, self.seconds / 2).result()
                    for task in tasks
                ]
                for _ in range(self.rounds)
            ]
        )

    def share_of_peak(self, cell, size):
        """Operations a second of training steps over those of large products, median of rounds."""
        n = 1024
        peak = "peak", "", n, "train"
        before, step, after = self.ours([peak, ("cell", cell, size, "train"), peak]).T
        best = 2 * 2 * n**3 * available_threads() / (before + after)
        return float(np.median(operations(cell, size) / step / best))

    def fit(self, cell, size):
        """Seconds of a minibatch in a fit."""
        return float(np.median(self.ours([("fit", cell, size, "fit")]))) / batches_of_a_fit(size)


def cells_table(race, cells):
    """Training steps and predictions of the cells."""
    asked = TRAINING.get(host_processor().vector_bytes, {})
    columns = ["cell", "batch, steps, inputs, hidden", "step ms", "PyTorch step ms", "step ratio"]
    columns += ["of peak", "in fit ms", "predict ms", "PyTorch predict ms", "predict ratio"]
    note = f"The peak is that of NumPy's BLAS, {blas_kernel()}."
    title = f"Training steps and predictions, {threads_text()}"
    table = Table(f"speed-cells{suffix()}", title, columns, note)
    for cell in cells:
        for size in CELLS[cell]:
            lstm = cell == "lstm"
            step, torch_step, ratio = race.run("cell", size, "train", (cell, cell))
            answer, torch_answer, answers = race.run("cell", size, "predict", (cell, cell))
            share = race.share_of_peak(cell, size)
            table.row(
                cell,
                ", ".join(map(str, size)),
                f"{step * 1e3:.3f}",
                f"{torch_step * 1e3:.3f}",
                at_least(ratio, asked.get(size) if lstm else None),
                at_least(share, SHARE[size[3]] if lstm else None, ".0%"),
                f"{race.fit(cell, size) * 1e3:.3f}" if lstm else None,
                f"{answer * 1e3:.3f}",
                f"{torch_answer * 1e3:.3f}",
                at_least(answers, PREDICTION),
            )


def memory_table(race):
    """One step of series whose state is carried."""
    columns = ["series, hidden 32", "tsrnn us", "PyTorch us", "ratio"]
    title = f"One step with a carried state, from Python, {threads_text()}"
    table = Table(f"speed-carried{suffix()}", title, columns)
    for n_series, kind, least in [(1, "LSTM", 10), (1, "LSTMCell", 3), (10_000, "LSTM", 1.5)]:
        ours, theirs, ratio = race.run("memory", n_series, "carry", ("LSTM", kind))
        figures = f"{ours * 1e6:.1f}", f"{theirs * 1e6:.1f}", at_least(ratio, least)
        table.row(f"{n_series:,}, beside nn.{kind}", *figures)


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
    columns = ["networks", "tsrnn s", "PyTorch s", "ratio"]
    title = f"Many networks, one for each series, {threads_text()}"
    table = Table(f"speed-local{suffix()}", title, columns)
    name = f"{n_ours:,} LSTMs, hidden {hidden}, {n_windows} windows of {n_time}, {n_epochs} epochs"
    seconds = f"{ours:.1f}", f"{theirs * n_ours / n_theirs:.0f}"
    table.row(name, *seconds, at_least(ratio * n_ours / n_theirs, 12))
    table.note(f"PyTorch: a loop over {n_theirs} of them, on {threads} threads, the faster number.")


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds to take the median of")
    parser.add_argument("--seconds", type=float, default=0.3, help="of each round, each library")
    parts = ["cells", "memory", "locals", "limits", "compile"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--cells", nargs="+", choices=list(CELLS), default=list(CELLS))
    parser.add_argument("--one-thread", action="store_true", help="and seconds of the processor")
    parser.add_argument("--emulate", choices=list(EMULATED), help="an older processor's level")
    arguments = parse_arguments(parser, peers=("torch",))
    wanted = EMULATED.get(arguments.emulate, {}) | (ONE_THREAD if arguments.one_thread else {})
    if wanted.items() - os.environ.items():  # read where modules are imported: once more, then
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted)
    try:
        import torch
    except ImportError:
        print("PyTorch, the peer, is not installed: see benchmarks/README.md.", file=sys.stderr)
        return 2
    print_machine(f"PyTorch {torch.__version__}", emulated=bool(arguments.emulate))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as first, ProcessPoolExecutor(1, spawn) as second:
        workers = {"tsrnn": first, "PyTorch": second}
        race = Race(workers, arguments.rounds, arguments.seconds)
        if "cells" in arguments.only:
            cells_table(race, arguments.cells)
        if "memory" in arguments.only:
            memory_table(race)
        if "locals" in arguments.only:
            locals_table(race)
    if "limits" in arguments.only:
        memory_of_a_million_windows()
        time_per_epoch()
    if "compile" in arguments.only:
        cells_compile_table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
