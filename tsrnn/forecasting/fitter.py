"""Training of a forecaster's networks on splits of windows into training and validation."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence

import numpy as np

from tsrnn.data import Collection
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting.ensemble import WindowSpec
from tsrnn.forecasting.pretrained import FineTuner
from tsrnn.forecasting.uncertainty import ConformalWidths
from tsrnn.kernels.sources import Source
from tsrnn.network import Network
from tsrnn.training import History, Settings, train_many

_MAX_VALIDATION = 4000  # windows that validate an epoch, of all series together
_MIN_VALIDATION = 20  # the least that this comes to for a series with its own network
_MAX_FINE_TUNING = 20  # epochs
_SECONDS_AFTER_INTERRUPT = 0.1  # that one core may take for errors on the held-out windows


@dataclasses.dataclass(frozen=True)
class Split:
    """Windows of one group of series, each an (n,) int64 array."""

    training: np.ndarray
    validation: np.ndarray  # held out to validate each epoch
    whole: np.ndarray  # all that there are


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

    def fit(
        self,
        splits: Sequence[Split],
        weights: np.ndarray | None = None,
        previous: Sequence[History] | None = None,
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
                dataclasses.replace(each, stop_after=previous[k].best_iter)
                for k, each in zip(trained, settings, strict=True)
            ]
        name = self.name if previous is None else f"{self.name} (whole series)"
        with progress_bar(name, self.verbose) as show:
            results = train_many(
                [networks[k] for k in trained],
                self.source,
                [windows[k] for k in trained],
                [validation[k] for k in trained],
                settings,
                [rngs[k] for k in trained],
                on_progress=show,
            )
        histories = [History() for _ in pairs]
        for k, history in zip(trained, results, strict=True):
            histories[k] = history
        parameters = np.stack([network.parameters for network in networks])
        return parameters.reshape(len(splits), self.n_members, -1), histories

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
) -> FitResult:
    """Train networks, measure their held-out errors, and with ``refit`` train them on all windows.

    ``calibrate`` measures errors of weights on held-out windows. ``series_fitter`` and
    ``series_splits`` fine-tune the network of all series on each of them, and ``fine_tuner`` the
    pretrained network. After Ctrl-C nothing more is trained, and fewer errors are measured.
    """

    def train(previous=(None, None)):
        weights, histories = fitter.fit(splits, previous=previous[0])
        if series_fitter is None:
            return weights, (histories, [])
        if _interrupted([histories]):
            return np.repeat(weights, len(series_splits) + 1, axis=0), (histories, [])
        tuned, tuning_histories = series_fitter.fit(series_splits, weights, previous[1])
        return np.concatenate([tuned, weights]), (histories, tuning_histories)

    weights, histories = train()
    history, calibration = mean_history(histories[0]), Calibration()
    history.interrupted = _interrupted(histories)
    if fine_tuner is not None and not history.interrupted:
        fine_tuner.choose()
        history.interrupted = fine_tuner.history.interrupted
    validation = [split.validation for split in (series_splits or splits)]
    if any(windows.size for windows in validation):
        held_out, most = np.concatenate(validation), _MAX_VALIDATION
        if history.interrupted:
            most = fitter.n_windows_within(_SECONDS_AFTER_INTERRUPT)
            held_out = _thinned(held_out, most)
        calibration = calibrate(weights, held_out)
        if calibration.is_flat:  # a constant end, maybe of series that varied before
            whole = np.concatenate([split.whole for split in splits])
            calibration = calibrate(weights, _thinned(whole, min(most, _MAX_VALIDATION)))
    if calibration.widths is not None and refit and not history.interrupted:
        refitted, refit_histories = train(histories)
        history.interrupted = _interrupted(refit_histories)
        if not history.interrupted and series_fitter is None:
            validated = np.array([windows.size > 0 for windows in validation])[:, None, None]
            weights = np.where(validated, refitted, weights)
        elif not history.interrupted:
            weights = refitted
        if fine_tuner is not None and not history.interrupted:
            fine_tuner.refit()
            history.interrupted = fine_tuner.history.interrupted
    return FitResult(weights, history, calibration)


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


def fine_tuning_settings(settings: Settings) -> Settings:
    """Settings to fine-tune trained networks: a tenth of the learning rate, and few epochs."""
    rate, max_iter = settings.learning_rate_init / 10, min(settings.max_iter, _MAX_FINE_TUNING)
    return dataclasses.replace(settings, learning_rate_init=rate, max_iter=max_iter)
