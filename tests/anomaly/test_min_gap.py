"""Events that a sliver parts are one, by ``min_gap`` of ``detect``."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.anomaly import QuantileThreshold
from tsrnn.anomaly.detector import AnomalyDetector
from tsrnn.anomaly.results import SeriesScores

DAYS = pd.date_range("2024-01-01", periods=60)


class Own(AnomalyDetector):
    """A detector whose scores are the values themselves."""

    _parameter_constraints = AnomalyDetector._parameter_constraints

    def __init__(self, window=30, online=False, threshold=None, contamination="auto"):
        self.window, self.online = window, online
        self.threshold, self.contamination = threshold, contamination
        self.missing, self.id_column, self.time_column = "raise", None, None

    def _fit_series(self, panel):
        return self._score_series(panel)

    def _score_series(self, panel):
        return [SeriesScores(series.values[:, 0]) for series in panel]


def series(index=DAYS):
    """Above 5 at positions 10 to 13, 16 to 18, 30 and 32; below it 4 at 40 and 3 at 43."""
    values = np.zeros(60)
    values[10:14], values[16:19], values[[30, 32]] = [6, 9, 7, 6], 8, [7, 6]
    values[[40, 43]] = 4, 3
    return pd.Series(values, index, name="y")


def detector(**parameters):
    return Own(threshold=QuantileThreshold(9 / 60), **parameters).fit(series())


def spans(events):
    firsts, lasts = (events[name].map(DAYS.get_loc).tolist() for name in ("start", "end"))
    return list(zip(firsts, lasts, strict=True))


PARTS = [(10, 13), (16, 18), (30, 30), (32, 32)]


@pytest.mark.parametrize(
    ("min_gap", "expected"),
    [
        (0, PARTS),
        (1, PARTS),
        (2, [*PARTS[:2], (30, 32)]),
        (3, [(10, 18), (30, 32)]),
        (11, [(10, 18), (30, 32)]),
        (12, [(10, 32)]),
        ("2D", PARTS),
        ("3D", [*PARTS[:2], (30, 32)]),
        (pd.Timedelta("4D"), [(10, 18), (30, 32)]),
    ],
)
def test_nearer_events_are_one(min_gap, expected):
    assert spans(detector().detect(series(), min_gap=min_gap)) == expected


def test_what_a_merged_event_tells():
    events = detector(online=True).detect(series(), min_gap=3)
    assert events["severity"].tolist() == [9, 7]
    assert events["n_points"].tolist() == [9, 3]
    assert events["peak"].map(DAYS.get_loc).tolist() == [11, 30]
    assert events["alarm"].map(DAYS.get_loc).tolist() == [10, 30]


@pytest.mark.parametrize(("window", "expected"), [(9, PARTS), (29, [(10, 18), (30, 32)])])
def test_auto_is_a_tenth_of_the_points_of_a_score(window, expected):
    found = spans(detector(window=window).detect(series()))
    assert found == spans(detector().detect(series(), min_gap=window // 10 + 1)) == expected


def test_the_most_severe_are_counted_as_merged():
    events = detector().detect(series(), 3, min_gap=3)
    assert spans(events) == [(10, 18), (30, 32), (40, 40)]
    assert events["anomaly"].tolist() == [True, True, False]
    assert spans(detector().detect(series(), 9, min_gap=3)) == spans(events)  # 43 is near 40
    apart = detector().detect(series(), 5, min_gap=2)
    assert spans(apart) == [(10, 13), (16, 18), (30, 32), (40, 40), (43, 43)]


def test_gaps_that_are_refused():
    numbers = series(range(60))
    fitted = Own(threshold=QuantileThreshold(9 / 60)).fit(numbers)
    assert len(fitted.detect(numbers, min_gap=3)) == 2
    for wrong, message in [
        (-1, "min_gap must be at least 0"),
        ("soon", "min_gap must be a number of points or a time such as '2h', got 'soon'"),
        (1.5, "min_gap must be a number of points"),
        ("2h", "min_gap is a time, and events are at int64, not in time"),
    ]:
        with pytest.raises(ValueError, match=message):
            fitted.detect(numbers, min_gap=wrong)
