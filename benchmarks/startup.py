"""What a user waits for around the training itself: import, first fit, Ctrl-C.

Each figure is the median of several whole processes. Run it with ``python benchmarks/startup.py``.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

FIT = """
from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline
RNNForecaster(max_iter=50).fit(load_airline()[:-12]).predict()
"""
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


def seconds_of(code, cache):
    """Wall time of a whole process that runs the code."""
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def seconds_to_stop(cache):
    """From the signal of Ctrl-C three seconds into a long fit until fit returns."""
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
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


def main():
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        numpy = [seconds_of("import numpy", cache) for _ in range(9)]
        ours = [seconds_of("import tsrnn", cache) for _ in range(9)]
        rows.append(
            (
                "import tsrnn over import numpy",
                statistics.median(ours) - statistics.median(numpy),
                0.15,
            )
        )
        cold = []
        for k in range(3):
            cold.append(seconds_of(FIT, os.path.join(cache, str(k))))
        rows.append(("first fit, empty cache", statistics.median(cold), 12))
        warm = [seconds_of(FIT, os.path.join(cache, "0")) for _ in range(9)]
        rows.append(("first fit, warm cache, new process", statistics.median(warm), 2.5))
        seconds_of(LONG_FIT.replace("max_iter=1000", "max_iter=2"), os.path.join(cache, "0"))
        stops = [seconds_to_stop(os.path.join(cache, "0")) for _ in range(5)]
        rows.append(("fit returns after Ctrl-C", max(stops), 0.5))
    print("| what | seconds | at most |\n|---|---|---|")
    for what, seconds, bar in rows:
        print(f"| {what} | {seconds:.2f} | {bar:g} |")


if __name__ == "__main__":
    main()
