"""The CUDA target on one GPU: parity, then speed against cuDNN by PyTorch and against our CPU.

Parity comes first, in float32 and float64, with one hidden size, and nothing is timed without it.
Then training steps and predictions of LSTM, GRU and RNN beside PyTorch's on the same GPU, by CUDA
events, medians of rounds in which the two take turns: cuDNN in float32 without TF32, and under
autocast to bfloat16. The share of the ceiling is the matrix products' operations over the whole
time of a step, against the fastest large float32 product measured in the same run. Then thousands
of local models against our CPU and against a loop over PyTorch's; with ``--data`` M4 Hourly from
end to end; and the first fit of a fresh process, with an empty and with a warm cache of kernels.

Each line is printed as soon as it is known. The first calls of a kind, which compile kernels or
load them from the cache, are timed apart. No row is begun after ``--minutes``. ``--only`` runs some
parts. ``--dry-run`` goes through all of it at small sizes, without a GPU in Numba's simulator, and
its times mean nothing.
"""

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

if "--dry-run" in sys.argv and os.environ.get("NUMBA_ENABLE_CUDASIM") != "1":
    # Read where Numba is imported: once more, then.
    os.execve(
        sys.executable, [sys.executable, *sys.argv], os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    )

from gpu_sections.local import local
from gpu_sections.m4 import m4
from gpu_sections.parity import parity
from gpu_sections.run import Run
from gpu_sections.speed import speed
from gpu_sections.start import start
from results import describe_machine, parse_arguments

from tsrnn.kernels.targets import claim

PARTS = {"parity": parity, "speed": speed, "local": local, "m4": m4, "start": start}
NEED_PYTORCH = {"speed", "local"}


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5, help="rounds to take the median of")
    parser.add_argument("--minutes", type=float, default=11, help="after which no row is begun")
    parser.add_argument("--data", type=Path, help="folder with m4/Hourly-train.csv and -test.csv")
    parser.add_argument("--dry-run", action="store_true", help="small sizes; times mean nothing")
    arguments = parse_arguments(parser, peers=("numba-cuda", "torch"))
    try:
        if NEED_PYTORCH & set(arguments.only):
            import torch  # noqa: F401
        with claim("cuda", None):
            pass
    except (ImportError, RuntimeError) as error:
        print(f"{error} See benchmarks/README.md.", file=sys.stderr)
        return 2
    dry = arguments.dry_run
    run = Run(arguments.data, 2 if dry else arguments.rounds, arguments.minutes, dry)
    print(f"{device_name(dry)}; {time.strftime('%Y-%m-%d')}\n", flush=True)
    describe_machine(gpu=device_name(dry).partition(";")[0])
    with quick_simulator() if dry else contextlib.nullcontext():
        for name, part in PARTS.items():  # in this order: nothing is timed without parity
            if name in arguments.only:
                part(run)
    print(f"{run.seconds:.0f} s in all, of them {run.first_calls:.0f} s first calls.")
    return 0


def device_name(dry):
    """The GPU and the versions of what drives it."""
    if dry:
        return "a dry run: times mean nothing"
    import importlib.metadata

    from numba import cuda

    name = cuda.get_current_device().name
    packages = "numba", "numba-cuda", "numpy", "torch"
    versions = []
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{package} {importlib.metadata.version(package)}")
    return "; ".join([name.decode() if isinstance(name, bytes) else name, *versions])


@contextlib.contextmanager
def quick_simulator():
    """The simulator's threads wait for each other all the time: let Python switch soon."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


if __name__ == "__main__":
    raise SystemExit(main())
