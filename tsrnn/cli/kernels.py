"""The commands ``tsrnn compile`` and ``tsrnn kernels``."""

import argparse
import sys
import time
from itertools import groupby

from tsrnn.cli.kernels_options import ESTIMATORS


def compile(arguments: argparse.Namespace) -> None:
    """Compile kernels, and print how many, how long it took and where they lie."""
    from tsrnn.kernels.cells import NAMES
    from tsrnn.kernels.jit.folders import make_private, writable_folder
    from tsrnn.kernels.jit.threads import available_threads
    from tsrnn.warming import compile_calls, kernels_called

    if arguments.all and arguments.cells:
        raise ValueError("--all means all cells: leave out --cells")
    started = time.perf_counter()
    folder = writable_folder()
    make_private(folder)
    cells = [*NAMES, "attention"] if arguments.all else arguments.cells or ["lstm"]
    calls = kernels_called(cells, arguments.estimators or ESTIMATORS)
    n_jobs = min(len(calls), arguments.n_jobs or available_threads())
    if sys.stderr.isatty():
        print(f"compiling up to {len(calls)} kernels in {n_jobs} processes", file=sys.stderr)
    done = list(compile_calls(calls, n_jobs))
    n_new = sum(kernel.is_new for kernel in done)
    seconds = time.perf_counter() - started
    found = f"; {len(done) - n_new} were there" if n_new < len(done) else ""
    print(f"compiled {n_new} kernels in {seconds:.1f} s, in {folder}{found}")


def kernels(arguments: argparse.Namespace) -> None:
    """Print the compiled kernels of the wheel and of the cache."""
    from tsrnn.kernels.jit.folders import SHIPPED
    from tsrnn.kernels.jit.levels import host_levels, levels
    from tsrnn.kernels.jit.listing import cached_kernels, made_with, shipped_kernels

    host = host_levels()
    print(f"levels of this processor: {', '.join(host) or 'none'} (of {', '.join(levels())})")
    shipped, versions = shipped_kernels()
    if shipped:
        _print_table(f"the wheel brings, in {SHIPPED}:", shipped)
        wrong = [
            f"{name} {version} (here {made_with()[name]})"
            for name, version in versions.items()
            if made_with()[name] != version
        ]
        if wrong:
            print(f"  not used, as they are made for {', '.join(wrong)}")
    else:
        print("the wheel brings none, or this is a checkout")
    for folder, stored in cached_kernels().items():
        if stored:
            _print_table(f"compiled here, in {folder}:", stored)
        else:
            print(f"compiled here, in {folder}: none")


def _print_table(title, stored):
    print(title)
    width = max(len(kernel.name) for kernel in stored)
    for (name, level), group in groupby(stored, key=lambda kernel: kernel[:2]):
        sizes = [kernel.n_bytes for kernel in group]
        times = f" ({len(sizes)} files)" if len(sizes) > 1 else ""
        print(f"  {name:{width}}  {level}{'  ' * bool(level)}{sum(sizes) / 1000:6.0f} KB{times}")
    total = sum(kernel.n_bytes for kernel in stored) / 1e6
    print(f"  {len(stored)} files, {total:.1f} MB")
