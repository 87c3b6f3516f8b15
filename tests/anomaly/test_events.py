"""Events held against loops over points, on every kind of index."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsrnn.anomaly.events import (
    events_from_labels,
    intersect_events,
    labels_from_events,
    match_events,
    merge_events,
    pad_events,
    prune_events,
)

N = 60
# The night of 2024-10-27 has two hours from 2 to 3 in Berlin, and 2024-03-31 none.
INDEXES = {
    "range": pd.RangeIndex(N),
    "range by 3": pd.RangeIndex(-30, 3 * N - 30, 3, name="k"),
    "numbers with gaps": pd.Index(np.cumsum(np.arange(N) % 4 + 1)),
    "floats": pd.Index(np.arange(N) / 8),
    "days": pd.date_range("2024-02-01", periods=N, name="day"),
    "seconds": pd.date_range("2024-02-01", periods=N, freq="s", unit="s"),
    "hours of autumn": pd.date_range("2024-10-26", periods=N, freq="h", tz="Europe/Berlin"),
    "days of spring": pd.date_range("2024-03-01", periods=N, freq="D", tz="Europe/Berlin"),
    "irregular": pd.DatetimeIndex(
        pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(np.arange(N) % 5 + 1), unit="min")
    ),
    "months": pd.period_range("2020-01", periods=N, freq="M"),
    "two hours": pd.period_range("2024-01-01", periods=N, freq="2h"),
    "durations": pd.timedelta_range("0s", periods=N, freq="90s"),
    "names": pd.Index([f"x{k:03d}" for k in range(N)]),
}
IN_TIME = [
    "days",
    "seconds",
    "hours of autumn",
    "days of spring",
    "irregular",
    "two hours",
    "durations",
]
every_index = pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
marks = st.lists(st.booleans(), min_size=N, max_size=N)


def random_labels(seed, share=0.4, n=N):
    return np.random.default_rng(seed).random(n) < share


def random_events(index, seed, n=7):
    """Events in no order that may overlap, with a severity, its peak and a name."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(index), n)
    last = np.minimum(first + rng.integers(0, 6, n), len(index) - 1)
    severity = rng.integers(0, 4, n).astype(float)
    severity[0] = np.nan
    frame = pd.DataFrame(
        {
            "start": index[first],
            "end": index[last],
            "n_points": last - first + 1,
            "severity": severity,
            "peak": index[last],
            "name": [f"e{k}" for k in range(n)],
        },
        index=rng.permutation(n) + 100,
    )
    return frame, first, last


def runs_by_hand(labels):
    runs = []
    for k, marked in enumerate(labels):
        if marked and k and labels[k - 1]:
            runs[-1][1] = k
        elif marked:
            runs.append([k, k])
    return runs


@every_index
def test_runs_of_labels_and_back(index):
    for seed, share in [(0, 0.4), (1, 0.9), (2, 0.05), (3, 0.0), (4, 1.0)]:
        labels = random_labels(seed, share)
        events = events_from_labels(labels, index)
        runs = runs_by_hand(labels)
        assert list(events["start"]) == [index[a] for a, _ in runs]
        assert list(events["end"]) == [index[b] for _, b in runs]
        assert events["n_points"].tolist() == [b - a + 1 for a, b in runs]
        assert events["start"].dtype == events["end"].dtype == index.dtype
        assert events["n_points"].dtype == np.int64
        assert events.index.equals(pd.RangeIndex(len(runs)))
        back = labels_from_events(events, index)
        assert back.index is index
        assert back.dtype == bool
        np.testing.assert_array_equal(back, labels)


@given(marks)
def test_round_trip(labels):
    index = INDEXES["hours of autumn"]
    events = events_from_labels(labels, index)
    np.testing.assert_array_equal(labels_from_events(events, index), labels)
    again = events_from_labels(labels_from_events(events, index))
    pd.testing.assert_frame_equal(again, events)


@pytest.mark.parametrize(
    "kind",
    [list, np.array, pd.Series, "boolean", "Int64", "int8", "float32", "object"],
)
def test_labels_of_every_kind(kind):
    labels = [True, False, False, True, True]
    given = pd.Series(labels).astype(kind) if isinstance(kind, str) else kind(labels)
    events = events_from_labels(given)
    assert events.to_numpy().tolist() == [[0, 0, 1], [3, 4, 2]]
    days = INDEXES["days"][:5]
    assert events_from_labels(pd.Series(labels, days))["start"].tolist() == [days[0], days[3]]
    series = pd.Series(labels, days)  # an index given is what counts
    assert events_from_labels(series, pd.RangeIndex(5))["start"].tolist() == [0, 3]


