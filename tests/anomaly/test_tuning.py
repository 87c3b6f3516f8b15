"""Thresholds tuned on labels, held against a loop over all candidates."""

import math
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import f1_score, fbeta_score

import tsrnn
from tsrnn import RNNAnomalyDetector
from tsrnn.anomaly import FixedThreshold, GaussianDetector, QuantileThreshold, tune_threshold
from tsrnn.anomaly.detector import AnomalyDetector
from tsrnn.anomaly.metrics import affiliation, nab_score
from tsrnn.anomaly.results import SeriesScores

NAN = np.nan
N = 160
DAYS = pd.date_range("2024-01-01", periods=N, name="day")


class Own(AnomalyDetector):
    """A detector whose scores are the values themselves."""

    def __init__(self, online=False, threshold=None, contamination="auto", missing="raise"):
        self.window, self.online, self.missing = 10, online, missing
        self.threshold, self.contamination = threshold, contamination
        self.id_column, self.time_column = None, None

    def _fit_series(self, panel):
        return self._score_series(panel)

    def _score_series(self, panel):
        return [SeriesScores(series.values[:, 0]) for series in panel]


class OwnLong(Own):
    """The same of long frames."""

    def __init__(self):
        super().__init__()
        self.id_column, self.time_column = "shop", "day"


def scores_and_labels(seed=0, n=N, starts=(20, 70, 71 + 40), shift=1.5):
    """Scores with ties, higher by some in three events, each of 12 steps."""
    rng = np.random.default_rng(seed)
    scores, labels = rng.gamma(2, size=n), np.zeros(n, int)
    for start in starts:
        labels[start : start + 12] = 1
    return np.round(scores + shift * labels * rng.random(n), 1), labels


# ---------------------------------------------------------------------------- slow twins


def runs_in(flags):
    """First and last position of each run of ones, by a loop."""
    runs = []
    for t, flag in enumerate(flags):
        if flag and (t == 0 or not flags[t - 1]):
            runs.append([t, t])
        if flag:
            runs[-1][1] = t
    return runs


def harmonic(precision, recall):
    return 2 / (1 / precision + 1 / recall) if precision > 0 and recall > 0 else 0.0


def slow_f1(labels, flags):
    return f1_score(np.concatenate(labels), np.concatenate(flags))


def slow_range_f1(labels, flags):
    def shares(of, by):
        return [np.mean(b[a : z + 1]) for o, b in zip(of, by, strict=True) for a, z in runs_in(o)]

    precision, recall = shares(flags, labels), shares(labels, flags)
    return harmonic(np.mean(precision), np.mean(recall)) if precision else 0.0


def slow_affiliation_f1(labels, flags):
    precision, recall = [], []
    for of_series, found in zip(labels, flags, strict=True):
        if of_series.any():
            one = affiliation(of_series, found)
            precision += [p for p in one.event_precision if not math.isnan(p)]
            recall += list(one.event_recall)
        elif found.any():
            precision.append(0.0)
    return harmonic(np.mean(precision), np.mean(recall)) if precision else 0.0


def slow_nab(labels, flags):
    return nab_score(labels, flags, threshold=1, probation=0.0).score


def slow_function(labels, flags):
    return recall_heavy(np.concatenate(labels), np.concatenate(flags))


def recall_heavy(labels, flags):
    return fbeta_score(labels, flags, beta=2)


METRICS = {
    "f1": slow_f1,
    "range_f1": slow_range_f1,
    "affiliation_f1": slow_affiliation_f1,
    "nab": slow_nab,
    recall_heavy: slow_function,
}
every_metric = pytest.mark.parametrize(
    "metric", METRICS, ids=lambda metric: getattr(metric, "__name__", metric)
)


def brute(scores, labels, metric):
    """The tuned threshold and its value: all candidates, from the highest down."""
    levels = sorted({s for part in scores for s in part.tolist() if s == s})
    best, low, high = -np.inf, None, None
    is_open = False  # whether the candidate above was among the best
    for k in range(len(levels) - 2, -1, -1):
        value = METRICS[metric](labels, [part > levels[k] for part in scores])
        if value > best + 1e-12:
            best, low, high, is_open = value, levels[k], levels[k + 1], True
        elif is_open and abs(value - best) <= 1e-12:
            low = levels[k]
        else:
            is_open = False
    return (low + high) / 2, best


