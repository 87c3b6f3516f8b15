"""What a user waits for around the training itself: import, first fit, Ctrl-C.

Each figure is the median of several whole processes, those that are compared taking turns. Run it
with ``python benchmarks/startup.py [--wheel dist/NAME.whl]``; ``make wheel`` builds one. On a
machine that has other work ``--processor`` gives seconds of the processor instead.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from results import Table, below, parse_arguments

ROOT = Path(__file__).parents[1]
BARE = "import numba, pandas, scipy.linalg, sklearn.base"
FITS = {
    "forecaster": """
from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline
RNNForecaster(cell={cell!r}, max_iter=50).fit(load_airline()[:-12]).predict()
""",
    "regressor": """
import numpy as np
from tsrnn import RNNRegressor
X = np.random.default_rng(0).standard_normal((200, 12, 2))
RNNRegressor(cell={cell!r}, max_iter=50).fit(X, X[:, 0, 0]).predict(X)
""",
    "classifier": """
import numpy as np
from tsrnn import RNNClassifier
X = np.random.default_rng(0).standard_normal((200, 12, 2))
RNNClassifier(cell={cell!r}, max_iter=50).fit(X, X[:, 0, 0] > 0).predict(X)
""",
    "detector": """
from tsrnn import RNNAnomalyDetector
from tsrnn.datasets import load_airline
RNNAnomalyDetector(cell={cell!r}, max_iter=50).fit(load_airline()).detect(load_airline())
""",
}
LONG_FIT = """
import time, warnings
import numpy as np, pandas as pd
from tsrnn import RNNForecaster
warnings.simplefilter("ignore")
index = pd.date_range("2000-01-01", periods=50_000, freq="h")
y = pd.Series(np.random.default_rng(0).normal(size=50_000).cumsum(), index)
print("fitting", flush=True)
forecaster = RNNForecaster(max_iter=1000, hidden_size=64).fit(y)
print(time.time(), flush=True)
forecaster.predict()
"""


def of_children():
    """Seconds of the processor that children of this process have taken."""
    times = os.times()
    return times.children_user + times.children_system


clock = time.perf_counter  # or of_children


def seconds_of(code, cache, library=ROOT):
    """Seconds of a whole process that runs the code, by the library in a folder."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(library)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = clock()
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=cache, check=True, **quiet)
    return clock() - started


def seconds_to_stop(cache):
    """From the signal of Ctrl-C three seconds into a long fit until fit returns."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", LONG_FIT]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        time.sleep(3)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        returned = float(process.stdout.readline())
    if process.returncode:
        raise RuntimeError("the interrupted forecaster could not predict")
    return returned - sent


def first_fits(scratch, library, estimator, cell, n_runs):
    """Seconds of a first fit from a checkout and from a wheel, of a later one, and of imports."""
    code, number = FITS[estimator].format(cell=cell), iter(range(10**6))

    def empty():
        folder = scratch / f"{estimator}-{cell}-{next(number)}"
        folder.mkdir()
        return folder

    kept = empty()
    checkout = seconds_of(code, kept)
    runs = {"wheel": [], "warm": [], "imports": []}
    for _ in range(n_runs):
        if library:
            runs["wheel"].append(seconds_of(code, empty(), library))
        runs["warm"].append(seconds_of(code, kept))
        runs["imports"].append(seconds_of(BARE, kept))
    return {"checkout": checkout} | {
        name: statistics.median(seconds) for name, seconds in runs.items() if seconds
    }


def print_first_fits(scratch, wheel, cells, estimators, n_runs):
    """Print the table of first fits."""
    library = None
    if wheel:
        library = scratch / "wheel"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(library)
    columns = ["first fit", "checkout", "wheel", "later process", "wheel / later"]
    columns += ["bare imports", "later - bare"]
    kind = "seconds" if clock is time.perf_counter else "seconds of the processor"
    table = Table("startup-fits", f"First fits, as whole processes: {kind}", columns)
    for cell in cells:
        for estimator in estimators:
            took = first_fits(scratch, library, estimator, cell, n_runs)
            wheel, warm, bare = took.get("wheel"), took["warm"], took["imports"]
            of_wheel = [None, None] if wheel is None else [f"{wheel:.2f}", f"{wheel / warm:.2f}"]
            seconds = f"{took['checkout']:.1f}", of_wheel[0], f"{warm:.2f}", of_wheel[1]
            table.row(f"{estimator}, {cell}", *seconds, f"{bare:.2f}", f"{warm - bare:.2f}")


AT_ONCE = """
import hashlib
from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline
from tsrnn.kernels.jit.cache import KernelCache
caches, make = [], KernelCache.__init__
def make_and_keep(cache, name):
    make(cache, name)
    caches.append(cache)
