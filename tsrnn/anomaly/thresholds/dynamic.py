"""A threshold above which scores stand out most: NASA's, for forecast errors of spacecraft."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tsrnn.anomaly.event_tables import runs_of
from tsrnn.anomaly.thresholds.base import StreamThreshold, checked_scores
from tsrnn.anomaly.thresholds.running_means import ExponentialMean
from tsrnn.estimators.constant import ROUNDING, is_constant
from tsrnn.parameters import BOOLEAN, FRACTION, POSITIVE_INTEGER, Integer, ListOf, Number


class DynamicThreshold(StreamThreshold):
    """NASA's non-parametric dynamic threshold, set where the scores above it stand out most.

    Scores, which are forecast errors, are smoothed by an exponentially weighted mean. Among the
    thresholds ``epsilon = mu + z sigma``, with mean and standard deviation of the last ``window``
    smoothed scores, the one is chosen that maximises (Hundman et al., "Detecting spacecraft
    anomalies using LSTMs and nonparametric dynamic thresholding", KDD 2018, arXiv:1802.04431, sec.
    3.2)::

        (dmu / mu + dsigma / sigma) / (|e_a| + |E_seq|^2)

    the decrease of mean and deviation without the scores of epsilon or more, over the number of
    smoothed scores above epsilon plus the square of the number of runs that they form (the largest
    of equal ones, and of all if no score is above any). Then runs are pruned (sec. 3.3): the maxima
    of the runs and the maximum of the scores at or below epsilon, in descending order, have
    relative decreases ``(e_(i-1) - e_i) / e_(i-1)``; runs after the last decrease above
    ``min_decrease`` are no anomalies. No distribution is assumed, and no rate of false alarms
    guaranteed.

    In :meth:`update` and :meth:`predict` the window moves along from ``fit`` on: a score is
    compared with the epsilon of those before it (``threshold_`` for the next), and pruned in the
    window that ends with it. Unlike in the paper, alarms are left out of the scores that epsilon is
    chosen from, as a long incident would raise it above later ones; after a lasting change to a
    higher level all scores stay alarms: fit again, or set ``adapt_to_alarms``. The code of the
    authors also adds a margin around anomalies (here ``pad_events``), drops runs of one score
    (``prune_events``) and searches for low errors (omitted).

    Parameters
    ----------
    window : int, default=2100
        Scores from which the threshold is chosen, h in the paper.
    every : int, default=70
        Scores of a stream after which it is chosen again; 70 is the batch of the authors.
    span : int, default=105
        Span of the smoothing, as in ``ewm(span=span)`` of pandas: a score weighs ``1 - 2 / (span +
        1)`` times the one after it. 1 for no smoothing. The authors use 5 % of the window.
    z_range : (float, float), default=(2, 10)
        The smallest and the largest z, in steps of 0.5; the smallest above 0.
    min_decrease : float, default=0.13
        p in the paper: how far anomalies must stand out, as a share. 0 for no pruning.
    adapt_to_alarms : bool, default=False
        Choose the threshold from alarms of the stream too, as in the paper.

    See Also
    --------
    TailThreshold : A threshold with a given probability.
    tsrnn.RNNAnomalyDetector : Takes it as ``threshold``.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.anomaly.thresholds import DynamicThreshold
    >>> errors = np.abs(np.random.default_rng(0).normal(size=500))
    >>> errors[300:320] += 8
    >>> alarms = DynamicThreshold(span=5).fit_predict(errors)
    >>> np.flatnonzero(alarms)[[0, -1]].tolist()  # the smoothed errors lag behind
    [302, 320]
    """

    _parameter_constraints = {
        "window": [Integer(2)],
        "every": [POSITIVE_INTEGER],
        "span": [Number(1)],
        "z_range": [ListOf(Number(0, 1000, closed="right"), least=2, most=2, arrays=True)],
        "min_decrease": [FRACTION],
        "adapt_to_alarms": [BOOLEAN],
    }

    def __init__(
        self,
        window: int = 2100,
        *,
        every: int = 70,
        span: int = 105,
        z_range: Sequence[float] = (2, 10),
        min_decrease: float = 0.13,
        adapt_to_alarms: bool = False,
    ):
        self.window = window
        self.every = every
        self.span = span
        self.z_range = z_range
        self.min_decrease = min_decrease
        self.adapt_to_alarms = adapt_to_alarms

    def fit_predict(self, scores: ArrayLike) -> np.ndarray:
        """Fit the threshold, and flag the anomalies among the same scores, all known at once.

        More scores than a ``window`` are split into the fewest parts of equal length that are not
        longer, each with its own threshold; the fitted state is that of the last window.
        """
        scores = checked_scores(scores)
        self.fit(scores)
        alarms, known = np.zeros(scores.size, bool), np.flatnonzero(~np.isnan(scores))
        smoothed = self.smooth(scores[known])
        for positions in np.array_split(np.arange(known.size), -(-known.size // self.window)):
            part = smoothed[positions]
            epsilon = _best_epsilon(part, self._z_values())
            alarms[known[positions]] = _pruned(part, epsilon, self.min_decrease)
        return alarms

    def smooth(self, scores: ArrayLike) -> np.ndarray:
        """Scores smoothed from the first one on, (n,), to compare with ``threshold_``."""
        scores, mean = checked_scores(scores), self._new_mean()
        return np.array([mean.add(s) if s == s else s for s in scores.tolist()], dtype=float)

    def _fit_known(self, scores):
        self._z_values()
        _check_not_negative(scores)
        self._mean, self._n_new = self._new_mean(), 0
        self._recent = deque(map(self._mean.add, scores.tolist()), maxlen=self.window)
        self._calibration = self._recent.copy()
        self.threshold_ = _best_epsilon(np.array(self._recent), self._z_values())

    def _new_mean(self):
        return ExponentialMean(1 - 2 / (self.span + 1))

    def _run(self, scores, adapt):
        _check_not_negative(scores)
        return super()._run(scores, adapt)

    def _update_score(self, score):
        smoothed = self._mean.add(score)
        self._recent.append(smoothed)
        alarm = smoothed > self.threshold_ and bool(
            _pruned(np.array(self._recent), self.threshold_, self.min_decrease)[-1]
        )
        if self.adapt_to_alarms or not alarm:
            self._calibration.append(smoothed)
        self._n_new += 1
        if self._n_new % self.every == 0:
            self.threshold_ = _best_epsilon(np.array(self._calibration), self._z_values())
        return alarm

    _predict_score = _update_score  # the window moves along in predictions too

    def _z_values(self):
        low, high = map(float, self.z_range)
        if not low <= high:
            raise ValueError(f"z_range must be (least, greatest) above 0, got {self.z_range!r}.")
        return np.arange(low, high + 1e-9, 0.5)


def _best_epsilon(smoothed, z_values):
    """Epsilon of Hundman et al.: without the scores above it, mean and deviation fall the most."""
    mean, deviation = smoothed.mean(), smoothed.std()
    if is_constant(deviation, mean):
        return float(mean * (1 + ROUNDING))
    best, best_epsilon = 0.0, mean + z_values[-1] * deviation
    for epsilon in mean + z_values * deviation:
        above, rest = smoothed > epsilon, smoothed[smoothed < epsilon]
        if not above.any():
            break
        decrease = (mean - rest.mean()) / mean + (deviation - rest.std()) / deviation
        criterion = decrease / (above.sum() + len(runs_of(above)) ** 2)
        if criterion >= best:
            best, best_epsilon = criterion, epsilon
    return float(best_epsilon)


def _pruned(smoothed, epsilon, min_decrease):
    """Which smoothed scores are above epsilon in a run that stands out, (n,)."""
    above = smoothed > epsilon
    runs = runs_of(above)
    if not len(runs):
        return above
    peaks = np.array([smoothed[first:end].max() for first, end in runs])
    order = np.argsort(-peaks, kind="stable")
    maxima = np.append(peaks[order], smoothed[~above].max(initial=0))
    clear = np.flatnonzero(-np.diff(maxima) > min_decrease * maxima[:-1])
    n_anomalies = clear[-1] + 1 if clear.size else 0
    for k in order[n_anomalies:]:
        above[slice(*runs[k])] = False
    return above


def _check_not_negative(scores):
    if (scores < 0).any():
        where = int((scores < 0).argmax())
        raise ValueError(
            f"DynamicThreshold needs errors, at least 0; scores is {scores[where]} at [{where}]. "
            "Take absolute values, or another threshold."
        )