# ---------------------------------------------------------------------------- one series


@every_metric
@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_best_of_all(metric, seed):
    scores, labels = scores_and_labels(seed)
    expected, best = brute([scores], [labels], metric)
    tuned = tune_threshold(scores, labels, metric)
    assert tuned.value == tuned.threshold_ == pytest.approx(expected, rel=1e-12)
    flags = tuned.predict(scores)
    assert METRICS[metric]([labels], [flags]) == pytest.approx(best, rel=1e-12)
    assert 0 < flags.sum() < N


@every_metric
def test_missing_scores_are_not_flagged(metric):
    scores, labels = scores_and_labels(5)
    scores[[0, 25, 26, 90, N - 1]] = NAN
    expected, _ = brute([scores], [labels], metric)
    assert tune_threshold(scores, labels, metric).value == pytest.approx(expected, rel=1e-12)


def test_a_missing_score_hits_no_window():
    scores, labels = [1, 1.1, 1.2, NAN, 5, 5.5, 1, 6], [0, 0, 0, 1, 1, 1, 0, 0]
    assert tune_threshold(scores, labels, "nab").value == pytest.approx(3.1)


def test_it_is_in_the_middle_of_what_is_equally_good():
    scores = [1.0, 3, 2, 10, 11, 3]
    assert tune_threshold(scores, [0, 0, 0, 1, 1, 0]).value == 6.5
    assert tune_threshold(scores, [0, 0, 0, 0, 1, 0]).value == 10.5

    def hits(labels, flags):
        return int((labels & flags).any()) - (~labels & flags).sum()

    assert tune_threshold(scores, [0, 0, 0, 1, 1, 0], hits).value == 7.0  # 3 to 11
    assert tune_threshold(scores, [0, 0, 0, 1, 1, 0], "nab").value == 6.5
    assert tune_threshold([0, 0, 10, 11.0], [0, 0, 1, 1], "nab").value == 5.0
    assert tune_threshold([0, 0, 11.0, 10], [0, 0, 1, 1], "nab").value == 5.5  # 0 to 11


def test_of_several_stretches_it_is_the_highest():
    scores = [0.0, 4, 2, 9, 7]
    labels = [0, 1, 0, 1, 0]  # F1 is 2/3 above 7, and above 2 it is 4/5; one label less: 2/3 twice
    assert tune_threshold(scores, labels).value == 3.0
    values = {5: 2.0, 4: 0.0, 3: 1.0, 2: 2.0, 1: 1.0}

    def by_count(labels, flags):
        return values[int(flags.sum())]

    assert tune_threshold([1.0, 2, 3, 4, 5], [0, 0, 0, 0, 1], by_count).value == 3.5


def test_neighbouring_numbers():
    low = 1.0
    high = np.nextafter(low, 2)
    for pair in ((low, high), (np.nextafter(low, 0), low)):
        tuned = tune_threshold(pair, [0, 1])
        assert tuned.predict(pair).tolist() == [False, True]


def many(n=20_000, n_events=8):
    rng = np.random.default_rng(3)
    labels = np.zeros(n, int)
    for start in rng.integers(0, n - 20, n_events):
        labels[start : start + 20] = 1
    return rng.gamma(2, size=n) + 4 * labels * rng.random(n), labels


def test_of_many_scores_those_that_matter_are_tried():
    scores, labels = many()
    n_calls = 0

    def counted(labels, flags):
        nonlocal n_calls
        n_calls += 1
        return 2 * (labels & flags).sum() / (labels.sum() + flags.sum())

    assert tune_threshold(scores, labels, counted).value == tune_threshold(scores, labels).value
    assert n_calls <= 1000


def test_the_threshold_is_one_that_was_tried():
    scores, labels = many(n_events=30)  # more labelled points than candidates
    tried = []

    def plateau(labels, flags):  # where not all are tried
        tried.append(int(flags.sum()))
        return int(30 <= tried[-1] <= 9000)

    n_alarms = tune_threshold(scores, labels, plateau).predict(scores).sum()
    assert 30 <= n_alarms <= 9000
    assert n_alarms in tried
    assert len(tried) <= 1000


