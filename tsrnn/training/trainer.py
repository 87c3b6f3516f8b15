"""Training of one or many networks on windows, which leaves the weights of their best epochs."""

import dataclasses
import logging
from collections.abc import Callable, Sequence

import numpy as np

from tsrnn.kernels.sources import Source
from tsrnn.kernels.targets import claim
from tsrnn.network import Network
from tsrnn.training.budget import Budget, Pace
from tsrnn.training.divergence import describe_divergence, divergence_advice
from tsrnn.training.epochs import EpochRunner, Moments
from tsrnn.training.interrupts import interruptible, is_called_by_a_loop
from tsrnn.training.settings import Settings
from tsrnn.training.supply import Windows

_log = logging.getLogger("tsrnn")
GROUP_BYTES = 2**26  # of parameters, moments and best weights of models trained at once


@dataclasses.dataclass
class History:
    """Course of a training; losses are weighted means over windows and targets."""

    loss_curve: list[float] = dataclasses.field(default_factory=list)
    validation_curve: list[float] = dataclasses.field(default_factory=list)
    best_iter: int = 0  # epoch whose weights were kept; 0 for the initial ones
    interrupted: bool = False
    stopped: bool = False  # early, for lack of improvement
    schedule_epochs: float = 0.0  # that the learning-rate schedule took, or would have taken
    was_cut: bool = False  # whether a budget made the schedule shorter


def train(
    network: Network,
    source: Source,
    windows: np.ndarray,
    validation: np.ndarray,
    settings: Settings,
    rng: np.random.Generator,
    *,
    moments: Moments | None = None,
    budget: Budget | None = None,
    on_progress: Callable[[float, History], None] = lambda progress, history: None,
) -> History:
    """Train ``network`` in place and leave the weights of the best epoch in it.

    Parameters
    ----------
    network, source, settings : Network, Source, Settings
        Network, values with the definition of their windows, and how to train.
    windows, validation : (n,) int64 arrays
        Windows to train on and to validate each epoch on. Without validation windows the last epoch
        is the best. Of an (n_streams, n) array a minibatch is a column, in order, and the state of
        each stream is carried from one to the next (truncated back-propagation through time,
        Williams & Peng 1990); it is zero at the start of an epoch and of each validation window,
        and with the probability ``settings.reset`` at the start of a minibatch.
    rng : Generator
        Shuffles the windows.
    moments : Moments, optional
        State of the optimiser to continue from; updated in place.
    budget : Budget, optional
        Time that may be taken, a block of minibatches at least. Where it does not suffice for all
        epochs the schedule is gone through faster, and the last epoch may be of fewer minibatches.
    on_progress : callable
        Called a few times a second with the completed fraction and the history.

    Raises
    ------
    ValueError
        If the loss or the weights are no longer finite.
    KeyboardInterrupt
        After Ctrl-C where a loop over many fits called: a backtest, or the search or
        cross-validation of another library.

    Notes
    -----
    Ctrl-C ends training within a block of minibatches. For other callers the best weights so far
    are kept, ``interrupted`` is set, and ``moments`` stay as they were.
    """
    all_moments = None if moments is None else [moments]
    parts = [windows], [validation], [settings], [rng], on_progress
    return _train([network], source, *parts, all_moments, budget or Budget())[0]


