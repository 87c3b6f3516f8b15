"""Training of a forecaster's networks on splits of windows into training and validation."""

import contextlib
import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from tsrnn.data import Collection
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting.ensemble import WindowSpec
from tsrnn.forecasting.pretrained import FineTuner
from tsrnn.forecasting.uncertainty import ConformalWidths
from tsrnn.kernels.sources import Source
from tsrnn.network import Network
from tsrnn.training import (
    Budget,
    History,
    Settings,
    Windows,
    attached,
    train_many,
    windows_in_memory,
)

_MAX_VALIDATION = 4000  # windows that validate an epoch, of all series together
_MIN_VALIDATION = 20  # the least that this comes to for a series with its own network
_MAX_FINE_TUNING = 20  # epochs
_MOST_TUNING = 0.2  # share of a budget for each training of the pretrained network
# A refit gets a longer schedule, by this factor, if a budget cut the schedule of the training and
# its best epoch is after this share of the epochs.
_LONGER_REFIT, _LATE = 2, 0.7
# Shares of a budget, less that of the pretrained network: of training with validation if a refit
# follows, which has no epochs to validate, or if only errors do, and of these before a refit.
_REFIT_SHARE, _ALONE_SHARE, _CALIBRATION_SHARE = 0.55, 0.95, 0.25
_N_TIMED = 64  # held-out windows whose errors are timed
_SECONDS_AFTER_INTERRUPT = 0.1  # that one core may take for errors on the held-out windows


@dataclasses.dataclass(frozen=True)
class Split:
    """Windows of one group of series, each an (n,) int64 array or what stands for one."""

    training: Windows
    validation: np.ndarray  # held out to validate each epoch
    whole: Windows  # all that there are


