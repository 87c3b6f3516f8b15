"""The first fit of a fresh process, with an empty and with a warm cache of kernels."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import Table, below

ROOT = Path(__file__).parents[2]
MOST_MORE = {"empty": 20.0, "warm": 2.0}  # seconds of the GPU over the CPU
FIT = """
from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline
y = load_airline()[:{n}]
RNNForecaster(2, device="{device}", {settings}).fit(y).predict()
"""


def start(run):
    """Print a row for each state of the cache: seconds of whole processes."""
    n, settings = 132, "max_iter=20"
    if run.dry:
        n, settings = 24, "max_iter=1, hidden_size=2, lookback=3, season=1, conformal=False"
    columns = ["cache", "GPU s", "CPU s", "GPU more"]
    table = Table("gpu-start", "The first fit in a fresh process", columns)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {device: Path(scratch) / device for device in ("cpu", "cuda")}
        for folder in folders.values():
            folder.mkdir()
        for cache in ("empty", "warm"):
            if not run.has_time_for(f"first fit, {cache} cache"):
                return
            seconds = {
                device: process_seconds(FIT.format(n=n, device=device, settings=settings), folder)
                for device, folder in folders.items()
            }
            more = seconds["cuda"] - seconds["cpu"]
            most = None if run.dry else MOST_MORE[cache]
            both = f"{seconds['cuda']:.1f}", f"{seconds['cpu']:.1f}"
            table.row(cache, *both, below(more, most, ".1f"))


def process_seconds(code, cache):
    """Wall time of a process that runs the code with a cache of its own."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=cache, check=True)
    return time.perf_counter() - started