def test_the_candidate_below_each_labelled_point_is_tried():
    scores, _ = many()
    ranked = np.sort(scores)
    for rank in (4000, 7001, 9003):
        labels = scores == ranked[rank]

        def is_lowest(labels, flags):
            return float(labels[np.where(flags, scores, np.inf).argmin()])

        tuned = tune_threshold(scores, labels, is_lowest)
        assert tuned.value == pytest.approx((ranked[rank - 1] + ranked[rank]) / 2, rel=1e-12)


def test_nab_is_that_of_its_own_sweep():
    scores, labels = scores_and_labels(2, n=3000, starts=(500, 1400, 2500), shift=8)
    scores = scores + 1e-6 * np.arange(3000)
    tuned = tune_threshold(scores, labels, "nab")
    best = nab_score([labels], [scores], probation=0.0)
    at_tuned = nab_score([labels], [scores], threshold=tuned.value, probation=0.0)
    assert at_tuned.score == pytest.approx(best.score)
    assert tuned.value < best.threshold


def test_without_use_it_gives_no_alarm_and_says_so():
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 0])
    scores = np.array([5.0, 6, 7, 8, 9, 10, 1, 2])
    for metric in ("f1", "nab"):
        with pytest.warns(UserWarning, match=rf"By '{metric}' no threshold is better") as caught:
            tuned = tune_threshold(scores, labels, metric)
        assert tuned.value == 10
        assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="no threshold is better"):
        fitted = Own().fit(scores).tune_threshold(scores, labels)
    assert (fitted.predict(scores) == 1).all()


# ---------------------------------------------------------------------------- forms


def events_of(labels, index):
    """Events by the loop above, the last first."""
    pairs = [(index[a], index[z]) for a, z in runs_in(labels)]
    return pd.DataFrame(pairs[::-1], columns=["start", "end"])


def test_labels_in_all_forms():
    scores, labels = scores_and_labels()
    expected, _ = brute([scores], [labels], "range_f1")
    series, events = pd.Series(labels, DAYS), events_of(labels, DAYS)
    outside = pd.DataFrame({"start": DAYS[[-1]] + DAYS.freq, "end": DAYS[[-1]] + 9 * DAYS.freq})
    forms = {
        "array": labels,
        "bool": labels == 1,
        "list": labels.tolist(),
        "series": series,
        "nullable": series.astype("boolean"),
        "objects": (series == 1).astype(object),
        "frame": series.to_frame("incident"),
        "polars": pl.Series(labels),
        "events": events,
        "events outside": pd.concat([events, outside]),
        "events of polars": pl.from_pandas(events),
    }
    before = {name: form.copy() for name, form in forms.items() if isinstance(form, pd.Series)}
    y = pd.Series(scores, DAYS, name="load")
    for name, form in forms.items():
        detector = Own().fit(y).tune_threshold(y, form, "range_f1")
        assert detector.threshold_.value == pytest.approx(expected), name
        if "polars" not in name:
            assert tune_threshold(y, form, "range_f1").value == pytest.approx(expected), name
    for name, form in before.items():
        pd.testing.assert_series_equal(form, forms[name])
    numbers = events_of(labels, range(N))
    for form in (labels, numbers, series):  # an array has no index to compare
        assert tune_threshold(scores, form, "range_f1").value == pytest.approx(expected)
        detector = Own().fit(scores).tune_threshold(scores, form, "range_f1")
        assert detector.threshold_.value == pytest.approx(expected)


def panel():
    """Scores and labels of three series, of which "b" has no event, and "c" all of one."""
    parts = {}
    for seed, (name, n, starts) in enumerate(
        [("c", 130, (40, 90)), ("b", 90, ()), ("a", 160, (9,))]
    ):
        scores, labels = scores_and_labels(seed, n, starts, shift=6)
        parts[name] = pd.DataFrame({"load": scores, "incident": labels}, DAYS[:n])
    return pd.concat(parts, names=["shop"])


