"""Score of the Numenta Anomaly Benchmark, which rewards early alarms in windows."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from tsrnn.anomaly.metrics.inputs import Labels, Scores, labelled_scores
from tsrnn.parameters import ANY_NUMBER, FRACTION, NON_NEGATIVE, Allowed, StrOptions, validated

_MAX_LENGTH = 5000  # of a file for the length of its probation


class NabWeights(NamedTuple):
    """Weights of a detected window (tp), a false alarm (fp) and a missed window (fn).

    Parameters
    ----------
    tp, fp, fn : float, default=1.0, 0.11, 1.0
        The weights; those of the three profiles are ``NAB_PROFILES``.

    See Also
    --------
    nab_score : Takes it.
    NAB_PROFILES : The weights of the benchmark.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import NAB_PROFILES, NabWeights
    >>> NAB_PROFILES["standard"] == NabWeights()
    True
    """

    tp: float = 1.0
    fp: float = 0.11
    fn: float = 1.0


NAB_PROFILES = {
    "standard": NabWeights(),
    "reward_low_FP_rate": NabWeights(fp=0.22),
    "reward_low_FN_rate": NabWeights(fn=2.0),
}

_SETTINGS: dict[str, Allowed] = {
    "profile": [StrOptions(NAB_PROFILES), NabWeights],
    "probation": [FRACTION],
}


class NabScore(NamedTuple):
    """The score of a corpus of files.

    Attributes
    ----------
    score : float
        100 for a perfect detector, 0 for one that flags nothing; may be negative.
    threshold : float
        Infinite if flagging nothing is best.
    points : float
        Sum of the points of the files, unscaled.
    files : DataFrame
        Points of each, and its numbers of steps in windows, flagged (``tp``) or not (``fn``), and
        outside (``fp``, ``tn``).

    See Also
    --------
    nab_score : Computes it.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import nab_score
    >>> nab_score({"a": [0, 0, 1, 1, 0, 0]}, {"a": [0, 0, 7, 0, 0, 0]}).score
    100.0
    """

    score: float
    threshold: float
    points: float
    files: pd.DataFrame


@validated(_SETTINGS, threshold=[ANY_NUMBER])
def nab_points(
    labels: Labels,
    scores: Scores,
    threshold: float,
    *,
    profile: str | NabWeights = "standard",
    probation: float = 0.15,
) -> float:
    """Points of one file in the Numenta Anomaly Benchmark, at a threshold.

    With ``s(x) = 2 / (1 + exp(5 x)) - 1`` (Lavin & Ahmad 2015, arXiv 1510.03336) the file gets, for

    - each window with a flagged step, ``tp s(x) / s(-1)`` for the first, x being its position from
      -1, the first step of the window, to -1 / (steps of the window), its last;
    - each window without one, ``-fn``;
    - each step flagged outside, ``fp s(x)`` where x is the steps since the last window over the
      steps of that window minus one; ``-fp`` beyond x = 3 and before the first window.

    Results equal those of the class ``Sweeper`` in NAB 1.1. Windows with all steps in the probation
    do not count. For a window of one step, where NAB divides by zero, every later alarm costs
    ``fp``.

    Parameters
    ----------
    labels : (n,) array-like, Series or DataFrame of events
    scores : (n,) array-like or Series
        As in :func:`average_precision`, but labels are the windows around anomalies, if any.
    threshold : float
        Steps with a score at or above it are flagged.
    profile : str or NabWeights, default="standard"
        Weights: ``NAB_PROFILES`` has the three by name.
    probation : float, default=0.15
        Share of steps to ignore at the start of the file, at most this share of 5000 steps (750).
        Set 0 for scores that start after the training series.

    Returns
    -------
    float, at most ``tp`` for each window

    Raises
    ------
    ValueError
        If lengths or indexes differ, a value is missing, or a setting is not one of those above.

    See Also
    --------
    nab_score : The score of several series.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import nab_points
    >>> window = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    >>> scores = [9, 0, 0, 0, 5, 0, 0, 0, 0, 7, 7, 0]  # the first step is in the probation
    >>> round(nab_points(window, scores, threshold=7), 3)
    0.967
    >>> round(nab_points(window, scores, threshold=5), 3)
    0.857
    """
    file = _file(labels, scores, _weights(profile), probation)
    return float(file.points_at(threshold))


@validated(_SETTINGS, threshold=[ANY_NUMBER, None])
def nab_score(
    labels: Mapping[Any, Labels] | Iterable[Labels],
    scores: Mapping[Any, Scores] | Iterable[Scores],
    *,
    threshold: float | None = None,
    profile: str | NabWeights = "standard",
    probation: float = 0.15,
) -> NabScore:
    """Score of a detector on many files in the Numenta Anomaly Benchmark.

    ``100 (points - null) / (perfect - null)`` with the sum of :func:`nab_points` over the files, at
    one threshold for all; null is ``-fn`` and perfect ``tp`` for each window. Results equal those
    of NAB 1.1, also its published ones of windowedGaussian (39.65, 20.87 and 47.41 for the three
    profiles) and relativeEntropy (54.64, 47.60 and 58.84); but if flagging nothing is best, the
    threshold is 1.1 in NAB, infinite here, and NAB scales by windows in the probation too.

    Parameters
    ----------
    labels : dict or list of labels or events
        Windows of each file, as in :func:`nab_points`.
    scores : dict or list of array-like or Series
        Scores of each file: under the same keys, or in the same order.
    threshold : float, optional
        As in :func:`nab_points`. By default the one with the largest sum of points, the highest of
        several: as in NAB, chosen on the files that are scored.
    profile : str or NabWeights, default="standard"
    probation : float, default=0.15
        As in :func:`nab_points`.

    Returns
    -------
    NabScore
        ``score``, 100 for a perfect detector, 0 for one that flags nothing; ``threshold``, infinite
        if that is best; ``points``, summed; and ``files``, the points of each, and its number of
        steps in windows, flagged (``tp``) or not (``fn``), and outside (``fp``, ``tn``).

    Raises
    ------
    ValueError
        As in :func:`nab_points`, naming the file, or if files differ or none has a window.

    See Also
    --------
    nab_points : What each alarm earns.
    NabScore : What it returns.
    NAB_PROFILES : Weights of false and missed alarms.

    Examples
    --------
    >>> from tsrnn.anomaly.metrics import nab_score
    >>> windows = {"a": [0, 0, 0, 0, 0, 0, 1, 1, 1, 1], "b": [0, 0, 0, 0, 1, 1, 1, 0, 0, 0]}
    >>> scores = {"a": [0, 0, 0, 5, 0, 0, 0, 7, 7, 0], "b": [0, 0, 0, 0, 6, 0, 0, 0, 0, 0]}
    >>> best = nab_score(windows, scores)
    >>> round(best.score, 1), best.threshold
    (99.2, 6.0)
    >>> best.files.round(3)
       points  tp  fp  fn  tn
    a   0.967   2   0   2   5
    b   1.000   1   0   2   6
    """
    weights = _weights(profile)
    files = {
        key: _named_file(key, windows, values, weights, probation)
        for key, (windows, values) in _pairs(labels, scores).items()
    }
    n_windows = sum(len(file.windows) for file in files.values())
    if not n_windows:
        raise ValueError(f"labels has no window in {len(files)} files: there is nothing to find.")
    threshold = _best_threshold(files.values()) if threshold is None else threshold
    rows = {key: file.row_at(threshold) for key, file in files.items()}
    table = pd.DataFrame.from_dict(rows, orient="index")
    points, null = float(table["points"].sum()), -weights.fn * n_windows
    score = 100 * (points - null) / (weights.tp * n_windows - null)
    return NabScore(score, threshold, points, table)


@dataclasses.dataclass(frozen=True, eq=False)
class _File:
    """Steps of a file after the probation."""

    scores: np.ndarray  # (n,)
    values: np.ndarray  # points for flagging each step alone, (n,)
    window: np.ndarray  # number of the window that each step is in, -1 outside, (n,)
    windows: np.ndarray  # numbers of the windows with a step
    fn: float  # weight of a missed window

    def points_at(self, threshold: float) -> float:
        flagged = self.scores >= threshold
        outside = self.window < 0
        points = np.full(self.windows.size, -self.fn, dtype=float)
        hits = flagged & ~outside
        np.maximum.at(points, np.searchsorted(self.windows, self.window[hits]), self.values[hits])
        return points.sum() + self.values[flagged & outside].sum()

    def row_at(self, threshold: float) -> dict[str, float]:
        flagged, inside = self.scores >= threshold, self.window >= 0
        return {
            "points": self.points_at(threshold),
            "tp": int(np.sum(flagged & inside)),
            "fp": int(np.sum(flagged & ~inside)),
            "fn": int(np.sum(~flagged & inside)),
            "tn": int(np.sum(~flagged & ~inside)),
        }

    def changes(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores in descending order, and the points added by flagging each step in turn."""
        order = np.argsort(-self.scores, kind="stable")
        changes, window = self.values[order], self.window[order]
        for number in self.windows:
            inside = window == number
            best = np.maximum.accumulate(changes[inside])
            changes[inside] = np.diff(best, prepend=-self.fn)
        return self.scores[order], changes


