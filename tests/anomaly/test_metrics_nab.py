import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.anomaly.metrics import NAB_PROFILES, NabWeights, nab_points, nab_score


@st.composite
def files(draw):
    n = draw(st.integers(2, 60))
    edges = sorted(draw(st.sets(st.integers(0, n), max_size=8)))
    labels = np.zeros(n, dtype=int)
    for start, stop in zip(edges[::2], edges[1::2], strict=False):
        labels[start:stop] = 1
    return labels, draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))


every_weights = st.sampled_from([*NAB_PROFILES.values(), NabWeights(2.0, 0.3, 0.5)])


def windows_of(labels):
    """(first, last) of each."""
    inside = [t for t in range(len(labels)) if labels[t]]
    firsts = [t for t in inside if t == 0 or not labels[t - 1]]
    return [(a, next(t for t in inside if t >= a and t + 1 not in inside)) for a in firsts]


def sigmoid(x):
    return 2 / (1 + np.exp(5 * x)) - 1


def slow_points(labels, scores, threshold, weights, probation):
    """Window by window and alarm by alarm; and how many windows there are."""
    start = min(np.floor(probation * len(labels)), probation * 5000)
    alarms = [t for t in range(len(scores)) if t >= start and scores[t] >= threshold]
    windows, points, count = windows_of(labels), 0.0, 0
    for first, last in windows:
        if last < start:
            continue
        count += 1
        hits = [t for t in alarms if first <= t <= last]
        if hits:
            position = -(last - hits[0] + 1) / (last - first + 1)
            points += weights.tp * sigmoid(position) / sigmoid(-1)
        else:
            points -= weights.fn
    for t in alarms:
        if labels[t]:
            continue
        before = [window for window in windows if window[1] < t]
        if not before or before[-1][0] == before[-1][1]:
            points -= weights.fp
            continue
        position = (t - before[-1][1]) / (before[-1][1] - before[-1][0])
        points += weights.fp * (-1 if position > 3 else sigmoid(position))
    return points, count


@given(files(), st.integers(0, 10), every_weights, st.sampled_from([0.0, 0.15, 0.5]))
def test_points_of_a_file_from_the_formulas(file, threshold, weights, probation):
    points = nab_points(*file, threshold, profile=weights, probation=probation)
    expected, _ = slow_points(*file, threshold, weights, probation)
    assert points == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert isinstance(points, float)


@given(st.lists(files(), min_size=1, max_size=4), every_weights)
def test_the_best_of_all_thresholds(corpus, weights):
    labels, scores = zip(*corpus, strict=True)
    n_windows = sum(slow_points(*file, 99, weights, 0.15)[1] for file in corpus)
    if not n_windows:
        with pytest.raises(ValueError, match=f"labels has no window in {len(corpus)} files"):
            nab_score(labels, scores, profile=weights)
        return
    points = {
        threshold: sum(slow_points(*file, threshold, weights, 0.15)[0] for file in corpus)
        for threshold in (np.inf, *range(9, -1, -1))
    }
    best = nab_score(labels, scores, profile=weights)
    assert best.points == pytest.approx(max(points.values()), rel=1e-12, abs=1e-12)
    assert points[best.threshold] == pytest.approx(best.points, rel=1e-12, abs=1e-12)
    null, perfect = -weights.fn * n_windows, weights.tp * n_windows
    assert best.score == pytest.approx(100 * (best.points - null) / (perfect - null), abs=1e-9)
    again = nab_score(labels, scores, profile=weights, threshold=best.threshold)
    assert again.score == best.score
    assert 0 <= best.score <= 100


@pytest.mark.parametrize("profile", NAB_PROFILES)
def test_null_and_perfect_detectors(profile):
    labels = np.zeros((2, 400), dtype=int)
    labels[0, 100:140] = labels[0, 300:310] = labels[1, 200:250] = 1
    starts = np.diff(labels, prepend=0) == 1
    assert nab_score(labels, starts, profile=profile).score == pytest.approx(100, abs=1e-12)
    assert nab_score(labels, starts, profile=profile, threshold=2).score == 0
    # All alarms from before the windows on cost more than they bring.
    null = nab_score(labels, np.zeros((2, 400)), profile=profile)
    assert (null.score, null.threshold) == (0, np.inf)


def test_profiles_are_those_of_nab():
    # config/profiles.json
    assert {name: tuple(weights) for name, weights in NAB_PROFILES.items()} == {
        "standard": (1, 0.11, 1),
        "reward_low_FP_rate": (1, 0.22, 1),
        "reward_low_FN_rate": (1, 0.11, 2),
    }


