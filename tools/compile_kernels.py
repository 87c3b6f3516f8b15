"""Compile the kernels that a wheel brings: ``python tools/compile_kernels.py FOLDER``.

For each level of processors of this architecture, those that this machine can't run too, and for
this version of Python and the installed Numba, llvmlite and NumPy. ``make wheel`` puts the folder
into a wheel.

Shipped is what most first calls need: the LSTM, which is the default of forecasters, regressors and
classifiers and the network that is trained already, and the GRU, which is the default of
detectors; for one thread and for several. The vanilla RNN, attention, heads that pool, tokens,
sequences and float64 weights are left out, as calls of them are rare: a cell adds two megabytes to
the wheel. What is left out is compiled where it is called.

A kernel is compiled in a process of its own, as Numba numbers the functions of a process: the same
sources give the same files, to the byte.
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tsrnn.kernels.jit.compile import Call
from tsrnn.kernels.jit.levels import levels, tuning_of
from tsrnn.kernels.jit.listing import MANIFEST, manifest_of
from tsrnn.warming import ESTIMATORS, kernels_called

ROOT = Path(__file__).parents[1]
SHIPPED_CELLS = ("lstm", "gru")
ONE = "import pickle, sys; pickle.load(sys.stdin.buffer).compile()"


def compile_for(level: str, call: Call, cache: Path) -> None:
    """Compile a kernel for a level in another process, which writes it to a folder."""
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(cache),
        "NUMBA_CPU_NAME": level,
        "NUMBA_CPU_FEATURES": tuning_of(level),
        "PYTHONHASHSEED": "0",
        "PYTHONSAFEPATH": "1",  # not the present folder
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, "-c", ONE]
    done = subprocess.run(command, input=pickle.dumps(call), env=environment, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{call.name} for {level}: {done.stderr.decode()}")


def compile_all(folder: Path, calls: list[Call], wanted: list[str], n_jobs: int) -> None:
    """Fill a new folder with kernels for levels, and with the list of them."""
    folder.mkdir(parents=True)
    level_of_file = {}
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(n_jobs) as pool:
        caches = {level: Path(scratch, level) for level in wanted}
        jobs = [(level, call, caches[level]) for call in calls for level in wanted]
        list(pool.map(compile_for, *zip(*jobs, strict=True)))
        for level, cache in caches.items():
            for path in sorted((cache / "tsrnn").glob("*.nbc")):
                (folder / path.name).write_bytes(path.read_bytes())
                level_of_file[path.name] = level
    if len(level_of_file) != len(calls) * len(wanted):
        raise RuntimeError(f"{len(calls) * len(wanted)} kernels gave {len(level_of_file)} files")
    text = json.dumps(manifest_of(folder, level_of_file), indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Compile them, and print how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="to make; may not exist")
    parser.add_argument("--cells", nargs="+", default=SHIPPED_CELLS)
    parser.add_argument("--estimators", nargs="+", default=list(ESTIMATORS))
    parser.add_argument("--levels", nargs="+", default=levels(), choices=levels())
    parser.add_argument("--serial", action="store_true", help="those of one thread alone")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default 2)")
    chosen = parser.parse_args()
    started = time.perf_counter()
    calls = kernels_called(chosen.cells, chosen.estimators, parallel=not chosen.serial)
    compile_all(chosen.folder, calls, chosen.levels, chosen.jobs)
    sizes = [path.stat().st_size for path in chosen.folder.glob("*.nbc")]
    seconds = time.perf_counter() - started
    print(f"compiled {len(sizes)} kernels, {sum(sizes) / 1e6:.1f} MB, in {seconds:.0f} s")


if __name__ == "__main__":
    main()
