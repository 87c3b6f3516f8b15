"""Thresholds that are tuned on labels: the one whose alarms are best by a metric."""

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from tsrnn.anomaly.event_tables import runs_of
from tsrnn.anomaly.events import labels_from_events
from tsrnn.anomaly.labels import are_events, flags_of_rows
from tsrnn.anomaly.metrics import range_precision_recall
from tsrnn.anomaly.metrics.affiliation import event_affiliation
from tsrnn.anomaly.metrics.nab import nab_gains
from tsrnn.anomaly.thresholds import FixedThreshold
from tsrnn.anomaly.thresholds.base import checked_scores
from tsrnn.parameters import Allowed, HasMethods, StrOptions, is_number, user_level, validated

Parts: TypeAlias = Sequence[np.ndarray]  # of each series
TuningMetric: TypeAlias = (
    Literal["f1", "range_f1", "affiliation_f1", "nab"] | Callable[[np.ndarray, np.ndarray], float]
)
_MAX_CUTS = 500  # tried of many scores, and as many again around the best


def _f1(precision, recall):
    return 2 * precision * recall / (precision + recall) if precision * recall > 0 else 0.0


def _range_f1(labels: Parts, flags: Parts) -> float:
    """Of the ranges of all series: a step between two series keeps their ranges apart."""
    joined = [
        np.concatenate([np.append(part, False) for part in parts]) for parts in (labels, flags)
    ]
    return _f1(*range_precision_recall(*joined))


def _affiliation_f1(labels: Parts, flags: Parts) -> float:
    """Of the events of all series; one without events has the precision 0 if it has an alarm."""
    precisions: list[float] = []
    recalls: list[float] = []
    for is_anomaly, flagged in zip(labels, flags, strict=True):
        runs = runs_of(is_anomaly), runs_of(flagged)
        if len(runs[0]):
            precision, recall = event_affiliation(*runs, is_anomaly.size)
            precisions.extend(precision[~np.isnan(precision)])
            recalls.extend(recall)
        elif len(runs[1]):
            precisions.append(0.0)
    return _f1(np.mean(precisions), np.mean(recalls)) if precisions else 0.0


_METRICS: dict[str, Callable[[Parts, Parts], float]] = {
    "range_f1": _range_f1,
    "affiliation_f1": _affiliation_f1,
}
TUNING_METRICS: Allowed = [
    StrOptions(["f1", "nab", *_METRICS]),
    HasMethods(["__call__"], "a function of (labels, flags)"),
]


