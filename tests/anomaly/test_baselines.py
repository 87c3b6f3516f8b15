"""Baselines held against plain loops over windows and points, and against each other's forms."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import norm
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from tsrnn.anomaly import (
    GaussianDetector,
    PCADetector,
    PolynomialDetector,
    QuantileThreshold,
    WindowDetector,
)
from tsrnn.anomaly.baselines import base
from tsrnn.datasets import load_nyc_taxi

NAN = np.nan
THRESHOLD = QuantileThreshold(0.05)
ALL = {
    "pca": PCADetector(window=12, threshold=THRESHOLD),
    "polynomial": PolynomialDetector(window=12, degree=1, threshold=THRESHOLD),
    "gaussian": GaussianDetector(window=30, threshold=THRESHOLD),
    "windows": WindowDetector(
        IsolationForest(n_estimators=30, random_state=0), window=12, threshold=THRESHOLD
    ),
}
every_detector = pytest.mark.parametrize("detector", ALL.values(), ids=ALL)
online_or_offline = pytest.mark.parametrize("online", [False, True], ids=["hindsight", "online"])
by_whole_windows = pytest.mark.parametrize("name", ["pca", "windows"])


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """A series of some hundred points is more than one batch."""
    monkeypatch.setattr(base, "_BATCH_SIZE", 1000)


def series_of(n=300, n_channels=1, seed=0, n_missing=0):
    """A season with noise, its channels of other levels and units."""
    rng = np.random.default_rng(seed)
    waves = np.sin(np.arange(n)[:, None] * 2 * np.pi / 25 + np.arange(n_channels))
    y = (waves + 0.3 * rng.normal(size=(n, n_channels))) * 10.0 ** np.arange(n_channels) + 50
    for k in range(n_missing):
        y[rng.integers(n), k % n_channels] = NAN
    return y


def panel_of(lengths=(200, 150), **kwargs):
    """Series of other levels on a MultiIndex, their rows mixed."""
    parts = []
    for k, n in enumerate(lengths):
        index = pd.MultiIndex.from_product(
            [["ab"[k]], pd.date_range("2024-01-01", periods=n, freq="h")], names=["id", "time"]
        )
        y = series_of(n, seed=k, **kwargs) * (1 + 4 * k)
        parts.append(pd.DataFrame(y, index, [f"c{i}" for i in range(y.shape[1])]))
    return pd.concat(parts).sample(frac=1, random_state=0)


def scores(detector, y, training=None):
    """The higher the stranger, after fitting."""
    return -detector.fit(y if training is None else training).score_samples(y)


# ---------------------------------------------------------------------------- slow twins


def deviations_of(y):
    """Each column less its mean, by its deviation."""
    columns = []
    for k in range(y.shape[1]):
        known = np.array([v for v in y[:, k] if not np.isnan(v)])
        columns.append([(v - known.mean()) / known.std() for v in y[:, k]])
    return np.array(columns).T


def windows_in(z, window):
    """(first, values one channel after the other) of those without a missing value."""
    result = []
    for first in range(len(z) - window + 1):
        row = np.concatenate([z[first : first + window, k] for k in range(z.shape[1])])
        if not np.isnan(row).any():
            result.append((first, row))
    return result


def window_of(t, firsts, window, online):
    """First point of the window that speaks for a point, or None."""
    if online:
        return t - window + 1 if t - window + 1 in firsts else None
    holding = [first for first in firsts if first <= t < first + window]
    return min(holding, key=lambda first: (abs(first + window // 2 - t), first), default=None)


def to_points(by_first, n, window, online):
    points = [window_of(t, by_first, window, online) for t in range(n)]
    return np.array(
        [NAN if first_point is None else by_first[first_point] for first_point in points]
    )


def slow_pca(y, window, online, n_components=None):
    """PyOD's score, by scikit-learn's PCA, in units of sqrt(window) and mean weights of 1."""
    result = windows_in(deviations_of(y), window)
    rows = np.array([row for _, row in result])
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    pca = PCA(n_components, svd_solver="full").fit(rows)
    shares = pca.explained_variance_ratio_
    score = (cdist(rows, pca.components_) / shares).sum(axis=1)
    score /= (1 / shares).sum() * np.sqrt(rows.shape[1])
    firsts = [first for first, _ in result]
    return to_points(dict(zip(firsts, score, strict=True)), len(y), window, online)


def slow_windows(y, window, online, estimator):
    result = windows_in(deviations_of(y), window)
    rows = np.array([row for _, row in result])
    score = -estimator.fit(rows).score_samples(rows)
    firsts = [first for first, _ in result]
    return to_points(dict(zip(firsts, score, strict=True)), len(y), window, online)


def slow_gaussian(y, window, online):
    """Score and expectation, by the tail's probability."""
    z = deviations_of(y)
    n, n_channels = z.shape
    score, expected = np.full(n, NAN), np.full(z.shape, NAN)
    for t in range(n):
        of_channels = []
        for k in range(n_channels):
            sides = [z[max(t - window, 0) : t, k]]
            if not online:
                sides.append(z[t + 1 : t + 1 + window, k])
            sides = [side[~np.isnan(side)] for side in sides]
            sides = [side for side in sides if len(side) >= min(window, 16)]
            # In place of up to 16 missing values, as many as have a mean of 0 and a square of 1.
            others = [min(window - len(side), 16) for side in sides]
            centres, spreads = [], []
            for side, n_others in zip(sides, others, strict=True):
                centre = side.sum() / (len(side) + n_others)
                square = ((side**2).sum() + n_others) / (len(side) + n_others)
                centres.append(centre)
                spreads.append(max(np.sqrt(max(square - centre**2, 0)), 1e-3))
            if sides:
                unit = np.nanstd(y[:, k])
                expected[t, k] = np.mean(centres) * unit + np.nanmean(y[:, k])
            tails = [
                -np.log(2 * norm.sf(abs(z[t, k] - centre) / spread))
                for centre, spread in zip(centres, spreads, strict=True)
            ]
            if tails and not np.isnan(z[t, k]):
                of_channels.append(np.mean(tails))
        if of_channels:
            score[t] = np.mean(of_channels)
    return score, expected


