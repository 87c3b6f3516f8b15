"""Compiled kernels on disk: whose they are, who waits for whom, and those that a wheel brings."""

import logging
import os
import shutil
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest

from tsrnn.kernels.jit import cache, folders, levels
from tsrnn.kernels.jit.compile import Kernel
from tsrnn.kernels.jit.locks import locked

pytestmark = pytest.mark.slow

DOUBLE = """
import sys
import numpy as np
from tsrnn.kernels.jit.compile import Kernel

def double(n_tasks, x):
    for k in range(x.size):
        x[k] *= 2.0

kernel = Kernel(double, "double")
x = np.arange(3.0)
if sys.argv[1:] == ["wait"]:
    print("ready", flush=True)
    sys.stdin.readline()
kernel(1, x)
assert x.tolist() == [0.0, 2.0, 4.0]
print(kernel.dispatcher(False)._cache.hits, kernel.dispatcher(False)._cache.n_compiled)
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "double.py"
    path.write_text(DOUBLE)
    return path


@pytest.fixture
def environment(tmp_path):
    """That of processes whose cache is in a folder of the test."""
    path = os.pathsep.join(p for p in sys.path if p)
    return os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": path}


def run(script, environment):
    """Whether a process found the kernel, and whether it compiled it."""
    done = subprocess.run(
        [sys.executable, "-W", "error", script], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [bool(int(word)) for word in done.stdout.split()]


def test_of_many_processes_at_once_one_compiles(script, environment, tmp_path):
    options = {"env": environment, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, script, "wait"]
    processes = [subprocess.Popen(command, text=True, **options) for _ in range(6)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate()[0].split() for process in processes]
    assert sum(int(n_compiled) for _, n_compiled in answers) == 1
    assert len(os.listdir(tmp_path / "cache" / "tsrnn")) == 1  # the lock is gone


def test_a_kernel_is_loaded_without_all_that_numba_can_compile(script, environment):
    assert run(script, environment) == [False, True]
    script.write_text(DOUBLE + 'assert "numba.typed.typeddict" not in sys.modules\n')
    assert run(script, environment) == [True, False]
    script.write_text(
        DOUBLE + "y = np.arange(3.0, dtype=np.float32)\nkernel(1, y)\nassert y[2] == 4"
    )
    assert run(script, environment) == [True, False]  # printed before another is compiled


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    path, order = tmp_path / "lock", []

    def second():
        with locked(path) as waited:
            order.append(("second", waited))

    with locked(path) as waited:
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append(("first", waited))
    thread.join()
    assert order == [("first", False), ("second", True)]
    assert not path.exists()
    with locked(tmp_path / "no folder" / "lock") as waited:
        assert not waited


@pytest.mark.skipif(os.name == "nt", reason="folders have access lists there")
def test_a_folder_that_others_can_write_to_is_not_read(script, environment, tmp_path):
    folder = tmp_path / "cache" / "tsrnn"
    assert run(script, environment) == [False, True]
    assert run(script, environment) == [True, False]
    folder.chmod(0o777)
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "1"]
    assert f"Compiled kernels in {folder} are not used" in done.stderr
    assert "chmod go-w" in done.stderr
    folder.chmod(0o755)
    assert run(script, environment) == [True, False]


@pytest.mark.skipif(os.name == "nt", reason="folders have access lists there")
def test_folders_of_others_are_not_private(monkeypatch, tmp_path):
    folder, mine = tmp_path / "made", os.geteuid()
    folders.make_private(folder)
    assert not folder.stat().st_mode & 0o022
    monkeypatch.setattr(folders, "_warned", True)
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert folders.is_private(folder) == (mine == 0)  # what root made is trusted
    monkeypatch.setattr(os, "geteuid", lambda: mine)
    folder.chmod(0o775)
    with pytest.raises(PermissionError, match="chmod go-w"):
        folders.make_private(folder)


def compile_for(level, script, environment):
    """Compile the kernel for a level; the file."""
    folder = environment["NUMBA_CACHE_DIR"]
    shutil.rmtree(folder, ignore_errors=True)
    other = {"NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": levels.tuning_of(level)}
    assert run(script, environment | other) == [False, True]
    (path,) = (folders.Path(folder) / "tsrnn").iterdir()
    return path


def test_a_kernel_of_a_wheel_is_taken(script, environment, tmp_path, monkeypatch):
    """Here from a copy of the library, so that this one stays as it is."""
    host = levels.host_levels()
    if not host:
        pytest.skip("kernels are shipped for other processors")
    package = folders.SHIPPED.parents[1]
    copy = tmp_path / "copy" / "tsrnn"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__", "compiled"))
    environment["PYTHONPATH"] = f"{copy.parent}{os.pathsep}{environment['PYTHONPATH']}"
    path = compile_for(host[-1], script, environment)
    shipped = copy / "kernels" / "compiled"
    shipped.mkdir()
    path.rename(shipped / path.name)
    assert run(script, environment) == [True, False]
    assert not any(path.parent.iterdir())
    of_another = environment | {"NUMBA_CPU_NAME": host[-1], "NUMBA_CPU_FEATURES": "+crc"}
    assert run(script, of_another) == [False, True]
    content = bytearray((shipped / path.name).read_bytes())
    content[5000] ^= 1
    (shipped / path.name).write_bytes(content)
    shutil.rmtree(environment["NUMBA_CACHE_DIR"])
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "1"]
    assert "its checksum does not match" in done.stderr


def test_the_best_level_is_taken(monkeypatch):
    features = dict.fromkeys(levels._V3, True)
    monkeypatch.setattr(numba.config, "CPU_NAME", None)
    monkeypatch.setattr(levels.platform, "machine", lambda: "AMD64")
    monkeypatch.setattr(levels.llvmlite.binding, "get_host_cpu_features", lambda: features)
    assert levels.host_levels() == ["x86-64-v3"]
    features |= dict.fromkeys(levels._V4, True)
    assert levels.host_levels() == ["x86-64-v4", "x86-64-v3"]
    features["avx512vl"] = False
    assert levels.host_levels() == ["x86-64-v3"]
    features["fma"] = False
    assert levels.host_levels() == []
    features["fma"] = True
    monkeypatch.setattr(numba.config, "CPU_NAME", "haswell")
    assert levels.host_levels() == []
    monkeypatch.undo()
    monkeypatch.setattr(levels.platform, "machine", lambda: "arm64")
    assert levels.levels() == ("generic",)


def test_compiling_for_long_is_said(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "_SAID_AFTER", 0.0)
    monkeypatch.setattr(cache, "_has_said", False)
    monkeypatch.setattr(folders, "_warned", False)
    module = {"__name__": "double"}
    exec(DOUBLE.partition("x = np")[0], module)
    with caplog.at_level(logging.WARNING, "tsrnn"):
        module["kernel"](1, np.arange(3.0))
        module["kernel"](1, np.arange(3, dtype=np.float32))  # not said twice
        assert [record.message for record in caplog.records] == [
            "Compiling kernels for this processor for half a minute or more, once; they are kept "
            f"in {tmp_path / 'tsrnn'}."
        ]
        caplog.clear()
        monkeypatch.setattr(cache, "_has_said", False)
        Kernel(module["double"], "double")(1, np.arange(3.0))  # from the file
        assert not caplog.records
        (tmp_path / "file").touch()
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file" / "cache"))
        with pytest.warns(RuntimeWarning, match="can't be cached"):
            Kernel(module["double"], "double")(1, np.arange(3.0))
        assert [r.message for r in caplog.records] == [
            "Compiling kernels for this processor for half a minute or more."
        ]
