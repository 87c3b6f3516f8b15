"""Train networks on windows, one or many at once, and keep the weights of the best epoch."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from collections.abc import Callable, Sequence

import numpy as np

from tsrnn.kernels.targets import claim
from tsrnn.kernels.windows import Source
from tsrnn.network import RecurrentNetwork
from tsrnn.training.divergence import calm, exploded
from tsrnn.training.epochs import Epochs, Moments
from tsrnn.training.settings import Settings

GROUP_BYTES = 2**26  # of parameters, moments and best weights of models trained at once


@dataclasses.dataclass
class History:
    """What happened in training; losses are weighted means over windows and targets."""

    loss_curve: list[float] = dataclasses.field(default_factory=list)
    validation_curve: list[float] = dataclasses.field(default_factory=list)
    best_iter: int = 0  # epoch whose weights were kept; 0 for the initial ones
    interrupted: bool = False
    stopped: bool = False  # for want of improvement, before all epochs were run


def train(
    network: RecurrentNetwork,
    source: Source,
    windows: np.ndarray,
    validation: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
    *,
    stop_after: int | None = None,
    moments: Moments | None = None,
    on_progress: Callable[[float, History], None] = lambda progress, history: None,
) -> History:
    """Train ``network`` in place and leave the weights of the best epoch in it.

    Parameters
    ----------
    source : Source
        Values and what a window of them is.
    windows, validation : (n,) int64 arrays
        Windows to learn from and to judge each epoch by. Without validation windows the last epoch
        is the best. Windows of shape (n_streams, n) are learnt a column at a time, in order, and
        the state of each stream is carried from one to the next (truncated back-propagation
        through time, Williams & Peng 1990); each epoch, and each judged window, begins from zeros.
    rng : Generator
        Where the order of windows is drawn from.
    stop_after : int, optional
        Epoch to end after, though the learning rates are those of ``max_iter`` epochs.
    moments : Moments, optional
        The optimiser's memory to go on with, which is left there for a next training.
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
    return _train(
        [network], source, [windows], [validation], [settings], [rng], on_progress, [stop_after],
        None if moments is None else [moments],
    )[0]  # fmt: skip


def train_many(
    networks: Sequence[RecurrentNetwork],
    source: Source,
    windows: Sequence[np.ndarray],
    validations: Sequence[np.ndarray],
    settings: Sequence[Settings],
    rngs: Sequence[np.random.Generator],
    *,
    stop_after: Sequence[int] | None = None,
    on_progress: Callable[[float, History], None] = lambda progress, history: None,
) -> list[History]:
    """Train many networks of one shape in place, each as ``train`` would, many at a time.

    Parameters
    ----------
    networks : sequence of RecurrentNetwork
        Of one cell, shape and dtype.
    source : Source
        Values of all of them.
    windows, validations : sequences of (n,) int64 arrays
        Each network's windows to learn from and to judge each epoch by.
    settings, rngs : sequences of Settings and of Generator
        Each network's. ``loss``, ``loss_params``, ``batch_size``, ``device``, ``n_jobs`` and whether
        there is recurrent dropout are those of the first for all.
    stop_after : sequence of int, optional
        Epoch to end each after, as in ``train``.
    on_progress : callable
        Called some times a second with the share of the work done and the first network's history.

    Raises
    ------
    ValueError
        If networks differ in shape, windows are streams, or a loss stops being finite.

    Notes
    -----
    After Ctrl-C every network has the best weights so far, the initial ones where it was not yet
    reached, and ``interrupted`` is set in its history.
    """
    if any(own.ndim > 1 for own in windows):
        raise ValueError("Streams, whose state is carried, are trained by one network: use train.")
    shapes = {(n.cell, n.parameters.dtype, n.sizes(1)) for n in networks}
    if len(shapes) > 1:
        raise ValueError("Networks trained in one call must have one shape; train each by itself.")
    n_bytes = 6 * networks[0].parameters.nbytes
    size = int(np.clip(GROUP_BYTES // n_bytes, 1, 1024))
    stop_after = [None] * len(networks) if stop_after is None else stop_after
    histories = []
    for first in range(0, len(networks), size):
        some = slice(first, first + size)

        def show(done, history, first=first, some=some):
            share = len(networks[some]) / len(networks)
            on_progress(first / len(networks) + share * done, history)

        if histories and histories[-1].interrupted:
            histories += [History(interrupted=True) for _ in networks[some]]
        else:
            histories += _train(
                networks[some], source, windows[some], validations[some], settings[some],
                rngs[some], show, stop_after[some],
            )  # fmt: skip
    return histories


def _train(
    networks, source, windows, validations, settings, rngs, on_progress, stop_after, moments=None
):  # fmt: skip
    histories = [History() for _ in networks]
    best = np.stack([network.parameters for network in networks])
    best_losses = np.full(len(networks), np.inf)
    judged_by = [validation.size > 0 for validation in validations]
    n_windows = sum(
        (min(learnt.size, (own.n_batches or learnt.size) * own.batch_size) + judge.size)
        * own.max_iter
        for learnt, judge, own in zip(windows, validations, settings, strict=True)
    )
    n_jobs = networks[0].threads_for(settings[0].n_jobs, source, n_windows, n_trained=len(networks))
    run = None
    try:
        with (
            _heard_ctrl_c() as listen,
            claim(settings[0].device, n_jobs) as workers,
        ):

            def on_block(done):
                listen()
                on_progress(done, histories[0])

            run = Epochs(networks, source, windows, settings, rngs, workers, stop_after, moments)
            if any(judged_by):  # the initial weights too may turn out to be the best
                best_losses[judged_by] = run.judge(validations)[judged_by]
            to_beat, improved = best_losses.copy(), np.zeros(len(networks), int)
            while run.running.any():
                epoch = run.epochs + 1
                losses = run.epoch(on_block)
                judged = losses
                if any(judged_by):
                    judged = np.where(judged_by, run.judge(validations), losses)
                for model in np.flatnonzero(run.running):
                    history = histories[model]
                    history.loss_curve.append(float(losses[model]))
                    if judged_by[model]:
                        history.validation_curve.append(float(judged[model]))
                    both = losses[model], judged[model]
                    if not np.isfinite(both).all():
                        raise ValueError(_diverged(epoch, both, settings[model]))
                    run.adapt(model, judged[model])
                    if judged[model] < best_losses[model] or not judged_by[model]:
                        best_losses[model], history.best_iter = judged[model], epoch
                        best[model] = run.weights[model]
                    tol = settings[model].tol
                    if judged[model] + (tol or 0.0) < to_beat[model]:
                        to_beat[model], improved[model] = judged[model], epoch
                    elif tol is None and not judged_by[model]:
                        continue
                    elif epoch - improved[model] >= settings[model].n_iter_no_change:
                        run.running[model], history.stopped = False, True
                run.end_epoch()
            if moments is not None:
                run.leave(moments)
    except KeyboardInterrupt:
        for model, history in enumerate(histories):
            history.interrupted = True
            if (
                run and run.running[model] and not judged_by[model]
            ):  # without a judge the latest weights are the best
                best[model] = run.weights[model]
                history.best_iter = len(history.loss_curve)
    for network, parameters in zip(networks, best, strict=True):
        network.parameters[:] = parameters
    return histories


def _diverged(epoch, losses, settings):
    """Of the loss and the one that the epoch was judged by, the one that is not finite."""
    loss = next(loss for loss in losses if not np.isfinite(loss))
    advice = calm(settings.learning_rate_init, settings.max_grad_norm)
    return f"Training {exploded(epoch, loss)}. {advice}"


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