def standard_error(fitted, predicted, degree):
    """Mean variance of prediction errors of least squares, of noise of variance 1."""
    centre = np.mean(predicted)
    rows, new = (
        np.polynomial.legendre.legvander((np.array(t) - centre) / len(predicted), degree)
        for t in (fitted, predicted)
    )
    inverse = np.linalg.pinv(rows.T @ rows)
    return np.mean([1 + row @ inverse @ row for row in new])


def slow_polynomial(y, window, online, degree, around):
    """Score and expectation, by numpy's polyfit over each neighbourhood."""
    z = deviations_of(y)
    n, n_channels = z.shape
    before = around if online else around // 2
    enough = min(max(2 * window, 2 * (degree + 1)), around)
    squares, curves = {}, {}
    for first in range(n - window + 1):
        for k in range(n_channels):
            end = first + window
            sides = [*range(first - before, first), *range(end, end + around - before)]
            sides = [t for t in sides if 0 <= t < n and not np.isnan(z[t, k])]
            inside = [t for t in range(first, end) if not np.isnan(z[t, k])]
            if len(sides) < enough or 2 * len(inside) < window:
                continue
            curve = np.polynomial.Polynomial.fit(sides, z[sides, k], degree)
            curves[first, k] = curve
            variances = [
                standard_error(some, range(first, end), degree)
                for some in (
                    sides,
                    [*range(first - before, first), *range(end, end + around - before)],
                )
            ]
            squares[first, k] = np.mean([(z[t, k] - curve(t)) ** 2 for t in inside])
            squares[first, k] /= max(variances[0] / variances[1], 1)
    usual = [
        np.sqrt(np.mean([square for (_, channel), square in squares.items() if channel == k]))
        + 1e-3
        for k in range(n_channels)
    ]
    firsts = sorted({first for first, _ in squares})
    score, expected = np.full(n, NAN), np.full(z.shape, NAN)
    for t in range(n):
        first_point = window_of(t, firsts, window, online)
        of_channels = []
        for k in range(n_channels):
            if first_point is None or (first_point, k) not in squares:
                continue
            expected[t, k] = curves[first_point, k](t) * np.nanstd(y[:, k]) + np.nanmean(y[:, k])
            of_channels.append(squares[first_point, k] / usual[k] ** 2)
        if of_channels and not np.isnan(z[t] + expected[t]).all():
            score[t] = np.sqrt(np.mean(of_channels))
    return score, expected


SERIES = {
    "one channel": series_of(),
    "two channels": series_of(260, 2),
    "gaps": series_of(320, 1, n_missing=14),
    "gaps in two channels": series_of(320, 2, n_missing=14),
}
every_series = pytest.mark.parametrize("y", SERIES.values(), ids=SERIES)


