"""The matrix product: against a plain chain of fused multiply-adds, to the bit, for every tile."""

import ctypes
import functools
import itertools

import llvmlite.binding
import numba
import numpy as np
import pytest
from llvmlite import ir

from tsrnn.kernels.elementary import fma
from tsrnn.kernels.gemm import products
from tsrnn.kernels.gemm.emit import GemmEmitter
from tsrnn.kernels.gemm.tiles import tile_of
from tsrnn.kernels.jit.compile import DEVICE_FUNCTION_OPTIONS
from tsrnn.kernels.jit.processor import Processor, host_processor, probe

pytestmark = pytest.mark.slow

# Registers of SSE, arm64, AVX2 and AVX-512: LLVM makes what the host has of all of them.
PROCESSORS = {
    "sse": Processor(16, 16, True),
    "neon": Processor(16, 32, True),
    "avx2": Processor(32, 16, True),
    "avx512": Processor(64, 32, True),
}
# m, n, k, steps: whole tiles, tails of rows and columns, one of each, more than a panel is deep.
SHAPES = [
    (12, 32, 5, 1),
    (24, 16, 3, 1),
    (13, 37, 7, 1),
    (1, 1, 1, 1),
    (5, 3, 9, 4),
    (8, 50, 140, 1),
    (20, 18, 16, 20),
    (7, 34, 300, 2),
    (64, 17, 4, 3),
    (2, 9, 129, 1),
    (3, 8, 2, 2),
    (14, 24, 1, 5),
]


@functools.cache
def routine(processor, dtype, transposed):
    """The product compiled for a processor, as a C function; what holds its memory goes along."""
    real = ir.FloatType() if dtype == "float32" else ir.DoubleType()
    module = ir.Module("test")
    module.triple = llvmlite.binding.get_process_triple()
    emitter = GemmEmitter(module, real, tile_of(processor, np.dtype(dtype).itemsize), True)
    function = emitter.gemm(transposed)
    function.linkage = "external"
    machine = llvmlite.binding.Target.from_default_triple().create_target_machine(
        cpu=llvmlite.binding.get_host_cpu_name(),
        features=llvmlite.binding.get_host_cpu_features().flatten(),
        jit=True,
    )
    parsed = llvmlite.binding.parse_assembly(str(module))
    parsed.verify()
    engine = llvmlite.binding.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    pointer, word = ctypes.c_void_p, ctypes.c_int64
    kind = ctypes.CFUNCTYPE(None, *[pointer, word, word, word] * 2, pointer, *[word] * 6)
    return kind(engine.get_function_address(function.name)), engine


