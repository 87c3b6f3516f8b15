"""Base class of the detectors: scores, a threshold and events, with scikit-learn's outlier API."""

import time
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.event_tables import checked_length, runs_of
from tsrnn.anomaly.fitted import FittedSeries
from tsrnn.anomaly.labels import labelled_steps
from tsrnn.anomaly.partitions import PartitionedDetector
from tsrnn.anomaly.results import channel_shares, event_table, with_lower_runs
from tsrnn.anomaly.thresholds import ConformalThreshold, QuantileThreshold, RobustZThreshold
from tsrnn.anomaly.tuning import TUNING_METRICS, TuningMetric, tuned_threshold
from tsrnn.data import ChannelPanel, channels_from
from tsrnn.distributed import on_engines
from tsrnn.parameters import (
    BOOLEAN,
    POSITIVE_INTEGER,
    HasMethods,
    Label,
    Number,
    ParametersMixin,
    StrOptions,
    validated,
)

_COLUMN = (Label(), None)


class AnomalyDetector(ParametersMixin, OutlierMixin, BaseEstimator):
    """Base class of the detectors.

    A subclass implements ``_fit_series(panel)`` and ``_score_series(panel)``, which both return a
    list of ``SeriesScores``; its fitted state is ``fitted_``, a ``FittedSeries``.
    """

    _MIN_EXCESS = 0.0  # of the default thresholds, in the unit of the scores
    _SPAN = "window"  # parameter with the number of points that a score is made of

    _parameter_constraints = {
        "online": [BOOLEAN],
        "threshold": [HasMethods(["fit", "predict"], "RobustZThreshold()"), None],
        "contamination": [StrOptions(["auto"]), Number(0, 0.5, closed="right")],
        "missing": [StrOptions(["raise", "mask"])],
        "id_column": _COLUMN,
        "time_column": _COLUMN,
    }

    def fit(self, y: Any, X: Any = None) -> Self:
        """Fit the model of normal behaviour, and the threshold to the scores of ``y``.

        Parameters
        ----------
        y : array, Series or DataFrame
            Training series, which may contain a few anomalies: a Series or an array (n,); several
            channels as columns; a panel on a MultiIndex of series and time, or as a long frame
            (``id_column``, ``time_column``).
        X : None
            Ignored; for compatibility with scikit-learn's pipelines.

        Returns
        -------
        AnomalyDetector, itself

        Raises
        ------
        ValueError
            If a parameter is out of its range, a series is too short, values are missing (unless
            ``missing="mask"``), infinite or not numbers, or times are missing, repeated or
            irregular.
        KeyboardInterrupt
            After Ctrl-C; the detector is as before.
        """
        self._fit_scores(y)
        return self

    def _fit_scores(self, y):
        """Fit; returns the series and their scores. If it fails, attributes are as before."""
        before, start = dict(vars(self)), time.perf_counter()
        try:
            fitted = self._fit(y)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise
        self.fit_time_ = time.perf_counter() - start
        return fitted

    def _fit(self, y):
        self._validate_params()
        threshold, panel = self._new_threshold(), self._read_series(y)
        panel.refuse_empty()
        self.fitted_ = FittedSeries.of(panel)
        scored = self._fit_series(panel)
        self.n_features_in_ = len(panel.channels)
        self.threshold_ = threshold.fit(np.concatenate([scores.score for scores in scored]))
        self.offset_ = -float(self.threshold_.threshold_)
        return panel, scored

    def _new_threshold(self):
        if self.threshold is not None:
            if self.contamination != "auto":
                raise ValueError(
                    "threshold and contamination both say what is an alarm: leave one of them out."
                )
            return clone(self.threshold)
        if self.contamination != "auto":
            return QuantileThreshold(self.contamination)
        if self.online:
            return ConformalThreshold(0.01, min_excess=self._MIN_EXCESS)
        return RobustZThreshold(min_excess=self._MIN_EXCESS)

    def _read_series(self, y, step=None) -> ChannelPanel:
        """Checked series of any input form."""
        columns = {"id_column": self.id_column, "time_column": self.time_column}
        return channels_from(y, **columns, missing=self.missing, step=step)

    def _read_fitted_series(self, y) -> ChannelPanel:
        """Checked series, which must be like those fitted."""
        check_is_fitted(self)
        self._validate_params()
        panel = self.fitted_.matched(self._read_series(y, self.fitted_.step))
        self.fitted_.check(panel)
        return panel

    @on_engines(PartitionedDetector)
    def score_samples(self, y: Any) -> Any:
        """Normality of each point: minus the anomaly score, which metrics and thresholds take.

        Parameters
        ----------
        y : array, Series or DataFrame
            Series in a form accepted by ``fit``, of the same channels; each is scored from its own
            start, without the state at the end of the training series.

        Returns
        -------
        (n,) Series, or array for an array
            For each row of ``y``, lower is more anomalous; NaN where a value is missing.

        Raises
        ------
        ValueError
            If the detector is not fitted, or ``y`` is not accepted by ``fit``.
        """
        panel = self._read_fitted_series(y)
        return panel.row_series([-scores.score for scores in self._score_series(panel)], "score")

    @on_engines(PartitionedDetector)
    def decision_function(self, y: Any) -> Any:
        """``score_samples`` minus ``offset_``: below 0 where the fitted threshold is exceeded.

        Parameters, result and errors are those of :meth:`score_samples`.
        """
        return self.score_samples(y) - self.offset_

    @on_engines(PartitionedDetector)
    def predict(self, y: Any) -> Any:
        """Label anomalous points -1, others and those without a score 1.

        An adaptive threshold, such as ``TailThreshold`` with a depth, is applied as if ``y``
        followed the training series. Parameters and errors are those of :meth:`score_samples`.

        Returns
        -------
        (n,) Series of int, or array for an array
        """
        panel = self._read_fitted_series(y)
        flags = [self.threshold_.predict(scores.score) for scores in self._score_series(panel)]
        return self._signs(panel, flags)

    def fit_predict(self, y: Any, X: Any = None, **params: Any) -> Any:
        """Fit, and label the anomalous points of the same series, with all scores known at once.

        Parameters, result and errors are those of :meth:`fit` and :meth:`predict`.
        """
        panel, scored = self._fit_scores(y)
        flags = clone(self.threshold_).fit_predict(np.concatenate([s.score for s in scored]))
        ends = np.cumsum([scores.score.size for scores in scored])[:-1]
        return self._signs(panel, np.split(flags, ends))

    def _signs(self, panel, flags):
        return panel.row_series([np.where(is_anomaly, -1, 1) for is_anomaly in flags], "anomaly")

    @on_engines(PartitionedDetector)
    def explain(self, y: Any) -> Any:
        """Scores, thresholds and expected values of each point.

        Parameters and errors are those of :meth:`score_samples`.

        Returns
        -------
        DataFrame
            For each row of ``y``: ``score``, higher is more anomalous; its ``threshold``;
            ``anomaly``, whether the score is above it. If the detector predicts values,
            ``expected``, and ``lower`` and ``upper``, two typical errors from it, in the unit of
            ``y``; for several channels as in ``expected_price``, and ``share_price``, the share of
            the channel in the score.
        """
        panel = self._read_fitted_series(y)
        scored = self._score_series(panel)
        columns: dict[str, Any] = {
            "score": [scores.score for scores in scored],
            "threshold": [self._thresholds(scores.score) for scores in scored],
            "anomaly": [self.threshold_.predict(scores.score) for scores in scored],
        }
        has_expected = scored[0].expected is not None
        has_shares = len(panel.channels) > 1 and scored[0].channel_score is not None
        for k, channel in enumerate(panel.channels):
            suffix = f"_{channel}" if len(panel.channels) > 1 else ""
            if has_expected:
                expected = [scores.expected[:, k] for scores in scored]
                margins = [2 * scores.spread[:, k] for scores in scored]
                pairs = list(zip(expected, margins, strict=True))
                columns[f"expected{suffix}"] = expected
                columns[f"lower{suffix}"] = [middle - margin for middle, margin in pairs]
                columns[f"upper{suffix}"] = [middle + margin for middle, margin in pairs]
            if has_shares:
                shares = [channel_shares(scores.channel_score)[:, k] for scores in scored]
                columns[f"share{suffix}"] = shares
        return panel.row_frame(columns)

    def _thresholds(self, scores):
        """The threshold of each score, (n,)."""
        adaptive = getattr(self.threshold_, "threshold", None)
        if adaptive is not None:
            return adaptive(scores)
        return np.full(scores.size, float(self.threshold_.threshold_))

    @validated(metric=TUNING_METRICS)
    def tune_threshold(self, y: Any, labels: Any, metric: TuningMetric = "f1") -> Self:
        """Set the threshold to the one whose alarms in ``y`` are best on labels, by a metric.

        ``threshold_`` is then a ``FixedThreshold``, which ``predict``, ``detect``, ``explain`` and
        ``update`` use, and saved files keep; an adaptive threshold no longer adapts. Networks,
        scores and the state of a stream stay as they are, and ``fit`` fits ``threshold`` anew. For
        which thresholds are tried and which of several is chosen see
        :func:`tsrnn.anomaly.tune_threshold`.

        Parameters
        ----------
        y : array, Series or DataFrame
            As in :meth:`score_samples`; best not the training series. All series of a panel get the
            same threshold.
        labels : array, Series or DataFrame
            1 or True for each anomalous row of ``y``, else 0; a Series has the index of ``y``. Or
            events, ``start`` and ``end``, both inclusive, of a panel with the column of ids, as
            :meth:`detect` returns them; events outside ``y`` are ignored.
        metric : {"f1", "range_f1", "affiliation_f1", "nab"} or callable, default="f1"
            As in :func:`tsrnn.anomaly.tune_threshold`. Of a panel "f1" is that of all points,
            "range_f1" of all ranges, "affiliation_f1" of all events, where a series without one has
            the precision 0 if it has an alarm, and "nab" of all series as files. A function is
            given labels and flags of all rows, in the order of ``y``. Rows without a score are not
            flagged.

        Returns
        -------
        AnomalyDetector, itself

        Raises
        ------
        ValueError
            As :meth:`score_samples` and :func:`tsrnn.anomaly.tune_threshold`. Nothing is changed.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from tsrnn.anomaly import GaussianDetector
        >>> days = pd.date_range("2024-01-01", periods=300)
        >>> y = pd.Series(np.random.default_rng(7).normal(size=300), days)
        >>> y["2024-08-01":"2024-08-04"] += 8
        >>> incidents = pd.DataFrame({"start": days[[213]], "end": days[[216]]})
        >>> detector = GaussianDetector(window=30).fit(y[:200])
        >>> len(detector.detect(y[200:]))
        3
        >>> detector = detector.tune_threshold(y[200:], incidents)
        >>> len(detector.detect(y[200:])), round(detector.threshold_.threshold_, 2)
        (1, 7.68)
        """
        panel = self._read_fitted_series(y)
        flags, scored = labelled_steps(labels, panel), self._score_series(panel)
        has_row = [series.rows >= 0 for series in panel]
        self.threshold_ = tuned_threshold(
            [scores.score[rows] for scores, rows in zip(scored, has_row, strict=True)],
            [part[rows] for part, rows in zip(flags, has_row, strict=True)],
            metric,
            np.concatenate([s.rows[rows] for s, rows in zip(panel, has_row, strict=True)]),
        )
        self.offset_ = -self.threshold_.threshold_
        return self

    @validated(n_most=[POSITIVE_INTEGER, None])
    @on_engines(PartitionedDetector)
    def detect(
        self, y: Any, n_most: int | None = None, *, min_gap: int | str | pd.Timedelta = "auto"
    ) -> pd.DataFrame:
        """Detect events: anomalous intervals with start, end and severity.

        A run of scores above the threshold is an event, which is then narrowed to the first and
        last point that are anomalous by themselves. Events that only a sliver parts are one.

        Parameters
        ----------
        y : array, Series or DataFrame
            As in :meth:`score_samples`.
        n_most : int, optional
            Return this many events, the most severe; if fewer exceed the threshold, also the most
            severe below it, which the column ``anomaly`` distinguishes.
        min_gap : int, Timedelta, str such as "2h", or "auto", default="auto"
            Least number of points between two events, or time from the last point of one to the
            first of the next: nearer ones are merged. "auto" is a tenth of ``stretch``, of the
            baselines of ``window``, rounded down, plus one; 0 merges none.

        Returns
        -------
        DataFrame
            A row for each event, sorted by time within each series: for a panel the label of the
            series; ``start`` and ``end``, both inclusive; ``n_points``; ``severity``, the highest
            score; ``peak``, the most anomalous point. If the detector predicts values, ``seen`` and
            ``expected`` at the peak, in the unit of ``y``; for several channels the ``channel``
            with the largest share, and ``share_...``, that of each channel. With ``online=True``
            also ``alarm``, the first point with a score above the threshold.

        Raises
        ------
        ValueError
            As :meth:`score_samples`; or if ``n_most`` is not a positive integer, or ``min_gap``
            negative, or a time where the series has none.
        """
        if isinstance(min_gap, str) and min_gap == "auto":
            min_gap = getattr(self, self._SPAN) // 10 + 1
        gap = checked_length(min_gap, "min_gap")
        panel = self._read_fitted_series(y)
        tables = []
        for series, scores in zip(panel, self._score_series(panel), strict=True):
            runs = above = runs_of(self.threshold_.predict(scores.score))
            if n_most is not None:
                runs = with_lower_runs(above, scores.score, n_most, gap, series.axis.index)
            lag = self.stretch if self.online and scores.point_score is not None else 0
            events = event_table(series, scores, runs, panel.channels, lag, gap)
            if n_most is not None:
                events["anomaly"] = events["alarm"].isin(series.axis.index.take(above[:, 0]))
            if not self.online:
                events = events.drop(columns="alarm")
            if series.label is not None:
                events.insert(0, panel.id_name, series.label)
            tables.append(events)
        events = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
        if n_most is not None:
            rows = events["severity"].nlargest(n_most).index.sort_values()
            events = events.loc[rows].reset_index(drop=True)
        return events
