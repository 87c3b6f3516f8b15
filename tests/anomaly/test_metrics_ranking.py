import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from tsrnn.anomaly.metrics import (
    average_precision,
    range_auc_pr,
    range_auc_roc,
    vus_pr,
    vus_roc,
)

METRICS = {
    "average_precision": average_precision,
    "range_auc_pr": lambda labels, scores: range_auc_pr(labels, scores, 6),
    "range_auc_roc": lambda labels, scores: range_auc_roc(labels, scores, 6),
    "vus_pr": lambda labels, scores: vus_pr(labels, scores, 6),
    "vus_roc": lambda labels, scores: vus_roc(labels, scores, 6),
}
every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


@st.composite
def labels_and_scores(draw):
    """With steps of both kinds, and ties."""
    n = draw(st.integers(2, 40))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    anomalous, normal = draw(st.permutations(range(n)))[:2]
    labels[anomalous], labels[normal] = 1, 0
    return labels, draw(st.lists(st.integers(-6, 6), min_size=n, max_size=n))


def ranges_of(labels):
    """(first, last) of each."""
    ranges = []
    for t, label in enumerate(labels):
        if label and (t == 0 or not labels[t - 1]):
            ranges.append([t, t])
        elif label:
            ranges[-1][1] = t
    return ranges


def soft_label(t, ranges, window):
    total = 0.0
    for first, last in ranges:
        if first <= t <= last:
            return 1.0
        distance = first - t if t < first else t - last
        if distance <= window // 2:
            total += np.sqrt(1 - distance / window)
    return min(total, 1.0)


def widened(ranges, window):
    """Ranges with half a window on either side, joined where they share a step."""
    joined = []
    for first, last in ranges:
        first, last = first - window // 2, last + window // 2
        if joined and first <= joined[-1][1]:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    return joined


def slow_areas(labels, scores, window, n_thresholds):
    """ROC and PR area of one buffer, from the formulas, threshold by threshold."""
    n, ranges = len(labels), ranges_of(labels)
    soft = [soft_label(t, ranges, window) for t in range(n)]
    falling = sorted(scores, reverse=True)
    roc, pr, tpr_before, fpr_before = 0.0, 0.0, 0.0, 0.0
    for place in np.linspace(0, n - 1, n_thresholds):
        flagged = [t for t in range(n) if scores[t] >= falling[int(place)]]
        hits = sum(soft[t] for t in flagged)
        partly = sum(soft[t] for t in flagged if not labels[t])
        result = [any(a <= t <= b for t in flagged) for a, b in widened(ranges, window)]
        positives = sum(labels) + partly / 2
        tpr = min(hits / positives, 1) * sum(result) / len(result)
        fpr = (len(flagged) - hits) / (n - positives)
        roc += (fpr - fpr_before) * (tpr + tpr_before) / 2
        pr += (tpr - tpr_before) * hits / len(flagged)
        tpr_before, fpr_before = tpr, fpr
    return roc + (1 - fpr_before) * (1 + tpr_before) / 2, pr


@given(labels_and_scores(), st.integers(0, 12), st.integers(2, 30))
def test_areas_and_volumes_from_their_formulas(pair, window, n_thresholds):
    areas = [slow_areas(*pair, w, n_thresholds) for w in range(window + 1)]
    slices, volumes = (range_auc_roc, range_auc_pr), (vus_roc, vus_pr)
    single = [metric(*pair, window, n_thresholds=n_thresholds) for metric in slices]
    np.testing.assert_allclose(single, areas[-1], rtol=1e-12, atol=1e-12)
    mean = [metric(*pair, window, n_thresholds=n_thresholds) for metric in volumes]
    np.testing.assert_allclose(mean, np.mean(areas, axis=0), rtol=1e-12, atol=1e-12)


@given(labels_and_scores())
def test_average_precision_is_that_of_scikit_learn(pair):
    assert average_precision(*pair) == average_precision_score(*pair)


def test_lone_anomalies_without_a_buffer_give_the_ordinary_curve():
    # One anomaly of one step: found at once or not at all, so that the share found changes nothing.
    scores = np.random.default_rng(0).permutation(200)
    labels = np.arange(200) == 77
    assert range_auc_roc(labels, scores, 0) == pytest.approx(roc_auc_score(labels, scores))


@every_metric
@given(pair=labels_and_scores())
def test_only_the_order_of_scores_matters(metric, pair):
    labels, scores = pair
    score = metric(labels, scores)
    assert 0 <= score <= 1 + 1e-12
    assert isinstance(score, float)
    assert metric(labels, np.exp(np.asarray(scores, dtype=float)) * 3 - 50) == score


@every_metric
def test_late_scores_do_worse_and_buffers_soften_that(metric):
    labels = np.zeros(400, dtype=int)
    labels[100:120] = labels[300:310] = 1
    exact, late, wrong = (metric(labels, np.roll(labels, lag)) for lag in (0, 2, 40))
    assert exact > late > wrong


def test_a_larger_window_forgives_more():
    labels = np.zeros(400, dtype=int)
    labels[200:220] = 1
    late = np.roll(labels, 15)
    scores = [vus_pr(labels, late, window) for window in (0, 10, 40)]
    assert scores[0] < scores[1] < scores[2]


@every_metric
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1], [1, 2, 3], "labels has 2 steps and scores has 3"),
        ([0, 1, 0], [1, np.nan, np.inf], r"scores is missing or infinite at \[1\]: nan and at 1"),
        ([0, 1, np.nan], [1, 2, 3], r"labels is not 0 or 1 at \[2\]: nan"),
        ([0, 1, 2], [1, 2, 3], r"labels is not 0 or 1 at \[2\]: 2.0. Give 0 and 1"),
        ([0, 0, 0], [1, 2, 3], "labels has no anomaly among 3 steps"),
        ([1, 1, 1], [1, 2, 3], "labels has all 3 steps anomalous"),
        ([], [], r"scores must have one axis with values, got shape \(0,\)"),
        ([[0, 1]], [1, 2], r"labels must have one axis with values, got shape \(1, 2\)"),
        ([0, 1], ["a", "b"], "scores must be numbers"),
    ],
)
def test_what_is_refused(metric, labels, scores, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, scores)


@pytest.mark.parametrize("metric", [vus_pr, vus_roc, range_auc_pr, range_auc_roc])
def test_settings_that_are_refused(metric):
    for window in (-1, 2.5, True):
        with pytest.raises(ValueError, match=f"window must be a whole number .*got {window}"):
            metric([0, 1], [1, 2], window)
    with pytest.raises(ValueError, match=r"n_thresholds must be a whole number from 2 .*got 1"):
        metric([0, 1], [1, 2], 3, n_thresholds=1)
    assert metric([0, 1], [1, 2], np.int64(3)) == metric([0, 1], [1, 2], 3.0)