@every_series
@online_or_offline
@pytest.mark.parametrize("window", [6, 7])
@pytest.mark.parametrize("n_components", [None, 3, 0.6])
def test_pca_as_by_a_loop(y, online, window, n_components):
    detector = PCADetector(
        window=window,
        n_components=n_components,
        online=online,
        missing="mask",
        threshold=THRESHOLD,
    )
    expected = slow_pca(y, window, online, n_components)
    np.testing.assert_allclose(scores(detector, y), expected, rtol=1e-6)
    rows = [row for _, row in windows_in(deviations_of(y), window)]
    pca = PCA(n_components, svd_solver="full").fit((rows - np.mean(rows, 0)) / np.std(rows, 0))
    np.testing.assert_allclose(
        detector.explained_variance_ratio_, pca.explained_variance_ratio_, rtol=1e-8
    )
    np.testing.assert_allclose(detector.components_, pca.components_, atol=1e-6)


@every_series
@online_or_offline
@pytest.mark.parametrize("window", [1, 6, 7])
def test_windows_as_by_a_loop(y, online, window):
    estimator = IsolationForest(n_estimators=20, random_state=3)
    detector = WindowDetector(
        estimator, window=window, online=online, missing="mask", threshold=THRESHOLD
    )
    expected = slow_windows(y, window, online, clone(estimator))
    np.testing.assert_allclose(scores(detector, y), expected, rtol=1e-12)


@every_series
@online_or_offline
@pytest.mark.parametrize("window", [5, 40])
def test_gaussian_as_by_a_loop(y, online, window):
    detector = GaussianDetector(
        window=window, online=online, missing="mask", threshold=THRESHOLD
    ).fit(y)
    score, expected = slow_gaussian(y, window, online)
    result = detector.explain(y)
    np.testing.assert_allclose(result["score"], score, rtol=1e-8, atol=1e-12)
    names = [name for name in result if name.startswith("expected")]
    np.testing.assert_allclose(result[names], expected, rtol=1e-10)


@every_series
@online_or_offline
@pytest.mark.parametrize(
    ("window", "degree", "around"), [(6, 2, None), (7, 3, 41), (5, 0, 6), (4, 1, 1000)]
)
def test_polynomial_as_by_a_loop(y, online, window, degree, around):
    detector = PolynomialDetector(
        window=window,
        degree=degree,
        neighborhood=around,
        online=online,
        missing="mask",
        threshold=THRESHOLD,
    ).fit(y)
    score, expected = slow_polynomial(y, window, online, degree, around or 10 * window)
    result = detector.explain(y)
    np.testing.assert_allclose(result["score"], score, rtol=1e-7)
    names = [name for name in result if name.startswith("expected")]
    np.testing.assert_allclose(result[names], expected, rtol=1e-8)


# ---------------------------------------------------------------------------- all of them


@every_detector
def test_online_knows_no_future(detector):
    y = series_of(400, 2)
    detector = clone(detector).set_params(online=True).fit(y[:300])
    before = detector.score_samples(y)
    changed = y.copy()
    changed[350:] = series_of(50, 2, seed=5) * 1e4
    np.testing.assert_allclose(detector.score_samples(changed)[:350], before[:350], rtol=1e-10)
    np.testing.assert_allclose(detector.score_samples(y[:350]), before[:350], rtol=1e-10)
    assert (detector.score_samples(changed)[350:] < before[350:].min()).any()


@every_detector
@online_or_offline
def test_a_planted_anomaly_is_detected(detector, online):
    y = pd.Series(
        series_of(600)[:, 0], pd.date_range("2024-01-01", periods=600, freq="h"), name="load"
    )
    y.iloc[400:412] += 3
    detector = clone(detector).set_params(online=online).fit(y)
    events = detector.detect(y, n_most=1)
    severe = events.loc[events["severity"].idxmax()]
    assert y.index[394] <= severe["start"] <= y.index[412]
    assert y.index[400] <= severe["end"] <= y.index[424]
    assert y.index[400] <= severe["peak"] <= y.index[424]
    strange = detector.predict(y)
    assert (strange.iloc[400:412] == -1).any()
    assert (strange == -1).mean() < 0.06


