"""Events, Series and arrays: the same labels in every form."""

import numpy as np
import pandas as pd
import pytest

from tsrnn.anomaly.metrics import (
    affiliation,
    average_precision,
    nab_points,
    range_precision_recall,
    vus_pr,
    vus_roc,
)
from tsrnn.datasets import load_nyc_taxi

DAYS = pd.date_range("2020-01-01", periods=12, name="day")
LABELS = np.array([0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0])
SCORES = np.array([1, 5, 2, 7, 9, 6, 4, 1, 3, 0, 8, 2]) / 10
FLAGGED = (SCORES > 0.5).astype(int)


def events(*spans, index=DAYS):
    frame = pd.DataFrame(spans, columns=["start", "end"])
    return frame.map(lambda step: index[step])


EVENTS, FLAGGED_EVENTS = events((2, 4), (8, 8)), events((3, 5), (10, 10))

OF_SCORES = {
    "average_precision": average_precision,
    "vus_roc": lambda labels, scores: vus_roc(labels, scores, 4),
    "vus_pr": lambda labels, scores: vus_pr(labels, scores, 4),
    "nab_points": lambda labels, scores: nab_points(labels, scores, 0.5),
}
OF_RANGES = {
    "affiliation": lambda *args, **how: affiliation(*args, **how)[:2],
    "range_precision_recall": range_precision_recall,
}
metric_of_scores = pytest.mark.parametrize("metric", OF_SCORES.values(), ids=OF_SCORES)
metric_of_ranges = pytest.mark.parametrize("metric", OF_RANGES.values(), ids=OF_RANGES)


@metric_of_scores
def test_labels_and_scores_in_every_form(metric):
    expected = metric(LABELS, SCORES)
    series = pd.Series(SCORES, index=DAYS)
    for labels in (EVENTS, EVENTS[::-1], LABELS.astype(bool), pd.Series(LABELS, index=DAYS)):
        assert metric(labels, series) == expected
    for labels in (
        events((2, 4), (8, 8), index=range(12)),
        LABELS.tolist(),
        pd.Series(LABELS, index=DAYS),  # an array goes with any index
        pd.Series(LABELS, dtype="Int8"),
        pd.Series(LABELS).astype("boolean"),
    ):
        assert metric(labels, SCORES) == expected
    assert metric(LABELS, series) == metric(LABELS.astype(float), SCORES.tolist()) == expected


@metric_of_ranges
def test_labels_and_predictions_in_every_form(metric):
    expected = metric(LABELS, FLAGGED)
    dated = pd.Series(LABELS, index=DAYS), pd.Series(FLAGGED, index=DAYS)
    for labels, predicted, index in (
        (*dated, None),
        (EVENTS, dated[1], None),
        (dated[0], FLAGGED_EVENTS, None),
        (EVENTS, FLAGGED_EVENTS, DAYS),
        (EVENTS, FLAGGED, DAYS),
        (LABELS, dated[1], None),
        (LABELS.astype(bool), FLAGGED_EVENTS, DAYS),
        (LABELS, events((3, 5), (10, 10), index=range(12)), None),
    ):
        assert metric(labels, predicted, index=index) == expected


def test_events_of_a_real_series():
    passengers, labelled = load_nyc_taxi(return_events=True)
    jumps = passengers.diff().abs().fillna(0.0)
    zero_one = pd.Series(0, index=passengers.index)
    for start, end in zip(labelled["start"], labelled["end"], strict=True):
        zero_one[start:end] = 1
    for metric in OF_SCORES.values():
        assert metric(labelled, jumps) == metric(zero_one, jumps)
    for metric in OF_RANGES.values():
        assert metric(labelled, jumps > 8000) == metric(zero_one, jumps > 8000)


def test_adjacent_events_are_two_and_adjacent_steps_are_one():
    flagged = np.zeros(12)
    flagged[2] = 1
    two = range_precision_recall(events((2, 2), (3, 4)), pd.Series(flagged, index=DAYS))
    single = range_precision_recall(events((2, 4)), pd.Series(flagged, index=DAYS))
    assert (two.recall, single.recall) == (1 / 2, 1 / 3)


