"""An LSTM's training step and prediction against PyTorch's nn.LSTM, in one run on the same cores.

Run it with ``make bench``; PyTorch must be installed (benchmarks/README.md says how). A training
step is gather, forward, loss, backward, clipping by norm and Adam, in both. For each size the two
take turns and the median of several rounds counts; compile time is reported apart. The share of the
peak is the matrix products' operations over the step's whole time, against the speed of one large
product on each core, measured in the same run.
"""

import argparse
import contextlib
import functools
import multiprocessing
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np

from tsrnn.kernels.compile import available_threads, claim_threads
from tsrnn.kernels.cpu import workspace_size
from tsrnn.network import RecurrentNetwork

SIZES = [(32, 24, 1, 16), (32, 24, 1, 32), (32, 48, 1, 64), (128, 96, 7, 64)]
BARS = {SIZES[0]: 8.0, SIZES[1]: 6.0, SIZES[3]: 2.5}  # least ratio of training steps
LOSS = "squared_error"
RULE = (0.9, 0.999, 1e-8, 1.0)  # Adam's betas and epsilon, norm to clip at


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


class Ours:
    """This library's kernels on windows of one series; ``n_in`` values make a step."""

    def __init__(self, size, n_tasks):
        self.n_batch, n_time, n_in, n_hidden = size
        rng = np.random.default_rng(0)
        self.network = RecurrentNetwork("lstm", n_in, n_hidden, 1).initialise(rng)
        self.sizes = self.network.sizes(n_time, self.n_batch)
        self.data = (rng.normal(size=n_time * n_in + 5000), n_time * n_in, 1, 0.0)
        self.starts = rng.integers(0, 4999, self.n_batch * 400)
        self.n_tasks = n_tasks
        n_chunks = -(-self.n_batch // self.sizes.n_rows)
        parameters = self.network.parameters
        self.moments = np.zeros((2, parameters.size), np.float32)
        self.gradients = np.empty((n_chunks, parameters.size), np.float32)
        self.sums = np.empty(n_chunks)
        self.work = np.empty((n_tasks, workspace_size(self.sizes, True)), np.float32)
        self.kernels = self.network.drivers(LOSS)

    def train(self, n_steps):
        losses = np.empty(n_steps)
        self.kernels.train(
            self.n_tasks, self.network.parameters, self.moments, self.gradients, self.sums,
            self.work, self.data, self.starts[: n_steps * self.n_batch], self.n_batch, self.sizes,
            1, np.full(n_steps, 1e-3), RULE, losses,
        )  # fmt: skip

    def predict(self, n_times):
        for k in range(n_times):
            starts = self.starts[k % 400 * self.n_batch :][: self.n_batch]
            self.network.predict(self.data, starts, LOSS, self.n_tasks)


class PyTorch:
    """nn.LSTM with a linear head, batch first, windows ready in memory."""

    def __init__(self, size, n_threads):
        import torch

        torch.set_num_threads(n_threads)
        torch.manual_seed(0)
        self.torch = torch
        n_batch, n_time, n_in, n_hidden = size
        self.lstm = torch.nn.LSTM(n_in, n_hidden, batch_first=True)
        self.head = torch.nn.Linear(n_hidden, 1)
        self.parameters = [*self.lstm.parameters(), *self.head.parameters()]
        self.adam = torch.optim.Adam(self.parameters, lr=1e-3)
        self.x, self.y = torch.randn(n_batch, n_time, n_in), torch.randn(n_batch, 1)

    def train(self, n_steps):
        for _ in range(n_steps):
            self.adam.zero_grad(set_to_none=True)
            outputs, _ = self.lstm(self.x)
            ((self.head(outputs[:, -1]) - self.y) ** 2).mean().backward()
            self.torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.adam.step()

    def predict(self, n_times):
        with self.torch.inference_mode():
            for _ in range(n_times):
                self.head(self.lstm(self.x)[0][:, -1])


@functools.cache
def library(name, size):
    """One of the two libraries at work on a size, in the worker process that is its own."""
    return {"tsrnn": Ours, "PyTorch": PyTorch}[name](size, available_threads())


def measure(name, size, what, seconds):
    """Seconds of one call, over as many as fit; run in a worker."""
    run = getattr(library(name, size), what)
    with claim_threads(None) if name == "tsrnn" else contextlib.nullcontext():
        run(2)
        started = time.perf_counter()
        run(2)
        count = int(np.clip(seconds * 2 / (time.perf_counter() - started), 1, 400))
        started = time.perf_counter()
        run(count)
        return (time.perf_counter() - started) / count


def in_turns(workers, size, what, rounds, seconds):
    """Median seconds of both libraries, in turns so that drifts of the machine hit both.

    Each has a process of its own: two thread pools in one hold each other up.
    """
    times = [
        [worker.submit(measure, name, size, what, seconds).result() for name, worker in workers]
        for _ in range(rounds)
    ]
    return np.median(times, axis=0)


def compile_seconds():
    """Seconds of the first training step and prediction of a process, and whether it compiled."""
    with claim_threads(None) as n_tasks:
        ours = Ours(SIZES[0], n_tasks)
        started = time.perf_counter()
        ours.train(1)
        trained = time.perf_counter()
        ours.predict(1)
        hits = sum(kernel.dispatcher(n_tasks > 1)._cache.hits for kernel in ours.kernels)
    seconds = trained - started, time.perf_counter() - trained
    return (*seconds, "loaded from the cache" if hits == 2 else "compiled")


def main() -> int:
    """Print the table; the exit status says whether every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds to take the median of")
    parser.add_argument("--seconds", type=float, default=0.2, help="of each round, each library")
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("PyTorch, the peer, is not installed: see benchmarks/README.md.", file=sys.stderr)
        return 2
    n_threads = available_threads()
    peak = blas_peak(n_threads)
    print(f"{platform.machine()}, {n_threads} threads, BLAS peak {peak:.0f} GFLOP/s (float32)")
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, PyTorch {torch.__version__}"
    )
    met = True
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as first, ProcessPoolExecutor(1, spawn) as second:
        train, predict, how = first.submit(compile_seconds).result()
        print(f"kernels {how}: training {train:.1f} s, prediction {predict:.1f} s\n")
        workers = ("tsrnn", first), ("PyTorch", second)
        print("| batch, steps, inputs, hidden | step ms | PyTorch ms | ratio | of peak "
              "| predict ms | PyTorch ms | ratio |")  # fmt: skip
        print("|---|---|---|---|---|---|---|---|")
        for size in SIZES:
            rounds = arguments.rounds, arguments.seconds
            step, torch_step = in_turns(workers, size, "train", *rounds)
            answer, torch_answer = in_turns(workers, size, "predict", *rounds)
            met &= bool(torch_step / step >= BARS.get(size, 0))
            print(f"| {', '.join(map(str, size))} | {step * 1e3:.3f} | {torch_step * 1e3:.3f} "
                  f"| {torch_step / step:.1f} | {operations(size) / step / 1e9 / peak:.0%} "
                  f"| {answer * 1e3:.3f} | {torch_answer * 1e3:.3f} "
                  f"| {torch_answer / answer:.1f} |")  # fmt: skip
    print(f"\nbars for the training step {'met' if met else 'MISSED'}: "
          + ", ".join(f"{bar:g} at {size}" for size, bar in BARS.items()))  # fmt: skip
    return 0 if met else 1


def operations(size):
    """Of a training step's products: forward, gradient of the inputs, gradient of the weights."""
    n_batch, n_time, n_in, n_hidden = size
    return 3 * 2 * n_batch * n_time * (n_hidden + 1 + n_in) * 4 * n_hidden


if __name__ == "__main__":
    sys.exit(main())