@every_metric
def test_panel(metric):
    frame = panel()
    scores = [part["load"].to_numpy() for _, part in frame.groupby("shop", sort=False)]
    labels = [part["incident"].to_numpy() for _, part in frame.groupby("shop", sort=False)]
    expected, _ = brute(scores, labels, metric)
    mixed = frame.sample(frac=1, random_state=0)
    detector = Own().fit(mixed["load"]).tune_threshold(mixed["load"], mixed["incident"], metric)
    assert detector.threshold_.value == pytest.approx(expected, rel=1e-12)
    events = pd.concat(
        {shop: events_of(part, DAYS) for shop, part in zip("cba", labels, strict=True)}
    )
    events = events.rename_axis(["shop", None]).reset_index("shop")
    detector = Own().fit(mixed["load"]).tune_threshold(mixed["load"], events, metric)
    assert detector.threshold_.value == pytest.approx(expected, rel=1e-12)
    long = frame.reset_index()
    for make in (lambda table: table, pl.from_pandas):
        y = make(long[["shop", "day", "load"]])
        detector = OwnLong().fit(y).tune_threshold(y, make(events), metric)
        assert detector.threshold_.value == pytest.approx(expected, rel=1e-12)
        detector = OwnLong().fit(y).tune_threshold(y, long["incident"].to_numpy(), metric)
        assert detector.threshold_.value == pytest.approx(expected, rel=1e-12)


def test_all_of_a_series_may_be_anomalous():
    frame = panel()
    frame.loc["c", "incident"] = 1
    for metric in METRICS:
        detector = Own().fit(frame["load"]).tune_threshold(frame["load"], frame["incident"], metric)
        assert isinstance(detector.threshold_, FixedThreshold)


def two_series(a, b, labels):
    keys = [("a", day) for day in DAYS[: len(a)]] + [("b", day) for day in DAYS[: len(b)]]
    index = pd.MultiIndex.from_tuples(keys, names=["shop", "day"])
    return pd.Series([*a, *b], index, dtype=float), pd.Series(labels, index)


def test_ranges_of_two_series_are_not_one():
    y, labels = two_series([0, 8, 0, 0, 7], [7, 0, 8, 0, 6], [0, 1, 0, 0, 0, 0, 0, 1, 0, 1])
    detector = Own().fit(y).tune_threshold(y, labels, "range_f1")
    # Above 7: precision 1, recall 2/3, F1 0.8; above 0: 3/5 and 1, 0.75, of one false range 0.86.
    assert detector.threshold_.value == 7.5


def test_alarms_in_a_series_without_events_count_by_affiliation():
    y, labels = two_series([0, 5, 4, 4, 0, 0, 0, 0], [0, 4.5, 0], [0, 1, 1, 1] + 7 * [0])
    detector = Own().fit(y).tune_threshold(y, labels, "affiliation_f1")
    assert detector.threshold_.value == 4.75
    detector.tune_threshold(y.loc[["a"]], labels.loc[["a"]], "affiliation_f1")
    assert detector.threshold_.value == 2.0


def test_a_function_is_given_the_rows_in_their_order():
    frame = panel().sample(frac=1, random_state=1)
    shops, seen = frame.index.get_level_values("shop"), []

    def worst_shop(labels, flags):
        seen.append((labels.copy(), flags.copy()))
        labels[:] = flags[:] = True  # its own
        kept = seen[-1]
        return min(f1_score(*(part[shops == shop] for part in kept)) for shop in "ac")

    detector = Own().fit(frame["load"]).tune_threshold(frame["load"], frame["incident"], worst_shop)
    assert all((labels == frame["incident"]).all() for labels, _ in seen)
    flags = (detector.predict(frame["load"]) == -1).to_numpy()
    at_best = [given for _, given in seen if (given == flags).all()]
    assert len(at_best) == 1
    levels = np.unique(frame["load"])
    assert len(seen) == len(levels) - 1
    assert seen[3][1].tolist() == (frame["load"] > levels[3]).tolist()


def test_missing_rows_and_values():
    scores, labels = scores_and_labels()
    y = pd.Series(scores, DAYS).drop(DAYS[[24, 60]])
    y.iloc[[70, 130]] = NAN
    kept = pd.Series(labels, DAYS)[y.index]
    expected, _ = brute([y.to_numpy()], [kept.to_numpy()], "range_f1")
    detector = Own(missing="mask").fit(y)
    for form in (kept, events_of(labels, DAYS)):
        detector.tune_threshold(y, form, "range_f1")
        assert detector.threshold_.value == pytest.approx(expected)