@numba.njit
def chain(a, b, out, add):
    """Each output from zero or what it was, by one fused multiply-add after another."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = out[i, j] if add else a.dtype.type(0)
            for t in range(a.shape[2]):
                for p in range(a.shape[1]):
                    total = fma(a[i, p, t], b[p, j, t], total)
            out[i, j] = total


def operands(shape, dtype, transpose_a, transposed, seed=0):
    """Random factors (m, k, steps), (k, n, steps) as views of memory that holds NaN elsewhere."""
    m, n, k, n_t = shape
    rng = np.random.default_rng(seed)

    def strided(first, second):
        memory = np.full((n_t, first + 1, second + 3), np.nan, dtype)
        view = memory[:, :first, :second]
        view[...] = rng.normal(size=view.shape)
        return view

    a = strided(k, m).transpose(2, 1, 0) if transpose_a else strided(m, k).transpose(1, 2, 0)
    b = strided(n, k).transpose(2, 1, 0) if transposed else strided(k, n).transpose(1, 2, 0)
    return a, b


def multiply(processor, a, b, out, transposed, add):
    function, _ = routine(processor, str(out.dtype), transposed)
    item = out.itemsize
    (a_row, a_k, a_t), (b_k, b_column, b_t) = (
        [stride // item for stride in x.strides] for x in (a, b)
    )
    function(
        a.ctypes.data,
        a_row,
        a_k,
        a_t,
        b.ctypes.data,
        b_column,
        b_k,
        b_t,
        out.ctypes.data,
        out.strides[0] // item,
        *out.shape,
        a.shape[1],
        a.shape[2],
        int(add),
    )


@pytest.mark.parametrize("add", [False, True], ids=["write", "add"])
@pytest.mark.parametrize("transposed", [False, True], ids=["in place", "transposed"])
@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_tile_gives_the_bits_of_a_plain_chain(processor, transposed, add, dtype):
    for shape, transpose_a in itertools.product(SHAPES, [False, True]):
        a, b = operands(shape, dtype, transpose_a, transposed)
        m, n = shape[:2]
        whole = np.random.default_rng(1).normal(size=(m + 1, n + 2)).astype(dtype)
        expected, around = whole[:m, :n].copy(), whole.copy()
        chain(a, b, expected, add)
        multiply(PROCESSORS[processor], a, b, whole[:m, :n], transposed, add)
        np.testing.assert_array_equal(whole[:m, :n], expected)
        np.testing.assert_array_equal(whole[m:], around[m:])
        np.testing.assert_array_equal(whole[:, n:], around[:, n:])


def test_a_product_is_the_product(dtype):
    """The chain that the others are compared with is itself a matrix product."""
    a, b = operands((13, 37, 7, 3), dtype, False, False)
    out = np.zeros((13, 37), dtype)
    chain(a, b, out, False)
    exact = np.einsum("ikt,kjt->ij", a.astype(float), b.astype(float))
    np.testing.assert_allclose(out, exact, rtol=0, atol=1e-5 if dtype == "float32" else 1e-13)


def test_the_tile_goes_by_the_processor():
    assert tile_of(PROCESSORS["avx2"], 4).n_columns == 16
    assert tile_of(PROCESSORS["avx512"], 8).n_columns == 16
    assert tile_of(PROCESSORS["neon"], 4).n_columns == 16
    for processor, itemsize in itertools.product(PROCESSORS.values(), (4, 8)):
        tile = tile_of(processor, itemsize)
        for n_vectors, heights in tile.heights.items():
            # Sums, the columns of a step and a number of the other factor, in registers at once.
            assert max(heights) * n_vectors + n_vectors + 1 <= processor.n_registers
            assert heights[-1] == 1


def test_the_compiler_tells_the_processor():
    processor = host_processor()
    assert processor.vector_bytes in (16, 32, 64)
    machine = llvmlite.binding.Target.from_triple("x86_64-unknown-linux-gnu")

    def of(cpu):
        return probe(machine.create_target_machine(cpu=cpu))

    assert of("x86-64") == Processor(16, 16, False)
    assert of("x86-64-v3") == of("haswell") == of("znver3") == Processor(32, 16, True)
    assert of("x86-64-v4") == of("skylake-avx512") == of("znver4") == Processor(64, 32, True)


@pytest.mark.parametrize("cpu", ["generic", "apple-m1"])
def test_arm64_multiplies_and_adds_in_one(cpu):
    """Compiled only: no other instruction there than x86-64's would round otherwise."""
    llvmlite.binding.initialize_all_targets()
    llvmlite.binding.initialize_all_asmprinters()
    try:
        target = llvmlite.binding.Target.from_triple("aarch64-unknown-linux-gnu")
    except RuntimeError:
        pytest.skip("this llvmlite has no code generator for arm64")
    machine = target.create_target_machine(cpu=cpu, opt=3)
    assert probe(machine) == PROCESSORS["neon"]
    for real, itemsize in ((ir.FloatType(), 4), (ir.DoubleType(), 8)):
        module = ir.Module("test")
        module.triple = machine.triple
        tile = tile_of(PROCESSORS["neon"], itemsize)
        for transposed in (False, True):
            GemmEmitter(module, real, tile, True).gemm(transposed).linkage = "external"
        assembly = machine.emit_assembly(llvmlite.binding.parse_assembly(str(module)))
        n_tiles = sum(height * n for n, heights in tile.heights.items() for height in heights)
        assert assembly.count("fmla") == n_tiles
        assert "fmul" not in assembly
        assert "fadd" not in assembly