@every_detector
@online_or_offline
def test_forms(detector, online):
    detector = clone(detector).set_params(online=online)
    values = series_of(300, 2)
    index = pd.period_range("2024-01", periods=300, freq="D")
    of_array = detector.fit(values).score_samples(values)
    frame = pd.DataFrame(values, index, ["load", "price"])
    mixed = frame.sample(frac=1, random_state=1)
    of_frame = clone(detector).fit(mixed).score_samples(mixed)
    assert of_frame.index.equals(mixed.index)
    np.testing.assert_allclose(of_frame.sort_index(), of_array, rtol=1e-9)
    single = pd.Series(values[:, 0], index, name="load")
    of_series = clone(detector).fit(single).score_samples(single)
    of_column = clone(detector).fit(values[:, :1]).score_samples(values[:, :1])
    np.testing.assert_allclose(of_series, of_column, rtol=1e-12)
    assert of_series.name == "score"


@every_detector
@online_or_offline
def test_a_scale_of_the_series_changes_nothing(detector, online):
    detector, y = clone(detector).set_params(online=online), series_of(300, 2)
    np.testing.assert_allclose(
        scores(detector, y * [1e3, 1e-3] - 7), scores(detector, y), rtol=1e-6, atol=1e-9
    )


@every_detector
@online_or_offline
def test_panel(detector, online):
    y = panel_of(n_channels=2)
    detector = clone(detector).set_params(online=online).fit(y)
    together = detector.score_samples(y)
    assert together.index.equals(y.index)
    assert detector.n_features_in_ == 2
    for label in "ab":
        first_point = y.loc[[label]]
        np.testing.assert_array_equal(detector.score_samples(first_point), together.loc[[label]])
    events = detector.detect(y, n_most=3)
    assert events.columns[0] == "id"
    assert len(events) <= 3
    other = y.rename(index={"a": "c"}, level=0)
    with pytest.raises(ValueError, match=r"Series 'c' of y was not fitted"):
        detector.score_samples(other)


@by_whole_windows
def test_a_panel_shares_what_is_usual(name):
    """A copy of a series, in another unit, changes nothing but how often each window is seen."""
    y = panel_of((200, 200)).sort_index()
    twice = y.copy()
    twice.loc["b"] = twice.loc["a"].to_numpy() * 5 - 3
    detector = clone(ALL[name])
    if name == "windows":
        detector.set_params(estimator=GaussianMixture(random_state=0))
    together = scores(detector, twice)
    alone = scores(detector, y.loc["a"])
    np.testing.assert_allclose(together.loc["a"], alone, rtol=1e-6)
    np.testing.assert_allclose(together.loc["b"], alone, rtol=1e-6)


@every_detector
@online_or_offline
def test_missing_values(detector, online):
    y = series_of(400, 2)
    y[200:240] = NAN
    y[300, 0] = NAN
    frame = pd.DataFrame(y, pd.date_range("2024-01-01", periods=400, freq="h"), ["a", "b"])
    detector = clone(detector).set_params(online=online)
    with pytest.raises(ValueError, match="missing"):
        detector.fit(frame)
    detector.set_params(missing="mask").fit(frame)
    score = detector.score_samples(frame)
    assert score.iloc[200:240].isna().all()
    assert score.iloc[100:200].notna().all()
    assert score.iloc[340:].notna().all()
    # Rows that are not there are as rows without values.
    np.testing.assert_allclose(
        detector.score_samples(frame.drop(frame.index[200:240])),
        score.drop(frame.index[200:240]),
        rtol=1e-12,
    )
    assert set(detector.predict(frame)) == {-1, 1}
    detector.explain(frame)
    assert len(detector.detect(frame))


@every_detector
def test_too_few(detector):
    detector, y = clone(detector), series_of(300)
    least = {"PolynomialDetector": 36, "GaussianDetector": 17}.get(type(detector).__name__, 12)
    with pytest.raises(ValueError, match=f"y has {least - 1} observations.*at least {least}"):
        detector.fit(y[: least - 1])
    detector.fit(y[:least])
    panel = panel_of((100, least - 1))
    with pytest.raises(ValueError, match=f"Series 'b' of y has {least - 1} observations"):
        detector.fit(panel)


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("pca", slice(None, None, 11), "no 12 observations in a row without a missing value"),
        ("windows", slice(None, None, 11), "no 12 observations in a row without a missing value"),
        ("polynomial", slice(None, None, 3), "no 12 observations of which half.* 120 .* 24"),
        ("gaussian", slice(100, 116), "16 values that are not missing.* at least 17"),
    ],
)
def test_too_many_missing(name, known, message):
    y = np.full(300, NAN)
    y[known] = series_of()[known, 0]
    with pytest.raises(ValueError, match=f"^y has {message}"):
        clone(ALL[name]).set_params(missing="mask").fit(y)