def test_points_by_the_place_of_one_alarm():
    # The sigmoid of Lavin & Ahmad (2015), fig. 2, over a window and what is behind it.
    labels = np.zeros(1000, dtype=int)
    labels[400:600] = 1

    def at(step):
        return nab_points(labels, np.arange(1000) == step, 1, profile=NabWeights(1, 1, 1))  # ints

    assert at(400) == pytest.approx(1)
    assert at(500) == pytest.approx((2 / (1 + np.exp(-2.5)) - 1) / (2 / (1 + np.exp(-5)) - 1))
    assert 0 < at(599) < 0.02
    assert -1.02 < at(600) < -1  # and the window is missed
    assert at(999) == pytest.approx(-2, abs=1e-3)
    assert at(399) == -2
    assert at(149) == -1  # in the probation


def test_the_probation_is_at_most_750_steps():
    for n, probation in ((1000, 150), (5000, 750), (20_000, 750)):
        labels = np.zeros(n, dtype=int)
        labels[-10:] = 1
        for step, points in ((probation - 1, -1), (probation, -1.11)):
            assert nab_points(labels, np.arange(n) == step, 1) == pytest.approx(points)
        assert nab_points(labels, np.arange(n) == 0, 1, probation=0) == pytest.approx(-1.11)


def test_windows_wholly_in_the_probation_do_not_count():
    labels = np.zeros(100, dtype=int)
    labels[2:8] = labels[50:60] = 1
    assert nab_points(labels, np.zeros(100), 1) == -1
    assert nab_score([labels], [np.arange(100) == 50]).score == pytest.approx(100)
    labels[10:20] = 1  # begins in it
    assert nab_points(labels, np.zeros(100), 1) == -2


def test_alarms_behind_a_window_of_one_step():
    labels = np.arange(20) == 10
    assert nab_points(labels, np.arange(20) == 11, 1) == pytest.approx(-1.11)
    assert nab_points(labels, labels, 1) == pytest.approx(1)


def test_files_are_named_and_counted():
    windows = pd.DataFrame({"start": [pd.Timestamp("2020-01-05")], "end": ["2020-01-08"]})
    windows["end"] = pd.to_datetime(windows["end"])
    days = pd.date_range("2020-01-01", periods=20)
    labels = {"quiet": windows[:0], "loud": windows}
    scores = {name: pd.Series(np.arange(20) % 7 / 7, index=days) for name in ("loud", "quiet")}
    best = nab_score(labels, scores, threshold=0.8)
    assert best.files.index.tolist() == ["loud", "quiet"]
    assert best.files[["tp", "fp", "fn", "tn"]].sum(axis=1).tolist() == [17, 17]
    assert best.files.loc["loud", ["tp", "fn"]].tolist() == [1, 3]
    assert best.files["points"].sum() == best.points
    for name in labels:
        assert nab_points(labels[name], scores[name], 0.8) == best.files.loc[name, "points"]


GOOD = np.array([0, 0, 0, 1, 1, 0])


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        (GOOD, [GOOD], None),
        (pd.Series(GOOD), [GOOD], r"labels must be a dict or list of files\. For one .*\[labels\]"),
        ([GOOD], pd.Series(GOOD), r"scores must be a dict or list of files"),
        ({"a": GOOD}, [GOOD], "must both be dicts or both be lists"),
        ({"a": GOOD}, {"b": GOOD}, "different files: 'a' is in one only"),
        ([GOOD, GOOD], [GOOD], "different files: 1 is in one only"),
        ({"a": GOOD}, {"a": GOOD[1:]}, "file 'a': labels has 6 steps and scores has 5"),
        ([GOOD, GOOD], [GOOD, GOOD * np.nan], r"file 1: scores is missing or infinite at \[0\]"),
        ([0 * GOOD], [GOOD], "labels has no window in 1 files"),
        ([], [], "labels has no window in 0 files"),
    ],
)
def test_files_that_are_refused(labels, scores, message):
    with pytest.raises(ValueError, match=message):
        nab_score(labels, scores)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            {"profile": "best"},
            "profile must be one of .*'standard' or an instance of NabWeights, got 'best'",
        ),
        ({"profile": NabWeights(-1)}, "profile must have weights of at least 0, and tp or fn"),
        ({"profile": NabWeights(0, 1, 0)}, "profile must have weights of at least 0, and tp or"),
        ({"probation": 1.0}, "probation must be a number in the range .0, 1., got 1.0"),
        ({"probation": -0.1}, "probation must be a number in the range .0, 1., got -0.1"),
        ({"threshold": np.nan}, "threshold must be a number"),
    ],
)
def test_settings_that_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        nab_score([GOOD], [GOOD], **setting)
    with pytest.raises(ValueError, match=message):
        nab_points(GOOD, GOOD, **{"threshold": 1, **setting})