def test_no_points_at_all():
    events = events_from_labels([])
    assert len(events) == 0
    assert events.columns.tolist() == ["start", "end", "n_points"]
    assert len(labels_from_events(events, pd.RangeIndex(0))) == 0
    assert events_from_labels([], scores=[]).columns[-1] == "peak"


def test_severity_and_peak():
    index = INDEXES["days"][:8]
    labels = [1, 1, 1, 0, 1, 1, 0, 1]
    scores = np.array([2, 5, 5, 9, np.nan, 1, 9, np.nan])
    events = events_from_labels(labels, index, scores=scores)
    np.testing.assert_array_equal(events["severity"], [5, 1, np.nan])
    assert events["peak"].tolist() == [index[1], index[5], index[7]]
    assert events["peak"].dtype == index.dtype


def test_labels_of_events_beyond_the_index():
    index = pd.date_range("2024-01-10", periods=5)
    events = pd.DataFrame(
        {
            "start": pd.DatetimeIndex(["2024-01-01", "2024-01-12T06", "2024-01-14", "2024-02-01"]),
            "end": pd.DatetimeIndex(["2024-01-10", "2024-01-12T18", "2024-03-01", "2024-02-02"]),
        }
    )
    assert labels_from_events(events, index).tolist() == [True, False, False, False, True]
    utc = events.apply(lambda column: column.dt.tz_localize("UTC"))
    result = labels_from_events(utc, index.tz_localize("UTC").tz_convert("Asia/Tokyo"))
    assert result.tolist() == [True, False, False, False, True]


def merged_by_hand(first, last, severity, gap_between):
    """Sets of events that are reached from each other, by a loop that joins two until none is."""
    groups = [[k] for k in range(len(first))]
    joined = True
    while joined:
        joined = False
        for x in range(len(groups)):
            for y in range(len(groups)):
                a, b = groups[x], groups[y]
                end, start = max(last[k] for k in a), min(first[k] for k in b)
                starts_before = min(first[k] for k in a) <= start
                if x != y and starts_before and gap_between(end, start):
                    groups = [g for z, g in enumerate(groups) if z not in (x, y)] + [a + b]
                    joined = True
                    break
            if joined:
                break
    rows = []
    for group in groups:
        ranked = sorted(
            group,
            key=lambda k: (-np.nan_to_num(severity[k], nan=-np.inf), first[k], last[k]),
        )
        rows.append((min(first[k] for k in group), max(last[k] for k in group), ranked[0]))
    return sorted(rows)


def assert_merged(events, rows, result, index):
    assert result["start"].tolist() == [index[a] for a, _, _ in rows]
    assert result["end"].tolist() == [index[b] for _, b, _ in rows]
    assert result["n_points"].tolist() == [b - a + 1 for a, b, _ in rows]
    for column in ("severity", "peak", "name"):
        expected = [events[column].iloc[k] for _, _, k in rows]
        assert result[column].fillna(-1).tolist() == pd.Series(expected).fillna(-1).tolist()
    assert result.index.equals(pd.RangeIndex(len(rows)))
    assert result.columns.tolist() == events.columns.tolist()


@every_index
def test_merging_by_points(index):
    for seed in range(6):
        events, first, last = random_events(index, seed)
        for gap in (0, 1, np.int64(5)):

            def near(end, start, gap=gap):
                return start - end - 1 <= gap

            rows = merged_by_hand(first, last, events["severity"].to_numpy(), near)
            assert_merged(events, rows, merge_events(events, gap, index), index)


@pytest.mark.parametrize("name", IN_TIME)
def test_merging_by_time(name):
    index = INDEXES[name]
    stamps = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    for seed in range(4):
        events, first, last = random_events(index, seed)
        for gap in (pd.Timedelta(0), (stamps[4] - stamps[0]) * 1.0, (stamps[2] - stamps[0]) * 1.01):

            def near(end, start, gap=gap):
                return start - end <= 1 or stamps[start] - stamps[end] <= gap

            rows = merged_by_hand(first, last, events["severity"].to_numpy(), near)
            assert_merged(events, rows, merge_events(events, gap, index), index)