def test_a_single_series_of_a_panel():
    frame = panel()
    detector = Own().fit(frame[["load"]])
    scores, labels = (frame.loc["a", name].to_numpy() for name in ("load", "incident"))
    expected, _ = brute([scores], [labels], "f1")
    detector.tune_threshold(frame.loc[["a"], ["load"]], events_of(labels, DAYS))
    assert detector.threshold_.value == pytest.approx(expected)


# ---------------------------------------------------------------------------- detectors


def test_all_methods_use_it():
    scores, labels = scores_and_labels()
    y = pd.Series(scores, DAYS)
    detector = Own(threshold=QuantileThreshold(0.2)).fit(y)
    before = detector.threshold_
    assert detector.tune_threshold(y, labels) is detector
    value = detector.threshold_.value
    assert isinstance(detector.threshold_, FixedThreshold)
    assert detector.offset_ == -value
    np.testing.assert_array_equal(detector.predict(y), np.where(y > value, -1, 1))
    np.testing.assert_allclose(detector.decision_function(y), value - y)
    explained = detector.explain(y)
    assert (explained["threshold"] == value).all()
    assert explained["anomaly"].equals(y > value)
    events = detector.detect(y, min_gap=0)
    assert events["n_points"].sum() == (y > value).sum()
    assert isinstance(detector.threshold, QuantileThreshold)
    again = detector.fit(y)
    assert again.threshold_.threshold_ == before.threshold_
    fixed = clone(detector).set_params(threshold=FixedThreshold(value)).fit(y)
    assert fixed.offset_ == -value


@pytest.mark.slow
def test_a_stream_uses_it_and_goes_on(tmp_path):
    hours = pd.date_range("2024-02-28", periods=360, freq="h", name="hour")
    noise = np.random.default_rng(0).normal(size=360)
    y = pd.Series(10 + 2 * np.sin(np.arange(360) * np.pi / 12) + noise, hours)
    y.iloc[[*range(230, 235), *range(320, 325)]] += 9
    labels = np.isin(np.arange(300), range(230, 235))
    small = {"horizon": 5, "lookback": 12, "stretch": 7, "hidden_size": 4, "max_iter": 2}
    detector = RNNAnomalyDetector(**small, random_state=0, dtype="float64", online=True)
    usual, detector = clone(detector).fit(y[:300]), detector.fit(y[:300])
    detector.tune_threshold(y[:300], labels)
    value = detector.threshold_.value
    scores = -detector.score_samples(y[:300]).to_numpy()
    assert value == pytest.approx(brute([scores], [labels], "f1")[0], rel=1e-12)
    tsrnn.save(detector, tmp_path / "detector.tsrnn")
    loaded = tsrnn.load(tmp_path / "detector.tsrnn")
    assert isinstance(loaded.threshold_, FixedThreshold)
    assert loaded.threshold_.threshold_ == value == -loaded.offset_
    expected = usual.update(y[300:])
    for fitted in (detector, loaded):
        update = fitted.update(y[300:])
        np.testing.assert_array_equal(update.score, expected.score)
        assert (update.threshold == value).all()
        np.testing.assert_array_equal(update.anomaly, update.score > value)
        assert 0 < update.anomaly.sum() < 60
        assert fitted.threshold_.threshold_ == value
    assert loaded.detect(y).equals(detector.detect(y))


def test_scores_that_are_missing_at_the_start():
    y = pd.Series(np.random.default_rng(0).normal(size=200))
    y.iloc[[150, 151]] += 9
    labels = y.index.isin([150, 151])
    detector = GaussianDetector(window=30, online=True).fit(y)
    scores = -detector.score_samples(y).to_numpy()
    assert np.isnan(scores[0])
    expected, _ = brute([scores], [labels], "f1")
    assert detector.tune_threshold(y, labels).threshold_.value == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"None of the 1 anomalous points in labels has a score"):
        detector.tune_threshold(y, y.index == 0)


# ---------------------------------------------------------------------------- a known threshold


