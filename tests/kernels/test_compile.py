"""Caching and threads, each in separate processes, with a kernel that compiles quickly."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.codegen import CPUCodeLibrary
from numba.core.cpu import CPUContext

import tsrnn
from tsrnn.kernels.jit import folders, threads
from tsrnn.kernels.jit.compile import Kernel, device_function, kernel_array
from tsrnn.kernels.jit.threads import claim_threads

pytestmark = pytest.mark.slow

PACKAGE = Path(tsrnn.__file__).parent
ROOT = Path(__file__).parents[2]

PROBE = """
import json, sys, warnings
import numpy as np
from numba import prange
from tsrnn.kernels.jit.compile import Kernel
from tsrnn.kernels.jit.threads import claim_threads
from tsrnn.kernels.activations import tanh

def probe(workers, x, out):
    for task in prange(workers):
        for k in range(task * x.size // workers, (task + 1) * x.size // workers):
            out[k] = tanh(x[k])

kernel = Kernel(probe, "probe")
x = np.linspace(-3, 3, 1001)

def run(workers):
    out = np.zeros_like(x)
    with claim_threads(workers):
        kernel(workers, x, out)
    return out

if __name__ == "__main__":
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sums = [run(int(n)).sum() for n in sys.argv[1:]]
    caches = [d._cache for d in kernel._dispatchers.values()]
    print(json.dumps({
        "right": bool(np.allclose(run(1), np.tanh(x), rtol=1e-15, atol=0)),
        "first": float(run(1)[0]),
        "hits": sum(c.hits for c in caches),
        "misses": sum(c.misses for c in caches),
        "warnings": [str(w.message) for w in caught],
    }))
"""


def run_probe(script, *workers, cache, path=ROOT):
    """Run the probe in a new process for the numbers of tasks given; what it printed."""
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONPATH": str(path),
        "NUMBA_NUM_THREADS": "2",
    }
    done = subprocess.run(
        [sys.executable, script, *map(str, workers)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def probe(tmp_path):
    """``run_probe`` for a cache in a folder of the test; that folder."""
    script = tmp_path / "probe.py"
    script.write_text(PROBE)

    def run(*workers, cache=tmp_path / "cache", path=ROOT):
        return run_probe(script, *workers, cache=cache, path=path)

    run.cache = tmp_path / "cache" / "tsrnn"
    return run


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """What the first process printed, serial and parallel, and the folder of its files."""
    folder = tmp_path_factory.mktemp("compiled")
    script = folder / "probe.py"
    script.write_text(PROBE)
    return run_probe(script, 1, 2, cache=folder / "cache"), folder / "cache" / "tsrnn"


@pytest.fixture
def probe_again(probe, compiled):
    """``probe`` where the serial binary is in the cache."""
    probe.cache.parent.mkdir()
    probe.cache.mkdir(mode=0o755)
    (path,) = compiled[1].glob("*-serial-*")
    shutil.copy(path, probe.cache)
    return probe


def test_a_fresh_process_hits_the_cache(probe, compiled):
    first, folder = compiled
    second = probe(1, 2, cache=folder.parent)
    assert (first["hits"], first["misses"], first["right"]) == (0, 2, True)
    assert (second["hits"], second["misses"], second["right"]) == (2, 0, True)
    assert first["warnings"] == second["warnings"] == []


def test_serial_and_parallel_do_not_share_a_file(compiled):
    files = {path.name.split("-")[2]: path.read_bytes() for path in compiled[1].iterdir()}
    assert set(files) == {"serial", "parallel"}
    assert b"numba_parallel_for" in files["parallel"]
    assert b"numba_parallel_for" not in files["serial"]


def test_an_edited_source_of_another_file_misses(probe, tmp_path):
    """The kernel captures tanh, which is defined in another file."""
    copy = tmp_path / "edited"
    shutil.copytree(PACKAGE, copy / "tsrnn", ignore=shutil.ignore_patterns("__pycache__"))
    assert probe(1, path=copy)["misses"] == 1
    assert probe(1, path=copy)["hits"] == 1
    source = copy / "tsrnn" / "kernels" / "activations.py"
    text = source.read_text()
    formula = "return far if size > 0.625 else near"
    assert text.count(formula) == 1
    source.write_text(text.replace(formula, f"{formula} + 1.0".replace("far", "1.0 + far", 1)))
    edited = probe(1, path=copy)
    assert (edited["hits"], edited["misses"]) == (0, 1)
    assert edited["first"] == pytest.approx(np.tanh(-3) + 1)
    assert len(list(probe.cache.iterdir())) == 1  # the stale binary is gone


@pytest.mark.parametrize("cache", ["/dev/null/cache", "/proc/cache"])
def test_a_folder_that_cannot_be_written(probe, cache):
    result = probe(1, 2, cache=cache)
    assert result["right"]
    assert (result["hits"], result["misses"]) == (0, 2)
    assert len(result["warnings"]) == 1
    assert "Set NUMBA_CACHE_DIR" in result["warnings"][0]


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "one bit": lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    "digest": lambda content: bytes(32) + content[32:],
    "other file": lambda content: b"no machine code at all" * 1000,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file(probe_again, damage):
    (path,) = probe_again.cache.iterdir()
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    damaged = probe_again(1)
    assert damaged["right"]
    assert (damaged["hits"], damaged["misses"]) == (0, 1)
    assert len(damaged["warnings"]) == 1
    assert str(path) in damaged["warnings"][0]
    mended = probe_again(1)
    assert (mended["hits"], mended["warnings"]) == (1, [])


def test_a_valid_file_of_another_kernel_is_not_loaded(probe_again):
    """File names contain a digest of everything the machine code depends on."""
    (path,) = probe_again.cache.iterdir()
    path.rename(path.with_name(path.name.replace("probe", "other")))
    assert probe_again(1)["misses"] == 1


def test_without_a_choice_the_cache_lies_beside_the_kernels_or_with_the_user(monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    found = folders.cache_folders()
    assert found[0] == PACKAGE / "kernels" / "__pycache__" / "compiled"
    if sys.platform == "linux":
        assert found[1] == Path("/somewhere/tsrnn")


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """The probe's kernel in this process; its ``run(workers)``."""
    # Of a module that can't be imported again: what another process cached would not load.
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    module = {"__name__": "probe"}
    exec(PROBE, module)
    return module["run"]


def _answer(run, connection):
    with claim_threads(2) as workers:
        connection.send((workers, run(workers)))
    connection.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_runs_serially_and_right(kernel):
    expected = kernel(2)  # the parent's thread pool is up: in the child it is dead
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_answer, args=(kernel, theirs))
    child.start()
    theirs.close()
    assert ours.poll(60), "the child hangs or died"
    workers, answer = ours.recv()
    child.join()
    assert (child.exitcode, workers) == (0, 1)
    np.testing.assert_array_equal(answer, expected)