def test_merging_without_an_index():
    for name in ("range", "months", "two hours"):
        index = INDEXES[name]
        events, *_ = random_events(index, 3)
        for gap in (0, 2):
            merged = merge_events(events, gap)
            pd.testing.assert_frame_equal(merged, merge_events(events, gap, index))
    events, *_ = random_events(INDEXES["days"], 3)
    with pytest.raises(ValueError, match="how many points lie between: give index"):
        merge_events(events, "2D")


def test_a_gap_has_many_forms():
    index = INDEXES["hours of autumn"]
    events = events_from_labels(random_labels(0, 0.2), index)
    merged = merge_events(events, pd.Timedelta(hours=3), index)
    assert 1 < len(merged) < len(events)
    for gap in (
        "3h",
        np.timedelta64(3, "h"),
        pd.offsets.Hour(3),
        pd.Timedelta("3h").to_pytimedelta(),
    ):
        pd.testing.assert_frame_equal(merge_events(events, gap, index), merged)
    assert len(merge_events(events, 2, index)) == len(merged)  # two hours between are three apart


def test_without_a_severity_the_first_event_gives_the_rest():
    events = pd.DataFrame({"start": [4, 0], "end": [5, 3], "name": ["late", "early"]})
    assert merge_events(events).to_numpy().tolist() == [[0, 5, 6, "early"]]


@pytest.mark.parametrize(("before", "after"), [(2, 3), (30, 0), (0, 30)])
@every_index
def test_padding_by_points(index, before, after):
    events, first, last = random_events(index, 1)
    padded = pad_events(events, before, after, index).sort_values("name", ignore_index=True)
    for k, row in padded.iterrows():
        a, b = max(first[k] - before, 0), min(last[k] + after, len(index) - 1)
        assert (row["start"], row["end"], row["n_points"]) == (index[a], index[b], b - a + 1)
    selected = ["name", "severity", "peak"]
    pd.testing.assert_frame_equal(padded[selected], events[selected].reset_index(drop=True))


@pytest.mark.parametrize("name", IN_TIME)
def test_padding_by_time(name):
    index = INDEXES[name]
    stamps = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    before, after = (stamps[2] - stamps[0]) * 1.5, (stamps[3] - stamps[0]) * 1.0
    events, first, last = random_events(index, 2)
    padded = pad_events(events, before, after, index).sort_values("name", ignore_index=True)
    for k, row in padded.iterrows():
        a = min(i for i in range(N) if stamps[i] >= stamps[first[k]] - before)
        b = max(i for i in range(N) if stamps[i] <= stamps[last[k]] + after)
        assert (row["start"], row["end"], row["n_points"]) == (index[a], index[b], b - a + 1)


def test_what_is_padded_may_be_merged():
    labels = random_labels(5, 0.2)
    index = INDEXES["months"]
    events = events_from_labels(labels, index)
    merged = merge_events(pad_events(events, 1, 2, index))
    wide = [any(labels[max(k - 2, 0) : k + 2]) for k in range(N)]
    pd.testing.assert_frame_equal(merged, events_from_labels(wide, index))


@every_index
def test_pruning(index):
    events, first, last = random_events(index, 4)
    for least in (None, 0, 3, 100):
        for severe in (None, 2.0):
            pruned = prune_events(events, min_length=least, min_severity=severe)
            selected = [
                k
                for k in range(len(first))
                if (least is None or last[k] - first[k] + 1 >= least)
                and (severe is None or events["severity"].iloc[k] >= severe)
            ]
            assert sorted(pruned["name"]) == [f"e{k}" for k in selected]
            assert pruned["start"].is_monotonic_increasing
            assert pruned.columns.tolist() == events.columns.tolist()


@pytest.mark.parametrize("name", IN_TIME)
def test_pruning_by_time(name):
    index = INDEXES[name]
    stamps = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    events, first, last = random_events(index, 4)
    least = stamps[2] - stamps[0]
    pruned = prune_events(events, min_length=least)
    selected = [k for k in range(len(first)) if stamps[last[k]] - stamps[first[k]] >= least]
    assert 0 < len(selected) < len(first)
    assert sorted(pruned["name"]) == [f"e{k}" for k in selected]