@validated(metric=TUNING_METRICS)
def tune_threshold(
    scores: ArrayLike | pd.Series, labels: Any, metric: TuningMetric = "f1"
) -> FixedThreshold:
    """The threshold on scores whose alarms are best on labels, by a metric.

    Candidates lie between neighbouring distinct scores. If one is best, the threshold is the
    midpoint of the two scores; if several in succession are equally good, the midpoint of the
    score below and the score above them all; of separate stretches that are equally good the
    highest is chosen, with the fewest alarms. For "f1" and "nab" all candidates are tried; for
    other metrics, if there are more than 500, about 500 of them, those just below labelled points
    and a sequence that is denser among high scores, and then up to 500 around the best. The value
    of the metric on these scores is optimistic: measure it on series that were not tuned on.

    Parameters
    ----------
    scores : (n,) array or Series
        Anomaly scores of one series, higher is more anomalous, in the order of time; NaN where
        missing, which is never flagged. Of a detector ``-detector.score_samples(y)``, or see
        :meth:`tsrnn.RNNAnomalyDetector.tune_threshold`, for panels too.
    labels : (n,) array or Series, or DataFrame of events
        1 or True at anomalous points, else 0; a Series has the index of ``scores``. Or ``start``
        and ``end`` of each event, both inclusive, on that index, which for an array is 0 to n - 1;
        events outside it are ignored.
    metric : {"f1", "range_f1", "affiliation_f1", "nab"} or callable, default="f1"
        What is maximised: the harmonic mean of precision and recall of points, or those of
        ``range_precision_recall`` or ``affiliation`` of ``tsrnn.anomaly.metrics``; its
        ``nab_score`` of the standard profile, without a probation; or a function
        ``metric(labels, flags)`` of two (n,) arrays of bool, which returns a number, higher is
        better, or NaN for never.

    Returns
    -------
    FixedThreshold
        Fitted. If no candidate is better than no alarm, it is the highest score, with a warning.

    Raises
    ------
    ValueError
        If labels are not 0 and 1 or of another index; if no point with a score, or every point, is
        anomalous; if all scores are equal, or one is infinite; or if a function returns no number.

    See Also
    --------
    FixedThreshold : What it returns.
    labels_from_events : Labels of known events.
    tsrnn.anomaly.metrics.affiliation : One of the metrics.

    Examples
    --------
    >>> from tsrnn.anomaly import tune_threshold
    >>> scores = [1.0, 0.8, 4.0, 6.0, 5.0, 1.2, 3.0, 1.1]
    >>> labels = [0, 0, 1, 1, 1, 0, 0, 0]
    >>> tune_threshold(scores, labels)
    FixedThreshold(value=3.5)

    Three false alarms for an anomaly that is missed:

    >>> def cost(labels, flags):
    ...     return -(flags & ~labels).sum() - 3 * (labels & ~flags).sum()
    >>> tune_threshold(scores, [0, 0, 1, 1, 1, 0, 0, 1], metric=cost)
    FixedThreshold(value=1.05)
    """
    values = checked_scores(scores)
    index = scores.index if isinstance(scores, pd.Series) else None
    if isinstance(index, pd.MultiIndex):
        raise ValueError(
            "scores has a MultiIndex. Give those of one series, or all series to tune_threshold of "
            "the detector."
        )
    if are_events(labels):
        steps = pd.RangeIndex(values.size) if index is None else index
        flags = labels_from_events(labels, steps).to_numpy()
    else:
        flags = flags_of_rows(labels, values.size, index, "scores")
    return tuned_threshold([values], [flags], metric)


def tuned_threshold(
    scores: Parts, labels: Parts, metric: TuningMetric, rows: np.ndarray | None = None
) -> FixedThreshold:
    """As :func:`tune_threshold`, for scores and labels (n,) of each of several series.

    ``rows`` are positions of all steps, (n_steps,), in the arrays that a function is given.
    """
    tuning = _Tuning.of(scores, labels, metric, rows)
    tuning.check()
    cuts, values = tuning.tried()
    first, last = _best_run(values)
    if values[last] == -np.inf:
        raise ValueError("metric returned NaN for every threshold.")
    if isinstance(metric, str) and values[last] <= 0:
        warnings.warn(
            f"By {metric!r} no threshold is better than no alarm, as the labelled points have no "
            "higher scores than others. The threshold is the highest score, which gives none.",
            stacklevel=user_level(),
        )
        return tuning.threshold(tuning.levels[-1])
    if last - first < cuts[last] - cuts[first]:  # some between were not tried
        first = last = (first + last) // 2
    low, high = tuning.levels[cuts[first]], tuning.levels[cuts[last] + 1]
    middle = low + (high - low) / 2
    return tuning.threshold(middle if middle < high else low)


