"""Train one network on windows of a panel, in compiled blocks of minibatches."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
import time
from collections.abc import Callable

import numpy as np

from tsrnn.kernels.compile import claim_threads
from tsrnn.kernels.cpu import workspace_size
from tsrnn.network import RecurrentNetwork
from tsrnn.training.schedules import one_cycle

ADAM = (0.9, 0.999, 1e-8)  # beta1, beta2, epsilon
BLOCK_SECONDS = 0.1  # between returns to Python, for progress and Ctrl-C


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to train; the names are those of the estimators' parameters."""

    loss: str = "absolute_error"
    max_iter: int = 200
    batch_size: int = 32
    learning_rate_init: float = 3e-3
    max_grad_norm: float = 1.0
    n_iter_no_change: int = 50
    n_jobs: int | None = None


@dataclasses.dataclass
class History:
    """What happened in training; losses are means over windows and outputs."""

    loss_curve: list[float] = dataclasses.field(default_factory=list)
    validation_curve: list[float] = dataclasses.field(default_factory=list)
    best_iter: int = 0  # epoch whose weights were kept; 0 for the initial ones
    interrupted: bool = False


def train(
    network: RecurrentNetwork,
    data: tuple,
    windows: np.ndarray,
    validation: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
    *,
    stop_after: int | None = None,
    on_progress: Callable[[float, History], None] = lambda progress, history: None,
) -> History:
    """Train ``network`` in place and leave the weights of the best epoch in it.

    Parameters
    ----------
    data : tuple
        (values, lookback, season, least scale), see ``tsrnn.kernels.windows``.
    windows, validation : (n,) int64 arrays
        Positions of windows to learn from and to judge each epoch by. Without validation windows
        the last epoch is the best.
    stop_after : int, optional
        Epoch to end after, though the learning rates are those of ``max_iter`` epochs.
    on_progress : callable
        Called some times a second with the share of the work done and the history.

    Raises
    ------
    ValueError
        If the loss or the weights stop being finite.

    Notes
    -----
    Ctrl-C ends training within a block of minibatches; the best weights so far are kept and
    ``interrupted`` is set.
    """
    history = History()
    best = network.parameters.copy()
    work = network.work(data, (windows.size + validation.size) * settings.max_iter)
    try:
        with _heard_ctrl_c() as listen, claim_threads(settings.n_jobs, work) as n_tasks:

            def on_block(done):
                listen()
                on_progress(done, history)

            run = _Run(network, data, windows, settings, rng, n_tasks)
            best_loss = np.inf
            if validation.size:  # the initial weights too may turn out to be the best
                _, best_loss = network.errors(data, validation, settings.loss, n_tasks)
            for epoch in range(1, (stop_after or settings.max_iter) + 1):
                loss = run.epoch(on_block)
                history.loss_curve.append(loss)
                judged = loss
                if validation.size:
                    _, judged = network.errors(data, validation, settings.loss, n_tasks)
                    history.validation_curve.append(judged)
                if not (np.isfinite(judged) and np.isfinite(loss)):
                    raise ValueError(
                        f"Training diverged in epoch {epoch}: the loss is {judged}. Lower "
                        f"learning_rate_init={settings.learning_rate_init:g}."
                    )
                if judged < best_loss or not validation.size:
                    best_loss, history.best_iter = judged, epoch
                    best[:] = network.parameters
                elif epoch - history.best_iter >= settings.n_iter_no_change:
                    break
    except KeyboardInterrupt:
        history.interrupted = True
        if not validation.size:  # without a judge the latest weights are the best
            best[:] = network.parameters
            history.best_iter = len(history.loss_curve)
    network.parameters[:] = best
    return history


@contextlib.contextmanager
def _heard_ctrl_c():
    """Yield a function that raises KeyboardInterrupt if Ctrl-C was pressed before.

    Python raises it at once; but in the midst of a compilation LLVM calls back through ctypes,
    which swallows it, and the fit would go on to its end.
    """
    pressed = threading.Event()

    def listen():
        if pressed.is_set():
            raise KeyboardInterrupt

    def on_signal(number, frame):
        pressed.set()
        signal.default_int_handler(number, frame)

    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield listen  # somebody else decides what Ctrl-C does
        return
    signal.signal(signal.SIGINT, on_signal)
    try:
        yield listen
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Run:
    """Arrays and counters of one training."""

    def __init__(self, network, data, windows, settings, rng, n_tasks):
        self.network, self.data, self.windows = network, data, windows
        self.settings, self.rng, self.n_tasks = settings, rng, n_tasks
        parameters = network.parameters
        self.n_batch = min(settings.batch_size, windows.size)
        self.n_steps = -(-windows.size // self.n_batch)  # of an epoch
        self.sizes = network.sizes(data[1] // network.n_in, self.n_batch)
        n_chunks = -(-self.n_batch // self.sizes.n_rows)
        self.moments = np.zeros((2, parameters.size), parameters.dtype)
        self.gradients = np.empty((n_chunks, parameters.size), parameters.dtype)
        self.sums = np.empty(n_chunks)
        self.work = np.empty((n_tasks, workspace_size(self.sizes, True)), parameters.dtype)
        # All rates at once: NumPy's cosine may round by where in an array a value stands.
        total = self.n_steps * settings.max_iter
        self.rates = one_cycle(total, settings.learning_rate_init)
        self.step = 0  # minibatches done
        self.block = 1  # minibatches to run before the next return to Python

    def epoch(self, on_progress) -> float:
        """One pass over the windows in random order; their mean loss."""
        order = self.windows[self.rng.permutation(self.windows.size)]
        losses = np.empty(self.n_steps)
        done = 0
        while done < self.n_steps:
            last = min(done + self.block, self.n_steps)
            started = time.perf_counter()
            self._minibatches(order[done * self.n_batch :], losses[done:last])
            seconds = (time.perf_counter() - started) / (last - done)
            # At most double: the first block's time may hold a compilation.
            self.block = max(1, min(2 * self.block, int(BLOCK_SECONDS / seconds)))
            done = last
            on_progress(self.step / self.rates.size)
        counts = np.full(self.n_steps, self.n_batch)
        counts[-1] = self.windows.size - self.n_batch * (self.n_steps - 1)
        return float(losses @ counts / counts.sum())

    def _minibatches(self, order, losses):
        last = self.step + losses.size
        rates = self.rates[self.step : last]
        rule = (*ADAM, self.settings.max_grad_norm)
        self.network.drivers(self.settings.loss).train(
            self.n_tasks, self.network.parameters, self.moments, self.gradients, self.sums,
            self.work, self.data, order, self.n_batch, self.sizes,
            self.step + 1, rates, rule, losses,
        )  # fmt: skip
        self.step = last