def common_by_hand(a, b):
    """Pairs of rows with what they have in common, by a loop over all."""
    return [
        (i, j, max(a[0][i], b[0][j]), min(a[1][i], b[1][j]))
        for i in range(len(a[0]))
        for j in sorted(range(len(b[0])), key=lambda j: b[0][j])
        if max(a[0][i], b[0][j]) <= min(a[1][i], b[1][j])
    ]


@every_index
def test_intersections_and_matches(index):
    n_pairs = 0
    for seed in range(8):
        a, *of_a = random_events(index, seed)
        b, *of_b = random_events(index, seed + 50, n=11)
        pairs = common_by_hand(of_a, of_b)
        n_pairs += len(pairs)
        result = match_events(a, b)
        assert result["labelled"].tolist() == [a.index[i] for i, *_ in pairs]
        assert result["found"].tolist() == [b.index[j] for _, j, *_ in pairs]
        assert result["start"].tolist() == [index[first] for _, _, first, _ in pairs]
        assert result["end"].tolist() == [index[last] for *_, last in pairs]
        assert result["start"].dtype == index.dtype
        common = intersect_events(a, b, index)
        pairs.sort(key=lambda pair: pair[2:])
        assert common["start"].tolist() == [index[first] for _, _, first, _ in pairs]
        assert common["end"].tolist() == [index[last] for *_, last in pairs]
        assert common["n_points"].tolist() == [last - first + 1 for *_, first, last in pairs]
        assert set(common["name"]) == {f"e{i}" for i, *_ in pairs}
    assert n_pairs > 50


@given(marks, marks)
def test_an_intersection_marks_what_both_do(first_labels, other):
    index = INDEXES["months"]
    a, b = events_from_labels(first_labels, index), events_from_labels(other, index)
    both = labels_from_events(intersect_events(a, b), index)
    np.testing.assert_array_equal(both, np.logical_and(first_labels, other))


def test_events_of_other_time_zones_and_units_match():
    hours = INDEXES["hours of autumn"]
    a = events_from_labels(random_labels(0), hours)
    b = events_from_labels(random_labels(1), hours.tz_convert("UTC").as_unit("s"))
    pairs = match_events(a, b)
    same = match_events(a, events_from_labels(random_labels(1), hours))
    assert (pairs == same).all(axis=None)
    assert pairs["start"].dt.tz == hours.tz


def test_nothing_meets_nothing():
    index = INDEXES["days"]
    nonempty, none = (
        events_from_labels(random_labels(0), index),
        events_from_labels([False] * N, index),
    )
    by_hand = pd.DataFrame(columns=["start", "end"])
    for empty in (none, by_hand):
        assert len(match_events(nonempty, empty)) == len(match_events(empty, nonempty)) == 0
        assert len(match_events(empty, empty)) == 0
        assert len(intersect_events(nonempty, empty, index)) == 0
        assert len(intersect_events(empty, nonempty, index)) == 0
        assert not labels_from_events(empty, index).any()
        for gap in (3, "3D"):
            assert len(merge_events(empty, gap, index)) == len(merge_events(empty, gap)) == 0
            assert len(pad_events(empty, gap, gap, index)) == 0
    assert len(prune_events(none, min_length=2)) == len(prune_events(none, min_length="2D")) == 0


def test_inputs_are_left_as_they_are():
    index = INDEXES["days"]
    events, *_ = random_events(index, 0)
    other, *_ = random_events(index, 1)
    labels, scores = random_labels(0), np.arange(N, dtype=float)
    before = events.copy(), other.copy(), labels.copy(), scores.copy(), index.copy()
    events_from_labels(labels, index, scores=scores)
    for made in (
        merge_events(events, 2, index),
        pad_events(events, 1, 1, index),
        prune_events(events),
        prune_events(events, min_length=1),
        intersect_events(events, other, index),
        match_events(events, other),
        labels_from_events(events, index),
    ):
        if made.ndim == 1:
            made.iloc[:] = made.iloc[0]
        for column in made if made.ndim > 1 else ():
            made.loc[:, column] = made[column].iloc[0]
    pd.testing.assert_frame_equal(events, before[0])
    pd.testing.assert_frame_equal(other, before[1])
    np.testing.assert_array_equal(labels, before[2])
    np.testing.assert_array_equal(scores, before[3])
    assert index.equals(before[4])


