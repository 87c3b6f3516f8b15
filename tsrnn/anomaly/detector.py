"""What all detectors have in common: scores, thresholds over them, and events, in the words of
scikit-learn's outlier detectors."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.found import found_events, runs_of, shares_of, with_fainter
from tsrnn.anomaly.thresholds import ConformalThreshold, QuantileThreshold, RobustZThreshold
from tsrnn.data import ChannelPanel, ChannelSeries, TimeAxis, channels_from, format_step


class AnomalyDetector(OutlierMixin, BaseEstimator):
    """Base of the detectors.

    A detector has ``_learn(tracks)``, which also gives what it says of them, and
    ``_score(tracks)``, which gives a ``Scored`` of each.
    """

    _parameter_constraints = {
        "online": ["boolean"],
        "threshold": [HasMethods(["fit", "predict"]), None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "missing": [StrOptions({"raise", "mask"})],
    }

    def fit(self, y: Any, X: Any = None) -> AnomalyDetector:
        """Learn what is usual, and where what is not begins.

        Parameters
        ----------
        y : array, Series or DataFrame
            Series to learn from, which may have anomalies if they are few (thresholds differ in
            how many they bear: see their documentation). A Series or an array
            (n,); several channels of a series as columns of a frame or of an array; a panel as
            rows on a MultiIndex of series and time, or in a long frame (``id_column``,
            ``time_column``).
        X : None
            Ignored; scikit-learn's pipelines give it.

        Returns
        -------
        AnomalyDetector
            Itself.

        Raises
        ------
        ValueError
            If a parameter is out of its range, a series is too short, values are missing (unless
            ``missing="mask"``), infinite or no numbers, or times are missing, repeated or of no
            regular frequency.
        """
        self._fit_scores(y)
        return self

    def _fit_scores(self, y):
        """Fit; the series and what is said of them. A fit that fails leaves all as it was."""
        before = dict(vars(self))
        try:
            return self._fit(y)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _fit(self, y):
        self._validate_params()
        threshold, tracks = self._new_threshold(), self._tracks(y)
        tracks.refuse_empty()
        self._labels = {track.label: k for k, track in enumerate(tracks)}
        self._means = np.array([np.nanmean(track.values, axis=0) for track in tracks])
        deviations = np.array([np.nanstd(track.values, axis=0) for track in tracks])
        self._deviations = np.where(deviations > 0, deviations, 1.0)
        scored = self._learn(tracks)
        self._step, self._channels = tracks.all_series[0].axis.step, tracks.channels
        self.n_features_in_ = len(tracks.channels)
        scores = np.concatenate([one.score for one in scored])
        self.threshold_ = threshold.fit(scores)
        self.offset_ = -float(self.threshold_.threshold_)
        return tracks, scored

    def _scaled(self, track: ChannelSeries) -> np.ndarray:
        """A series in deviations from its mean, both of what was fitted."""
        k = self._labels[track.label]
        return (track.values - self._means[k]) / self._deviations[k]

    def _unscaled(self, track: ChannelSeries, z: np.ndarray) -> np.ndarray:
        """Values in the unit of the series again."""
        k = self._labels[track.label]
        return z * self._deviations[k] + self._means[k]

    def _new_threshold(self):
        if self.threshold is not None:
            if self.contamination != "auto":
                raise ValueError(
                    "threshold and contamination both say what is an alarm: leave one of them out."
                )
            return clone(self.threshold)
        if self.contamination != "auto":
            return QuantileThreshold(self.contamination)
        return ConformalThreshold(0.01, random_state=0) if self.online else RobustZThreshold()

    def _tracks(self, y, step=None) -> ChannelPanel:
        """Series as they come, checked."""
        return channels_from(
            y, id_column=self.id_column, time_column=self.time_column, missing=self.missing,
            step=step,
        )  # fmt: skip

    def _asked(self, y) -> ChannelPanel:
        """Series to be scored, which must be like those that were fitted."""
        check_is_fitted(self)
        tracks = self._tracks(y, self._step)
        if len(tracks.channels) != self.n_features_in_:
            raise ValueError(
                f"y has {len(tracks.channels)} channels, {tracks.channels}, and the detector was "
                f"fitted with {self.n_features_in_}, {self._channels}. Give the same."
            )
        unknown = [track.label for track in tracks if track.label not in self._labels]
        if unknown == [None]:
            raise ValueError(
                "y is a lone series, and the detector was fitted to a panel: "
                "keep the ids beside it, as in y.loc[['a']], or by id_column."
            )
        if unknown:
            raise ValueError(
                f"Series {unknown[0]!r} of y was not fitted: what is usual of it is not known. Fit "
                "with it, or leave it out."
            )
        named = len(tracks.channels) > 1 and not tracks.is_array
        named = named and all(isinstance(channel, str) for channel in self._channels)
        if named and tracks.channels != self._channels:
            raise ValueError(
                f"y has the channels {tracks.channels}, and the detector was fitted with "
                f"{self._channels}. Give these, in that order."
            )
        axis = tracks.all_series[0].axis
        if not tracks.is_array and not self._steps_through(axis):
            raise ValueError(
                f"y has {format_step(axis.step, axis.index)}, and the detector was fitted with "
                f"{format_step(self._step, axis.index)}. Bring it to that, or fit anew."
            )
        return tracks

    def _steps_through(self, axis):
        """Whether time stamps go on as those fitted, of which some weeks may look like days."""
        if isinstance(self._step, int) or axis.step == self._step:
            return True
        if isinstance(axis.step, int):
            return False
        return (TimeAxis(axis.index[:1], self._step).after(len(axis.index) - 1)
                == axis.index[1:]).all()  # fmt: skip

    def score_samples(self, y: Any) -> Any:
        """How usual each point is: minus the anomaly score.

        Parameters
        ----------
        y : array, Series or DataFrame
            Series in a form that ``fit`` takes, of the same channels; each begins anew, with no
            memory of those fitted.

        Returns
        -------
        (n,) Series, or array for an array
            For each row of ``y``, the lower the stranger; NaN where a value is missing. Metrics
            and thresholds take its negative.

        Raises
        ------
        ValueError
            If the detector is not fitted, or ``y`` is none that could be fitted.
        """
        tracks = self._asked(y)
        return tracks.row_series([-one.score for one in self._score(tracks)], "score")

    def decision_function(self, y: Any) -> Any:
        """``score_samples`` less ``offset_``: below 0 where the fitted threshold is exceeded.

        Parameters, result and errors are those of :meth:`score_samples`.
        """
        return self.score_samples(y) - self.offset_

    def predict(self, y: Any) -> Any:
        """Which points are anomalies.

        Parameters
        ----------
        y : array, Series or DataFrame
            As in :meth:`score_samples`.

        Returns
        -------
        (n,) Series of int, or array for an array
            -1 for anomalies, 1 for others and where nothing is known. A threshold that moves
            along, as ``TailThreshold`` with a depth, judges as if ``y`` came next.

        Raises
        ------
        ValueError
            As :meth:`score_samples`.
        """
        tracks = self._asked(y)
        flags = [self.threshold_.predict(one.score) for one in self._score(tracks)]
        return self._signs(tracks, flags)

    def fit_predict(self, y: Any, X: Any = None, **params: Any) -> Any:
        """Learn, and which of the same points are anomalies, all known at once.

        Parameters, result and errors are those of :meth:`fit` and :meth:`predict`.
        """
        tracks, scored = self._fit_scores(y)
        scores = np.concatenate([one.score for one in scored])
        flags = clone(self.threshold_).fit_predict(scores)
        ends = np.cumsum([one.score.size for one in scored])[:-1]
        return self._signs(tracks, np.split(flags, ends))

    def _signs(self, tracks, flags):
        return tracks.row_series([np.where(own, -1, 1) for own in flags], "anomaly")

    def explain(self, y: Any) -> Any:
        """All that is said of each point.

        Parameters
        ----------
        y : array, Series or DataFrame
            As in :meth:`score_samples`.

        Returns
        -------
        DataFrame
            For each row of ``y``: ``score``, the higher the stranger; ``threshold``, which it is
            held against; ``anomaly``, whether it is above. Where the detector has expectations,
            ``expected`` and ``lower`` and ``upper``, two usual deviations from it, in the unit of
            ``y``; of several channels with the channel's name behind, as in ``expected_price``,
            and ``share_price``, what part of the surprise is the channel's.

        Raises
        ------
        ValueError
            As :meth:`score_samples`.
        """
        tracks = self._asked(y)
        scored = self._score(tracks)
        columns = {
            "score": [one.score for one in scored],
            "threshold": [self._thresholds(one.score) for one in scored],
            "anomaly": [self.threshold_.predict(one.score) for one in scored],
        }
        several = len(tracks.channels) > 1
        for k, channel in enumerate(tracks.channels):
            end = f"_{channel}" if several else ""
            if scored[0].expected is not None:
                middle = [one.expected[:, k] for one in scored]
                reach = [2 * one.spread[:, k] for one in scored]
                columns[f"expected{end}"] = middle
                columns[f"lower{end}"] = [a - b for a, b in zip(middle, reach, strict=True)]
                columns[f"upper{end}"] = [a + b for a, b in zip(middle, reach, strict=True)]
            if several and scored[0].parts is not None:
                columns[f"share{end}"] = [shares_of(one.parts)[:, k] for one in scored]
        return tracks.row_frame(columns)

    def _thresholds(self, scores):
        moving = getattr(self.threshold_, "threshold", None)
        if moving is not None:
            return moving(scores)
        return np.full(scores.size, float(self.threshold_.threshold_))

    def detect(self, y: Any, n_most: int | None = None) -> pd.DataFrame:
        """The events: stretches that are anomalies, when they began and ended, how severe.

        Points whose score is above the threshold make an event, which is then narrowed to the
        first and the last point that are strange by themselves.

        Parameters
        ----------
        y : array, Series or DataFrame
            As in :meth:`score_samples`.
        n_most : int, optional
            Keep so many events, the most severe; where fewer are above the threshold, the most
            severe of what is below it too, which the column ``anomaly`` tells apart.

        Returns
        -------
        DataFrame
            A row for each event, in the order of time, of one series after the other: of a panel
            the series' label; ``start``, ``end``, both included, ``n_points``; ``severity``, the
            highest score; ``peak``, the strangest point. Where the detector has expectations,
            ``seen`` and ``expected`` there, in the unit of ``y``, of the ``channel`` that is
            strangest where there are several, and ``share_...``, what part of the event's
            surprise is each channel's. With ``online=True`` also ``alarm``, when the score first
            was above the threshold.

        Raises
        ------
        ValueError
            As :meth:`score_samples`; or if ``n_most`` is no positive whole number.
        """
        if n_most is not None and not (isinstance(n_most, Integral) and n_most > 0):
            raise ValueError(f"n_most must be a whole number above 0, got {n_most!r}.")
        tracks = self._asked(y)
        found = []
        for track, one in zip(tracks, self._score(tracks), strict=True):
            runs = above = runs_of(self.threshold_.predict(one.score))
            if n_most is not None:
                runs = with_fainter(above, one.score, n_most)
            back = self.stretch if self.online and one.surprise is not None else 0
            events = found_events(track, one, runs, tracks.channels, back)
            if n_most is not None:
                events["anomaly"] = events["alarm"].isin(track.axis.index.take(above[:, 0]))
            if not self.online:
                events = events.drop(columns="alarm")
            if track.label is not None:
                events.insert(0, tracks.id_name, track.label)
            found.append(events)
        events = pd.concat(found, ignore_index=True) if len(found) > 1 else found[0]
        if n_most is not None:
            kept = events["severity"].nlargest(n_most).index.sort_values()
            events = events.loc[kept].reset_index(drop=True)
        return events
