"""Ctrl-C: when it is noticed in training, whether weights are kept, and where it must wait."""

import contextlib
import inspect
import signal
import threading
from _signal import getsignal as get_handler  # as in signal, but without its conversions to
from _signal import signal as set_handler  # enums, which take longer than the update of a row
from collections.abc import Callable, Iterator
from typing import Any

# Modules that fit one estimator after another and compare or write what comes out, and those of
# them that only pass a call on. A half-trained network must not be compared, and the next fit must
# not begin.
_LOOPS = ("joblib", "optuna", "sklearn", "tsrnn.cli", "tsrnn.forecasting.backtest")
_PASS_ON = tuple(f"sklearn.{part}" for part in ("base", "callback", "compose", "pipeline", "utils"))


def is_called_by_a_loop() -> bool:
    """Whether a backtest, a search, a cross-validation or the command line called for a fit."""
    frame = inspect.currentframe()
    while frame is not None:
        name = frame.f_globals.get("__name__") or ""
        if _is_in(name, _LOOPS) and not _is_in(name, _PASS_ON):
            return True
        frame = frame.f_back
    return False


def _is_in(module, packages):
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt if Ctrl-C was pressed before.

    Python raises it at once. But during a compilation LLVM calls back through ctypes, which
    swallows it, and training would continue.
    """
    pressed = threading.Event()

    def check_interrupt():
        if pressed.is_set():
            raise KeyboardInterrupt

    def on_signal(number, frame):
        pressed.set()
        signal.default_int_handler(number, frame)

    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield check_interrupt  # the application handles Ctrl-C itself
        return
    signal.signal(signal.SIGINT, on_signal)
    try:
        yield check_interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Uninterrupted:
    """Context that lets Ctrl-C wait until a short block of code is done, to not leave it halfway.

    Within another one, and in threads that hear no signals, it does nothing.
    """

    _waits = False

    def __enter__(self) -> None:
        self._presses: list[tuple] = []
        self._handler: Any = None
        if Uninterrupted._waits or threading.get_ident() != threading.main_thread().ident:
            return
        handler = get_handler(signal.SIGINT)
        if callable(handler):  # not ignored, nor handled outside Python
            set_handler(signal.SIGINT, self._keep)
            self._handler, Uninterrupted._waits = handler, True

    def __exit__(self, *error: object) -> None:
        if self._handler is None:
            return
        Uninterrupted._waits = False
        set_handler(signal.SIGINT, self._handler)
        if self._presses:
            self._handler(*self._presses[0])

    def _keep(self, *press):
        self._presses.append(press)
