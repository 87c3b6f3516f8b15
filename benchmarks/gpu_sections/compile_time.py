"""What compiling a model's kernels takes, and their registers, for a GPU that is not here."""

import re
import time
from unittest import mock

import numba
import numpy as np
from results import Table, below

from tsrnn.kernels import cells, heads
from tsrnn.kernels.cuda.blocks import TileConfig, tile_config_of
from tsrnn.kernels.cuda.compiling import dispatcher_of
from tsrnn.kernels.cuda.kernels import CudaKernels, compile_kernels
from tsrnn.kernels.jit.cuda_internals import quick_compilation, without_gpu

COMPUTE_CAPABILITY = (9, 0)
MOST_SECONDS, MOST_SETS = 25, 2  # of a set of kernels; sets for the hidden sizes below
HIDDEN_SIZES = (16, 32, 48, 64, 100, 128)


def compile_table() -> None:
    """Seconds of the processor a kernel, in a process's first set; registers and spills."""
    columns = ["kernel", "Python s", "libNVVM s", "ptxas s", "sum", "registers"]
    columns += ["spills, bytes stored, loaded"]
    title = "Compiling the kernels of an LSTM in float32: seconds of the processor"
    table = Table("gpu-compile", title, columns)
    tile_config, total = tile_config_of(32, 64, 4), 0.0
    for name in CudaKernels._fields:
        if name != "train":
            total += sum(_row(table, "lstm", tile_config, name))
    table.row("all of these", None, None, None, below(total, MOST_SECONDS, ".1f"))
    _row(table, "lstm", tile_config, "train")
    for n_hidden in (32, 128):
        for name in ("forward", "backward"):
            title = f"{name}, hidden {n_hidden}"
            _row(table, "lstm", tile_config_of(32, n_hidden, 4), name, title)
    sets = {tile_config_of(32, n_hidden, 4)[:2] for n_hidden in HIDDEN_SIZES}
    sizes = ", ".join(map(str, HIDDEN_SIZES))
    n_sets = below(len(sets), MOST_SETS + 1, "d")
    table.note(f"Sets of kernels for hidden {sizes}: {n_sets}.")


def _row(
    table: Table, cell: str, tile_config: TileConfig, name: str, title: str | None = None
) -> list[float]:
    """Compile a kernel and add its row; the seconds of the three parts."""
    from numba.cuda.cudadrv import driver, nvvm
    from numba.cuda.dispatcher import _Kernel

    kernels = compile_kernels(cells.find(cell), "float32", tile_config, heads.find("last"))
    real = numba.float32[::1]
    signature = real, numba.int64[::1], numba.float64[::1], numba.int64
    to_ptx, linker_options, seconds = nvvm.compile_ir, driver._Linker._get_linker_options, []

    def timed(*args, **options):
        started = time.process_time()
        ptx = to_ptx(*args, **options)
        seconds.append(time.process_time() - started)
        return ptx

    def verbose(linker, ptx):
        options = linker_options(linker, ptx)
        options.verbose = True
        return options

    with (
        mock.patch.object(nvvm, "compile_ir", timed),
        mock.patch.object(driver._Linker, "_get_linker_options", verbose),
        quick_compilation(),
        without_gpu(COMPUTE_CAPABILITY),
    ):
        started = time.process_time()
        dispatcher = dispatcher_of(getattr(kernels, name))
        kernel = _Kernel(dispatcher.py_func, signature, **dispatcher.targetoptions)
        library = kernel._codelibrary
        compiled = time.process_time()
        library.get_cubin()
        linked = time.process_time()
    (compile_seconds,) = seconds
    (log,) = library._linkerinfo_cache.values()
    registers = re.search(r"Used (\d+) registers", log)[1]
    spills = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", log)
    parts = [compiled - started - compile_seconds, compile_seconds, linked - compiled]
    seconds = [f"{part:.2f}" for part in [*parts, np.sum(parts)]]
    table.row(title or name, *seconds, registers, f"{spills[1]}, {spills[2]}")
    return parts