TWO_THREADS = """
from concurrent.futures import ThreadPoolExecutor
import numba, numpy as np
from probe import kernel, claim_threads, x

def work(_):
    out = np.zeros_like(x)
    for _ in range(300):
        with claim_threads(2) as workers:
            kernel(workers, x, out)
    return out

kernel.dispatcher(True), kernel.dispatcher(False)
with ThreadPoolExecutor(4) as pool:
    results = list(pool.map(work, range(8)))
assert all(np.allclose(r, np.tanh(x), rtol=1e-15, atol=0) for r in results)
print(numba.threading_layer())
"""


@pytest.mark.parametrize("layer", ["workqueue", "omp"])
def test_many_threads_at_once(probe, tmp_path, layer):
    (tmp_path / "threads.py").write_text(TWO_THREADS)
    environment = os.environ | {
        "NUMBA_THREADING_LAYER": layer,
        "NUMBA_NUM_THREADS": "2",
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
    }
    done = subprocess.run(
        [sys.executable, tmp_path / "threads.py"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "No threading layer could be loaded" in done.stderr:
        pytest.skip(f"this Numba has no {layer} layer")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == layer


def nest():
    """A kernel of nested device functions, all new to Numba, and the outer one of these."""

    @device_function
    def inner(x):
        return 2 * x + 1

    @device_function
    def outer(values, level):
        for k in range(values.size):
            values[k] = inner(level + k)

    def kernel_source(workers, out):
        for task in numba.prange(workers):
            for row in range(task, out.shape[0], workers):
                outer(out[row], 10 * row)

    return kernel_source, outer


NESTED = 2.0 * np.add.outer(10 * np.arange(5), np.arange(7)) + 1


def filled(function, *args):
    out = np.zeros_like(NESTED)
    with claim_threads(None):
        function(*args, out)
    return out


@pytest.fixture
def optimised(monkeypatch, tmp_path):
    """Names of the libraries that LLVM optimises and compiles; no kernel is in the cache."""
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    make_code, names = CPUCodeLibrary._finalize_final_module, []

    def record(library):
        names.append(library.name)
        make_code(library)

    monkeypatch.setattr(CPUCodeLibrary, "_finalize_final_module", record)
    return names


@pytest.mark.parametrize("workers", [1, 2])
def test_device_functions_are_optimised_only_with_their_kernel(optimised, workers):
    kernel_source, _ = nest()
    np.testing.assert_array_equal(filled(Kernel(kernel_source, "nested"), workers), NESTED)
    assert any("nested" in name for name in optimised)
    assert not any("inner" in name or "outer" in name for name in optimised)
    kernel_source, _ = nest()
    np.testing.assert_array_equal(filled(numba.njit(kernel_source), 1), NESTED)
    assert any("inner" in name for name in optimised)  # as Numba does it by itself


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("first", ["kernel", "user"])
def test_functions_of_a_user_compile_before_and_after_kernels(optimised, first, workers):
    """Even one that calls a kernel's device function."""
    kernel_source, outer = nest()
    kernel = Kernel(kernel_source, "nested")
    double = numba.njit(lambda x: 2 * x)

    @numba.njit
    def by_user(out):
        for row in range(out.shape[0]):
            for k in range(out.shape[1]):
                out[row, k] = double(10 * row + k) + 1

    @numba.njit
    def by_device_function(out):
        for row in range(out.shape[0]):
            outer(out[row], 10 * row)

    calls = [(kernel, workers), (by_user,), (by_device_function,)]
    for call in calls if first == "kernel" else calls[::-1]:
        np.testing.assert_array_equal(filled(*call), NESTED)
    assert any("by_user" in name for name in optimised)


CALLED_AFTER = """
import sys
import numba
import numpy as np
from tsrnn.kernels import activations, elementary
from tsrnn.kernels.jit.compile import NUMERICS, Kernel

functions = (activations.tanh, activations.sigmoid, elementary.exp, elementary.log,
             elementary.log1p, elementary.log_gamma)
for function in functions:
    def kernel(n, x):
        for k in range(x.size):
            x[k] = function(x[k])
    x = np.full(9, 0.5, sys.argv[1])
    Kernel(kernel, f"of-{function.__name__}")(1, x)
    again = np.full(9, 0.5, sys.argv[1])
    numba.njit(**NUMERICS)(kernel)(1, again)
    np.testing.assert_array_equal(again, x)
"""


def test_functions_of_a_user_may_call_nested_device_functions(dtype, tmp_path):
    """A device function that a kernel left raw is linked with what it calls; else LLVM aborts."""
    done = subprocess.run(
        [sys.executable, "-c", CALLED_AFTER, dtype],
        capture_output=True,
        text=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_kernels_and_functions_of_a_user_compile_at_the_same_time(optimised):
    barrier = threading.Barrier(4)

    def work(number):
        kernel_source, _ = nest()
        function = (
            numba.njit(kernel_source) if number % 2 else Kernel(kernel_source, f"nested{number}")
        )
        barrier.wait(30)
        return filled(function, 1)

    with ThreadPoolExecutor(4) as pool:
        for out in pool.map(work, range(4)):
            np.testing.assert_array_equal(out, NESTED)


def test_a_kernel_that_does_not_compile_leaves_numba_unchanged(optimised):
    def state():
        return {**vars(CPUCodeLibrary)}, {**vars(CPUContext)}

    def wrong(workers, x):
        return x.nothing

    before = state()
    with pytest.raises(numba.TypingError):
        Kernel(wrong, "wrong")(1, np.ones(3))
    assert state() == before


def test_only_one_thread_may_run_parallel_kernels(monkeypatch):
    monkeypatch.setattr(threads, "available_threads", lambda: 2)
    monkeypatch.setattr(threads.numba, "set_num_threads", lambda n: None)
    with claim_threads(None) as first, claim_threads(None) as second:
        assert (first, second) == (2, 1)
    with claim_threads(-1) as again:
        assert again == 2
    with claim_threads(1) as one:
        assert one == 1
    with claim_threads(64) as capped:
        assert capped == 2


def test_threads_are_for_work_that_is_worth_a_binary(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def worth(seconds, *compiled):
        serial, parallel = Kernel(lambda n: None, "one"), Kernel(lambda n: None, "other")
        for kernel, is_parallel in ((serial, False), (parallel, True)):
            if is_parallel in compiled:
                kernel.dispatcher(parallel=is_parallel)
        return threads.are_worth_it(seconds, serial, parallel)

    assert not worth(threads.SHORT / 2, True)
    assert worth(threads.LONG, False)
    between = (threads.SHORT + threads.LONG) / 2
    assert worth(between, True)
    assert worth(between, False, True)
    assert not worth(between)  # to compile the parallel binary would take longer than it saves
    assert not worth(between, False)


def test_a_binary_on_disk_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def kept(n_tasks, x):
        x[0] = n_tasks

    Kernel(kept, "kept")(1, np.zeros(1))
    assert Kernel(kept, "kept").is_compiled(parallel=False)
    assert not Kernel(kept, "kept").is_compiled(parallel=True)
    assert not Kernel(kept, "kep").is_compiled(parallel=False)


def test_kernel_array_takes_whatever_comes(tmp_path):
    base = np.arange(12.0).reshape(3, 4)
    base.tofile(tmp_path / "values")
    read_only = base.copy()
    read_only.flags.writeable = False
    for values in (
        base,
        np.asfortranarray(base),
        read_only,
        base.tolist(),
        base.astype(">f8"),
        np.memmap(tmp_path / "values", "float64", "r", shape=(3, 4)),
    ):
        array = kernel_array(values, np.float64)
        assert type(array) is np.ndarray
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.dtype == np.dtype("float64")
        np.testing.assert_array_equal(array, base)
    assert np.shares_memory(kernel_array(base, np.float64), base)
