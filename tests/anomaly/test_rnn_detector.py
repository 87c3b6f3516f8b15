import copy
import pickle

import naive
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tsrnn
from tsrnn import RNNAnomalyDetector
from tsrnn.anomaly import (
    ConformalThreshold,
    DynamicThreshold,
    QuantileThreshold,
    RobustZThreshold,
    TailThreshold,
)
from tsrnn.datasets import load_nyc_taxi

pytestmark = pytest.mark.slow

N = 400
HOURS = pd.date_range("2024-02-28", periods=N, freq="h", name="hour")
SMALL = {"horizon": 5, "lookback": 12, "stretch": 7, "hidden_size": 4, "max_iter": 2}


def waves(n=N, n_channels=1, seed=0):
    """Days of 24 hours with noise, some of it of several channels."""
    rng = np.random.default_rng(seed)
    day = np.sin(np.arange(n) * np.pi / 12)[:, None] * np.arange(1, n_channels + 1)
    return 30 + 5 * day + rng.normal(size=(n, n_channels))


def small(**parameters):
    return RNNAnomalyDetector(**SMALL | {"random_state": 0, "dtype": "float64"} | parameters)


def series(values=None, index=HOURS):
    return pd.Series((waves() if values is None else values)[:, 0], index, name="load")


def frame(n_channels=2):
    return pd.DataFrame(waves(n_channels=n_channels), HOURS, [f"c{k}" for k in range(n_channels)])


def panel():
    parts = {"b": series(waves(seed=1)), "a": series(waves(seed=2))[40:] * 3}
    return pd.concat(parts, names=["unit"])


# What is said, written anew from the documentation: loops over points, channels and leads.


def turns(k, season):
    return [np.sin(2 * np.pi * k / season), np.cos(2 * np.pi * k / season)]


def inputs_of(z, hours, seasons):
    rows = []
    for t in range(len(z)):
        row = list(np.clip(z[t], -20, 20))
        if seasons:
            earlier = t + 1 - seasons[0]
            known = earlier >= 0 and not np.isnan(z[earlier]).any()
            row += list(np.clip(z[earlier], -20, 20)) if known else [0.0] * len(z[t])
            row.append(float(known))
        for season in seasons:
            row += turns(hours[t] % season, season)
        rows.append(row)
    return np.array(rows)


def outputs_of(detector, inputs):
    """What the networks say at each step, on average; the step of a missing value is left out."""
    is_known = ~np.isnan(inputs).any(axis=1)
    total = np.full((len(inputs), detector.network_.n_out), np.nan)
    total[is_known] = np.mean(
        [
            naive.network(detector.cell, net.views(), inputs[is_known], {"head": "every"})[0]
            for net in detector.networks_
        ],
        axis=0,
    )
    return total


def squares_of(z, outputs, leads, gaussian):
    """Errors of each point (n, n_leads + 1, n_channels), NaN where there are none."""
    n, n_channels = z.shape
    errors = np.full((n, len(leads) + 1, n_channels), np.nan)
    for t in range(n):
        for c in range(n_channels):
            for k, lead in enumerate(leads):
                if t >= lead:
                    outputs_of_step = outputs[t - lead]
                    errors[t, k, c] = abs(z[t, c] - outputs_of_step[k * n_channels + c])
                    if gaussian:
                        raw = outputs_of_step[(len(leads) + k) * n_channels + c]
                        errors[t, k, c] /= np.log1p(np.exp(raw)) + 1e-6
            errors[t, -1, c] = abs(z[t, c])
    return errors


def means(x, stretch, level, online):
    """Exponential means of the past, or of both sides."""
    keep = 1 - 2 / (stretch + 1)

    def past(values):
        state, result = level, []
        for value in values:
            state = state if np.isnan(value) else keep * state + (1 - keep) * value
            result.append(state)
        return np.array(result)

    before = past(x)
    if not online:
        before = (before + past(x[::-1])[::-1] - (1 - keep) * x) / (1 + keep)
    return np.where(np.isnan(x), np.nan, before)


def scores_of(detector, fitted, new, hours):
    """Scores of a series by loops, of a detector fitted to another."""
    mean, deviation = np.nanmean(fitted, axis=0), np.nanstd(fitted, axis=0)
    leads = [1, 2, 4, 5]
    parts = []
    for values, clock in ((fitted, hours[0]), (new, hours[1])):
        z = (values - mean) / deviation
        outputs = outputs_of(detector, inputs_of(z, clock, detector.seasons_))
        parts.append(squares_of(z, outputs, leads, detector.loss == "gaussian"))
    usual = np.nanmean(parts[0], axis=0) * np.sqrt(np.pi / 2) + 1e-3
    squares = [(ratios / usual) ** 2 for ratios in parts]
    strange = [  # where there is no forecast, one that errs as usual
        np.where(
            np.isnan(ratios).all(axis=1), np.nan, np.where(np.isnan(ratios), 1, ratios).mean(axis=1)
        )
        for ratios in squares
    ]
    level, x = (
        np.array([np.nanmean(row) if (row == row).any() else np.nan for row in ratios])
        for ratios in strange
    )
    return np.sqrt(means(x, detector.stretch, np.nanmedian(level), detector.online))