@every_detector
@online_or_offline
def test_short_series_to_score(detector, online):
    y = series_of(300)
    detector = clone(detector).set_params(online=online).fit(y)
    assert np.isnan(detector.score_samples(y[:5])).all()
    assert (detector.predict(y[:5]) == 1).all()
    known = ~np.isnan(detector.score_samples(y))
    first = {"PolynomialDetector": 35, "GaussianDetector": 16}.get(type(detector).__name__, 11)
    assert known.argmax() == (first if online else 0)
    assert known[known.argmax() :].all()


@every_detector
@online_or_offline
def test_constant_series(detector, online):
    flat = np.full(200, 3.0)
    moved = flat.copy()
    moved[150] = 4.0
    detector = clone(detector).set_params(online=online).fit(flat)
    score = -detector.score_samples(moved)
    if not isinstance(detector, WindowDetector):  # a tree of rows that are all the same is blind
        assert score[150] > np.nanmax(score[:130])
    assert np.isfinite(score[40:]).all()


@every_detector
@online_or_offline
def test_copies_and_pickles(detector, online):
    y = series_of()
    detector = clone(detector).set_params(online=online)
    before = pickle.dumps(detector.get_params())
    fitted = detector.fit(y)
    assert fitted is detector
    assert pickle.dumps(detector.get_params()) == before
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(detector)).score_samples(y), detector.score_samples(y)
    )
    original = y.copy()
    detector.fit(y)
    np.testing.assert_array_equal(y, original)


@every_detector
@pytest.mark.parametrize(
    ("parameter", "value"),
    [("window", 0), ("window", 2.5), ("online", "yes"), ("contamination", 0.7), ("missing", "no")],
)
def test_parameters_out_of_range(detector, parameter, value):
    detector = clone(detector).set_params(**{"threshold": None, parameter: value})
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of"):
        detector.fit(series_of())


def test_other_parameters_out_of_range():
    y = series_of()
    with pytest.raises(ValueError, match="n_components=13, and windows have 12 values"):
        PCADetector(window=12, n_components=13).fit(y)
    with pytest.raises(ValueError, match="'n_components' parameter"):
        PCADetector(n_components=1.5).fit(y)
    with pytest.raises(ValueError, match=r"neighborhood=7 .* of degree 3.* at least 8"):
        PolynomialDetector(window=5, neighborhood=7).fit(y)
    with pytest.raises(ValueError, match="'degree' parameter"):
        PolynomialDetector(degree=-1).fit(y)
    with pytest.raises(ValueError, match="'max_windows' parameter"):
        WindowDetector(IsolationForest(), max_windows=1).fit(y)


@pytest.mark.parametrize(
    "estimator", [LocalOutlierFactor(), IsolationForest, "iforest", None, PCADetector]
)
def test_estimators_without_scores(estimator):
    with pytest.raises(ValueError, match=r"an object with fit and score_samples.*novelty=True"):
        WindowDetector(estimator, window=12).fit(series_of())


@pytest.mark.parametrize(
    "estimator",
    [LocalOutlierFactor(novelty=True), OneClassSVM(nu=0.1), GaussianMixture(random_state=0)],
    ids=str,
)
def test_other_estimators(estimator):
    y = series_of(400)
    y[300:310] += 4
    detector = WindowDetector(estimator, window=12).fit(y)
    assert 295 <= detector.score_samples(y).argmin() <= 315
    assert not hasattr(estimator, "offset_")  # it is cloned
    assert detector.estimator_.n_features_in_ == 12


class Remembering(IsolationForest):
    def fit(self, rows, y=None):
        self.rows = rows.copy()
        return super().fit(rows)


def test_most_windows():
    y = pd.concat({label: pd.Series(np.arange(100.0) + 100 * k) for k, label in enumerate("ab")})
    detector = WindowDetector(
        Remembering(n_estimators=2, random_state=0), window=10, max_windows=31, threshold=THRESHOLD
    ).fit(y)
    rows = detector.estimator_.rows
    assert len(rows) == 31
    ramp = deviations_of(np.arange(100.0)[:, None])[:, 0]
    places = [np.abs(ramp - row[0]).argmin() for row in rows]
    assert places == [*range(0, 91, 6), *range(5, 89, 6), 90]
    np.testing.assert_allclose(rows, [ramp[k : k + 10] for k in places], atol=1e-12)