GOOD = pd.DataFrame({"start": [0, 5], "end": [2, 6]})
DAYS = INDEXES["days"]
REFUSED = {
    "missing label": (
        lambda: events_from_labels([1, np.nan, 0], DAYS[:3]),
        r"labels must be true or false, got missing \(NaN\) at 2024-02-02 \(position 1\)",
    ),
    "missing boolean": (
        lambda: events_from_labels(pd.Series([True, None], dtype="boolean")),
        r"missing \(NaN\) at 1",
    ),
    "other label": (lambda: events_from_labels([1, 0, 2]), "got 2 at 2"),
    "text": (lambda: events_from_labels(["a", "b"]), "labels must be"),
    "two axes": (lambda: events_from_labels(np.zeros((2, 2)), pd.RangeIndex(2)), "labels must be"),
    "length": (lambda: events_from_labels([1, 0], DAYS), "labels has 2 points, and index 60"),
    "scores": (lambda: events_from_labels([1, 0], scores=[1.0]), r"scores must have shape \(2,\)"),
    "unsorted": (
        lambda: events_from_labels([1, 0], DAYS[:2][::-1]),
        "index must increase without repeats, but 2024-02-01 comes after 2024-02-02",
    ),
    "repeated": (lambda: labels_from_events(GOOD, pd.Index([1, 1, 2])), "1 comes after 1"),
    "levels": (
        lambda: labels_from_events(GOOD, pd.MultiIndex.from_product([[1], [2]])),
        "got a MultiIndex",
    ),
    "no label": (
        lambda: labels_from_events(GOOD, pd.DatetimeIndex(["2024-01-01", None])),
        "no label .* at position 1",
    ),
    "no frame": (lambda: merge_events([(1, 2)]), "events must be a DataFrame .* got list"),
    "no end": (lambda: merge_events(GOOD[["start"]]), r"columns start and end, got columns \['st"),
    "missing end": (
        lambda: merge_events(GOOD.assign(end=[2, np.nan])),
        "no start or no end in row 1",
    ),
    "turned": (
        lambda: match_events(GOOD, pd.DataFrame({"start": [1, 9], "end": [2, 8]})),
        "found has an end before its start in row 1: 9 to 8",
    ),
    "two kinds": (
        lambda: merge_events(pd.DataFrame({"start": DAYS[:2], "end": [1, 2]})),
        "start and end of two kinds",
    ),
    "no time zone": (
        lambda: labels_from_events(events_from_labels([1], DAYS[:1]), INDEXES["hours of autumn"]),
        "events starts with datetime64.*, and the index is datetime64.*Berlin",
    ),
    "other frequency": (
        lambda: labels_from_events(
            events_from_labels([1], INDEXES["months"][:1]), INDEXES["two hours"]
        ),
        "events starts with period.M., and the index is period.2h.",
    ),
    "not comparable": (
        lambda: match_events(GOOD, events_from_labels([1], DAYS[:1])),
        "labelled and found cannot be compared",
    ),
    "outside": (
        lambda: pad_events(GOOD, 1, 1, pd.RangeIndex(3)),
        "no point of the index in row 1, from 5 to 6",
    ),
    "negative gap": (lambda: merge_events(GOOD, -1), "gap must be at least 0, got -1"),
    "negative time": (lambda: pad_events(GOOD, 1, "-2h", DAYS), "after must be at least 0"),
    "gap of floats": (lambda: merge_events(GOOD, 1.5), "gap must be a number of points or a time"),
    "gap of truth": (lambda: merge_events(GOOD, True), "gap must be a number of points or a time"),
    "gap of text": (lambda: merge_events(GOOD, "two"), "gap must be .* got 'two'"),
    "NaT": (lambda: merge_events(GOOD, pd.NaT), "gap must be a number of points or a time"),
    "time among numbers": (lambda: merge_events(GOOD, "2h"), "events are at int64, not in time"),
    "time among lengths": (
        lambda: prune_events(GOOD, min_length="2h"),
        "min_length is a time, and events are at int64",
    ),
    "no n_points": (lambda: prune_events(GOOD, min_length=2), "min_length needs .* 'n_points'"),
    "no severity": (lambda: prune_events(GOOD, min_severity=2), "min_severity needs .* 'severity'"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_many_events_are_no_loop_over_pairs():
    labels = random_labels(0, 0.5, n=400_000)
    events = events_from_labels(labels)
    assert len(events) > 90_000
    pairs = match_events(events, events)
    assert pairs["labelled"].equals(pairs["found"])
    assert len(merge_events(events, 1)) < len(events)
