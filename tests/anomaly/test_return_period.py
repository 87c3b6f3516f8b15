"""ReturnPeriodThreshold held against loops written from the equations, and against simulations."""

import copy

import numpy as np
import pytest

from tsrnn import RNNAnomalyDetector
from tsrnn.anomaly.thresholds import ReturnPeriodThreshold

NAN = np.nan


def tail_by_hand(history, share):
    """Base of the tail, its index by Hill with five values of 0.3 more, and its size."""
    falling = sorted(history, reverse=True)
    k = max(int(share * len(history)), 1)
    base = falling[k]
    index = (sum(np.log(x / base) for x in falling[:k]) + 5 * 0.3) / (k + 5)
    return base, index, k


def period_by_hand(history, x, share):
    """Return period by Weissman; below the tail the rank of x among all."""
    base, index, k = tail_by_hand(history, share)
    n = len(history)
    if x <= base:
        return (n + 1) / (1 + sum(y >= x for y in history))
    return (n + 1) / k * (x / base) ** (1 / index)


def stream_by_hand(first, stream, span, share, window):
    """Return periods of all scores of a stream, each of those before it."""
    scores, periods = list(first), []

    def mean_at(k):
        return np.mean(scores[max(k - span + 1, 0) : k + 1])

    for x in stream:
        if x != x:
            periods.append(NAN)
            continue
        scores.append(x)
        n = len(scores) - 1
        start = 0 if window is None else max(n - window, 0)
        points = scores[start:n]
        periods.append(period_by_hand(points, x, share))
        if span > 1:
            means = [mean_at(k) for k in range(start, n)]
            periods[-1] = max(periods[-1], period_by_hand(means, mean_at(n), share))
    return np.array(periods)


def gamma_scores(n, seed=0):
    scores = np.random.default_rng(seed).gamma(2, size=n)
    scores[n // 2 : n // 2 + 10] += 4
    return scores


@pytest.mark.parametrize("window", [None, 90])
@pytest.mark.parametrize("span", [1, 7])
@pytest.mark.parametrize("share", [0.02, 0.1])
def test_a_stream_by_hand(span, share, window):
    first, new = gamma_scores(120), gamma_scores(300, seed=1)
    new[[0, 9, 150]] = NAN
    expected = stream_by_hand(first, new, span, share, window)
    period = 55.0
    settings = {"period": period, "span": span, "tail_share": share, "window": window}
    fitted = ReturnPeriodThreshold(**settings).fit(first)
    periods, alarms, thresholds = np.empty(300), np.zeros(300, bool), np.empty(300)
    for k in range(300):
        periods[k] = fitted.return_periods(new[k : k + 1])[0]
        thresholds[k] = fitted.threshold_
        alarms[k] = fitted.update(new[k : k + 1])[0]
    np.testing.assert_allclose(periods, expected, rtol=1e-9)
    np.testing.assert_array_equal(alarms, expected > period)
    np.testing.assert_array_equal(alarms, new > thresholds)
    assert 3 < alarms.sum() < 60


def test_predictions_have_a_mean_that_moves_and_a_history_that_does_not():
    first, new = gamma_scores(300), gamma_scores(100, seed=1)
    fitted = ReturnPeriodThreshold(50, span=5, tail_share=0.05).fit(first)
    scores = [*first, *new]
    means = [np.mean(scores[max(k - 4, 0) : k + 1]) for k in range(400)]
    expected = np.array(
        [
            max(period_by_hand(first, x, 0.05), period_by_hand(means[:300], mean, 0.05))
            for x, mean in zip(new, means[300:], strict=True)
        ]
    )
    np.testing.assert_allclose(fitted.return_periods(new), expected, rtol=1e-9)
    np.testing.assert_array_equal(fitted.predict(new), expected > 50)
    np.testing.assert_array_equal(new > fitted.threshold(new), expected > 50)


@pytest.mark.parametrize(
    ("kind", "most"), [("exponential", 9), ("standard_normal", 9), ("standard_cauchy", 20)]
)
def test_false_alarms_are_about_as_rare_as_the_period(kind, most):
    alarms = []
    for seed in range(5):
        scores = np.abs(getattr(np.random.default_rng(seed), kind)(size=8000))
        alarms.append(ReturnPeriodThreshold(1000).fit(scores[:2000]).update(scores[2000:]).sum())
    assert 3 < np.mean(alarms) < most  # 6 by the period


def test_what_lasts_is_an_alarm_that_no_point_of_it_is():
    scores = np.random.default_rng(0).exponential(size=3000)
    of_points, of_both = (ReturnPeriodThreshold(span=span).fit(scores) for span in (1, 40))
    assert not of_points.update(np.full(40, 3.0)).any()
    assert of_both.update(np.full(40, 3.0)).mean() > 0.3


def test_an_extreme_score_does_not_hide_the_next():
    fitted = ReturnPeriodThreshold(span=1).fit(np.random.default_rng(0).exponential(size=3000))
    before = fitted.threshold_
    assert fitted.update([1e6]).all()
    assert fitted.threshold_ < 3 * before


def test_scores_of_zero():
    fitted = ReturnPeriodThreshold().fit(np.zeros(100))
    assert fitted.threshold_ == 0
    assert fitted.return_periods([0.0, 1.0]).tolist() == [1.0, np.inf]
    assert fitted.update([0.0, 1.0]).tolist() == [False, True]


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"period must be above 1 / tail_share = 100, got 100"):
        ReturnPeriodThreshold(100, tail_share=0.01).fit([1.0, 2.0])
    with pytest.raises(ValueError, match="scores must be at least 0, got -1"):
        ReturnPeriodThreshold().fit([1.0, -1.0])


def test_with_a_stream_of_a_detector():
    rng = np.random.default_rng(0)
    y = np.sin(np.arange(1500) * np.pi / 12) + 0.1 * rng.normal(size=1500)
    y[1300] += 3
    threshold = ReturnPeriodThreshold(300, tail_share=0.01)
    settings = {"online": True, "stretch": 1, "season": 24, "max_iter": 5, "threshold": threshold}
    detector = RNNAnomalyDetector(**settings).fit(y[:1000])
    same = copy.deepcopy(detector)
    update = detector.update(y[1000:])
    assert update.anomaly[300]
    assert update.anomaly.sum() < 20
    parts = [same.update(part).anomaly for part in np.split(y[1000:], [1, 250, 310])]
    np.testing.assert_array_equal(np.concatenate(parts), update.anomaly)
    np.testing.assert_allclose(update.score, -detector.score_samples(y)[1000:], rtol=1e-4)
