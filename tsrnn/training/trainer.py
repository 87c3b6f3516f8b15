"""Train networks on windows, one or many at once, in compiled blocks of minibatches."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from tsrnn.kernels.compile import claim_threads
from tsrnn.kernels.losses import LOSSES
from tsrnn.kernels.shapes import workspace_size
from tsrnn.kernels.updates import SOLVERS, Rule
from tsrnn.kernels.windows import Source, kernel_source
from tsrnn.network import RecurrentNetwork
from tsrnn.network.network import run_models
from tsrnn.training.schedules import learning_rates

BLOCK_SECONDS = 0.1  # between returns to Python, for progress and Ctrl-C
GROUP_BYTES = 2**26  # of parameters, moments and best weights of models trained at once


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to train; the names are those of the estimators' parameters.

    Attributes
    ----------
    loss : str
        One of ``tsrnn.kernels.losses.LOSSES``.
    levels : tuple of float
        Quantiles of the loss "quantile", or the delta of "huber".
    max_iter, batch_size, n_iter_no_change : int
        Epochs; windows of a minibatch; epochs without improvement after which training ends.
    solver : {"adam", "adamw", "sgd", "rmsprop"}
        Optimiser.
    learning_rate : str
        One of ``tsrnn.training.schedules.SCHEDULES``. "adaptive" divides the rate by five after
        two epochs without improvement.
    learning_rate_init, warm_up : float
        Highest rate; share of the steps over which it first rises.
    max_grad_norm : float
        Gradients longer than this are cut to it.
    alpha : float
        L2 penalty, half the sum of squares of all parameters; the weight decay of "adamw".
    beta_1, beta_2, epsilon : float
        Of Adam; ``beta_2`` also of RMSprop, epsilon of both.
    momentum : float
        Of SGD and RMSprop.
    nesterovs_momentum : bool
        Of SGD.
    averaging : float
        Share of the old mean that an exponential moving average of the weights keeps in a step; the
        average is judged and kept. 0 for none.
    dropout, recurrent_dropout : float
        Shares of values dropped between layers, and of units on the way from step to step.
    n_jobs : int or None
        Threads.
    """

    loss: str = "absolute_error"
    levels: tuple = ()
    max_iter: int = 200
    batch_size: int = 32
    n_iter_no_change: int = 50
    solver: str = "adam"
    learning_rate: str = "one_cycle"
    learning_rate_init: float = 3e-3
    warm_up: float = 0.0
    max_grad_norm: float = 1.0
    alpha: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    averaging: float = 0.0
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    n_jobs: int | None = None

    def rule(self, seed: int) -> Rule:
        """The part that kernels need, as numbers."""
        adam = self.solver.startswith("adam")
        return Rule(
            loss=LOSSES.index(self.loss),
            solver=SOLVERS.index(self.solver),
            keep_first=self.beta_1 if adam else self.momentum,
            keep_second=self.beta_2,
            epsilon=self.epsilon,
            nesterov=self.nesterovs_momentum,
            max_norm=self.max_grad_norm,
            alpha=self.alpha,
            averaging=self.averaging,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            seed=seed,
        )


@dataclasses.dataclass
class History:
    """What happened in training; losses are weighted means over windows and targets."""

    loss_curve: list[float] = dataclasses.field(default_factory=list)
    validation_curve: list[float] = dataclasses.field(default_factory=list)
    best_iter: int = 0  # epoch whose weights were kept; 0 for the initial ones
    interrupted: bool = False


def train(
    network: RecurrentNetwork,
    source: Source,
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
        [network], source, [windows], [validation], [settings], [rng], stop_after, on_progress
    )[0]