def clock(index):
    return np.asarray((index - pd.Timestamp("1970-01-05")) / pd.Timedelta(hours=1), int)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"online": True},
        {"season": 1},
        {"season": 24},
        {"loss": "gaussian", "online": True},
        {"n_estimators": 2},
        {"stretch": 1},
        {"missing": "mask"},
    ],
    ids=str,
)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_scores_are_those_of_loops(cell, parameters, n_channels):
    detector = small(cell=cell, **parameters)
    y, new = frame(n_channels), frame(n_channels)[100:300] + 1
    if "missing" in parameters:
        y.iloc[[50, 51, 200]] = np.nan
        new.iloc[[0, 30, 60, 61]] = np.nan
    detector.fit(y)
    assert detector.seasons_ == {1: (), 24: (24,)}.get(parameters.get("season"), (24, 168))
    expected = scores_of(detector, y.to_numpy(), new.to_numpy(), (clock(y.index), clock(new.index)))
    np.testing.assert_allclose(-detector.score_samples(new), expected, rtol=1e-8)


def reconstructed(detector, z):
    """Of each window by loops, (n_windows, lookback, n_channels)."""
    width = detector.lookback
    windows = []
    for first in range(len(z) - width + 1):
        x = np.clip(z[first : first + width], -20, 20)
        shape = {"head": "horizons"}
        outputs_of_step = [
            naive.network(detector.cell, net.views(), x, shape)[0] for net in detector.networks_
        ]
        windows.append(np.mean(outputs_of_step, axis=0))
    return np.array(windows)


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_reconstruction_is_that_of_loops(online, n_channels):
    detector = small(method="reconstruction", online=online, stretch=3, n_estimators=2)
    values = waves(130, n_channels)
    detector.fit(values)
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    windows, width = reconstructed(detector, z), detector.lookback
    expected = np.full_like(z, np.nan)
    for t in range(len(z)):
        if online:
            if t >= width - 1:
                expected[t] = windows[t - width + 1, -1]
            continue
        firsts = {*range(0, len(z) - width + 1, width // 4), len(z) - width}
        expected[t] = np.mean([windows[f, t - f] for f in firsts if f <= t < f + width], axis=0)
    errors = np.abs(z - expected)
    usual = np.nanmean(errors, axis=0) * np.sqrt(np.pi / 2) + 1e-3
    x = ((errors / usual) ** 2).mean(axis=1)
    scores = np.sqrt(means(x, 3, np.nanmedian(x), online))
    np.testing.assert_allclose(-detector.score_samples(values), scores, rtol=1e-8)


@pytest.mark.parametrize("method", ["forecast", "reconstruction"])
def test_online_scores_come_from_the_past(method):
    detector = small(method=method, online=True).fit(series())
    changed = series()
    changed.iloc[300:] += 50
    scores, others = detector.score_samples(series()), detector.score_samples(changed)
    np.testing.assert_array_equal(scores[:300], others[:300])
    assert (scores[300:] > others[300:]).all()


def test_scores_with_hindsight_come_from_both_sides():
    detector = small().fit(series())
    changed = series()
    changed.iloc[300] += 50
    scores, others = detector.score_samples(series()), detector.score_samples(changed)
    assert scores.iloc[299] > others.iloc[299]
    assert scores.iloc[301] > others.iloc[301]


@pytest.mark.parametrize("method", ["forecast", "reconstruction"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "parameters",
    [{}, {"loss": "gaussian"}, {"season": 1}, {"n_estimators": 2}, {"stretch": 1}],
    ids=str,
)
def test_a_stream_has_the_scores_of_the_whole(method, dtype, parameters):
    if method == "reconstruction" and "loss" in parameters:
        pytest.skip("reconstruction says no spread")
    detector = small(method=method, dtype=dtype, online=True, **parameters).fit(series()[:200])
    expected = -detector.score_samples(series())[200:]
    result = [detector.update(series()[k : k + 1]).score for k in range(200, 250)]
    result += [detector.update(float(series().iloc[k])).score for k in range(250, 300)]
    result.append(detector.update(series()[300:320]).score)
    result.append(detector.update(waves()[320:350, 0]).score)
    result.append(detector.update(series()[350:]).score)
    np.testing.assert_allclose(np.concatenate(result), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2024-03-30", periods=N, freq="h", tz="Europe/Paris"),  # clocks change
        pd.date_range("2024-01-31", periods=N, freq="ME"),
        pd.date_range("2024-01-01", periods=N, freq="B"),
        pd.period_range("2024-01", periods=N, freq="M"),
        pd.RangeIndex(7, 7 + 3 * N, 3),
    ],
    ids=lambda index: str(getattr(index, "freq", index)),
)
def test_streams_on_any_index(index):
    y = series(index=index)
    detector = small(online=True).fit(y[:200])
    expected = -detector.score_samples(y)[200:]
    result = [detector.update(y[k : k + 1]).score for k in range(200, 220)]
    result += [detector.update(float(v)).score for v in y[220:240]]
    result += [detector.update(y[240:]).score]
    np.testing.assert_allclose(np.concatenate(result), expected, rtol=1e-6)


def test_a_stream_of_a_panel_in_any_pieces():
    y = panel()
    detector = small(online=True).fit(y[y.index.get_level_values(1) < HOURS[300]])
    expected = -detector.score_samples(y)
    first = y[y.index.get_level_values(1).isin(HOURS[300:350])]
    update = detector.update(first)
    np.testing.assert_allclose(update.score, expected[first.index], rtol=1e-6)
    assert update.to_frame().index.equals(first.index)
    only_a = y.loc[["a"]][y.loc["a"].index.isin(HOURS[350:360])]
    np.testing.assert_allclose(detector.update(only_a).score, expected[only_a.index], rtol=1e-6)


def test_a_stream_with_missing_values():
    y = series()
    y.iloc[[210, 230, 231]] = np.nan
    detector = small(online=True, missing="mask").fit(y[:200])
    expected = -detector.score_samples(y)[200:]
    result = [detector.update(y[k : k + 1]).score for k in range(200, N)]
    np.testing.assert_allclose(np.concatenate(result), expected, rtol=1e-6)
    assert np.isnan(np.concatenate(result)).sum() == 3


@pytest.mark.parametrize("index", [HOURS, HOURS.tz_localize("UTC"), pd.RangeIndex(N)], ids=str)
def test_a_stream_may_leave_out_rows(index):
    y = series(index=index)
    detector = small(online=True, missing="mask").fit(y[:200])
    remaining = y.drop(index[[200, 201, 215, 230]])
    expected = -detector.score_samples(remaining)[200:]
    result = [
        detector.update(part).score
        for part in (remaining[200:201], remaining[201:220], remaining[220:])
    ]
    np.testing.assert_allclose(np.concatenate(result), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="Give what comes next"):
        detector.update(y[300:301])


@pytest.mark.parametrize(
    "threshold", [ConformalThreshold(0.05), TailThreshold(0.001), DynamicThreshold(100), None]
)
def test_a_stream_moves_its_threshold(threshold):
    detector = small(online=True, threshold=threshold).fit(series()[:300])
    alone = clone(detector.threshold_).fit(-detector.score_samples(series()[:300]))
    result = [detector.update(series()[k : k + 1]) for k in range(300, N)]
    scores = np.concatenate([single.score for single in result])
    lines = []
    for score in scores:
        lines.append(alone.threshold_)
        alone.update([score])
    np.testing.assert_allclose(np.concatenate([single.threshold for single in result]), lines)


def test_update_refuses_what_does_not_follow_and_takes_nothing_in():
    detector = small(online=True).fit(series()[:300])
    for wrong, message in [
        (series()[301:310], r"2024-03-11 13:00:00 where 2024-03-11 12:00:00 follows"),
        (series()[300:310].reset_index(drop=True), "steps of 1, and .* fitted with frequency h"),
        (series()[300:310].set_axis(HOURS[300:310] + HOURS.freq), "2024-03-11 13:00:00 where"),
        (series()[300:301] * np.nan, "missing"),
        (np.inf, "infinite"),
        (frame()[300:310], "2 channels"),
        (np.zeros((2, 2)), "2 channels"),
        (np.nan, "missing"),
        ([], "shape"),
        (["x"], "real numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            detector.update(wrong)
    expected = -detector.score_samples(series())[300:]
    np.testing.assert_allclose(detector.update(series()[300:]).score, expected, rtol=1e-6)


def test_update_takes_numbers_of_any_kind():
    y = series().round()
    detector = small(online=True).fit(y[:300])
    expected = -detector.score_samples(y)[300:]
    result = [detector.update(int(y.iloc[300])), detector.update(y[301:310].astype(int).tolist())]
    result += [detector.update(np.float32(y.iloc[310])), detector.update(y=y[311:].astype("Int64"))]
    np.testing.assert_allclose(
        np.concatenate([single.score for single in result]), expected, rtol=1e-6
    )


def test_an_update_of_a_panel_must_tell_the_series():
    with pytest.raises(ValueError, match="which of the series"):
        small(online=True).fit(panel()).update(1.0)


def test_a_fit_that_fails_leaves_what_was_fitted():
    detector = small(online=True).fit(series()[:300])
    before = dict(vars(detector))
    with pytest.raises(ValueError, match="missing"):
        detector.fit(series() * np.nan)
    with pytest.raises(ValueError, match="level"):
        detector.set_params(threshold=TailThreshold(0.001, 0.9999)).fit(series())
    detector.set_params(threshold=None)
    assert {name: vars(detector)[name] is value for name, value in before.items()} == dict.fromkeys(
        before, True
    )
    expected = -detector.score_samples(series())[300:]
    np.testing.assert_allclose(detector.update(series()[300:]).score, expected, rtol=1e-6)


@pytest.mark.parametrize("form", ["series", "frame", "in a zone", "periods", "numbers", "array"])
def test_the_cutoff_moves_with_updates(form, tmp_path):
    indexes = {"in a zone": HOURS.tz_localize("Europe/Berlin", nonexistent="shift_forward")}
    indexes |= {"periods": HOURS.to_period("h"), "numbers": pd.RangeIndex(5, 5 + 3 * N, 3)}
    index = indexes.get(form, HOURS)
    y = frame() if form == "frame" else series(index=index)
    y = y.to_numpy() if form == "array" else y
    index = range(N) if form == "array" else index
    detector = small(online=True).fit(y[:200])
    for n, new in ((201, y[200:201]), (220, y[201:220]), (221, y[220:221])):
        assert detector.update(new).score.size == len(new)
        assert detector.cutoff_ == index[n - 1]
    tsrnn.save(detector, tmp_path / "file")
    loaded = tsrnn.load(tmp_path / "file")
    assert loaded.cutoff_ == index[220]
    loaded.update(y[221:230])
    detector.score_samples(y[:50])
    assert (detector.cutoff_, loaded.cutoff_) == (index[220], index[229])


def test_the_cutoff_of_each_series():
    y = panel()
    times = y.index.get_level_values(1)
    detector = small(online=True).fit(y[times < HOURS[300]])
    pd.testing.assert_series_equal(
        detector.cutoff_, pd.Series(HOURS[[299, 299]], ["b", "a"], name="cutoff")
    )
    detector.update(y[times >= HOURS[300]].loc[["a"]][:7])
    assert detector.cutoff_.to_dict() == {"b": HOURS[299], "a": HOURS[306]}


def test_a_detector_that_does_not_go_on_has_no_cutoff():
    detector = small().fit(series())
    assert not hasattr(detector, "cutoff_")
    assert not hasattr(small(online=True), "cutoff_")
    with pytest.raises(AttributeError, match="fit with online=True"):
        detector.cutoff_  # noqa: B018


def test_update_needs_online():
    with pytest.raises(ValueError, match="online=True"):
        small().fit(series()).update(1.0)


def test_scores_have_the_form_of_the_input():
    y = series()
    detector = small().fit(y)
    scores = detector.score_samples(y)
    assert scores.index.equals(y.index)
    assert scores.name == "score"
    shuffled = y.sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(detector.score_samples(shuffled), scores[shuffled.index])
    long = y.reset_index()
    other = small(time_column="hour").fit(long)
    np.testing.assert_array_equal(other.score_samples(long), scores)
    single_column = y.to_frame()
    pd.testing.assert_series_equal(small().fit(single_column).score_samples(single_column), scores)
    array = small(season=(24, 168)).fit(y.to_numpy())
    result = array.score_samples(y.to_numpy())
    assert isinstance(result, np.ndarray)
    assert result.shape == (N,)


def test_a_long_panel_of_polars_is_that_of_pandas():
    polars = pytest.importorskip("polars")
    y = panel()
    expected = small().fit(y).score_samples(y)
    long = y.reset_index()
    detector = small(id_column="unit", time_column="hour")
    np.testing.assert_array_equal(detector.fit(long).score_samples(long), expected)
    other = polars.from_pandas(long)
    result = detector.fit(other).score_samples(other)
    assert isinstance(result, polars.Series)
    np.testing.assert_array_equal(result.to_numpy(), expected)


def test_a_series_of_a_panel_is_scored_by_itself():
    y = panel()
    detector = small().fit(y)
    whole = detector.score_samples(y)
    pd.testing.assert_series_equal(detector.score_samples(y.loc[["a"]]), whole.loc[["a"]])


def test_inputs_are_not_changed():
    y, values = frame(), waves()
    before, copied = y.copy(), values.copy()
    small().fit(y).detect(y)
    small().fit(values).detect(values)
    pd.testing.assert_frame_equal(y, before)
    np.testing.assert_array_equal(values, copied)


def test_predictions_follow_the_threshold():
    y = series()
    detector = small(contamination=0.1).fit(y)
    assert isinstance(detector.threshold_, QuantileThreshold)
    decision, predicted = detector.decision_function(y), detector.predict(y)
    assert set(predicted) == {-1, 1}
    np.testing.assert_array_equal(predicted == -1, decision < 0)
    assert (predicted == -1).mean() == pytest.approx(0.1, abs=0.005)
    np.testing.assert_allclose(decision, detector.score_samples(y) - detector.offset_)
    pd.testing.assert_series_equal(small(contamination=0.1).fit_predict(y), predicted)


def test_thresholds_by_default():
    assert isinstance(small().fit(series()).threshold_, RobustZThreshold)
    assert isinstance(small(online=True).fit(series()).threshold_, ConformalThreshold)


def test_the_threshold_parameter_is_unchanged():
    threshold = TailThreshold(0.005)
    detector = small(threshold=threshold).fit(series())
    assert not hasattr(threshold, "threshold_")
    assert detector.threshold_.risk == 0.005


def test_fit_predict_knows_all_scores():
    y = series()
    detector = small(threshold=DynamicThreshold(window=150, span=5), stretch=1)
    y.iloc[250:256] += 25
    flags = detector.fit_predict(y) == -1
    expected = clone(detector.threshold).fit_predict(-detector.score_samples(y))
    np.testing.assert_array_equal(flags, expected)
    assert flags[250:256].any()


@pytest.mark.parametrize("method", ["forecast", "reconstruction"])
def test_copies_and_pickles_go_on(method):
    detector = small(online=True, method=method).fit(series()[:300])
    detector.update(series()[300:310])
    others = [copy.deepcopy(detector), pickle.loads(pickle.dumps(detector))]
    expected = detector.update(series()[310:]).score
    for other in others:
        np.testing.assert_array_equal(other.update(series()[310:]).score, expected)


def test_few_stretches_are_warned_of():
    with pytest.warns(UserWarning, match=r"400 observations, .* stretch=50"):
        small(stretch=50).fit(series())


def test_pipelines_and_clones():
    values = waves(n_channels=2)
    pipeline = make_pipeline(StandardScaler(), small())
    signs = pipeline.fit(values).predict(values)
    assert signs.shape == (N,)
    detector = pipeline[-1]
    assert clone(detector).get_params() == detector.get_params()


def test_events_are_where_the_series_is_strange():
    y = series()
    y.iloc[200:212] += 15
    detector = small(max_iter=10).fit(y)
    event = detector.detect(y, n_most=1).iloc[0]
    assert event["start"] == HOURS[200]
    assert HOURS[211] <= event["end"] <= HOURS[213]  # the way back is strange too
    assert event["n_points"] == HOURS.get_loc(event["end"]) - 199
    assert HOURS[200] <= event["peak"] <= HOURS[211]
    assert event["seen"] == y[event["peak"]]
    explained = detector.explain(y)
    assert event["expected"] == explained["expected"][event["peak"]]
    assert event["severity"] == explained["score"].max()


@pytest.mark.parametrize("seed", range(3))
def test_a_spike_is_a_short_event(seed):
    values = waves(2000, seed=seed)
    values[1500] += 40
    event = RNNAnomalyDetector(season=24, random_state=seed).fit(values).detect(values, 1).iloc[0]
    assert (event["start"], event["peak"]) == (1500, 1500)
    assert event["end"] <= 1502


def test_the_most_severe_events_go_below_the_threshold():
    detector = small().fit(series())
    above, five = detector.detect(series()), detector.detect(series(), n_most=5)
    assert len(above) < 5 == len(five)
    assert set(above["start"]) == set(five["start"][five["anomaly"]])
    assert five["start"].is_monotonic_increasing
    assert (five["start"].iloc[1:].array > five["end"].iloc[:-1].array).all()


def test_events_below_an_adaptive_threshold_are_marked():
    y = series()
    y.iloc[[100, 300]] += [30, 60]
    threshold = TailThreshold(0.01, 0.9, depth=40)
    detector = small(threshold=threshold, stretch=1, max_iter=10).fit(y[:90])
    events = detector.detect(y, n_most=12)
    flagged = detector.predict(y) == -1
    inside = [flagged[a:b].any() for a, b in zip(events["start"], events["end"], strict=True)]
    assert 0 < events["anomaly"].sum() < 12
    np.testing.assert_array_equal(events["anomaly"], inside)


def test_series_of_a_panel_share_a_threshold_that_moves():
    y = panel()
    detector = small(online=True).fit(y[y.index.get_level_values(1) < HOURS[300]])
    alone = clone(detector.threshold_).fit(
        -detector.score_samples(y[y.index.get_level_values(1) < HOURS[300]])
    )
    update = detector.update(y[y.index.get_level_values(1) >= HOURS[300]])
    lines = []
    for score in update.score:
        lines.append(alone.threshold_)
        alone.update([score])
    np.testing.assert_allclose(update.threshold, lines)


def test_events_of_channels_name_the_strangest():
    y = frame(3)
    y.iloc[200:210, 1] += 20
    detector = small(max_iter=10).fit(y)
    event = detector.detect(y, n_most=1).iloc[0]
    assert event["channel"] == "c1"
    assert event["seen"] == y.loc[event["peak"], "c1"]
    shares = event[["share_c0", "share_c1", "share_c2"]].astype(float)
    assert shares.sum() == pytest.approx(1)
    assert shares["share_c1"] > 0.8


def test_an_online_event_has_its_alarm():
    y = series()
    y.iloc[300:320] += 20
    detector = small(online=True, threshold=ConformalThreshold(0.05)).fit(y[:280])
    events = detector.detect(y)
    event = events.loc[events["severity"].idxmax()]
    assert event["start"] == HOURS[300]
    assert event["start"] <= event["alarm"] <= event["end"]


def test_events_of_a_panel_name_their_series():
    y = panel()
    strange = (y.index.get_level_values(0) == "a") & y.index.get_level_values(1).isin(
        HOURS[200:210]
    )
    y[strange] += 100
    events = small(max_iter=10).fit(y).detect(y, n_most=1)
    assert events["unit"].tolist() == ["a"]
    assert events["start"].tolist() == [HOURS[200]]


def test_an_empty_table_has_the_same_columns():
    y = frame()
    detector = small(threshold=RobustZThreshold(1000), online=True).fit(y)
    none, single = detector.detect(y), detector.detect(y, n_most=1)
    assert len(none) == 0
    assert [*none.columns, "anomaly"] == list(single.columns)
    assert single["anomaly"].tolist() == [False]
    assert none.dtypes["start"] == single.dtypes["start"]


def test_what_is_explained():
    detector = small().fit(frame())
    result = detector.explain(frame())
    np.testing.assert_array_equal(result["score"], -detector.score_samples(frame()))
    assert (result["threshold"] == detector.threshold_.threshold_).all()
    inside = frame()["c0"].between(result["lower_c0"], result["upper_c0"])
    assert inside[1:].mean() > 0.8
    np.testing.assert_allclose(result["share_c0"] + result["share_c1"], 1)
    single = small().fit(series()).explain(series())
    assert list(single.columns) == ["score", "threshold", "anomaly", "expected", "lower", "upper"]


def test_a_constant_channel_is_usual_until_it_moves():
    y = frame()
    y["c1"] = 7.0
    detector = small().fit(y)
    assert np.isfinite(detector.score_samples(y)).all()
    moved = y.copy()
    moved.iloc[200, 1] = 8.0
    assert detector.detect(moved, n_most=1)["channel"].tolist() == ["c1"]


def test_the_same_seed_is_the_same_on_any_threads():
    single, two = (small(n_jobs=n_jobs).fit(series()) for n_jobs in (1, 2))
    np.testing.assert_array_equal(single.network_.parameters, two.network_.parameters)
    other = small(random_state=1).fit(series())
    assert (other.network_.parameters != single.network_.parameters).any()


def test_taxi_demand_shows_its_five_events():
    y, known = load_nyc_taxi(return_events=True)
    result = RNNAnomalyDetector(random_state=0).fit(y).detect(y, n_most=10)
    assert len(result) == 10
    for event in known.itertuples():
        assert ((result["start"] <= event.end) & (result["end"] >= event.start)).any(), event.name


METHODS = [
    {"method": method, "online": online}
    for method in ("forecast", "reconstruction")
    for online in (False, True)
]
every_method = pytest.mark.parametrize("parameters", METHODS, ids=str)
CONSTANTS = [0.1, 1 / 3, 5.0, -7.7e8, 1e-9, 3e-310, 0.0]


@every_method
@pytest.mark.parametrize("value", CONSTANTS)
def test_a_constant_series_has_no_events(parameters, value):
    y = series(np.full((N, 1), value))
    detector = small(**parameters)
    assert (detector.fit_predict(y) == 1).all()
    explained = detector.explain(y)
    assert not explained["score"].any()
    assert (explained["expected"] == value).all()
    rounded = y * (1 + 1e-14)
    for threshold in (None, QuantileThreshold(), TailThreshold(0.01, 0.9), DynamicThreshold()):
        detector = small(**parameters, threshold=threshold).fit(y[:300])
        assert detector.detect(y[300:]).empty
        assert detector.detect(rounded[300:]).empty
        if parameters["online"]:
            assert not detector.update(rounded[300:]).anomaly.any()
    moved = y.copy()
    moved.iloc[350] = value * 1.5 if value else 1.0
    event = small(**parameters).fit(y[:300]).detect(moved[300:], n_most=1).iloc[0]
    assert (event[["start", "end", "peak"]] == HOURS[350]).all()
    assert event["anomaly"]


@every_method
@pytest.mark.parametrize("value", CONSTANTS)
@pytest.mark.parametrize("is_panel", [False, True])
def test_a_constant_channel_changes_nothing(parameters, value, is_panel):
    values = waves()
    values[200:212] += 15
    both = pd.DataFrame({"load": values[:, 0], "flat": value}, HOURS)
    if is_panel:
        both = pd.concat({"a": both, "b": both.iloc[40:] * 3}, names=["unit"])
    detector = small(max_iter=10, **parameters).fit(both)
    event = detector.detect(both, n_most=1).iloc[0]
    assert event["channel"] == "load"
    assert event["start"] in HOURS[198:214]
    explained = detector.explain(both)
    assert not explained["share_flat"][explained["score"].notna()].any()
    zero = detector.fit(both.assign(flat=0.0)).explain(both.assign(flat=0.0))
    np.testing.assert_array_equal(explained["score"], zero["score"])


def test_the_constant_series_of_a_panel_has_no_events():
    y = pd.concat({"a": series(), "flat": series(np.full((N, 1), 0.1))}, names=["unit"])
    detector = small().fit(y)
    assert not detector.explain(y).loc["flat", "score"].any()
    assert "flat" not in detector.detect(y)["unit"].tolist()


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1.0, 1e140])
@pytest.mark.parametrize("parameters", [*METHODS, {"loss": "gaussian"}], ids=str)
@pytest.mark.filterwarnings("error")
def test_values_of_any_size(parameters, scale):
    y = series() / 30 * scale
    detector = small(**parameters).fit(y[:300])
    expected = small(**parameters).fit(y[:300] / scale).score_samples(y[300:] / scale)
    np.testing.assert_allclose(detector.score_samples(y[300:]), expected, rtol=1e-6)
    new = y[300:].copy()
    new.iloc[60] = 1e150
    explained = detector.explain(new)
    assert np.isfinite(explained["score"][40:]).all()
    assert explained["score"].iloc[60] > 1e3
    assert explained["anomaly"].iloc[60]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["absolute_error", "gaussian"])
@pytest.mark.parametrize("method", ["forecast", "reconstruction"])
@pytest.mark.filterwarnings("error")
def test_missing_values_give_no_warnings(loss, method, dtype):
    if (loss, method) == ("gaussian", "reconstruction"):
        pytest.skip("reconstruction has no spread")
    y = series()
    y.iloc[[0, 50, 51, *range(200, 230), N - 1]] = np.nan
    for online in (False, True):
        parameters = {"loss": loss, "method": method, "dtype": dtype, "online": online}
        detector = small(missing="mask", **parameters).fit(y[:350])
        detector.explain(y)
        detector.detect(y)
        if online:
            detector.update(y[350:])


SIGNALS = {
    "sine": lambda t, rng: np.sin(t * np.pi / 12),
    "nearly noiseless": lambda t, rng: np.sin(t * np.pi / 12) + 1e-4 * rng.normal(size=t.size),
    "noise": lambda t, rng: np.sin(t * np.pi / 12) + 0.1 * rng.normal(size=t.size),
    "square": lambda t, rng: (t // 12 % 2) * 1.0,
    "weekdays": lambda t, rng: np.sin(t * np.pi / 12) * (1 + (t // 24 % 7 < 5)),
}


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("parameters", METHODS[:3], ids=str)
def test_the_first_rows_are_not_strange(name, parameters):
    values = SIGNALS[name](np.arange(1140), np.random.default_rng(1))
    y = pd.Series(values, pd.date_range("2024-01-01", periods=1140, freq="h"))
    for n in (1000, 1008):
        detector = RNNAnomalyDetector(random_state=0, n_jobs=1, **parameters).fit(y[:n])
        assert (detector.predict(y[n:]) == -1).mean() < 0.02
        first = detector.predict(y[:n])[:100] == -1
        assert first.mean() < 0.02 or detector.online  # 1 % of its scores, wherever they are
        strange = y[n:].copy()
        strange.iloc[70:76] += 5 * values.std()
        assert (detector.predict(strange) == -1).iloc[70:76].any()


def test_an_event_in_the_first_rows_is_detected():
    values = SIGNALS["noise"](np.arange(1140), np.random.default_rng(1))
    detector = RNNAnomalyDetector(random_state=0, season=24, n_jobs=1).fit(values[:1000])
    new = values[1000:].copy()
    new[3:9] += 6
    event = detector.detect(new).iloc[0]
    assert event["start"] <= 3
    assert event["peak"] in range(3, 9)


def test_fits_are_alike_by_default():
    scores = [RNNAnomalyDetector(**SMALL).fit(series()).score_samples(series()) for _ in range(2)]
    pd.testing.assert_series_equal(*scores)


BAD_SEASONS = [[], (), np.array([]), ["a"], [24, "a"], [1.5], [np.nan], [np.inf], [True], [None]]
BAD_SEASONS += [
    [[24]],
    [[1], [1, 2]],
    2**63,
    np.array([[24, 168]]),
    {"a": 1},
    0,
    -1,
    [0],
    [-3],
    True,
    "day",
    None,
    2.5,
]


@pytest.mark.parametrize("season", BAD_SEASONS, ids=repr)
def test_bad_seasons_are_named(season):
    with pytest.raises((ValueError, TypeError), match="season"):
        small(season=season).fit(series())


@pytest.mark.parametrize("season", [24, [24], (24, 1), np.array([24]), np.int64(24)], ids=repr)
def test_seasons_of_any_form(season):
    assert small(season=season).fit(series()).seasons_ == (24,)


BAD = [
    ({}, series()[:10], "10 observations, too few"),
    ({}, series().drop(HOURS[200]), "gap: 2024-03-07 08:00:00"),
    ({}, series() * np.nan, "missing"),
    ({}, series().replace(series().iloc[3], np.inf), "infinite at 2024-02-28 03:00:00"),
    ({}, frame().assign(c1=np.nan), "Column 'c1' of y is"),
    ({"missing": "mask"}, frame().assign(c1=np.nan), "Column 'c1' of y is nothing but missing"),
    ({}, frame().assign(c1="x"), "Column 'c1' of y must hold real numbers"),
    ({}, frame().reset_index(), r"y.set_index\('hour'\). Or give time_column='hour'"),
    ({}, series().where(series() > 30), "missing='mask'"),
    ({}, waves().reshape(2, -1, 1), "shape"),
    ({}, [], "shape"),
    ({}, ["a", "b"], "real numbers"),
    ({}, frame().set_axis(["a", "a"], axis=1), "more than one column 'a'"),
    ({"time_column": "when"}, frame(), "'when' is none of them"),
    ({"id_column": "c0"}, frame(), "time_column"),
    ({"time_column": "c0"}, frame(), "must hold dates"),
    ({"season": 300}, series(), "season=300 needs 600 observations"),
    ({"season": [24, 0]}, series(), "season"),
    ({"contamination": 0.7}, series(), "contamination"),
    ({"contamination": 0.1, "threshold": RobustZThreshold()}, series(), "leave one of them out"),
    ({"threshold": 3.0}, series(), "threshold"),
    ({"method": "reconstruction", "loss": "gaussian"}, series(), "method='forecast'"),
    ({"horizon": 0}, series(), "horizon"),
    ({"cell": "transformer"}, series(), "cell"),
]


@pytest.mark.parametrize(("parameters", "y", "message"), BAD, ids=[case[2] for case in BAD])
def test_bad_input_is_named(parameters, y, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(y)


def test_what_was_not_fitted_is_refused():
    detector = small().fit(panel())
    with pytest.raises(ValueError, match="Series 'z' of y was not fitted"):
        detector.score_samples(pd.concat({"z": series()}, names=["unit"]))
    with pytest.raises(ValueError, match="2 channels"):
        small().fit(series()).score_samples(frame())
    with pytest.raises(ValueError, match="in that order"):
        small().fit(frame()).score_samples(frame()[["c1", "c0"]])
    with pytest.raises(ValueError, match="single series, and the detector was fitted to a panel"):
        detector.score_samples(series())
    days = pd.date_range("2024-01-01", periods=N, freq="D")
    with pytest.raises(ValueError, match=r"y has frequency D, .* fitted with frequency h"):
        small().fit(series()).score_samples(series(index=days))
    with pytest.raises(ValueError, match="n_most"):
        small().fit(series()).detect(series(), n_most=0)
