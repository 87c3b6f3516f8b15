"""Kernels of the CUDA target on disk, up to where a GPU would load them; no GPU is needed for it.

The simulator, which other tests use, can't compile: these run in processes of their own.
"""

import importlib.util
import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.slow

START = """
import hashlib, pickle, sys, warnings, zlib
from pathlib import Path
from unittest import mock
from numba.cuda.dispatcher import _Kernel
from tsrnn.kernels.cuda.compiling import load_or_compile
from tsrnn.kernels.cuda.kernels import sum_gradients
from tsrnn.kernels.jit.cuda_internals import without_gpu

folder = Path(sys.argv[1]) / "tsrnn"

def nothing_compiles():
    return mock.patch.object(_Kernel, "__init__", side_effect=AssertionError("it compiles"))

def found(gpu=(8, 0), dtype="float32"):
    '''A kernel, and the machine code that the GPU is given.'''
    with without_gpu(gpu) as loaded:
        dispatcher, kernel = load_or_compile(sum_gradients, dtype)
        assert dispatcher.compile(kernel.signature) is kernel
        assert list(dispatcher.overloads.values()) == [kernel]
    (machine_code,) = set(loaded)
    return kernel, machine_code
"""


@pytest.fixture
def run(tmp_path):
    """Run lines in a process whose compiled kernels are in the test's folder."""
    for package in ("numba_cuda", "nvidia"):
        if importlib.util.find_spec(package) is None:
            pytest.skip("needs numba-cuda and NVIDIA's compiler: pip install tsrnn[cuda13]")

    variables = {
        "NUMBA_ENABLE_CUDASIM": "0",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }

    def run(lines):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", START + textwrap.dedent(lines), tmp_path],
            env=os.environ | variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]

    return run


def test_another_process_loads_what_one_compiled(run):
    """The same machine code under the same name, for that architecture and dtype alone."""
    run(
        """
        from numba.cuda.cudadrv import nvvm

        with mock.patch.object(nvvm, "compile_ir", wraps=nvvm.compile_ir) as to_ptx:
            kernel, machine_code = found()
        assert to_ptx.call_count == 1  # not once more for an optimisation at link time
        assert len(machine_code) > 1000 and machine_code[1:4] == b"ELF"
        (file,) = folder.iterdir()
        Path(sys.argv[1], "code").write_bytes(machine_code)
        Path(sys.argv[1], "name").write_text(kernel.entry_name)
        """
    )
    run(
        """
        with nothing_compiles():
            kernel, machine_code = found()
        assert machine_code == Path(sys.argv[1], "code").read_bytes()
        assert kernel.entry_name == Path(sys.argv[1], "name").read_text()
        assert kernel.entry_name.encode() in machine_code
        names = [str(kind) for kind in kernel.argument_types]
        assert names[0].startswith("array(float32, 1d, C") and names[3] == "int64", names
        for other in (dict(gpu=(9, 0)), dict(dtype="float64")):
            assert found(**other)[1] != machine_code
        assert len(list(folder.iterdir())) == 3
        """
    )


def test_what_is_wrong_with_a_file_is_a_miss(run):
    """One warning in a process, and it is compiled anew; so it is if the GPU refuses it."""
    run(
        """
        _, machine_code = found()
        (file,) = folder.iterdir()
        content = file.read_bytes()
        payload = content[32:]

        def sealed(payload):
            return hashlib.sha256(payload).digest() + payload

        changed = payload[:100] + bytes([payload[100] ^ 1]) + payload[101:]
        with mock.patch("tsrnn.kernels.jit.cache.warn_once") as warn:
            for damaged in (
                b"", content[:40], content[:32] + changed, sealed(changed), sealed(b"nothing"),
                sealed(zlib.compress(b"nothing")), sealed(zlib.compress(pickle.dumps({"name": 1}))),
            ):
                file.write_bytes(damaged)
                warn.reset_mock()
                assert len(found()[1]) > 1000
                assert "Compiling again" in warn.call_args.args[0], damaged[:50]
                with nothing_compiles():
                    found()
            warn.reset_mock()
            with mock.patch.object(_Kernel, "bind", autospec=True) as bind:
                bind.side_effect = [RuntimeError("no kernel image"), None]
                with without_gpu((8, 0)):
                    _, kernel = load_or_compile(sum_gradients, "float32")
                assert bind.call_count == 2 and bind.call_args.args == (kernel,)
            assert "no kernel image" in warn.call_args.args[0]
        """
    )


def test_another_process_compiles_what_comes_last(run):
    """It needs no GPU; what it stored is loaded here."""
    run(
        """
        import os
        from types import SimpleNamespace
        from tsrnn.kernels.cuda import device
        from tsrnn.kernels.cuda.blocks import TileConfig
        from tsrnn.kernels.jit import elsewhere

        os.environ["TSRNN_COMPILE_PROCESSES"] = "2"
        elsewhere.available_threads = lambda: 2
        what = "tsrnn.kernels.cells.rnn", "last", TileConfig(4, 1, 32), ["sum_gradients"], "float32"
        gpu = SimpleNamespace(compute_capability=(8, 0))
        with mock.patch("numba.cuda.get_current_device", lambda: gpu):
            device.compile_elsewhere(*what)
            (process,) = elsewhere._processes
            assert process.wait() == 0
            with nothing_compiles():
                found()
            elsewhere._asked.clear()
            device.compile_elsewhere(*what)
        assert elsewhere._processes == [process]  # there is a file
        """
    )