def train_many(
    networks: Sequence[RecurrentNetwork],
    source: Source,
    windows: Sequence[np.ndarray],
    validations: Sequence[np.ndarray],
    settings: Sequence[Settings],
    rngs: Sequence[np.random.Generator],
    *,
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
        Each network's. ``loss``, ``levels``, ``batch_size``, ``n_jobs`` and whether there is
        recurrent dropout are those of the first for all.
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
    shapes = {(n.cell, n.parameters.dtype, n.sizes(1, 1)) for n in networks}
    if len(shapes) > 1:
        raise ValueError("Networks trained in one call must have one shape; train each by itself.")
    n_bytes = 6 * networks[0].parameters.nbytes
    size = int(np.clip(GROUP_BYTES // n_bytes, 1, 1024))
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
                rngs[some], None, show,
            )  # fmt: skip
    return histories


def _train(networks, source, windows, validations, settings, rngs, stop_after, on_progress):
    histories = [History() for _ in networks]
    best = np.stack([network.parameters for network in networks])
    best_losses = np.full(len(networks), np.inf)
    judged_by = [validation.size > 0 for validation in validations]
    n_windows = sum(
        (learnt.size + judge.size) * own.max_iter
        for learnt, judge, own in zip(windows, validations, settings, strict=True)
    )
    work = networks[0].work(source, n_windows)
    run = None
    try:
        with _heard_ctrl_c() as listen, claim_threads(settings[0].n_jobs, work) as n_tasks:

            def on_block(done):
                listen()
                on_progress(done, histories[0])

            run = _Run(networks, source, windows, settings, rngs, n_tasks, stop_after)
            if any(judged_by):  # the initial weights too may turn out to be the best
                best_losses[judged_by] = run.judge(validations)[judged_by]
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
                    if not (np.isfinite(judged[model]) and np.isfinite(losses[model])):
                        raise ValueError(_diverged(epoch, judged[model], settings[model]))
                    run.adapt(model, judged[model])
                    if judged[model] < best_losses[model] or not judged_by[model]:
                        best_losses[model], history.best_iter = judged[model], epoch
                        best[model] = run.weights[model]
                    elif epoch - history.best_iter >= settings[model].n_iter_no_change:
                        run.running[model] = False
                run.end_epoch()
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


def _diverged(epoch, loss, settings):
    return (
        f"Training diverged in epoch {epoch}: the loss is {loss}. Lower "
        f"learning_rate_init={settings.learning_rate_init:g}."
    )


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
    """Arrays and counters of one training of one or many models of a shape."""

    def __init__(self, networks, source, windows, settings, rngs, n_tasks, stop_after):
        first = networks[0]
        self.network, self.source, self.windows = first, source, windows
        self.settings, self.rngs, self.n_tasks = settings, rngs, n_tasks
        self.streams = windows[0].ndim == 2
        n_models, n_parameters = len(networks), first.parameters.size
        dtype = first.parameters.dtype
        if self.streams:
            self.n_batch = len(windows[0])
        else:
            self.n_batch = min(settings[0].batch_size, max(own.size for own in windows))
        self.n_steps = np.array([-(-own.size // self.n_batch) for own in windows])  # of an epoch
        apart = settings[0].recurrent_dropout > 0
        # By the batch size asked for: how many windows there are must not matter to the chunks.
        n_rows = self.n_batch if self.streams else settings[0].batch_size
        self.sizes = first.sizes(first.n_time(source), n_rows)
        self.parameters = np.stack([network.parameters for network in networks])
        self.moments = np.zeros((n_models, 3, n_parameters), dtype)
        self.moments[:, 2] = self.parameters
        self.weights = self.moments[:, 2] if settings[0].averaging > 0 else self.parameters
        # One model shares its chunks among the tasks, many models share the tasks.
        self.alone = n_models == 1 and n_tasks > 1
        n_chunks = -(-self.n_batch // self.sizes.n_rows)
        n_sets = 1 if self.alone else n_tasks
        self.gradients = np.empty((n_sets, n_chunks, n_parameters), dtype)
        self.sums = np.empty((n_sets, n_chunks, 2))
        self.work = np.empty((n_tasks, workspace_size(self.sizes, True, apart)), dtype)
        self.begins = np.empty((n_tasks, self.sizes.n_rows), np.int64)
        self.states = np.zeros((first.state_width, self.n_batch if self.streams else 0), dtype)
        self.rules = np.array([
            own.rule(int(rng.bit_generator.random_raw() % 2**32) if _has_noise(own) else 0)
            for own, rng in zip(settings, rngs, strict=True)
        ], dtype=float)  # fmt: skip
        self.given = kernel_source(source)
        self.levels = np.asarray(settings[0].levels, float)
        # All rates at once: NumPy's cosine may round by where in an array a value stands.
        self.rates = [
            learning_rates(own.learning_rate, n * own.max_iter, own.learning_rate_init, own.warm_up)
            for own, n in zip(settings, self.n_steps, strict=True)
        ]
        self.factors = np.ones(n_models)  # of the adaptive schedule
        self.last_losses = np.full((n_models, 2), np.inf)  # best so far; epochs since then
        self.last_losses[:, 1] = 0
        self.n_epochs = np.array([stop_after or own.max_iter for own in settings])
        self.running = self.n_epochs > 0
        self.epochs = 0  # done
        self.block = 1  # minibatches to run before the next return to Python

    def epoch(self, on_progress) -> np.ndarray:
        """One pass over the windows of the running models, in random order; their mean losses."""
        models = np.flatnonzero(self.running)
        n_steps = int(self.n_steps[models].max())
        order = np.full((models.size, n_steps * self.n_batch), -1)
        for place, model in enumerate(models):
            own = self.windows[model]
            if self.streams:
                order[place, : own.size] = own.T.ravel()
            else:
                order[place, : own.size] = own[self.rngs[model].permutation(own.size)]
        if self.streams:
            self.states[:] = 0
        losses = np.zeros((models.size, n_steps, 2))
        done = 0
        while done < n_steps:
            last = min(done + self.block, n_steps)
            started = time.perf_counter()
            self._minibatches(models, order, losses, done, last)
            seconds = (time.perf_counter() - started) / (last - done)
            # At most double: the first block's time may hold a compilation.
            self.block = max(1, min(2 * self.block, int(BLOCK_SECONDS / seconds)))
            done = last
            on_progress((self.epochs + done / n_steps) / int(self.n_epochs.max()))
        means = np.zeros(len(self.windows))
        weights = losses[:, :, 1]
        means[models] = (losses[:, :, 0] * weights).sum(axis=1) / np.maximum(
            weights.sum(axis=1), 1e-300
        )
        return means

    def _minibatches(self, models, order, losses, first, last):
        whole = models.size == len(self.windows)
        # Views where all models run; else copies of those that still do, written back.
        parameters = self.parameters if whole else self.parameters[models]
        moments = self.moments if whole else self.moments[models]
        steps = self.epochs * self.n_steps[models] + first + 1
        rates = np.zeros((models.size, last - first))
        for place, model in enumerate(models):
            own = self.rates[model][steps[place] - 1 :][
                : max(0, min(last, self.n_steps[model]) - first)
            ]
            rates[place, : own.size] = self.factors[model] * own
        some = np.ascontiguousarray(order[:, first * self.n_batch : last * self.n_batch])
        if self.alone:
            some = some[:, : np.count_nonzero(some[0] >= 0)]
        block = np.empty((models.size, last - first, 2))
        drivers = self.network.drivers
        (drivers.train_one if self.alone else drivers.train)(
            self.n_tasks, parameters, moments, self.gradients, self.sums, self.work,
            self.given, some, self.n_batch, tuple(self.sizes), self.rules[models],
            self.levels, steps, rates, block, self.begins, self.states,
        )  # fmt: skip
        losses[:, first:last] = block
        if not whole:
            self.parameters[models], self.moments[models] = parameters, moments

    def judge(self, validations) -> np.ndarray:
        """Mean losses of all models on their own windows; 0 where they have none."""
        order = np.full((len(validations), max(own.size for own in validations)), -1)
        for own, row in zip(validations, order, strict=True):
            row[: own.size] = own.ravel()
        out = np.empty((*order.shape, self.sizes.n_answers * self.sizes.n_out))
        sums = run_models(
            self.network, self.weights, self.source, order, self.settings[0].loss,
            self.settings[0].levels, self.n_tasks, None, True, out,
        )  # fmt: skip
        return sums[:, 0] / np.maximum(sums[:, 1], 1e-300)

    def adapt(self, model, loss):
        """Lower an adaptive rate after two epochs without improvement."""
        if self.settings[model].learning_rate != "adaptive":
            return
        best, since = self.last_losses[model]
        if loss < best:
            self.last_losses[model] = loss, 0
        elif since + 1 < 2:
            self.last_losses[model, 1] += 1
        else:
            self.last_losses[model, 1] = 0
            self.factors[model] /= 5

    def end_epoch(self):
        """Count the epoch, and stop the models that have had all of theirs."""
        self.epochs += 1
        self.running &= self.epochs < self.n_epochs


def _has_noise(settings):
    return settings.dropout > 0 or settings.recurrent_dropout > 0
