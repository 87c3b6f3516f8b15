"""Range-based precision and recall, and affiliation."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.anomaly.metrics import affiliation, range_precision_recall

BIASES = "flat", "front", "middle", "back"
METRICS = {"affiliation": affiliation, "range_precision_recall": range_precision_recall}
every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


@st.composite
def labels_and_predicted(draw):
    n = draw(st.integers(2, 40))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    anomalous, normal = draw(st.permutations(range(n)))[:2]
    labels[anomalous], labels[normal] = 1, 0
    return labels, draw(st.lists(st.booleans(), min_size=n, max_size=n))


def ranges_of(labels):
    """The steps of each range, as sets."""
    steps = [t for t, label in enumerate(labels) if label]
    groups = itertools.groupby(enumerate(steps), lambda pair: pair[1] - pair[0])
    return [{t for _, t in group} for _, group in groups]


def delta(bias, i, length):
    if bias == "flat":
        return 1
    if bias == "back" or (bias == "middle" and i <= length / 2):
        return i
    return length - i + 1


def omega(range_, overlap, bias):
    """The figure 2 of Tatbul et al. (2018)."""
    mine = most = 0
    for i, t in enumerate(sorted(range_), 1):
        value = delta(bias, i, len(range_))
        most += value
        mine += value if t in overlap else 0
    return mine / most


def slow_mean_reward(ranges, others, alpha, bias, cardinality):
    total = 0.0
    for range_ in ranges:
        x = sum(bool(range_ & other) for other in others)
        gamma = 1 / x if cardinality == "reciprocal" and x > 1 else 1
        overlap = gamma * sum(omega(range_, range_ & other, bias) for other in others)
        total += alpha * (x > 0) + (1 - alpha) * overlap
    return total / len(ranges) if ranges else np.nan


@given(
    labels_and_predicted(),
    st.floats(0, 1),
    st.sampled_from(BIASES),
    st.sampled_from(BIASES),
    st.sampled_from(["one", "reciprocal"]),
)
def test_range_precision_and_recall_from_their_formulas(
    pair, alpha, bias, precision_bias, cardinality
):
    real, flagged = map(ranges_of, pair)
    expected = (
        slow_mean_reward(flagged, real, 0, precision_bias, cardinality),
        slow_mean_reward(real, flagged, alpha, bias, cardinality),
    )
    scores = range_precision_recall(
        *pair, alpha=alpha, bias=bias, precision_bias=precision_bias, cardinality=cardinality
    )
    np.testing.assert_allclose(scores, expected, rtol=1e-12)
    assert all(isinstance(score, float) for score in scores)


def test_recall_by_hand():
    labels, flagged = np.zeros(12, dtype=int), np.zeros(12, dtype=int)
    labels[2:6] = labels[8:11] = 1
    flagged[[2, 5, 8]] = 1
    recall = {
        (bias, how): range_precision_recall(labels, flagged, bias=bias, cardinality=how).recall
        for bias in BIASES
        for how in ("one", "reciprocal")
    }
    # The first and last of 4 steps, in two pieces, and the first of 3.
    assert recall["flat", "one"] == pytest.approx((2 / 4 + 1 / 3) / 2)
    assert recall["flat", "reciprocal"] == pytest.approx((2 / 4 / 2 + 1 / 3) / 2)
    assert recall["front", "one"] == pytest.approx(((4 + 1) / 10 + 3 / 6) / 2)
    assert recall["back", "one"] == pytest.approx(((1 + 4) / 10 + 1 / 6) / 2)
    assert recall["middle", "one"] == pytest.approx(((1 + 1) / 6 + 1 / 4) / 2)  # 1 2 2 1 and 1 2 1
    half = range_precision_recall(labels, flagged, alpha=0.5).recall
    assert half == pytest.approx((1 + recall["flat", "one"]) / 2)


def share_left(zone, gap):
    """Of a zone, the share of it that is not in a gap."""
    inside = max(0.0, min(zone[1], gap[1]) - max(zone[0], gap[0]))
    return 1 - inside / (zone[1] - zone[0])


def distance(x, intervals):
    return min(max(a - x, x - b, 0.0) for a, b in intervals)


def slow_affiliation(labels, predicted):
    """From the definition, with a mean over quarters of steps.

    Within those, the probabilities are linear: zones, events and what lies midway between begin and
    end at quarters, or their probabilities turn there.
    """
    real, flagged = ([(min(r), max(r) + 1) for r in ranges_of(x)] for x in (labels, predicted))
    cuts = [0, *((a[1] + b[0]) / 2 for a, b in itertools.pairwise(real)), len(labels)]
    quarters = np.arange(4 * len(labels)) / 4 + 1 / 8
    precisions, recalls = [], []
    for event, zone in zip(real, itertools.pairwise(cuts), strict=True):
        pieces = [(max(a, zone[0]), min(b, zone[1])) for a, b in flagged]
        pieces = [(a, b) for a, b in pieces if a < b]
        if not pieces:
            precisions.append(np.nan)
            recalls.append(0.0)
            continue
        precise = []
        for x in quarters:
            if distance(x, pieces) == 0:
                d = distance(x, [event])
                nearer = (event[0] - d, event[1] + d) if d else (0, 0)
                precise.append(share_left(zone, nearer))
        recalled = []
        for y in quarters[(event[0] < quarters) & (quarters < event[1])]:
            d = distance(y, pieces)
            recalled.append(share_left(zone, (y - d, y + d)))
        precisions.append(np.mean(precise))
        recalls.append(np.mean(recalled))
    return precisions, recalls


@given(labels_and_predicted())
def test_affiliation_from_its_definition(pair):
    precisions, recalls = slow_affiliation(*pair)
    scores = affiliation(*pair)
    np.testing.assert_allclose(scores.event_precision, precisions, rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores.event_recall, recalls, rtol=0, atol=1e-12)
    assert scores.recall == pytest.approx(np.mean(recalls), abs=1e-12)
    if any(pair[1]):
        assert scores.precision == pytest.approx(np.nanmean(precisions), abs=1e-12)
    assert isinstance(scores.precision, float)


def test_affiliation_of_the_papers_example():
    # Its figure 3, in seconds, as in the tests of affiliation-metrics-py.
    def of_minutes(*events):
        return np.isin(np.arange(180 * 60) // 60, [m for a, b in events for m in range(a, b)])

    labels = of_minutes((0, 10), (50, 70), (170, 175))
    flagged = of_minutes((5, 6), (7, 10), (11, 12), (40, 60), (115, 130), (135, 140), (165, 170))
    scores = affiliation(labels, flagged)
    assert scores.event_precision[1] == pytest.approx(0.672222222, abs=1e-9)
    assert scores.event_recall[1] == pytest.approx(0.944444444, abs=1e-9)


def test_random_alarms_have_about_half_the_affiliation_precision():
    labels = np.zeros(4000, dtype=int)
    labels[[1000, 3000]] = 1
    alarms = np.arange(4000) % 10 == 3
    assert affiliation(labels, alarms).precision == pytest.approx(0.5, abs=0.01)


@every_metric
def test_all_is_found_and_nothing_is(metric):
    labels = [0, 1, 1, 0, 0, 1, 0]
    assert metric(labels, labels)[:2] == (1, 1)
    precision, recall = metric(labels, np.zeros(7))[:2]
    assert np.isnan(precision)
    assert recall == 0


@every_metric
@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        ([0, 1], [0, 1, 1], "predicted has 3 steps and labels has 2"),
        ([0, 1, 0], [0.5, 0, 1], r"predicted is not 0 or 1 at \[0\]: 0.5"),
        ([0, 1, 0], [0, np.nan, 1], r"predicted is not 0 or 1 at \[1\]: nan"),
        ([0, np.nan, 0], [0, 1, 1], r"labels is not 0 or 1 at \[1\]: nan"),
        ([0, 0, 0], [0, 1, 1], "labels has no anomaly among 3 steps"),
        ([1, 1, 1], [0, 1, 1], "labels has all 3 steps anomalous"),
    ],
)
def test_what_is_refused(metric, labels, predicted, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, predicted)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"alpha": 1.5}, "alpha must be a number in the range .0, 1., got 1.5"),
        ({"alpha": np.nan}, "alpha must be a number in the range .0, 1., got nan"),
        ({"bias": "end"}, "bias must be one of 'back', 'flat', 'front', 'middle', got 'end'"),
        ({"precision_bias": None}, "precision_bias must be one of .*'flat', .*, got None"),
        ({"cardinality": "two"}, "cardinality must be one of 'one', 'reciprocal', got 'two'"),
    ],
)
def test_settings_that_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        range_precision_recall([0, 1], [0, 1], **setting)
