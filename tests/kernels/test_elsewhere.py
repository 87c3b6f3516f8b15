"""Kernels that another process compiles."""

import os
import subprocess

import numba
import numpy as np
import pytest

from tsrnn.kernels.jit import elsewhere
from tsrnn.kernels.jit.cache import KernelCache
from tsrnn.kernels.jit.recording import recorded
from tsrnn.kernels.portable import _gram_schmidt, orthonormal_rows


@pytest.fixture
def asking(monkeypatch, tmp_path):
    """An empty cache that both processes use, and as many processes as there may be."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TSRNN_COMPILE_PROCESSES", "3")
    monkeypatch.setattr(elsewhere, "available_threads", lambda: 2)
    monkeypatch.setattr(elsewhere, "_asked", set())
    _gram_schmidt.cache_clear()  # another that this process has not compiled
    processes = []
    monkeypatch.setattr(elsewhere, "_processes", processes)
    yield processes
    for process in processes:
        process.wait()


def has_file(folder):
    return any(folder.glob("tsrnn/tsrnn-gram-schmidt-serial-*.nbc"))


def test_a_kernel_is_compiled_elsewhere_and_not_here(asking, monkeypatch, tmp_path):
    rows = np.array([[3.0, 4.0], [1.0, 0.0]])
    elsewhere.compile_elsewhere("one", lambda: orthonormal_rows(rows))
    assert rows.tolist() == [[3, 4], [1, 0]]  # it did not run
    (process,) = asking
    assert process.wait() == 0
    assert has_file(tmp_path)
    monkeypatch.setattr(KernelCache, "compiling", None)  # to compile would raise
    orthonormal_rows(rows)
    np.testing.assert_allclose(rows @ rows.T, np.eye(2), atol=1e-15)


def test_it_is_asked_for_once(asking, tmp_path):
    for _ in range(3):
        elsewhere.compile_elsewhere("one", lambda: orthonormal_rows(np.ones((1, 1))))
    (process,) = asking
    process.wait()
    elsewhere.compile_elsewhere("another name", lambda: orthonormal_rows(np.ones((1, 1))))
    assert len(asking) == 1  # there is a file


@pytest.mark.parametrize("most", ["1", "0", "many"])
def test_nothing_is_started_if_one_process_is_all(asking, monkeypatch, most):
    monkeypatch.setenv("TSRNN_COMPILE_PROCESSES", most)
    elsewhere.compile_elsewhere("one", lambda: pytest.fail("called"))
    assert not asking


@pytest.mark.parametrize("executable", ["", "/usr/bin/uwsgi", None, "/no/such/python"])
def test_nothing_is_started_where_python_is_not_at_hand(asking, monkeypatch, executable):
    monkeypatch.setattr(elsewhere.sys, "executable", executable)
    elsewhere.compile_elsewhere("one", lambda: orthonormal_rows(np.ones((1, 1))))
    assert not asking


def test_nothing_is_started_on_one_core_or_while_calls_are_recorded(asking, monkeypatch):
    with recorded(1):
        elsewhere.compile_elsewhere("one", lambda: pytest.fail("called"))
    monkeypatch.setattr(elsewhere, "available_threads", lambda: 1)
    elsewhere.compile_elsewhere("one", lambda: pytest.fail("called"))
    assert not asking


@pytest.mark.skipif(
    os.name == "nt" or not os.getuid(), reason="modes do not keep this user from writing"
)
def test_nothing_is_started_where_no_file_could_be_kept(asking, tmp_path):
    folder = tmp_path / "tsrnn"
    folder.mkdir()
    folder.chmod(0o555)
    elsewhere.compile_elsewhere("one", lambda: pytest.fail("called"))
    assert not asking


def test_a_process_that_fails_changes_nothing(asking, monkeypatch, tmp_path):
    monkeypatch.setattr(elsewhere, "_COMPILE", "raise SystemExit(3)")
    rows = np.array([[2.0]])
    elsewhere.compile_elsewhere("one", lambda: orthonormal_rows(rows))
    assert [process.wait() for process in asking] == [3]
    orthonormal_rows(rows)
    assert rows.item() == 1
    assert has_file(tmp_path)


def test_no_dead_process_is_left(asking):
    elsewhere.compile_elsewhere("one", lambda: orthonormal_rows(np.ones((1, 1))))
    (process,) = asking
    assert isinstance(process, subprocess.Popen)
    while process.poll() is None:  # the thread that waits for it has fetched its status, or will
        pass
    assert process.returncode == 0
