"""Kernels that other processes compile while this one works, where nothing is compiled yet.

What is asked for and what this process comes to first are compiled side by side. It waits for the
other where that holds the lock of the kernel's file, and where that failed compiles by itself.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from tsrnn.kernels.jit import recording
from tsrnn.kernels.jit.compile import recorded_calls
from tsrnn.kernels.jit.folders import writable_folder
from tsrnn.kernels.jit.threads import available_threads

_COMPILE = "from tsrnn.kernels.jit.elsewhere import compile_from_stdin; compile_from_stdin()"
_asked: set[Hashable] = set()
_processes: list[subprocess.Popen] = []


def compile_elsewhere(name: Hashable, work: Callable[[], Any]) -> None:
    """Let another process compile the kernels that work calls; it is called, but no kernel runs.

    It is called once for a name.

    Nothing happens where that would not help: they are compiled, no core is free or no folder can
    be written. TSRNN_COMPILE_PROCESSES, 3 by default, is how many may compile at once at most,
    this one included.
    """
    compile_calls_elsewhere(name, lambda: recorded_calls(work, 1, runs=False))


def compile_calls_elsewhere(name: Hashable, calls: Callable[[], list]) -> None:
    """As ``compile_elsewhere``, of calls: objects with ``compile`` and ``is_compiled``."""
    if name in _asked or recording.current() is not None:
        return
    _asked.add(name)
    if not _may_start():
        return
    missing = [call for call in calls() if not call.is_compiled]
    if missing:
        _start(missing)


def _may_start():
    most = os.environ.get("TSRNN_COMPILE_PROCESSES", "3")
    n_running = 1 + sum(process.poll() is None for process in _processes)
    return (
        most.isdigit()
        and n_running < min(int(most), available_threads())
        and _can_run_python()
        and os.access(writable_folder(), os.W_OK)
    )


def _can_run_python():
    """Whether ``sys.executable`` is Python, not a program that Python is built into."""
    return "python" in Path(sys.executable or "").name.lower() and not hasattr(sys, "frozen")


def _start(calls):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "TSRNN_COMPILE_PROCESSES": "1",
    }
    nothing = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _COMPILE],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=nothing,
            stderr=nothing,
        )
    except OSError:  # no more processes, or no memory
        return
    _processes.append(process)
    payload = pickle.dumps(calls)
    # Waits until it has read, and then until it is done, which leaves no dead process behind.
    threading.Thread(target=process.communicate, args=[payload], daemon=True).start()


def compile_from_stdin() -> None:
    """Compile the calls that another process of this library sends."""
    for call in pickle.load(sys.stdin.buffer):
        call.compile()