def test_fixed_threshold():
    threshold = FixedThreshold(2)
    with pytest.raises(NotFittedError):
        threshold.predict([1.0])
    assert threshold.fit([NAN, 5, 7]).threshold_ == 2.0
    assert type(threshold.threshold_) is float
    assert threshold.predict([2, 2.1, NAN, -3]).tolist() == [False, True, False, False]
    assert threshold.fit_predict([1, 3]).tolist() == [False, True]
    assert clone(threshold).get_params() == {"value": 2}
    assert not hasattr(threshold, "update")
    y = pd.Series(np.arange(30.0), DAYS[:30])
    detector = Own(threshold=FixedThreshold(25.5)).fit(y)
    assert detector.offset_ == -25.5
    assert (detector.predict(y) == -1).sum() == 4


# ---------------------------------------------------------------------------- errors

Y = pd.Series(scores_and_labels()[0], DAYS)
LABELS = pd.Series(scores_and_labels()[1], DAYS)
BAD = {
    "none": (LABELS * 0, "labels has no anomaly among 160 points"),
    "no event": (events_of([], DAYS), "labels has no anomaly among 160 points"),
    "all": (LABELS * 0 + 1, "labels has all 160 points anomalous"),
    "signs": (1 - 2 * LABELS, r"labels must be 0 and 1, got -1 in row 20\. .*predict\(y\) == -1"),
    "missing": (LABELS.where(LABELS.index != DAYS[3]), "labels must be 0 and 1, got nan in row 3"),
    "texts": (["no"] * N, "labels must be 0 and 1: "),
    "few": (LABELS.to_numpy()[1:], r"0 and 1 for each of the 160 rows of .*, got ndarray of shape"),
    "several": (pd.DataFrame(np.ones((N, 2))), r"labels must be events with start and end, or 0"),
    "other index": (
        LABELS.shift(freq="D"),
        r"have different indexes, first at \[0\]: 2024-01-02 00:00:00 and 2024-01-01 00:00:00",
    ),
    "other order": (LABELS[::-1], r"have different indexes, first at \[0\]: 2024-06-08"),
    "turned event": (
        pd.DataFrame({"start": DAYS[[4]], "end": DAYS[[2]]}),
        "events has an end before its start in row 0",
    ),
    "events elsewhere": (pd.DataFrame({"start": [3], "end": [5]}), "the index is datetime64"),
}


@pytest.mark.parametrize("case", BAD)
def test_labels_that_are_refused(case):
    labels, message = BAD[case]
    detector = Own().fit(Y)
    before = dict(vars(detector))
    for call in (detector.tune_threshold, tune_threshold):
        with pytest.raises(ValueError, match=message):
            call(Y, labels)
    assert vars(detector) == before


def test_other_errors():
    with pytest.raises(NotFittedError):
        Own().tune_threshold(Y, LABELS)
    detector = Own().fit(Y)
    for call in (detector.tune_threshold, tune_threshold):
        with pytest.raises(
            ValueError, match=r"metric must be one of 'affiliation_f1', 'f1', 'nab'"
        ):
            call(Y, LABELS, metric="F1")
        with pytest.raises(ValueError, match=r"metric must return a number .* returned None"):
            call(Y, LABELS, lambda labels, flags: None)
        with pytest.raises(ValueError, match="metric returned NaN for every threshold"):
            call(Y, LABELS, lambda labels, flags: NAN)
        with pytest.raises(ValueError, match="All scores are 2: no threshold is between them"):
            call(Y * 0 + 2, LABELS)
    with pytest.raises(ValueError, match="scores is infinite at"):
        tune_threshold(np.where(LABELS, np.inf, 1), LABELS)
    with pytest.raises(ValueError, match="scores has a MultiIndex"):
        tune_threshold(panel()["load"], panel()["incident"])
    frame = panel()
    with pytest.raises(ValueError, match=r"labels has the columns .*, none of them 'shop'"):
        Own().fit(frame["load"]).tune_threshold(frame["load"], events_of(LABELS.tolist(), DAYS))


def test_no_warnings_where_a_metric_is_undefined():
    def precision(labels, flags):
        return (labels & flags).sum() / flags.sum() if flags.sum() > 5 else NAN

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tuned = tune_threshold(Y, LABELS, precision)
    assert tuned.predict(Y).sum() > 5