KernelCache.__init__ = make_and_keep
forecast = RNNForecaster(max_iter=50, random_state=0).fit(load_airline()[:-12]).predict()
digest = hashlib.sha256(forecast.to_numpy().tobytes()).hexdigest()
print(digest, *(cache.name for cache in caches for _ in range(cache.n_compiled)))
"""


def print_at_once(scratch, n):
    """Print what so many processes that start at once on an empty cache compile."""
    folder = scratch / "at-once"
    folder.mkdir()
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    environment["TSRNN_COMPILE_PROCESSES"] = "1"  # so that each says all that it compiled
    command, quiet = [sys.executable, "-c", AT_ONCE], subprocess.DEVNULL
    started = clock()
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=quiet, text=True)
        for _ in range(n)
    ]
    said = [process.communicate()[0].split() for process in processes]
    seconds = clock() - started
    failed = sum(process.returncode != 0 for process in processes)
    compiled = sorted(name for _, *names in filter(None, said) for name in names)
    columns = ["processes", "s", "failed", "different forecasts", "kernels", "compiled twice"]
    table = Table("startup-at-once", "Processes that start at once on an empty cache", columns)
    n_forecasts, n_kernels = len({words[0] for words in said if words}), len(set(compiled))
    counts = failed, n_forecasts, n_kernels, len(compiled) - n_kernels
    table.row(n, f"{seconds:.1f}", *counts)
    print(*compiled, sep=", ")


def print_rest(scratch, n_runs):
    """Print how long imports take, and Ctrl-C."""
    numpy = [seconds_of("import numpy", scratch) for _ in range(n_runs)]
    ours = [seconds_of("import tsrnn", scratch) for _ in range(n_runs)]
    # Kernels for threads are compiled for long fits alone, some of them once a fit has ended.
    seconds_of(LONG_FIT.replace("max_iter=1000", "max_iter=1000, max_seconds=20"), scratch)
    seconds_to_stop(scratch)
    stops = [seconds_to_stop(scratch) for _ in range(5)]
    over = statistics.median(ours) - statistics.median(numpy)
    table = Table("startup-rest", "Import and Ctrl-C", ["what", "seconds"])
    table.row("`import tsrnn`, more than `import numpy`", below(over, 0.15))
    table.row("`fit` returns after Ctrl-C, the longest of five", below(max(stops), 0.5))


def main():
    """Print the tables."""
    global clock
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--wheel", help="with kernels, for this Python")
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru"])
    parser.add_argument("--estimators", nargs="+", default=list(FITS), choices=FITS)
    parser.add_argument("--runs", type=int, default=7, help="of warm processes (default 7)")
    parser.add_argument("--only-fits", action="store_true", help="leave out imports and Ctrl-C")
    parser.add_argument("--processor", action="store_true", help="seconds of the processor")
    chosen = parse_arguments(parser)
    if chosen.processor:
        clock = of_children
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        print_first_fits(scratch, chosen.wheel, chosen.cells, chosen.estimators, chosen.runs)
        if not chosen.only_fits:
            print_rest(scratch, chosen.runs)
            print_at_once(scratch, 10)


if __name__ == "__main__":
    main()
