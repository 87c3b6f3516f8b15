"""What can be measured of the CUDA target without a GPU: compiling, the host's share of a call.

``compile``: seconds of the processor that a model's kernels take, in Python, in libNVVM and in
ptxas, with their registers, for one kind of GPU; a second process or core would share them.

``host``: this library's and numba-cuda's Python, and copies, with empty kernels and stubs in the
place of the driver (see ``gpu_sections/stub_driver.py``), in seconds of the processor. What the
driver takes for its calls is not in it; they are printed, without questions about the context.
"""

import argparse
import importlib.util
import os
import sys
import time

import numpy as np

if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "0":  # read where Numba is imported
    os.execve(
        sys.executable, [sys.executable, *sys.argv], os.environ | {"NUMBA_ENABLE_CUDASIM": "0"}
    )

from gpu_sections import stub_driver
from gpu_sections.compile_time import compile_table
from peers import Ours
from results import Table, below, parse_arguments, processor_name

# batch, steps, inputs, hidden
SIZES = ((4096, 96, 1, 32), (4096, 96, 1, 64), (512, 168, 7, 128))
MOST_MS = 0.3  # of the host in a prediction
N_ROUNDS, N_CALLS = 7, 40


def host_table() -> None:
    """The host's milliseconds a call, medians of rounds, and the driver's calls."""
    driver = stub_driver.make()
    columns = ["LSTM: batch, steps, inputs, hidden", "predict, host ms"]
    columns += ["other weights each time", "other values each time", "training, host ms a step"]
    columns += ["driver calls a prediction"]
    table = Table("gpu-host", "The host's share of calls, with empty kernels", columns)
    for size in SIZES:
        ours = Ours("lstm", size, "cuda")
        first, *others = (milliseconds(call) for call in calls_of(ours))
        driver.calls.clear()
        ours.network.predict(ours.source, ours.windows[0, -ours.n_batch :], "cuda")
        figures = below(first, MOST_MS, ".3f"), *(f"{each:.3f}" for each in others)
        table.row(", ".join(map(str, size)), *figures, " ".join(driver.calls_in_order()))


def calls_of(ours):
    """What is timed: functions of the number of calls."""

    def predict_with_change_of(array):
        def predict(n):
            for _ in range(n):
                array[-1] += 1e-3
                ours.predict(1)

        return predict

    def train(n):
        ours.train(n)  # in one block

    return [
        ours.predict,
        predict_with_change_of(ours.network.parameters),
        predict_with_change_of(ours.source.values),
        train,
    ]


def milliseconds(call) -> float:
    """Milliseconds of the processor that one of ``call(n)`` takes, the median of rounds."""
    call(2)
    times = []
    for _ in range(N_ROUNDS):
        started = time.thread_time()
        call(N_CALLS)
        times.append((time.thread_time() - started) / N_CALLS)
    return float(np.median(times)) * 1e3


PARTS = {"compile": compile_table, "host": host_table}  # stubs stay there: the host comes last


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    arguments = parse_arguments(parser, peers=("numba-cuda",))
    if importlib.util.find_spec("numba_cuda") is None:
        print("This needs numba-cuda, but no GPU: pip install 'tsrnn[cuda13]'.", file=sys.stderr)
        return 2
    print(f"{processor_name()}; {time.strftime('%Y-%m-%d')}\n")
    for part in arguments.only:
        PARTS[part]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