def train_many(
    networks: Sequence[Network],
    source: Source,
    windows: Sequence[Windows],
    validations: Sequence[np.ndarray],
    settings: Sequence[Settings],
    rngs: Sequence[np.random.Generator],
    *,
    budget: Budget | None = None,
    on_progress: Callable[[float, History], None] = lambda progress, history: None,
) -> list[History]:
    """Train many networks of one shape in place, each as ``train`` would, many at a time.

    Each network has its windows, settings and generator, but ``loss``, ``loss_params``,
    ``batch_size``, ``device``, ``n_jobs`` and whether there is averaging or recurrent dropout are
    those of the first for all. ``on_progress`` is called with the first network's history.
    ``budget`` is the time for all together.
    ValueError if networks differ in shape, windows are streams, or a loss is no longer finite.
    After Ctrl-C every network has the best weights so far, which may be the initial ones, and its
    history is marked; or KeyboardInterrupt is raised, as by ``train``.
    """
    if any(array.ndim > 1 for array in windows):
        raise ValueError("Streams, whose state is carried, are trained by one network: use train.")
    if not networks:
        return []
    shapes = {(n.cell, n.parameters.dtype, n.sizes(1)) for n in networks}
    if len(shapes) > 1:
        raise ValueError("Networks trained in one call must have one shape; train each by itself.")
    n_bytes = 6 * networks[0].parameters.nbytes
    size = int(np.clip(GROUP_BYTES // n_bytes, 1, 1024))
    histories: list[History] = []
    budget = budget or Budget()
    for first in range(0, len(networks), size):
        group = slice(first, first + size)

        def show(fraction, history, first=first, group=group):
            weight = len(networks[group]) / len(networks)
            on_progress(first / len(networks) + weight * fraction, history)

        if histories and histories[-1].interrupted:
            histories += [History(interrupted=True) for _ in networks[group]]
        else:
            parts = windows[group], validations[group], settings[group], rngs[group]
            part = budget.share(min(1.0, size / (len(networks) - first)))
            histories += _train(networks[group], source, *parts, show, None, part)
    return histories


def _train(networks, source, windows, validations, settings, rngs, on_progress, moments, budget):
    """Train networks of one shape together; one history each."""
    monitor = _Monitor(networks, settings, [array.size > 0 for array in validations])
    n_windows = sum(
        (min(array.size, (each.n_batches or array.size) * each.batch_size) + validation.size)
        * each.max_iter
        for array, validation, each in zip(windows, validations, settings, strict=True)
    )
    n_jobs = networks[0].threads_for(settings[0].n_jobs, source, n_windows, n_trained=len(networks))
    runner = None
    try:
        with interruptible() as check_interrupt, claim(settings[0].device, n_jobs) as workers:
            _log_start(networks, settings[0], workers)

            def on_block(fraction):
                check_interrupt()
                on_progress(fraction, monitor.histories[0])

            n_validated = sum(validation.size for validation in validations)
            overhead = n_validated * networks[0].seconds_of_a_window(source)
            pace = Pace(budget, overhead)
            runner = EpochRunner(networks, source, windows, settings, rngs, workers, moments, pace)
            runner.compile_elsewhere(validations)
            if any(monitor.validated):  # the initial weights may turn out to be the best
                monitor.start(runner.evaluate(validations))
            while runner.running.any():
                losses = runner.run_epoch(on_block)
                validation_losses = losses
                if any(monitor.validated):
                    evaluated = runner.evaluate(validations)
                    validation_losses = np.where(monitor.validated, evaluated, losses)
                for model in np.flatnonzero(runner.running):
                    monitor.record(runner, model, losses[model], validation_losses[model])
                runner.end_epoch()
            monitor.end(runner)
            if moments is not None:
                runner.store_moments(moments)
    except KeyboardInterrupt:
        if is_called_by_a_loop():
            raise
        monitor.interrupt(runner)
    for network, weights in zip(networks, monitor.best_weights, strict=True):
        network.parameters[:] = weights
    return monitor.histories


def _log_start(networks, settings, workers):
    """Log, at level INFO, what is trained on how many threads, or on the GPU."""
    network, n_epochs = networks[0], settings.stop_after or settings.max_iter
    where = "the GPU" if workers == "cuda" else f"{workers} thread(s)"
    message = "training %d network(s) (%s, %d parameters, %s) for at most %d epochs on %s"
    cell, weights = getattr(network, "cell", "encoder-decoder"), network.parameters
    values = cell, weights.size, weights.dtype, n_epochs, where
    _log.info(message, len(networks), *values)


class _Monitor:
    """Histories and best weights of models trained together, and when they stop early.

    Models that are not ``validated`` are monitored by their training loss.
    """

    def __init__(self, networks, settings, validated):
        self.settings, self.validated = settings, validated
        self.histories = [History() for _ in networks]
        self.best_weights = np.stack([network.parameters for network in networks])
        self.best_losses = np.full(len(networks), np.inf)
        self.loss_to_beat = self.best_losses.copy()  # lower by tol is an improvement
        self.last_improved = np.zeros(len(networks), int)  # epoch

    def start(self, validation_losses):
        """Take the losses of the initial weights."""
        self.best_losses[self.validated] = validation_losses[self.validated]
        self.loss_to_beat = self.best_losses.copy()

    def record(self, runner, model, loss, validation_loss):
        """Take the losses of a model after an epoch; stop it in ``runner`` if it is time."""
        history, settings, epoch = self.histories[model], self.settings[model], runner.n_epochs + 1
        validated = self.validated[model]
        history.loss_curve.append(float(loss))
        if validated:
            history.validation_curve.append(float(validation_loss))
        if not np.isfinite((loss, validation_loss)).all():
            diverged = validation_loss if np.isfinite(loss) else loss
            advice = divergence_advice(settings.learning_rate_init, settings.max_grad_norm)
            raise ValueError(f"Training {describe_divergence(epoch, diverged)}. {advice}")
        runner.adapt_rate(model, validation_loss)
        if validation_loss < self.best_losses[model] or not validated:
            self.best_weights[model] = runner.weights[model]
            self.best_losses[model], history.best_iter = validation_loss, epoch
        tol = settings.tol
        if validation_loss + (tol or 0.0) < self.loss_to_beat[model]:
            self.loss_to_beat[model], self.last_improved[model] = validation_loss, epoch
        elif tol is None and not validated:
            return
        elif epoch - self.last_improved[model] >= settings.n_iter_no_change:
            runner.running[model], history.stopped = False, True

    def end(self, runner):
        """Take how long the schedule of each model came to be."""
        for model, history in enumerate(self.histories):
            history.schedule_epochs = runner.length_of_schedule(model)
            history.was_cut = runner.pace.skipped > 0

    def interrupt(self, runner):
        """Mark all histories; without validation the latest weights of a model are the best."""
        for model, history in enumerate(self.histories):
            history.interrupted = True
            if runner and runner.running[model] and not self.validated[model]:
                self.best_weights[model] = runner.weights[model]
                history.best_iter = len(history.loss_curve)