@dataclasses.dataclass(frozen=True, eq=False)
class _Tuning:
    """Scores and labels of series end to end, and the cuts between the levels of scores.

    The alarms of cut k are the scores above level k: all but one level at cut 0.
    """

    scores: np.ndarray  # (n,), NaN where missing
    labels: np.ndarray  # (n,) bool
    ends: np.ndarray  # where series end but the last, for np.split
    levels: np.ndarray  # (n_cuts + 1,) distinct scores, ascending
    metric: TuningMetric
    rows: np.ndarray | None

    @classmethod
    def of(cls, scores, labels, metric, rows):
        ends = np.cumsum([part.size for part in scores])[:-1]
        joined = np.concatenate(scores)
        levels = np.unique(joined[~np.isnan(joined)])
        return cls(joined, np.concatenate(labels), ends, levels, metric, rows)

    def check(self) -> None:
        """Raise ValueError if labels or scores do not tell a threshold."""
        n, has_score = self.labels.size, ~np.isnan(self.scores)
        if not self.labels.any():
            raise ValueError(f"labels has no anomaly among {n} points: there is nothing to find.")
        if self.labels.all():
            raise ValueError(f"labels has all {n} points anomalous: no alarm could be false.")
        if not (self.labels & has_score).any():
            raise ValueError(
                f"None of the {self.labels.sum()} anomalous points in labels has a score: values "
                "are missing there, or the detector needs more history before them."
            )
        if self.levels.size == 1:
            raise ValueError(f"All scores are {self.levels[0]:g}: no threshold is between them.")

    def tried(self) -> tuple[np.ndarray, np.ndarray]:
        """Cuts in ascending order, and their values by the metric, -inf for NaN.

        By name a metric is 0 for no alarm.
        """
        n = self.levels.size - 1
        if self.metric in ("f1", "nab"):
            every = self._f1_of_cuts() if self.metric == "f1" else self._nab_of_cuts()
            return np.arange(n), every
        if n <= _MAX_CUTS:
            return np.arange(n), self._values(np.arange(n))
        labelled = self.scores[self.labels & (self.scores > self.levels[0])]
        below = np.searchsorted(self.levels, np.unique(labelled)) - 1
        n_alarms = np.geomspace(1, n, _MAX_CUTS // 2).astype(int)
        cuts = np.union1d(n - n_alarms, _thinned(below, _MAX_CUTS // 2))
        values = self._values(cuts)
        first, last = _best_run(values)
        nearest = cuts[max(first - 1, 0)], cuts[min(last + 1, cuts.size - 1)]
        more = _thinned(np.setdiff1d(np.arange(nearest[0], nearest[1]), cuts), _MAX_CUTS)
        both = np.append(cuts, more)
        order = np.argsort(both)
        return both[order], np.append(values, self._values(more))[order]

    def threshold(self, value: float) -> FixedThreshold:
        """The fitted threshold."""
        return FixedThreshold(float(value)).fit(self.scores)

    def _f1_of_cuts(self):
        """F1 of points at every cut, from the numbers of scores above it."""
        known = ~np.isnan(self.scores)
        n_flagged, n_hits = (
            scores.size - np.searchsorted(np.sort(scores), self.levels[:-1], side="right")
            for scores in (self.scores[known], self.scores[known & self.labels])
        )
        return 2 * n_hits / (n_flagged + self.labels.sum())

    def _nab_of_cuts(self):
        """Points over those of no alarm at every cut."""
        scores = np.where(np.isnan(self.scores), self.levels[0], self.scores)  # never flagged
        parts = (np.split(values, self.ends) for values in (self.labels, scores))
        return nab_gains(*parts)[1][-2::-1]

    def _values(self, cuts):
        return np.array([self._value(self.levels[cut]) for cut in cuts], dtype=float)

    def _value(self, level):
        flags = self.scores > level
        if isinstance(self.metric, str):
            parts = np.split(self.labels, self.ends), np.split(flags, self.ends)
            return _METRICS[self.metric](*parts)
        value = self.metric(*map(self._by_row, (self.labels, flags)))
        if not is_number(value):
            raise ValueError(
                f"metric must return a number for (labels, flags), higher is better; it returned "
                f"{value!r}."
            )
        return -np.inf if np.isnan(value) else value

    def _by_row(self, flags):
        """A new array in the order of the rows of ``y``."""
        by_row = flags.copy()
        if self.rows is not None:
            by_row[self.rows] = flags
        return by_row


def _best_run(values):
    """First and last position of the last run of the highest value."""
    is_best = values == values.max()
    last = np.flatnonzero(is_best)[-1]
    worse = np.flatnonzero(~is_best[:last])
    return (worse[-1] + 1 if worse.size else 0), last


def _thinned(values, n):
    """At most n of some values, evenly spaced in their order."""
    if values.size <= n:
        return values
    return values[np.linspace(0, values.size - 1, n).round().astype(int)]
