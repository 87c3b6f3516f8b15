"""What all thresholds have in common: checked scores, alarms above, streams."""

from __future__ import annotations

import copy
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

SHARE = Interval(Real, 0, 1, closed="neither")
WHOLE = Interval(Integral, 1, None, closed="left")


class Threshold(BaseEstimator):
    """Base of the thresholds: scores are checked, and alarms lie above ``threshold_``."""

    def fit(self, scores: ArrayLike) -> Threshold:
        """Learn the threshold.

        Parameters
        ----------
        scores : (n,) array
            Anomaly scores, in the order of time; NaN where there is none.

        Returns
        -------
        Threshold
            Itself.

        Raises
        ------
        ValueError
            If a parameter is out of its range, a score infinite, or there are too few scores.
        """
        self._validate_params()
        scores = checked(scores)
        known = scores[~np.isnan(scores)]
        if not known.size:
            missing = f"all {scores.size} are missing (NaN)" if scores.size else "it is empty"
            raise ValueError(f"scores has nothing to learn from: {missing}.")
        self._learn(known)
        return self

    def predict(self, scores: ArrayLike) -> np.ndarray:
        """Which scores are alarms.

        Parameters
        ----------
        scores : (n,) array
            Anomaly scores; NaN where there is none, which is no alarm.

        Returns
        -------
        (n,) array of bool

        Raises
        ------
        ValueError
            If a score is infinite, or there is more than one axis.
        """
        self._refuse_unfitted()
        return checked(scores) > self.threshold_

    def fit_predict(self, scores: ArrayLike) -> np.ndarray:
        """Learn the threshold, and which of the same scores are alarms.

        Parameters, result and errors are those of :meth:`fit` and :meth:`predict`.
        """
        return self.fit(scores).predict(scores)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "threshold_")

    def _refuse_unfitted(self):
        if not self.__sklearn_is_fitted__():  # which is quicker to ask than scikit-learn
            check_is_fitted(self)


class StreamThreshold(Threshold):
    """Base of the thresholds that move along a series of scores."""

    def update(self, new_scores: ArrayLike) -> np.ndarray:
        """Which of the next scores are alarms, each judged by what came before, then taken in.

        In pieces or at once, the result is the same.

        Parameters
        ----------
        new_scores : (n,) array
            The scores that follow, in the order of time; NaN where there is none, which is no alarm
            and changes nothing.

        Returns
        -------
        (n,) array of bool

        Raises
        ------
        ValueError
            If a score is infinite, or there is more than one axis; nothing is taken in then.
        """
        self._refuse_unfitted()
        return self._follow(checked(new_scores, "new_scores"), self._learn_from)[0]

    def predict(self, scores: ArrayLike) -> np.ndarray:
        """Which scores are alarms, if they are the next; nothing of them is kept.

        Parameters, result and errors are those of :meth:`update`.
        """
        self._refuse_unfitted()
        ahead = copy.deepcopy(self)
        return ahead._follow(checked(scores), ahead._judge)[0]

    def threshold(self, scores: ArrayLike) -> np.ndarray:
        """The threshold that each score is judged by in :meth:`predict`, (n,)."""
        self._refuse_unfitted()
        ahead = copy.deepcopy(self)
        return ahead._follow(checked(scores), ahead._judge)[1]

    def _follow(self, scores, judge):
        """Alarms and thresholds of the next scores, (n,) each, given to a method one by one."""
        alarms, thresholds = np.zeros(scores.size, bool), np.empty(scores.size)
        for k, score in enumerate(scores.tolist()):
            thresholds[k] = self.threshold_
            if score == score:  # it is there
                alarms[k] = judge(score)
        return alarms, thresholds


def checked(scores, name="scores"):
    """A float array (n,), without an infinite score."""
    if isinstance(scores, pd.Series):
        scores = scores.to_numpy(dtype=float, na_value=np.nan)
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1:
        raise ValueError(f"{name} must be one series of scores, (n,), got shape {scores.shape}.")
    infinite = np.isinf(scores)
    if infinite.any():
        where = int(infinite.argmax())
        more = f" and at {infinite.sum() - 1} more" if infinite.sum() > 1 else ""
        raise ValueError(
            f"{name} is infinite at [{where}]{more}. Give finite scores, NaN where there is none."
        )
    return scores