def _file(labels, scores, weights, probation):
    runs, scores = labelled_scores(labels, scores)
    steps = np.arange(scores.size)
    last = np.searchsorted(runs[:, 0], steps, side="right") - 1  # the latest window to start
    started = last >= 0
    start, stop = np.append(runs, [[0, 0]], axis=0)[last].T
    inside = started & (steps < stop)
    width = np.maximum(stop - start, 1)
    reward = weights.tp * _sigmoid((steps - stop) / width) / _sigmoid(-1.0)
    distance = np.where(
        started & (width > 1), (steps - stop + 1) / np.maximum(width - 1, 1), np.inf
    )
    values = np.where(
        inside, reward, weights.fp * _sigmoid(np.where(distance > 3, np.inf, distance))
    )
    counts = steps >= min(int(probation * scores.size), probation * _MAX_LENGTH)
    window = np.where(inside, last, -1)[counts]
    windows = np.unique(window[window >= 0])
    return _File(scores[counts], values[counts], window, windows, weights.fn)


def _named_file(key, labels, scores, weights, probation):
    try:
        return _file(labels, scores, weights, probation)
    except ValueError as error:
        raise ValueError(f"file {key!r}: {error}") from None


def _sigmoid(x):
    """1 for x far below 0, -1 far above."""
    return 2 * expit(-5 * x) - 1