def test_contributions_tell_the_channel():
    y = pd.DataFrame(
        series_of(400, 2), pd.date_range("2024-01-01", periods=400, freq="h"), ["load", "price"]
    )
    y.iloc[250:256, 1] += 60
    for detector in (ALL["gaussian"], ALL["polynomial"]):
        event = clone(detector).fit(y).detect(y, n_most=1).nlargest(1, "severity").iloc[0]
        assert event["channel"] == "price"
        assert event["share_price"] > 0.8
        assert event["seen"] > event["expected"] + 30


def test_events_of_polynomials_are_narrowed():
    """The score tells of a spike while it is in the window, and the event is the spike."""
    y = np.cumsum(np.random.default_rng(0).normal(size=600)) * 0.01
    y[300:303] += 5
    for online in (False, True):
        detector = PolynomialDetector(window=20, degree=1, online=online, contamination=0.02)
        events = detector.fit(y).detect(y, n_most=1)
        assert (events[["start", "end"]].to_numpy() == [300, 302]).all()


def test_pca_of_the_taxis_finds_the_storm():
    passengers, events = load_nyc_taxi(return_events=True)
    storm = events.iloc[4]
    detector = PCADetector().fit(passengers)
    assert storm["start"] <= detector.score_samples(passengers).idxmin() <= storm["end"]


@every_detector
@online_or_offline
def test_no_warnings_with_hardly_any_values(detector, online):
    y = series_of(300, 2)
    y[100:, 1] = NAN
    y[250:] = NAN
    detector = clone(detector).set_params(online=online, missing="mask")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = scores(detector, y)
    assert np.isnan(score[250:]).all()
    assert np.isfinite(score[60:90]).all()


@every_detector
@online_or_offline
@pytest.mark.parametrize("value", [0.1, 1 / 3, 5.0, -7.7e8, 1e-9, 3e-310, 0.0])
def test_a_constant_series_has_no_events(detector, online, value):
    flat = np.full(300, value)
    detector = clone(detector).set_params(online=online)
    for threshold in (None, THRESHOLD):
        detector.set_params(threshold=threshold)
        assert (detector.fit_predict(flat) == 1).all()
        assert (detector.fit(flat).predict(flat[:100]) == 1).all()
        assert detector.detect(flat * (1 + 1e-14)).empty
    moved = flat.copy()
    moved[150:160] = value * 1.5 if value else 1.0
    if not isinstance(detector, WindowDetector):
        assert (detector.predict(moved) == -1)[145:165].any()


@pytest.mark.parametrize("detector", [*ALL.values(), GaussianDetector()])
@online_or_offline
def test_one_value_of_a_constant_series_is_the_event(detector, online):
    y = np.full(600, 5.0)
    y[400] = 6.0
    detector = clone(detector).set_params(online=online).fit(y)
    found = np.flatnonzero(detector.predict(y) == -1)
    assert ((found > 320) & (found < 480)).all()
    if not isinstance(detector, WindowDetector):
        assert found.size
        assert (detector.predict(y[:100]) == 1).all()


@every_detector
@online_or_offline
@pytest.mark.parametrize("value", [0.1, 1 / 3, -7.7e8])
def test_a_constant_channel_changes_nothing(detector, online, value):
    y = series_of()
    detector = clone(detector).set_params(online=online)
    both, zero = (np.column_stack([y, np.full(len(y), flat)]) for flat in (value, 0.0))
    np.testing.assert_array_equal(scores(detector, both), scores(detector, zero))


@pytest.mark.parametrize("name", ["polynomial", "gaussian"])
def test_the_first_and_last_rows_are_not_strange(name):
    y = np.random.default_rng(0).normal(size=800)
    score = scores(clone(ALL[name]), y)
    middle = np.nanmean(score[100:-100])
    assert np.nanmean(score[:12]) < 2 * middle
    assert np.nanmean(score[-12:]) < 2 * middle


def test_values_of_any_size():
    y = series_of()[:, 0]
    for scale in (1e-300, 1e140):
        for detector in ALL.values():
            expected = scores(clone(detector), y[:200], y)
            np.testing.assert_allclose(
                scores(clone(detector), y[:200] * scale, y * scale), expected, rtol=1e-6
            )
            new = y * scale
            new[50] = 1e150
            assert np.isfinite(scores(clone(detector), new, y * scale)[20:]).all()