def test_times_between_steps_and_beyond_them():
    # What lies between two steps belongs to none, and what lies outside is cut off.
    hours = pd.DataFrame({"start": [DAYS[1] + pd.Timedelta("1h")], "end": [DAYS[4]]})
    scores = pd.Series(SCORES, index=DAYS)
    assert average_precision(hours, scores) == average_precision(events((2, 4)), scores)
    late = pd.DataFrame({"start": [DAYS[10]], "end": [pd.Timestamp("2021-01-01")]})
    assert average_precision(late, scores) == average_precision(events((10, 11)), scores)


def test_repeated_times_are_in_an_event_together():
    # As the hour when daylight saving time ends, in some files of NAB.
    twice = DAYS.insert(4, DAYS[4])
    scores = pd.Series(np.append(SCORES, 0), index=twice)
    labels = np.insert(LABELS, 4, 1)
    assert average_precision(EVENTS, scores) == average_precision(labels, scores.to_numpy())


@metric_of_scores
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            pd.Series(LABELS, index=DAYS + pd.Timedelta("1D")),
            r"labels and scores have different indexes, first at \[0\]: 2020-01-02 .* and 2020",
        ),
        (pd.Series(LABELS, index=DAYS)[1:], "labels has 11 steps and scores has 12"),
        (pd.Series(LABELS, index=DAYS)[::-1], r"different indexes, first at \[0\]"),
        (EVENTS.rename(columns={"end": "stop"}), r"without the columns start and end, it has \["),
        (
            events((2, 4), (4, 5)),
            r"events of labels overlap at \[0\]: 4\. Join them",
        ),
        (
            pd.DataFrame({"start": [DAYS[3]], "end": [DAYS[2]]}, index=["storm"]),
            "event 'storm' of labels, 2020-01-04 .* does not start before it ends",
        ),
        (
            pd.DataFrame({"start": [DAYS[3]], "end": [pd.NaT]}),
            "event 0 of labels, .* NaT, does not",
        ),
        (
            pd.DataFrame({"start": [DAYS[3]], "end": [DAYS[4]]}).add(pd.Timedelta("999D")),
            "event 0 of labels, 2022.* holds no step of 2020-01-01 .* to 2020-01-12 .*Leave it out",
        ),
        (
            EVENTS.apply(lambda column: column.dt.tz_localize("UTC")),
            "event 0 of labels, .* is not of the kind of the index",
        ),
        (events((2, 4), index=range(12)), "event 0 of labels, 2 to 4, is not of the kind of the"),
    ],
)
def test_labels_that_are_refused(metric, labels, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, pd.Series(SCORES, index=DAYS))


def test_an_index_out_of_order_is_refused_where_it_tears_an_event():
    torn = pd.Series(SCORES, index=DAYS[[0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]])
    with pytest.raises(
        ValueError, match=r"event 0 of labels, .* not in one piece: the index is not"
    ):
        average_precision(EVENTS, torn)
    assert average_precision(events((8, 9)), torn) > 0


def test_frames_of_scores_are_refused():
    with pytest.raises(ValueError, match="scores is a frame"):
        average_precision(LABELS, pd.DataFrame({"score": SCORES}))


@metric_of_ranges
def test_predictions_that_are_refused(metric):
    with pytest.raises(ValueError, match=r"both events\. Give index, the steps they lie on"):
        metric(EVENTS, FLAGGED_EVENTS)
    flagged = pd.Series(FLAGGED, index=DAYS)
    with pytest.raises(ValueError, match=r"predicted and index have different .* at \[0\]"):
        metric(LABELS, flagged, index=DAYS + pd.Timedelta("1h"))
    with pytest.raises(ValueError, match="predicted has 12 steps and index has 11"):
        metric(EVENTS, flagged, index=DAYS[:-1])
    with pytest.raises(ValueError, match=r"predicted and labels have different .* at \[0\]"):
        metric(pd.Series(LABELS), flagged)
    with pytest.raises(ValueError, match="events of predicted overlap"):
        metric(flagged, events((1, 3), (2, 5)))