def nab_gains(labels: Iterable[Labels], scores: Iterable[Scores]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct scores of files, descending, and the points of each as threshold over no alarm's.

    With the standard profile and no probation; one file at least has a window.
    """
    pairs = zip(labels, scores, strict=True)
    return _gains([_file(*pair, NAB_PROFILES["standard"], 0.0) for pair in pairs])


def _best_threshold(files):
    """The threshold with the most points, the highest of several; infinite for no alarm."""
    thresholds, gains = _gains(files)
    return float(np.append(np.inf, thresholds)[np.argmax(np.append(0.0, gains))])


def _gains(files):
    parts_of_files = zip(*(file.changes() for file in files), strict=True)
    scores, changes = (np.concatenate(parts) for parts in parts_of_files)
    order = np.argsort(-scores, kind="stable")
    scores, points = scores[order], np.cumsum(changes[order])
    is_last = np.append(scores[1:] != scores[:-1], True)  # step of each score
    return scores[is_last], points[is_last]


def _pairs(labels, scores):
    """Labels and scores of each file, by key."""
    for name, files in (("labels", labels), ("scores", scores)):
        is_single = isinstance(files, pd.Series | pd.DataFrame | str | bytes)
        if is_single or not isinstance(files, Iterable) or getattr(files, "ndim", 1) == 0:
            raise ValueError(f"{name} must be a dict or list of files. For one file give [{name}].")
    if isinstance(labels, Mapping) != isinstance(scores, Mapping):
        raise ValueError("labels and scores must both be dicts or both be lists.")
    if not isinstance(labels, Mapping):
        labels, scores = dict(enumerate(labels)), dict(enumerate(scores))
    other = [key for key in [*labels, *scores] if key not in labels or key not in scores]
    if other:
        raise ValueError(f"labels and scores have different files: {other[0]!r} is in one only.")
    return {key: (labels[key], scores[key]) for key in scores}


def _weights(profile):
    if isinstance(profile, NabWeights):
        if not all(map(NON_NEGATIVE.accepts, profile)) or profile.tp + profile.fn == 0:
            raise ValueError(
                f"profile must have weights of at least 0, and tp or fn, got {profile}."
            )
        return profile
    return NAB_PROFILES[profile]
