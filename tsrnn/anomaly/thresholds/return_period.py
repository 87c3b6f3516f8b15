"""A threshold for scores and their recent mean that are exceeded once in a number of steps."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, insort
from collections import deque

import numpy as np
from numpy.typing import ArrayLike

from tsrnn.anomaly.thresholds.base import StreamThreshold, checked_scores
from tsrnn.anomaly.thresholds.running_means import LocalMean
from tsrnn.parameters import POSITIVE, POSITIVE_INTEGER, SHARE

# Few scores in the tail say little of its index: as if so many more had this one.
_USUAL_INDEX, _N_USUAL = 0.3, 5


class ReturnPeriodThreshold(StreamThreshold):
    """Alarms for scores, or recent means of them, that are exceeded once in so many scores.

    A point that is strange by itself has a high score; a change that is slight but lasts has
    scores that are high only on average. So both the score and the mean of the last ``span`` scores
    are held against the history of their own kind (a short mean against a long history, as in Ahmad
    et al., "Unsupervised real-time anomaly detection for streaming data", Neurocomputing 262,
    2017), by the tail of that history, which is not taken to be normal: with t the (k + 1)-th
    largest of n values, where k is the share ``tail_share`` of them, a value x above t has the
    return period ::

        n / k (x / t)^(1 / index)

    which is the mean number of values until one is as high (Weissman, "Estimation of parameters and
    large quantiles based on the k largest observations", JASA 73, 1978); the index is the mean of
    ``log(x / t)`` over the k largest (Hill, "A simple general approach to inference about the tail
    of a distribution", Annals of Statistics 3, 1975), and of five more values of an index of 0.3.
    An alarm is a score with which either return period is above ``period``. Independent exponential
    or normal scores make 0.8 to 1.1 alarms in 1000 with that period, Cauchy ones 2.6.

    In :meth:`update` every score enters the history, alarms too: an index is a mean of logarithms,
    which an extreme alarm raises little, but many make alarms rarer: after a spike that is in the
    mean of ``span`` scores, a slight shift may go unnoticed until many more scores have come.
    :meth:`predict` adapts to nothing, so that all points whose mean has a spike in it are alarms.
    Use it on scores of points, as those of ``RNNAnomalyDetector(online=True, stretch=1)``.

    Parameters
    ----------
    period : float, default=1000
        Number of scores with one false alarm, above ``1 / tail_share``. Large scores come in
        groups, and so do alarms.
    span : int, default=40
        Scores in the mean; 1 for scores by themselves alone.
    tail_share : float, default=0.003
        Share of the history that is its tail, at least one value.
    window : int or None, default=None
        Number of scores in the history, the most recent ones. None for all; in a stream it then
        grows without bound.

    See Also
    --------
    TailThreshold : Extreme value theory with a given probability.
    tsrnn.RNNAnomalyDetector : Takes it as ``threshold``.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.anomaly.thresholds import ReturnPeriodThreshold
    >>> scores = np.random.default_rng(0).exponential(size=5000)
    >>> threshold = ReturnPeriodThreshold().fit(scores)
    >>> threshold.update([1.0, 20.0, float("nan"), 1.0]).tolist()
    [False, True, False, False]
    >>> bool(threshold.update([3.0] * 40).mean() > 0.5)  # none by itself, but their mean
    True
    """

    _parameter_constraints = {
        "period": [POSITIVE],
        "span": [POSITIVE_INTEGER],
        "tail_share": [SHARE],
        "window": [POSITIVE_INTEGER, None],
    }

    def __init__(
        self,
        period: int = 1000,
        *,
        span: int = 40,
        tail_share: float = 0.003,
        window: int | None = None,
    ):
        self.period = period
        self.span = span
        self.tail_share = tail_share
        self.window = window

    def return_periods(self, scores: ArrayLike) -> np.ndarray:
        """Return periods of scores as if they were the next, (n,); NaN for missing scores.

        The longer one of the score and the mean, in scores; without adapting to them. Parameters
        and errors are those of :meth:`FixedThreshold.predict`.
        """
        self._check_fitted()
        local = dataclasses.replace(self._local, values=list(self._local.values))
        scores = checked_scores(scores)
        periods = np.full(scores.size, np.nan)
        for k in np.flatnonzero(~np.isnan(scores)).tolist():
            score = float(scores[k])
            local.add(score)
            pairs = zip(self._tails, (score, local.mean), strict=False)
            periods[k] = max(tail.period_of(value) for tail, value in pairs)
        return periods

    def _fit_known(self, scores):
        if self.period * self.tail_share <= 1:
            raise ValueError(
                f"period must be above 1 / tail_share = {1 / self.tail_share:.4g}, got "
                f"{self.period}. Raise it, or the share."
            )
        if scores.min() < 0:
            raise ValueError(f"scores must be at least 0, got {scores.min():.4g}.")
        if scores.size < 2:
            raise ValueError(
                "scores has 1 to learn from, too few for a tail: give 2 or more, better a thousand."
            )
        self._local, points, means = LocalMean(int(self.span)), scores.tolist(), []
        for score in points:
            self._local.add(score)
            means.append(self._local.mean)
        kinds = (points, means) if self.span > 1 else (points,)
        self._tails = [HillTail(kind, self.tail_share, self.window) for kind in kinds]
        self._set_threshold()

    def _update_score(self, score):
        is_alarm = score > self.threshold_
        self._local.add(score)
        for tail, value in zip(self._tails, (score, self._local.mean), strict=False):
            tail.add(value)
        self._set_threshold()
        return is_alarm

    def _predict_score(self, score):
        is_alarm = score > self.threshold_
        self._local.add(score)
        self._set_threshold()
        return is_alarm

    def _set_threshold(self):
        """The next score above which it, or the mean with it, is an alarm."""
        self.threshold_ = self._tails[0].quantile(self.period)
        if len(self._tails) > 1:
            n, others = self._local.n_next, self._local.total_of_others
            least = n * self._tails[1].quantile(self.period) - others
            self.threshold_ = min(self.threshold_, least)


@dataclasses.dataclass
class HillTail:
    """The largest of all values so far, and return periods beyond them."""

    values: dataclasses.InitVar[list[float]]  # in the order of time
    share: float  # of the values in the tail
    window: int | None  # number of values, the most recent ones; None for all
    recent: deque[float] = dataclasses.field(init=False)  # values in the order of time
    ordered: list[float] = dataclasses.field(init=False)  # from the least to the largest
    base: float = dataclasses.field(init=False)  # the tail is above it
    index: float = dataclasses.field(init=False)  # mean logarithm of the tail over the base
    count: int = dataclasses.field(init=False)  # values in the tail

    def __post_init__(self, values):
        self.recent = deque(values, maxlen=self.window)
        self.ordered = sorted(self.recent)
        self._refit(self._count())

    def add(self, value: float) -> None:
        """Add a value, in place of the oldest if there are as many as the window has."""
        largest_changed = value
        if len(self.recent) == self.recent.maxlen:
            oldest = self.recent[0]
            del self.ordered[bisect_left(self.ordered, oldest)]
            largest_changed = max(value, oldest)
        self.recent.append(value)
        insort(self.ordered, value)
        count = self._count()
        if count != self.count or largest_changed >= self.base:
            self._refit(count)

    def period_of(self, value: float) -> float:
        """Mean number of values until one is as high, from the tail, or below it by counting."""
        n = len(self.ordered)
        if not self.count or value <= self.base:
            return (n + 1) / (1 + n - bisect_left(self.ordered, value))
        if self.base <= 0:
            return np.inf
        with np.errstate(over="ignore"):
            return float((n + 1) / self.count * np.power(value / self.base, 1 / self.index))

    def quantile(self, period: float) -> float:
        """The value whose return period this is; the base if that has a longer one."""
        if not self.count:
            return self.base
        return self.base * max(period * self.count / (len(self.ordered) + 1), 1.0) ** self.index

    def _count(self):
        n = len(self.ordered)
        return min(max(int(self.share * n), 1), n - 1)

    def _refit(self, count):
        self.count = count
        tail = np.array(self.ordered[-count - 1 :])
        self.base = float(tail[0])
        if self.base > 0:
            total = float(np.log(tail / self.base).sum())
            self.index = (total + _USUAL_INDEX * _N_USUAL) / (count + _N_USUAL)
        else:
            self.index = _USUAL_INDEX
