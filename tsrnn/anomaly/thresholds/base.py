"""Base classes of the thresholds: checks of scores, fixed and adaptive thresholds."""

import copy
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.whole_updates import whole_update
from tsrnn.parameters import ParametersMixin, naming


class Threshold(ParametersMixin, BaseEstimator):
    """Base class of the thresholds: scores above ``threshold_`` are alarms.

    A subclass implements ``_fit_known(scores)``, for (n,) scores without NaN.
    """

    def fit(self, scores: ArrayLike) -> Self:
        """Fit the threshold.

        Parameters
        ----------
        scores : (n,) array
            Anomaly scores, in the order of time; NaN where missing.

        Returns
        -------
        Threshold, itself

        Raises
        ------
        ValueError
            If a parameter is out of its range, a score infinite, or there are too few scores.
        """
        self._validate_params()
        scores = checked_scores(scores)
        known = scores[~np.isnan(scores)]
        if not known.size:
            missing = f"all {scores.size} are missing (NaN)" if scores.size else "it is empty"
            raise ValueError(f"scores has nothing to learn from: {missing}.")
        self._fit_known(known)
        return self

    def predict(self, scores: ArrayLike) -> np.ndarray:
        """Flag alarms.

        Parameters
        ----------
        scores : (n,) array
            Anomaly scores; NaN where missing, which is not an alarm.

        Returns
        -------
        (n,) array of bool

        Raises
        ------
        ValueError
            If a score is infinite, or there is more than one axis.
        """
        self._check_fitted()
        return checked_scores(scores) > self.threshold_

    def fit_predict(self, scores: ArrayLike) -> np.ndarray:
        """Fit the threshold, and flag the alarms among the same scores.

        Parameters, result and errors are those of :meth:`fit` and :meth:`predict`.
        """
        return self.fit(scores).predict(scores)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "threshold_")

    def _check_fitted(self):
        if not self.__sklearn_is_fitted__():  # faster than scikit-learn's check
            check_is_fitted(self)


class StreamThreshold(Threshold):
    """Base class of the thresholds that adapt to a stream of scores.

    A subclass implements ``_update_score(score)``, which tells whether the next score is an alarm
    and adapts to it, and ``_predict_score(score)``, for predictions.
    """

    @whole_update
    def update(self, new_scores: ArrayLike) -> np.ndarray:
        """Flag alarms among the next scores, adapting to each after it is compared.

        The result is the same for pieces and for all scores at once; missing ones are ignored.
        Parameter, result and errors are those of :meth:`FixedThreshold.predict`; an error, or
        Ctrl-C among many scores, leaves the threshold as it was.
        """
        self._check_fitted()
        return self._run(checked_scores(new_scores, "new_scores"), adapt=True)[0]

    def predict(self, scores: ArrayLike) -> np.ndarray:
        """Flag alarms as if the scores were the next, without adapting to them.

        Parameters, result and errors are those of :meth:`update`.
        """
        self._check_fitted()
        return copy.deepcopy(self)._run(checked_scores(scores), adapt=False)[0]

    def threshold(self, scores: ArrayLike) -> np.ndarray:
        """The threshold for each score in :meth:`predict`, (n,)."""
        self._check_fitted()
        return copy.deepcopy(self)._run(checked_scores(scores), adapt=False)[1]

    def _run(self, scores, adapt):
        """Alarms and thresholds of the next scores, (n,) each."""
        evaluate = self._update_score if adapt else self._predict_score
        alarms, thresholds = np.zeros(scores.size, bool), np.empty(scores.size)
        for k, score in enumerate(scores.tolist()):
            thresholds[k] = self.threshold_
            if score == score:  # not NaN
                alarms[k] = evaluate(score)
        return alarms, thresholds


def checked_scores(scores: Any, name: str = "scores") -> np.ndarray:
    """A float array (n,); raises ValueError for infinite scores and other shapes."""
    if type(scores) is not np.ndarray or scores.dtype != np.float64:
        with naming(name):
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
