"""Training of a forecaster's networks: what each learns from, is judged by, and is trained on."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence

import numpy as np

from tsrnn.data import Panel
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting.models import Reading
from tsrnn.forecasting.uncertainty import ConformalWidths
from tsrnn.kernels.windows import Source
from tsrnn.network import RecurrentNetwork
from tsrnn.training import History, Settings, train_many

_MOST_JUDGED = 4000  # windows that an epoch is judged by, of all series together
_MOST_TUNED = 20  # epochs of networks that have learnt before
_FEWEST_JUDGED = 20  # of a series that has a network of its own


@dataclasses.dataclass(frozen=True)
class Lesson:
    """Windows of one group of series.

    Attributes
    ----------
    learnt, judged, whole : (n,) int64 arrays
        To learn from, to judge each epoch by (held out), and all there are.
    """

    learnt: np.ndarray
    judged: np.ndarray
    whole: np.ndarray


def lessons_of(panel: Panel, reading: Reading, n_held_out: np.ndarray, each: bool) -> list[Lesson]:
    """Windows of all series together, or of ``each``."""
    windows = panel.window_starts(reading.lookback, reading.n_ahead)
    presents = windows + reading.lookback
    series = np.searchsorted(panel.indptr, windows, side="right") - 1
    held_out = (panel.indptr[1:] - n_held_out)[series]
    learnt = windows[presents + reading.n_ahead <= held_out]
    judged = windows[presents >= held_out]
    if not each:
        return [Lesson(learnt, some(judged, _MOST_JUDGED), windows)]
    n_judged = max(_FEWEST_JUDGED, _MOST_JUDGED // panel.n_series)
    parts = (np.split(part, np.searchsorted(part, panel.indptr[1:-1]))
             for part in (learnt, judged, windows))  # fmt: skip
    return [Lesson(a, some(b, n_judged), c) for a, b, c in zip(*parts, strict=True)]


def some(windows: np.ndarray, n_most: int) -> np.ndarray:
    """At most so many windows, evenly chosen."""
    if windows.size <= n_most:
        return windows
    return windows[np.linspace(0, windows.size - 1, n_most).astype(int)]


@dataclasses.dataclass(frozen=True)
class Teacher:
    """Trains networks of one shape on lessons.

    Attributes
    ----------
    source : Source
        Values of all windows.
    draw : callable
        A network of the weights that a member begins with, by its number, and its generator.
    n_members : int
        Networks for each lesson.
    settings : callable
        Settings of training for so many windows.
    name, verbose : str, int
        Of the progress that is shown.
    """

    source: Source
    draw: Callable[[int], tuple[RecurrentNetwork, np.random.Generator]]
    n_members: int
    settings: Callable[[int], Settings]
    name: str
    verbose: int

    def teach(
        self,
        lessons: Sequence[Lesson],
        weights: np.ndarray | None = None,
        again: Sequence[History] | None = None,
    ) -> tuple[np.ndarray, list[History]]:
        """Train each member on each lesson.

        Parameters
        ----------
        weights : (1 or n_lessons, n_members, n_parameters) array, optional
            To begin with; by default those drawn.
        again : sequence of History, optional
            What a training before showed: now for as many epochs as did best, on all windows.

        Returns
        -------
        (n_lessons, n_members, n_parameters) array, list of History
        """
        pairs = [(lesson, m) for lesson in lessons for m in range(self.n_members)]
        drawn = [self.draw(member) for _, member in pairs]
        networks, rngs = [network for network, _ in drawn], [rng for _, rng in drawn]
        if weights is not None:
            begun = np.broadcast_to(weights, (len(lessons), *weights.shape[1:]))
            for network, own in zip(networks, itertools.chain.from_iterable(begun), strict=True):
                network.parameters[:] = own
        windows, judged = [lesson.learnt for lesson, _ in pairs], [own.judged for own, _ in pairs]
        if again is not None:  # but for what nothing judged, and has learnt from all there is
            windows = [own.whole if own.judged.size else own.judged for own, _ in pairs]
            judged = [own.judged[:0] for own, _ in pairs]
        taught = [k for k, own in enumerate(windows) if own.size]
        histories = [History() for _ in pairs]
        name = self.name if again is None else f"{self.name} (whole series)"
        with progress_bar(name, self.verbose) as show:
            found = train_many(
                [networks[k] for k in taught], self.source, [windows[k] for k in taught],
                [judged[k] for k in taught],
                [self.settings(pairs[k][0].learnt.size) for k in taught],
                [rngs[k] for k in taught], on_progress=show,
                stop_after=None if again is None else [again[k].best_iter for k in taught],
            )  # fmt: skip
        for k, history in zip(taught, found, strict=True):
            histories[k] = history
        found = np.stack([network.parameters for network in networks])
        return found.reshape(len(lessons), self.n_members, -1), histories


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What came of it.

    Attributes
    ----------
    weights : (n_groups, n_members, n_parameters) array
        Of all networks. Where each series went on learning from the network of all, that is the
        last group.
    history : History
        Of the training that was judged.
    widths : ConformalWidths or None
        What errors on what was held out say of intervals.
    """

    weights: np.ndarray
    history: History
    widths: ConformalWidths | None


def learn(
    teacher: Teacher,
    lessons: Sequence[Lesson],
    judge: Callable[[np.ndarray, np.ndarray], ConformalWidths],
    *,
    tuner: Teacher | None = None,
    each: Sequence[Lesson] = (),
    refit: bool = True,
) -> Learnt:
    """Train networks, judge them, and train them once more on everything.

    Parameters
    ----------
    judge : callable
        What weights and held-out windows say of errors.
    tuner, each : Teacher, sequence of Lesson, optional
        How each series goes on learning from the network of all, and from what.
    refit : bool, default=True
        Whether to train once more.
    """

    def taught(again=(None, None)):
        weights, histories = teacher.teach(lessons, again=again[0])
        if tuner is None:
            return weights, (histories, [])
        tuned, of_tuning = tuner.teach(each, weights, again=again[1])
        return np.concatenate([tuned, weights]), (histories, of_tuning)

    weights, histories = taught()
    history, widths = mean_history(histories[0]), None
    judged = [own.judged for own in (each or lessons)]
    if any(own.size for own in judged):
        widths = judge(weights, np.concatenate(judged))
    history.interrupted = _interrupted(histories)
    if widths is not None and refit and not history.interrupted:
        refitted, found = taught(histories)
        history.interrupted = _interrupted(found)
        if not history.interrupted:
            was_judged = np.array([own.size > 0 for own in judged])[:, None, None]
            weights = np.where(was_judged, refitted, weights) if tuner is None else refitted
    return Learnt(weights, history, widths)


def _interrupted(histories):
    return any(one.interrupted for part in histories for one in part)


def mean_history(histories: Sequence[History]) -> History:
    """Of many trainings: mean losses of those that ran an epoch, and the median best epoch."""
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


def gentle(settings: Settings) -> Settings:
    """For networks that have learnt before: a tenth of the rate, few epochs."""
    return dataclasses.replace(
        settings, learning_rate_init=settings.learning_rate_init / 10,
        max_iter=min(settings.max_iter, _MOST_TUNED),
    )  # fmt: skip