def splits_of(
    collection: Collection, spec: WindowSpec, n_held_out: np.ndarray, per_series: bool
) -> list[Split]:
    """One split of all windows, or one for each series; ``n_held_out`` is (n_series,).

    Windows with nothing to forecast, as all of it is missing, are left out.
    """
    panel, windows = collection.panel, collection.windows(spec.lookback, spec.n_ahead)
    presents = windows + spec.lookback
    series = np.searchsorted(panel.indptr, windows, side="right") - 1
    held_out = (panel.indptr[1:] - n_held_out)[series]
    training = windows[presents + spec.n_ahead <= held_out]
    validation = windows[presents >= held_out]
    if not per_series:
        return [Split(training, _thinned(validation, _MAX_VALIDATION), windows)]
    n_validation = max(_MIN_VALIDATION, _MAX_VALIDATION // panel.n_series)
    bounds = panel.indptr[1:-1]
    parts = [np.split(w, np.searchsorted(w, bounds)) for w in (training, validation, windows)]
    return [Split(a, _thinned(b, n_validation), c) for a, b, c in zip(*parts, strict=True)]


def _thinned(windows, n_max):
    """At most ``n_max`` windows, evenly spaced."""
    if windows.size <= n_max:
        return windows
    return windows[np.linspace(0, windows.size - 1, n_max).astype(int)]


@dataclasses.dataclass(frozen=True)
class Fitter:
    """Trains networks of one shape on splits."""

    source: Source
    # initial network of a member, by its number, and its generator
    draw: Callable[[int], tuple[Network, np.random.Generator]]
    n_members: int  # for each split
    settings: Callable[[int], Settings]  # by the number of windows
    name: str  # label of the progress bar
    verbose: int
    # what is told of the progress of a training with validation, by the number of epochs
    start_callbacks: Callable[[int], Callable[[float, History], None]] | None = None

    def fit(
        self,
        splits: Sequence[Split],
        weights: np.ndarray | None = None,
        previous: Sequence[History] | None = None,
        budget: Budget | None = None,
    ) -> tuple[np.ndarray, list[History]]:
        """Train each member on each split; weights (n_splits, n_members, n_parameters), histories.

        ``weights`` are initial ones, of each split or for all, by default those drawn; with the
        ``previous`` histories networks train on all windows, up to the best epoch of each.
        """
        pairs = [(split, member) for split in splits for member in range(self.n_members)]
        drawn = [self.draw(member) for _, member in pairs]
        networks, rngs = [network for network, _ in drawn], [rng for _, rng in drawn]
        if weights is not None:
            initial = np.broadcast_to(weights, (len(splits), *weights.shape[1:]))
            rows = itertools.chain.from_iterable(initial)
            for network, parameters in zip(networks, rows, strict=True):
                network.parameters[:] = parameters
        windows = [split.training for split, _ in pairs]
        validation = [split.validation for split, _ in pairs]
        if previous is not None:  # a split without validation was trained on all windows before
            windows = [s.whole if s.validation.size else s.validation for s, _ in pairs]
            validation = [held[:0] for held in validation]
        trained = [k for k, part in enumerate(windows) if part.size]
        settings = [self.settings(pairs[k][0].training.size) for k in trained]
        if previous is not None:
            settings = [
                refit_settings(each, previous[k]) for k, each in zip(trained, settings, strict=True)
            ]
        name = self.name if previous is None else f"{self.name} (whole series)"
        trained_on = [windows[k] for k in trained]
        with (
            self._progress(name, settings if previous is None else []) as show,
            attached(trained_on, self.source) as source,
        ):
            results = train_many(
                [networks[k] for k in trained],
                source,
                trained_on,
                [validation[k] for k in trained],
                settings,
                [rngs[k] for k in trained],
                budget=budget,
                on_progress=show,
            )
        histories = [History() for _ in pairs]
        for k, history in zip(trained, results, strict=True):
            histories[k] = history
        parameters = np.stack([network.parameters for network in networks])
        return parameters.reshape(len(splits), self.n_members, -1), histories

    @contextlib.contextmanager
    def _progress(self, name, settings):
        """Yield ``show(progress, history)``, which also tells callbacks of epochs by settings."""
        with progress_bar(name, self.verbose) as show:
            if self.start_callbacks is None or not settings:
                yield show
                return
            report = self.start_callbacks(max(each.max_iter for each in settings))

            def show_and_report(progress, history):
                show(progress, history)
                report(progress, history)

            yield show_and_report

    def n_windows_within(self, seconds: float) -> int:
        """Windows that one core forecasts in about so many seconds, at least one."""
        network, _ = self.draw(0)
        return max(1, int(seconds / (self.n_members * network.seconds_of_a_window(self.source))))


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What errors on held-out windows say."""

    widths: ConformalWidths | None = None  # of intervals; None where nothing was held out
    share: float | None = None  # of the pretrained network, where errors told

    @property
    def is_flat(self) -> bool:
        """Whether errors were measured, and all are 0."""
        return self.widths is not None and not self.widths.spread.any()


@dataclasses.dataclass(frozen=True)
class FitResult:
    """Trained networks, with their training history and interval widths."""

    # (n_groups, n_members, n_parameters); after fine-tuning the last group is that of all series
    weights: np.ndarray
    history: History  # of the training with validation
    calibration: Calibration  # from errors on the held-out windows


def fit_networks(
    fitter: Fitter,
    splits: Sequence[Split],
    calibrate: Callable[[np.ndarray, np.ndarray], Calibration],
    *,
    series_fitter: Fitter | None = None,
    series_splits: Sequence[Split] = (),
    fine_tuner: FineTuner | None = None,
    refit: bool = True,
    budget: Budget | None = None,
) -> FitResult:
    """Train networks, measure their held-out errors, and with ``refit`` train them on all windows.

    ``calibrate`` measures errors of weights on held-out windows. ``series_fitter`` and
    ``series_splits`` fine-tune the network of all series on each of them, and ``fine_tuner`` the
    pretrained network. After Ctrl-C nothing more is trained, and fewer errors are measured.
    A ``budget`` is shared among all of these; the refit takes what is left.
    """
    budget = budget or Budget()
    validation = [split.validation for split in (series_splits or splits)]
    refit = refit and any(windows.size for windows in validation)

    def train(budget, previous=(None, None)):
        part = budget if series_fitter is None else budget.share(0.5)
        weights, histories = fitter.fit(splits, previous=previous[0], budget=part)
        if series_fitter is None:
            return weights, (histories, [])
        if _interrupted([histories]):
            return np.repeat(weights, len(series_splits) + 1, axis=0), (histories, [])
        tuned, tuning_histories = series_fitter.fit(series_splits, weights, previous[1], budget)
        return np.concatenate([tuned, weights]), (histories, tuning_histories)

    tuning = 0.0
    if fine_tuner is not None and budget.is_limited:
        tuning = fine_tuner.fit_into(_MOST_TUNING * budget.seconds_left)
    left = budget.seconds_left - (2 if refit else 1) * tuning
    is_validated = any(windows.size for windows in validation)
    share = (_REFIT_SHARE if refit else _ALONE_SHARE) if is_validated else 1.0
    weights, histories = train(budget.part(share * left))
    history, calibration = mean_history(histories[0]), Calibration()
    history.interrupted = _interrupted(histories)
    if fine_tuner is not None and not history.interrupted:
        fine_tuner.choose(budget.part(tuning) if budget.is_limited else budget)
        history.interrupted = fine_tuner.history.interrupted
    if is_validated:
        held_out, most = np.concatenate(validation), _MAX_VALIDATION
        if history.interrupted:
            most = fitter.n_windows_within(_SECONDS_AFTER_INTERRUPT)
        elif budget.is_limited:
            seconds = budget.seconds_left * (_CALIBRATION_SHARE if refit else 1.0)
            most = _n_calibrated(calibrate, weights, held_out, seconds)
        held_out = _thinned(held_out, most)
        calibration = calibrate(weights, held_out)
        if calibration.is_flat:  # a constant end, maybe of series that varied before
            whole = np.concatenate([windows_in_memory(split.whole) for split in splits])
            calibration = calibrate(weights, _thinned(whole, min(most, _MAX_VALIDATION)))
    if calibration.widths is not None and refit and not history.interrupted:
        left = budget.seconds_left - (fine_tuner.seconds if fine_tuner else 0.0)
        refitted, refit_histories = train(budget.part(left), histories)
        history.interrupted = _interrupted(refit_histories)
        is_done = not history.interrupted and _is_complete(refit_histories, histories)
        if is_done and series_fitter is None:
            validated = np.array([windows.size > 0 for windows in validation])[:, None, None]
            weights = np.where(validated, refitted, weights)
        elif is_done:
            weights = refitted
        if fine_tuner is not None and not history.interrupted:
            fine_tuner.refit(budget)
            history.interrupted = fine_tuner.history.interrupted
    return FitResult(weights, history, calibration)


def _n_calibrated(calibrate, weights, windows, seconds):
    """Held-out windows whose errors take no more than so many seconds, as some of them do."""
    for n in (1, _N_TIMED):  # the first may compile
        began = time.perf_counter()
        calibrate(weights, _thinned(windows, n))
        of_window = (time.perf_counter() - began) / min(n, windows.size)
    return int(np.clip(seconds / max(of_window, 1e-9), _N_TIMED, _MAX_VALIDATION))


def _is_complete(refitted, histories):
    """Whether a budget left time for half of the epochs at least that led to the best weights."""
    n_run, n_best = (
        sum(each for part in parts for each in part)
        for parts in (
            [[len(history.loss_curve) for history in part] for part in refitted],
            [[history.best_iter for history in part] for part in histories],
        )
    )
    return 2 * n_run >= n_best


def _interrupted(histories):
    return any(history.interrupted for part in histories for history in part)


def mean_history(histories: Sequence[History]) -> History:
    """Mean losses of the trainings that ran an epoch, and the median of their best epochs."""
    if len(histories) == 1:
        return histories[0]

    def means(curves):
        longest = max(len(curve) for curve in curves)
        return [
            float(np.mean([curve[epoch] for curve in curves if epoch < len(curve)]))
            for epoch in range(longest)
        ]

    return History(
        means([history.loss_curve for history in histories]),
        means([history.validation_curve for history in histories]),
        int(np.median([history.best_iter for history in histories])),
        any(history.interrupted for history in histories),
    )


def refit_settings(settings: Settings, history: History) -> Settings:
    """Settings to train again up to the best epoch, by the schedule that came to be.

    Where a budget cut the schedule while errors still fell, both are longer, for time may be left:
    the budget cuts them again.
    """
    still_fell = history.best_iter >= _LATE * len(history.loss_curve)
    more = _LONGER_REFIT if history.was_cut and still_fell else 1
    return dataclasses.replace(
        settings,
        max_iter=math.ceil(more * history.schedule_epochs),
        stop_after=round(more * history.best_iter),
    )


def fine_tuning_settings(settings: Settings) -> Settings:
    """Settings to fine-tune trained networks: a tenth of the learning rate, and few epochs."""
    rate, max_iter = settings.learning_rate_init / 10, min(settings.max_iter, _MAX_FINE_TUNING)
    return dataclasses.replace(settings, learning_rate_init=rate, max_iter=max_iter)
