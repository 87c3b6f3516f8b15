"""All CUDA kernels compile to PTX for several generations of GPUs; no GPU is needed for it."""

import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys

import pytest

from tsrnn.kernels import cells

pytestmark = pytest.mark.slow

ARCHITECTURES = (75, 80, 90)
# Nearly all of the time is spent in these, which compute in float32 only. The others use doubles on
# purpose: scales of windows, sums of losses and of squares, learning rates.
PASSES = ("forward", "backward")
OTHERS = (
    "transpose_weights",
    "read_inputs",
    "evaluate_loss",
    "sum_gradients",
    "update_parameters",
    "write_outputs",
    "train",
)
# Those of an LSTM for all GPUs; other cells, other heads and doubles for the last alone.
MORE = (("gru", "float64", "last"), ("lstm", "float32", "mean"), ("lstm", "float32", "horizons"))
JOBS = [
    *(("lstm", "float32", "last", name, gpu) for name in PASSES for gpu in ARCHITECTURES),
    *(("lstm", "float32", "last", name, 75) for name in OTHERS),
    *(
        (cell, "float32", "last", name, 90)
        for cell in cells.NAMES
        if cell != "lstm"
        for name in PASSES
    ),
    *((*kind, name, 90) for kind in MORE for name in PASSES),
]

# The simulator, which other tests use, can't compile: these run in separate processes.
COMPILE = """
import functools, json, sys
import numba
import numpy as np
from numba import cuda
from numba.cuda.dispatcher import _Kernel
from tsrnn.kernels import cells, heads
from tsrnn.kernels.cuda.blocks import tile_config_of
from tsrnn.kernels.cuda.kernels import CudaKernels, compile_kernels
from tsrnn.kernels.jit.cuda_internals import quick_compilation, without_gpu

assert set(CudaKernels._fields) == set(sys.argv[2:])

@functools.cache
def compiled(cell, dtype, head, name):
    tile_config = tile_config_of(32, 64, np.dtype(dtype).itemsize)
    kernels = compile_kernels(cells.find(cell), dtype, tile_config, heads.find(head))
    real = numba.from_dtype(np.dtype(dtype))
    signature = real[::1], numba.int64[::1], numba.float64[::1], numba.int64
    return _Kernel(getattr(kernels, name), signature, lto=False)._codelibrary

for *kind, gpu in json.loads(sys.argv[1]):
    with quick_compilation(), without_gpu(divmod(gpu, 10)):
        print(json.dumps([*kind, gpu, compiled(*kind).get_asm_str()]))
"""


@pytest.fixture(scope="module")
def ptx(tmp_path_factory):
    """PTX by cell, dtype, head, kernel and architecture."""
    for package in ("numba_cuda", "nvidia"):
        if importlib.util.find_spec(package) is None:
            pytest.skip("needs numba-cuda and NVIDIA's compiler: pip install tsrnn[cuda13]")
    # What is compiled first takes longest: two processes, of equal work.
    parts = [[], []]
    for job in JOBS:
        parts[job[3] in PASSES].append(job)
    folder, running = tmp_path_factory.mktemp("ptx"), []
    for number, part in enumerate(parts):
        with open(folder / f"{number}", "w") as out:
            running.append(
                subprocess.Popen(
                    [sys.executable, "-c", COMPILE, json.dumps(part), *PASSES, *OTHERS],
                    stdout=out,
                    env=os.environ | {"NUMBA_ENABLE_CUDASIM": "0"},
                )
            )
    assert [process.wait() for process in running] == [0, 0]
    found = {}
    for number in range(len(parts)):
        for line in (folder / f"{number}").read_text().splitlines():
            *job, text = json.loads(line)
            found[tuple(job)] = text
    return found


@pytest.mark.parametrize(("cell", "dtype", "head", "name", "architecture"), JOBS)
def test_kernel_compiles(cell, dtype, head, name, architecture, ptx):
    text = ptx[cell, dtype, head, name, architecture]
    assert f".target sm_{architecture}" in text
    assert ".visible .entry" in text
    if dtype == "float32":
        assert not re.search(r"\.local\b|__local_depot", text)  # all sums are in registers
        assert text.count(".f32") > 0 or name == "transpose_weights"
        if name in PASSES:
            assert not re.search(r"\.f64\b", text)


def test_what_is_looked_for_is_found(ptx):
    """Doubles where they are on purpose, and sums in registers as fused multiplications."""
    assert all(
        re.search(r"\.f64\b", ptx["lstm", "float32", "last", n, 75])
        for n in ("read_inputs", "evaluate_loss")
    )
    for cell, name in itertools.product(cells.NAMES, PASSES):
        assert ptx[cell, "float32", "last", name, 90].count("fma.rn.f32") > 30