# Each: the exact product, and the shapes of its two factors and of its result for 7 rows.
CASES = {
    "apply": (lambda weights, x: weights @ x, (5, 3), (3, 7), (5, 7)),
    "apply_transposed": (lambda weights, x: weights.T @ x, (3, 5), (3, 7), (5, 7)),
    "outer": (lambda a, b: a @ b.T, (5, 7), (3, 7), (5, 3)),
}
WEIGHTS = {"apply": 0, "apply_transposed": 0, "outer": 2}  # which of them is 2-D


@pytest.mark.parametrize(
    ("name", "add"),
    [
        ("apply", False),
        ("apply_transposed", False),
        ("apply_transposed", True),
        ("outer", False),
        ("outer", True),
    ],
)
@pytest.mark.parametrize("wide", [False, True], ids=["whole", "block of wider weights"])
def test_against_numpy(name, add, wide, dtype):
    exact, *shapes = CASES[name]
    device_function = getattr(products, name)
    rng = np.random.default_rng(0)
    matrices = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    expected = exact(*(m.astype(float) for m in matrices[:2])) + (matrices[2] if add else 0)

    def run(function):
        arguments = [m.ravel().copy() for m in matrices]
        weights = WEIGHTS[name]
        width = shapes[weights][1]
        whole = np.zeros((shapes[weights][0], width + 2 * wide), dtype)
        arguments[weights] = whole[:, 2 * wide : 2 * wide + width]
        arguments[weights][:] = matrices[weights]
        if name != "apply":
            arguments.insert(2, add)
        function(*arguments)
        return arguments[-1].reshape(shapes[2])

    compiled = numba.njit(**DEVICE_FUNCTION_OPTIONS)(
        (lambda a, b, add, out: device_function(a, b, add, out))
        if name != "apply"
        else (lambda a, b, out: device_function(a, b, out))
    )
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(run(compiled), expected, rtol=tolerance)
    np.testing.assert_allclose(run(device_function), expected, rtol=tolerance)


@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("transpose_a", [False, True])
def test_multiply_either_way_round(transpose_a, transpose_b, dtype):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 9)).astype(dtype), rng.normal(size=(9, 21)).astype(dtype)
    out = np.ones((5, 21), dtype)

    @numba.njit(**DEVICE_FUNCTION_OPTIONS)
    def compiled(a, transpose_a, b, transpose_b, add, out):
        products.multiply(a, transpose_a, b, transpose_b, add, out)

    compiled(
        np.ascontiguousarray(a.T) if transpose_a else a,
        transpose_a,
        np.ascontiguousarray(b.T) if transpose_b else b,
        transpose_b,
        True,
        out,
    )
    np.testing.assert_allclose(out, 1 + a.astype(float) @ b, atol=1e-5)


@pytest.mark.parametrize("add", [False, True])
def test_outer_of_steps(add, dtype):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(11, 5 * 7)).astype(dtype), rng.normal(size=(11, 3 * 7)).astype(dtype)
    out = np.ones((5, 3), dtype)

    @numba.njit(**DEVICE_FUNCTION_OPTIONS)
    def compiled(a, b, add, out):
        products.outer_of_steps(a, b, add, out)

    compiled(a, b, add, out)
    expected = np.einsum("tir,tjr->ij", a.reshape(11, 5, 7).astype(float), b.reshape(11, 3, 7))
    np.testing.assert_allclose(out, add + expected, atol=2e-5)


def test_what_was_in_the_output_does_not_matter():
    compiled = numba.njit(**DEVICE_FUNCTION_OPTIONS)(lambda a, b, out: products.apply(a, b, out))
    out = np.full(15, np.nan)
    compiled(np.ones((5, 7)), np.ones(21), out)
    np.testing.assert_array_equal(out, 7.0)
