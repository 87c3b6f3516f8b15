"""Thresholds held against loops written from their papers' equations, and against simulations."""

import copy
import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from scipy.signal import lfilter
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tsrnn.anomaly.thresholds import (
    ConformalThreshold,
    DynamicThreshold,
    QuantileThreshold,
    ReturnPeriodThreshold,
    RobustZThreshold,
    TailThreshold,
    pareto,
)
from tsrnn.anomaly.thresholds.pareto import fit_pareto, tail_quantile
from tsrnn.anomaly.thresholds.running_means import LocalMean

NAN = np.nan
STREAMING = {
    "tail": TailThreshold(risk=1e-3, level=0.9),
    "tail with depth": TailThreshold(risk=1e-3, level=0.9, depth=7),
    "dynamic": DynamicThreshold(window=60, every=7, span=4),
    "conformal": ConformalThreshold(0.05),
    "conformal, smoothed": ConformalThreshold(0.05, smoothed=True, random_state=3),
    "conformal, window": ConformalThreshold(0.05, window=40),
    "return period": ReturnPeriodThreshold(40, span=5, tail_share=0.05),
    "return period, window": ReturnPeriodThreshold(40, span=1, tail_share=0.05, window=100),
}
ALL = STREAMING | {"quantile": QuantileThreshold(0.05), "robust": RobustZThreshold()}
every_threshold = pytest.mark.parametrize("threshold", ALL.values(), ids=ALL)
every_streaming = pytest.mark.parametrize("threshold", STREAMING.values(), ids=STREAMING)


def scores_of(n, seed=0, strange=5):
    """Positive scores, some equal to others, with a few strange ones."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.gamma(2, size=n), 2)
    scores[rng.integers(0, n, strange)] += 15
    return scores


# ---------------------------------------------------------------------------- all of them


@every_threshold
def test_alarms_lie_above_the_threshold(threshold):
    threshold = clone(threshold).fit(scores_of(300))
    assert isinstance(threshold.threshold_, float)
    low, high = threshold.threshold_ - 0.1, threshold.threshold_ + 1000
    if not getattr(threshold, "smoothed", False):
        assert threshold.predict([low]).tolist() == [False]
    assert threshold.predict([high]).tolist() == [True]
    assert threshold.predict([low]).dtype == bool


@every_threshold
def test_missing_scores_are_no_alarms_and_change_nothing(threshold):
    scores, new = scores_of(200), scores_of(150, seed=1)
    with_holes = np.insert(scores, [0, 5, 5, 200], NAN)
    new_with_holes = np.insert(new, [0, 70, 150], NAN)
    whole, holed = clone(threshold).fit(scores), clone(threshold).fit(with_holes)
    assert whole.threshold_ == holed.threshold_
    for method in ("predict", "update", "fit_predict"):
        if hasattr(threshold, method):
            is_known = ~np.isnan(new_with_holes)
            result = getattr(holed, method)(new_with_holes)
            np.testing.assert_array_equal(result[is_known], getattr(whole, method)(new))
            assert not result[~is_known].any()


@every_threshold
def test_series_and_lists_are_read_and_left_as_they_are(threshold):
    scores = scores_of(120)
    series = pd.Series(scores, pd.date_range("2024-01-01", periods=120))
    before = series.copy()
    fitted, of_series = clone(threshold).fit(scores.tolist()), clone(threshold).fit(series)
    assert fitted.threshold_ == of_series.threshold_
    for method in ("predict", "update", "fit_predict"):
        if hasattr(threshold, method):
            result = getattr(of_series, method)(series)
            assert isinstance(result, np.ndarray)
            np.testing.assert_array_equal(result, getattr(fitted, method)(scores.tolist()))
    pd.testing.assert_series_equal(series, before)
    missing = pd.Series([*scores, None], dtype="Float64")
    assert clone(threshold).fit(missing).threshold_ == clone(threshold).fit(scores).threshold_


@every_threshold
def test_none_and_one(threshold):
    fitted = clone(threshold).fit(scores_of(200))
    for method in ("predict", "update"):
        if hasattr(fitted, method):
            before = fitted.threshold_
            assert getattr(fitted, method)([]).shape == (0,)
            assert fitted.threshold_ == before
            assert getattr(fitted, method)([NAN]).tolist() == [False]
    if isinstance(threshold, TailThreshold | ReturnPeriodThreshold):
        return  # they need a tail
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # one score makes no conformal alarm
        single = clone(threshold).fit([2.0])
    never = isinstance(threshold, ConformalThreshold) and not threshold.smoothed
    if not getattr(threshold, "smoothed", False):
        assert single.threshold_ == (np.inf if never else pytest.approx(2.0, rel=1e-11))
        assert single.predict([2.0, 3.0]).tolist() == [False, not never]


@every_threshold
def test_constant_scores(threshold):
    fitted = clone(threshold).fit([0.1] * 200)
    if getattr(threshold, "smoothed", False):  # of ties as many as asked for
        assert 0.02 < fitted.predict([0.1] * 2000).mean() < 0.08
    else:
        has_tail = isinstance(threshold, ReturnPeriodThreshold)  # beyond what was seen
        assert fitted.threshold_ == pytest.approx(0.1, rel=0.3 if has_tail else 1e-11)
        assert not fitted.predict([0.1] * 100).any()
        if not isinstance(threshold, DynamicThreshold | ReturnPeriodThreshold):  # not 13 % more
            assert fitted.predict([0.101])[0]
    assert fitted.predict([100.0]).all()


@every_threshold
def test_is_a_scikit_learn_object(threshold):
    scores, new = scores_of(200), scores_of(50, seed=1)
    with pytest.raises(NotFittedError):
        clone(threshold).predict(new)
    fitted = clone(threshold).fit(scores)
    assert repr(clone(fitted)) == repr(threshold)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(new), fitted.predict(new))
    np.testing.assert_array_equal(fitted.fit(scores).predict(new), again.predict(new))  # anew
    if hasattr(fitted, "update"):
        np.testing.assert_array_equal(again.update(new), fitted.update(new))
        with pytest.raises(NotFittedError):
            clone(threshold).update(new)


@every_threshold
def test_what_is_no_series_of_scores_is_refused(threshold):
    fitted = clone(threshold).fit(scores_of(200))
    for method in ("fit", "predict", "update", "fit_predict", "p_values", "threshold", "smooth"):
        if not hasattr(fitted, method):
            continue
        call = getattr(fitted, method)
        name = "new_scores" if method == "update" else "scores"
        with pytest.raises(ValueError, match=f"{name} must be one series .* got shape .3, 2."):
            call(np.ones((3, 2)))
        with pytest.raises(
            ValueError, match=rf"{name} must be one series of scores, .* shape \(\)"
        ):
            call(3.0)
        with pytest.raises(ValueError, match=rf"{name} is infinite at \[2\] and at 1 more. Give"):
            call([1.0, NAN, np.inf, -np.inf])
        with pytest.raises(ValueError, match="could not convert"):
            call(["strange"])
    with pytest.raises(ValueError, match="scores has nothing to learn from: it is empty"):
        clone(threshold).fit([])
    with pytest.raises(ValueError, match=r"nothing to learn from: all 2 are missing \(NaN\)"):
        clone(threshold).fit([NAN, NAN])


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (QuantileThreshold(0), "contamination"),
        (QuantileThreshold(1.0), "contamination"),
        (RobustZThreshold(0), "'z'"),
        (TailThreshold(0.0), "risk"),
        (TailThreshold(level=1.0), "level"),
        (TailThreshold(depth=-1), "depth"),
        (TailThreshold(risk=0.02), "risk must be below 1 - level = 0.02, got 0.02"),
        (DynamicThreshold(window=1), "window"),
        (DynamicThreshold(every=0), "every"),
        (DynamicThreshold(span=0.5), "span"),
        (DynamicThreshold(min_decrease=1), "min_decrease"),
        (DynamicThreshold(z_range=(3, 2)), r"z_range must be \(least, greatest\) above 0, got \(3"),
        (DynamicThreshold(z_range=(0, 2)), "z_range"),
        (DynamicThreshold(z_range=[2]), "z_range"),
        (DynamicThreshold(z_range=["a", "b"]), "z_range"),
        (ConformalThreshold(0), "false_alarm_rate"),
        (ConformalThreshold(window=0), "window"),
        (ConformalThreshold(random_state="x"), "random_state"),
    ],
)
def test_parameters_out_of_range_are_refused(threshold, message):
    with pytest.raises(ValueError, match=message):
        threshold.fit(scores_of(200))


@every_streaming
def test_in_pieces_or_at_once(threshold):
    first, new = scores_of(150, strange=0), scores_of(400, seed=1)
    new[[3, 90, 91]] = NAN
    whole, pieces = clone(threshold).fit(first), clone(threshold).fit(first)
    expected = whole.update(new)
    assert 0 < expected.sum() < 100
    cuts = np.sort(np.random.default_rng(0).integers(0, 400, 25))
    result = [pieces.update(part) for part in np.split(new, cuts)]
    np.testing.assert_array_equal(np.concatenate(result), expected)
    assert pieces.threshold_ == whole.threshold_
    np.testing.assert_array_equal(pieces.predict(new), whole.predict(new))


@every_streaming
def test_predictions_keep_nothing(threshold):
    fitted, new = clone(threshold).fit(scores_of(150, strange=0)), scores_of(400, seed=1)
    before, alarms = fitted.threshold_, fitted.predict(new)
    if hasattr(fitted, "threshold"):
        expected_thresholds = fitted.threshold(new)
        assert expected_thresholds.shape == (400,)
        assert expected_thresholds[0] == before
        if isinstance(threshold, TailThreshold | ReturnPeriodThreshold):
            np.testing.assert_array_equal(new > expected_thresholds, alarms)
    assert fitted.threshold_ == before
    np.testing.assert_array_equal(fitted.predict(new), alarms)


@every_streaming
def test_no_score_is_compared_with_later_ones(threshold):
    fitted, new = clone(threshold).fit(scores_of(150)), scores_of(300, seed=1)
    expected = copy.deepcopy(fitted).update(new)
    for k in (1, 50, 299):
        other = np.concatenate([new[:k], new[k:][::-1] * 3])
        np.testing.assert_array_equal(copy.deepcopy(fitted).update(other)[:k], expected[:k])


@every_streaming
def test_a_refused_update_takes_nothing_in(threshold):
    fitted = clone(threshold).fit(scores_of(150))
    new = scores_of(50, seed=1)
    other = copy.deepcopy(fitted)
    with pytest.raises(ValueError, match="infinite"):
        other.update([*new, np.inf])
    np.testing.assert_array_equal(other.update(new), fitted.update(new))


# ---------------------------------------------------------------------------- quantiles


@pytest.mark.parametrize("n", [1, 2, 10, 99, 100])
@pytest.mark.parametrize("contamination", [0.001, 0.07, 0.1, 0.29, 0.5, 0.99])
def test_a_quantile_by_counting(n, contamination):
    for scores in (np.random.default_rng(n).permutation(n).astype(float), scores_of(n)):
        fitted = QuantileThreshold(contamination).fit(scores)
        allowed = [c for c in scores if sum(s > c for s in scores) <= round(contamination * n, 9)]
        assert fitted.threshold_ == min(allowed)
        np.testing.assert_array_equal(fitted.fit_predict(scores), scores > min(allowed))


def median_by_hand(values):
    ordered, n = sorted(values), len(values)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


@pytest.mark.parametrize("n", [1, 4, 51])
def test_robust_deviations_by_hand(n):
    scores = np.random.default_rng(0).normal(size=n) * 3 - 20
    fitted = RobustZThreshold(2.5).fit(scores)
    median = median_by_hand(scores)
    mad = median_by_hand([abs(s - median) for s in scores])
    assert fitted.threshold_ == pytest.approx(median + 2.5 * 1.482602218505602 * mad, rel=1e-12)


def test_robust_deviations_of_normal_scores_are_theirs():
    scores = np.random.default_rng(0).normal(5, 2, size=20_000)
    scores[:4000] = 1e6  # a fifth may be anything, at the price of a shift
    assert RobustZThreshold().fit(scores[4000:]).scale_ == pytest.approx(2, rel=0.03)
    assert RobustZThreshold().fit(scores).threshold_ < 20


def test_robust_deviations_where_most_scores_are_equal():
    scores = np.zeros(100)
    scores[:20] = np.random.default_rng(0).exponential(size=20)
    fitted = RobustZThreshold(3).fit(scores)
    expected = np.sqrt(np.pi / 2) * sum(abs(s - 0) for s in scores) / 100
    assert fitted.scale_ == pytest.approx(expected, rel=1e-12)
    assert fitted.median_ == 0


# ---------------------------------------------------------------------------- tails


def pareto_loss(parameters, excesses):
    """Minus the log-likelihood of a generalised Pareto, from its density."""
    shape, scale = parameters
    inner = 1 + shape * excesses / scale
    if scale <= 0 or shape < -1 or (inner <= 0).any():
        return 1e300
    if abs(shape) < 1e-9:
        return excesses.size * np.log(scale) + excesses.sum() / scale
    return excesses.size * np.log(scale) + (1 + 1 / shape) * np.log(inner).sum()


def fit_by_simplex(excesses):
    """The best of several descents, none of which knows of Grimshaw."""
    mean = excesses.mean()
    result = [
        optimize.minimize(
            pareto_loss,
            (shape, mean * scale),
            (excesses,),
            "Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000},
        )
        for shape, scale in ((0.1, 0.9), (-0.2, 1.2), (1.0, 0.3))
    ]
    return min(result, key=lambda single: single.fun).x


@pytest.mark.parametrize("shape", [-0.4, -0.2, 0.0, 0.1, 0.5, 1.5])
@pytest.mark.parametrize("size", [30, 200, 2000])
def test_the_pareto_of_greatest_likelihood(shape, size):
    rng = np.random.default_rng(size)
    excesses = stats.genpareto.rvs(shape, scale=3e-3, size=size, random_state=rng)
    result = fit_pareto(excesses)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        peer_shape, _, peer_scale = stats.genpareto.fit(excesses, floc=0)
    for peer in ((peer_shape, peer_scale), fit_by_simplex(excesses)):
        assert pareto_loss(result, excesses) <= pareto_loss(peer, excesses) + 1e-6
        if peer[0] > -0.5:  # beyond, the likelihood has no maximum to speak of
            np.testing.assert_allclose(result, peer, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2, 1.0])
def test_the_true_pareto_is_fitted(shape):
    excesses = stats.genpareto.rvs(shape, scale=7, size=20_000, random_state=1)
    result, scale = fit_pareto(excesses)
    assert result == pytest.approx(shape, abs=0.03)
    assert scale == pytest.approx(7, rel=0.04)


def test_the_fit_goes_with_the_unit():
    excesses = stats.genpareto.rvs(0.3, size=100, random_state=1)
    shape, scale = fit_pareto(excesses)
    for unit in (1e-12, 1e12):
        np.testing.assert_allclose(fit_pareto(excesses * unit), (shape, scale * unit), rtol=1e-6)


def test_few_and_equal_excesses():
    assert fit_pareto([2.0]) == (0.0, 2.0)
    assert fit_pareto([2.0] * 9) == (0.0, 2.0)
    for excesses in ([1.0, 3.0], [1e-9, 1.0], [1e-300, 1.0, 1.0], [1.0, 1.0, 1e9]):
        shape, scale = fit_pareto(excesses)
        assert shape > -1
        assert np.isfinite(scale)
        assert scale > 0


@pytest.mark.parametrize(
    ("excesses", "message"),
    [
        ([], r"excesses must be \(n,\) with values, got shape \(0,\)"),
        ([[1.0]], r"got shape \(1, 1\)"),
        ([1.0, 0.0], r"above 0 and finite, got 0.0 at \[1\]"),
        ([NAN], r"got nan at \[0\]"),
        ([1.0, 2.0, np.inf], r"got inf at \[2\]"),
    ],
)
def test_excesses_that_are_refused(excesses, message):
    with pytest.raises(ValueError, match=message):
        fit_pareto(excesses)


@pytest.mark.parametrize("shape", [-0.5, -1e-12, 0.0, 1e-12, 0.4, 2.0])
def test_the_quantile_of_a_tail(shape):
    for risk, share in ((1e-5, 0.02), (0.01, 0.1)):
        expected = stats.genpareto.isf(risk / share, shape, scale=3)
        assert tail_quantile(risk, shape, 3.0, share) == pytest.approx(expected, rel=1e-6)
    assert tail_quantile(0.1, shape, 3.0, 0.05) == 0  # the level itself is rarer


def spot_by_hand(calibration, stream, risk, level, depth):
    """Algorithms POT, SPOT and DSPOT of Siffer et al. (2017), each mean and fit from scratch."""
    normal = list(calibration[:depth])
    local = [
        np.mean(calibration[k - depth : k]) if depth else 0.0
        for k in range(depth, len(calibration))
    ]
    rest = [x - m for x, m in zip(calibration[depth:], local, strict=True)]
    normal = list(calibration)
    # the least level that at most a share lies above
    base = min(c for c in rest if sum(x > c for x in rest) <= (1 - level) * len(rest) + 1e-9)
    peaks = [x - base for x in rest if x > base]
    k = len(rest)

    def quantile():
        shape, scale = fit_by_simplex(np.array(peaks))
        ratio = risk * k / len(peaks)
        if abs(shape) < 1e-6:
            return base - scale * math.log(ratio)
        return base + scale / shape * (ratio**-shape - 1)

    z, alarms, expected_thresholds = quantile(), [], []
    for value in stream:
        mean = np.mean(normal[-depth:]) if depth else 0.0
        x = value - mean
        expected_thresholds.append(z + mean)
        alarms.append(x > z)
        if x > z:
            continue
        k += 1
        normal.append(value)
        if x > base:
            peaks.append(x - base)
            z = quantile()
    return alarms, expected_thresholds


@pytest.mark.parametrize("depth", [0, 10])
@pytest.mark.parametrize("kind", ["normal", "heavy", "bounded"])
def test_spot_by_hand(kind, depth):
    rng = np.random.default_rng(3)
    draw = {
        "normal": rng.normal,
        "heavy": lambda size: rng.standard_t(3, size),
        "bounded": lambda size: rng.beta(1, 3, size),
    }[kind]
    drift = np.linspace(0, 20, 1000) if depth else 0
    scores = draw(size=1000) + drift
    scores[[600, 601, 850]] += 40
    first, stream = scores[:400], scores[400:]
    alarms, expected_thresholds = spot_by_hand(first, stream, 1e-3, 0.95, depth)
    fitted = TailThreshold(1e-3, 0.95, depth).fit(first)
    for score, alarm, threshold in zip(stream, alarms, expected_thresholds, strict=True):
        assert fitted.threshold_ == pytest.approx(threshold, rel=2e-3)
        assert fitted.update([score])[0] == alarm
    assert {200, 201, 450} <= set(np.flatnonzero(alarms))
    assert fitted.n_peaks_ > 40


@pytest.mark.parametrize("depth", [0, 10])
def test_predictions_follow_the_level_and_not_the_tail(depth):
    scores = scores_of(500, strange=0)
    new = scores_of(300, seed=1) + np.linspace(0, 5, 300)
    fitted = TailThreshold(1e-2, 0.9, depth).fit(scores)
    excess = fitted.threshold_ - (scores[-depth:].mean() if depth else 0)
    normal, expected = scores.tolist(), []
    for score in new:
        expected.append((np.mean(normal[-depth:]) if depth else 0) + excess)
        if not score > expected[-1]:
            normal.append(score)
    np.testing.assert_allclose(fitted.threshold(new), expected, rtol=1e-12)
    np.testing.assert_array_equal(fitted.predict(new), new > expected)
    assert fitted.predict(new).any()


TAILS = {
    "normal": stats.norm(),
    "exponential": stats.expon(),
    "heavy": stats.t(4),
    "bounded": stats.beta(1, 3),
    "lognormal": stats.lognorm(1.0),
}


@pytest.mark.parametrize("name", TAILS)
def test_false_alarms_are_as_rare_as_requested(name):
    risk, true, streamed, ratios = 2e-3, [], [], []
    for seed in range(40):
        scores = TAILS[name].rvs(size=8000, random_state=np.random.default_rng([5, seed]))
        fitted = TailThreshold(risk).fit(scores[:4000])
        ratios.append(fitted.threshold_ / TAILS[name].isf(risk))
        true.append(TAILS[name].sf(fitted.threshold_))
        if seed < 12:
            streamed.append(fitted.update(scores[4000:]).mean())
    assert np.mean(true) == pytest.approx(risk, rel=0.15)
    assert np.mean(ratios) == pytest.approx(1, abs=0.03)
    assert 0.7 * risk < np.mean(streamed) < 1.8 * risk  # see the notes of the class


def test_a_tail_that_ends_abruptly_has_fewer_alarms():
    """Of a uniform's the likelihood has no maximum, and an exponential stands in."""
    scores = np.random.default_rng(0).random(4000)
    fitted = TailThreshold(1e-3).fit(scores)
    assert 0.999 <= fitted.threshold_ < 1.1


def test_a_long_stream_shortens_the_tail_as_the_paper_has_it():
    """What the docstring says."""
    rates = []
    for seed in range(6):
        scores = np.random.default_rng([1, seed]).normal(size=35_000)
        rates.append(TailThreshold(1e-3).fit(scores[:5000]).update(scores[5000:]).mean())
    assert 1.4e-3 < np.mean(rates) < 2.2e-3


def test_a_risk_far_beyond_what_was_seen():
    result = [
        TailThreshold(1e-6).fit(np.random.default_rng(seed).exponential(size=5000)).threshold_
        for seed in range(30)
    ]
    assert np.median(result) == pytest.approx(-math.log(1e-6), rel=0.15)


def test_a_local_mean_follows_a_drift():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=6000) + np.linspace(0, 100, 6000)
    assert TailThreshold(1e-3).fit(scores[:1000]).update(scores[1000:]).mean() > 0.9
    local = TailThreshold(1e-3, depth=10).fit(scores[:1000])
    assert local.update(scores[1000:]).mean() < 4e-3
    assert local.update([scores[-1] + 8.0]).all()


def test_alarms_are_left_out_of_the_tail():
    calm, strange = TailThreshold(depth=5), TailThreshold(depth=5)
    scores, new = scores_of(500, strange=0), scores_of(200, seed=1, strange=0)
    calm.fit(scores).update(new)
    assert strange.fit(scores).update([1e6, *new, 1e6]).sum() >= 2
    assert strange.threshold_ == calm.threshold_
    assert strange.n_peaks_ == calm.n_peaks_


def test_alarms_among_the_scores_of_a_tail_themselves():
    scores = scores_of(500)
    scores[[30, 31]] = 80.0, NAN
    for depth in (0, 6):
        fitted = TailThreshold(1e-3, 0.9, depth)
        alarms = fitted.fit_predict(scores)
        known_scores = scores[~np.isnan(scores)]
        local = [
            known_scores[k - depth : k].mean() if depth else 0
            for k in range(depth, known_scores.size)
        ]
        above = np.zeros(known_scores.size, bool)
        above[depth:] = known_scores[depth:] - local > fitted._tail.quantile
        np.testing.assert_array_equal(alarms[~np.isnan(scores)], above)
        assert alarms[30]
        assert fitted.threshold_ == TailThreshold(1e-3, 0.9, depth).fit(scores).threshold_


def test_the_cost_of_a_peak_does_not_grow(monkeypatch):
    sizes = []
    monkeypatch.setattr(pareto, "fit_pareto", lambda y: sizes.append(len(y)) or (0.0, np.mean(y)))
    scores = np.random.default_rng(0).exponential(size=60_000)
    fitted = TailThreshold(1e-6, 0.9).fit(scores[:5000])
    fitted.update(scores[5000:])
    assert sizes[:501] == list(range(500, 1001))  # up to a thousand each has a fit, as in the paper
    assert 5000 < sizes[-1] <= fitted.n_peaks_
    steps = np.diff(sizes)
    assert (steps >= 1).all()
    assert (steps[1500:] > 1).all()
    assert (steps <= 1 + np.array(sizes[:-1]) / 1000).all()


def test_too_few_scores_for_a_tail():
    for level, depth, least in ((0.98, 0, 50), (0.9, 0, 10), (0.9, 20, 30)):
        threshold = TailThreshold(1e-3, level, depth)
        threshold.fit(scores_of(least))
        with pytest.raises(ValueError, match=f"{least - 1} to learn from, .* give {least} or more"):
            threshold.fit(scores_of(least - 1))


def test_a_tail_without_peaks_starts_with_the_first():
    fitted = TailThreshold().fit([1.0] * 100)
    assert np.isnan(fitted.shape_)
    assert fitted.update([1.0, 1.1]).tolist() == [False, True]
    assert fitted.n_peaks_ == 0


def test_rounding_of_a_local_mean_does_not_add_up():
    values = np.random.default_rng(0).normal(size=20_000) * 1e8
    values[5000:] *= 1e-12
    local = LocalMean(10)
    for value in values:
        local.add(value)
    assert local.mean == pytest.approx(values[-10:].mean(), rel=1e-12)


# ---------------------------------------------------------------------------- dynamic


def epsilon_by_hand(smoothed, zs):
    """Section 3.2 of Hundman et al. (2018), the argmax over z."""
    n = len(smoothed)
    mu = sum(smoothed) / n
    sigma = math.sqrt(sum((e - mu) ** 2 for e in smoothed) / n)
    best, chosen = -1.0, mu + zs[-1] * sigma
    for z in zs:
        epsilon = mu + z * sigma
        below, above = [e for e in smoothed if e < epsilon], [e > epsilon for e in smoothed]
        if not any(above):
            continue
        mu_below = sum(below) / len(below)
        sigma_below = math.sqrt(sum((e - mu_below) ** 2 for e in below) / len(below))
        gain = (mu - mu_below) / mu + (sigma - sigma_below) / sigma
        gain /= sum(above) + len(runs_by_hand(above)) ** 2
        if gain >= best * (1 - 1e-12):
            best, chosen = gain, epsilon
    return chosen


def runs_by_hand(flags):
    runs = []
    for k, flag in enumerate(flags):
        if flag and k and flags[k - 1]:
            runs[-1].append(k)
        elif flag:
            runs.append([k])
    return runs


def pruned_by_hand(smoothed, epsilon, p):
    """Section 3.3: sequences from the strangest on, down to the last clear step."""
    runs = runs_by_hand([e > epsilon for e in smoothed])
    runs.sort(key=lambda run: -max(smoothed[k] for k in run))
    e_max = [max(smoothed[k] for k in run) for run in runs]
    e_max.append(max([e for e in smoothed if not e > epsilon], default=0.0))
    anomalous = 0
    for i in range(1, len(e_max)):
        if (e_max[i - 1] - e_max[i]) / e_max[i - 1] > p:
            anomalous = i
    flags = [False] * len(smoothed)
    for run in runs[:anomalous]:
        for k in run:
            flags[k] = True
    return flags


def errors_of(n, seed):
    """Absolute errors with stretches of larger ones."""
    rng = np.random.default_rng(seed)
    errors = np.abs(rng.normal(size=n))
    for begin in rng.integers(0, n - 10, 4):
        errors[begin : begin + rng.integers(1, 9)] += rng.uniform(1, 8)
    return errors


@pytest.mark.parametrize("span", [1, 5, 20.5])
@pytest.mark.parametrize("p", [0.0, 0.13, 0.2])
def test_one_window_by_hand(span, p):
    n_alarms = n_pruned = 0
    for seed in range(12):
        errors = errors_of(300, seed)
        smoothed = pd.Series(errors).ewm(span=span).mean().tolist()
        epsilon = epsilon_by_hand(smoothed, np.arange(2, 10.1, 0.5))
        expected = pruned_by_hand(smoothed, epsilon, p)
        fitted = DynamicThreshold(span=span, min_decrease=p)
        np.testing.assert_array_equal(fitted.fit_predict(errors), expected)
        assert fitted.threshold_ == pytest.approx(epsilon, rel=1e-9)
        np.testing.assert_allclose(fitted.smooth(errors), smoothed, rtol=1e-9)
        n_alarms += sum(expected)
        n_pruned += sum(e > epsilon for e in smoothed) - sum(expected)
    assert n_alarms > 10
    assert (n_pruned > 0) == (p > 0)


def test_the_range_of_z():
    errors = errors_of(300, 1)
    smoothed = pd.Series(errors).ewm(span=5).mean().tolist()
    for z_range in ((3, 3), (0.5, 2.5), (2.5, 12)):
        epsilon = epsilon_by_hand(smoothed, np.arange(z_range[0], z_range[1] + 0.1, 0.5))
        result = DynamicThreshold(span=5, z_range=z_range).fit(errors).threshold_
        assert result == pytest.approx(epsilon, rel=1e-9)


def test_where_nothing_stands_out_the_largest_z_counts():
    errors = np.arange(100) % 10 + 1.0
    fitted = DynamicThreshold(span=1).fit(errors)
    assert fitted.threshold_ == pytest.approx(errors.mean() + 10 * errors.std())
    assert not fitted.fit_predict(errors).any()


@pytest.mark.parametrize("adapt", [False, True])
@pytest.mark.parametrize("every", [1, 7, 500])
def test_a_stream_by_hand(every, adapt):
    window, span, p = 80, 5, 0.13
    errors = errors_of(420, 8)
    first, stream = errors[:120], errors[120:]
    smoothed = pd.Series(errors).ewm(span=span).mean().tolist()
    zs = np.arange(2, 10.1, 0.5)
    expected, expected_thresholds = [], []
    calibration = smoothed[120 - window : 120]
    epsilon = epsilon_by_hand(calibration, zs)
    for k in range(120, 420):
        expected_thresholds.append(epsilon)
        recent = smoothed[k + 1 - window : k + 1]
        expected.append(pruned_by_hand(recent, epsilon, p)[-1])
        if adapt or not expected[-1]:
            calibration = [*calibration, smoothed[k]][-window:]
        if (k + 1 - 120) % every == 0:
            epsilon = epsilon_by_hand(calibration, zs)
    fitted = DynamicThreshold(
        window, every=every, span=span, min_decrease=p, adapt_to_alarms=adapt
    ).fit(first)
    np.testing.assert_allclose(fitted.threshold(stream), expected_thresholds, rtol=1e-9)
    np.testing.assert_array_equal(fitted.update(stream), expected)
    assert sum(expected) > 5
    assert len(fitted._recent) == window  # what a score costs does not grow


def test_more_scores_than_a_window_are_split():
    errors = errors_of(500, 7)
    smoothed = pd.Series(errors).ewm(span=5).mean().to_numpy()
    expected = []
    for part in (smoothed[:167], smoothed[167:334], smoothed[334:]):
        epsilon = epsilon_by_hand(part.tolist(), np.arange(2, 10.1, 0.5))
        expected += pruned_by_hand(part.tolist(), epsilon, 0.13)
    fitted = DynamicThreshold(200, span=5)
    np.testing.assert_array_equal(fitted.fit_predict(errors), expected)
    last = epsilon_by_hand(smoothed[-200:].tolist(), np.arange(2, 10.1, 0.5))
    assert fitted.threshold_ == pytest.approx(last, rel=1e-9)


def test_errors_are_not_negative():
    message = r"needs errors, at least 0; scores is -1.0 at \[1\]. Take absolute values"
    with pytest.raises(ValueError, match=message):
        DynamicThreshold().fit([1.0, -1.0])
    fitted = DynamicThreshold().fit([0.0] * 10)
    for call in (fitted.predict, fitted.update, fitted.threshold, fitted.fit_predict):
        with pytest.raises(ValueError, match="needs errors"):
            call([1.0, -1.0])
    assert fitted.threshold_ == 0
    assert fitted.update([0.0, 1.0]).tolist() == [False, True]


# ---------------------------------------------------------------------------- conformal


def p_by_hand(calibration, score):
    return (1 + sum(c >= score for c in calibration)) / (len(calibration) + 1)


def test_p_values_by_hand():
    calibration, new = scores_of(150), scores_of(80, seed=1)
    fitted = ConformalThreshold(0.05).fit(calibration)
    expected = [p_by_hand(calibration, s) for s in new]
    np.testing.assert_array_equal(fitted.p_values(new), expected)
    np.testing.assert_array_equal(fitted.predict(new), np.array(expected) <= 0.05)
    np.testing.assert_array_equal(fitted.predict(new), new > fitted.threshold_)
    assert np.isnan(fitted.p_values([NAN, 1.0])).tolist() == [True, False]


@pytest.mark.parametrize("rate", [0.01, 0.07, 0.29, 0.57, 0.9])
@pytest.mark.parametrize("n", [9, 99, 100, 199])
def test_the_threshold_says_the_same_as_the_p_values(rate, n):
    calibration = np.random.default_rng(n).permutation(n).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fitted = ConformalThreshold(rate).fit(calibration)
    scores = np.arange(-1, n + 1, 0.5)
    alarms = [
        round((1 + sum(c >= s for c in calibration)) / (n + 1) / rate, 9) <= 1 for s in scores
    ]
    np.testing.assert_array_equal(fitted.predict(scores), alarms)
    np.testing.assert_array_equal(scores > fitted.threshold_, alarms)


@pytest.mark.parametrize("adapt", [False, True])
@pytest.mark.parametrize("window", [None, 1, 20, 130, 1000])
def test_a_stream_of_p_values_by_hand(window, adapt):
    first, new = scores_of(130), scores_of(300, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fitted = ConformalThreshold(0.05, window=window, adapt_to_alarms=adapt).fit(first)
    seen, expected, allowed = list(first), [], 0.0
    highest = max(seen if window is None else seen[-window:])
    for score in new:
        recent = seen if window is None else seen[-window:]
        expected.append(p_by_hand(recent, score) <= 0.05)
        if adapt or not expected[-1] or allowed >= 1:
            capped = expected[-1] and not adapt
            seen.append(min(score, highest) if capped else score)
            highest = max(highest, seen[-1])
            allowed = min(allowed - expected[-1] + 0.1, max(0.025 * len(recent), 1.0))
    result = [fitted.update(part) for part in np.split(new, [1, 7, 140, 140, 220])]
    np.testing.assert_array_equal(np.concatenate(result), expected)
    recent = seen if window is None else seen[-window:]
    np.testing.assert_array_equal(fitted._ordered, np.sort(recent))
    p = [p_by_hand(recent, score) for score in new]
    np.testing.assert_array_equal(fitted.p_values(new), p)


def test_a_long_stream_holds_a_window():
    rng = np.random.default_rng(0)
    fitted = ConformalThreshold(adapt_to_alarms=True).fit(rng.random(1000))
    windowed = ConformalThreshold(window=1000).fit(rng.random(1000))
    for _ in range(3000):
        score = rng.random(1)
        fitted.update(score)
        windowed.update(score)
        assert len(windowed._ordered) == len(windowed._recent) == 1000
    assert len(fitted._ordered) == 4000


CLEAN = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy": lambda rng, n: rng.standard_cauchy(n),
    "skewed": lambda rng, n: rng.exponential(size=n) ** 3,
}


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("smoothed", [False, True])
def test_the_false_alarm_rate_holds_on_exchangeable_scores(name, smoothed):
    rates, streamed = [], []
    for seed in range(100):
        scores = CLEAN[name](np.random.default_rng([11, seed]), 1000)
        fitted = ConformalThreshold(0.01, smoothed=smoothed, random_state=seed).fit(scores[:499])
        rates.append(fitted.predict(scores[499:]).mean())
        streamed.append(fitted.update(scores[499:]).mean())
    assert 0.007 < np.mean(rates) < 0.013
    assert 0.007 < np.mean(streamed) < 0.013


def test_the_rate_is_exact_with_ties_too():
    rates = []
    for seed in range(100):
        scores = np.random.default_rng([12, seed]).integers(0, 3, 1000)
        fitted = ConformalThreshold(0.01, smoothed=True, random_state=seed).fit(scores[:500])
        rates.append(fitted.predict(scores[500:]).mean())
    assert 0.007 < np.mean(rates) < 0.013
    assert not ConformalThreshold(0.01).fit(scores[:500]).predict(scores[500:]).any()


@pytest.fixture
def recorded(monkeypatch):
    """The p-values that alarms are made of."""
    p = []

    def record(self, new, scores):
        p.extend(np.atleast_1d(new))
        return np.zeros(np.shape(new), bool)

    monkeypatch.setattr(ConformalThreshold, "_alarms", record)
    return p


@pytest.mark.parametrize("window", [None, 500])
def test_smoothed_p_values_are_uniform_and_independent_in_a_stream(recorded, window):
    scores = np.random.default_rng(0).integers(0, 20, 5000)
    fitted = ConformalThreshold(smoothed=True, random_state=0, window=window).fit(scores[:3])
    fitted.update(scores[3:])
    p = np.array(recorded)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(p[:-1], p[1:])[0, 1]) < 0.04
    for k, value in enumerate(p[:2000], start=3):
        recent = scores[max(k - (window or k), 0) : k]
        above, equal, n = sum(recent > scores[k]), sum(recent == scores[k]), recent.size
        assert above / (n + 1) <= value <= (above + equal + 1) / (n + 1)


def test_ties_are_broken_anew_in_a_stream(recorded):
    fitted = ConformalThreshold(smoothed=True, random_state=0).fit(np.zeros(1000))
    p = fitted.p_values(np.zeros(9))
    fitted.update(np.zeros(9))
    assert (np.abs(p - recorded) > 1e-3).any()


def test_smoothed_p_values_from_their_bounds():
    calibration, new = scores_of(150), scores_of(80, seed=1)
    fitted = ConformalThreshold(smoothed=True, random_state=0).fit(calibration)
    p = fitted.p_values(new)
    for value, score in zip(p, new, strict=True):
        above, equal = sum(calibration > score), sum(calibration == score)
        assert above / 151 <= value <= (above + equal + 1) / 151
    np.testing.assert_array_equal(p, fitted.p_values(new))  # the same each time
    other = ConformalThreshold(smoothed=True, random_state=1).fit(calibration).p_values(new)
    assert (p != other).all()


def test_autocorrelated_scores_keep_the_rate_only_on_average():
    """What the docstring says."""
    average, spread = {}, {}
    for strength in (0.0, 0.9, 0.98):
        rates = []
        for seed in range(300):
            noise = np.random.default_rng([13, seed]).normal(size=1500)
            noise[0] /= np.sqrt(1 - strength**2)
            scores = lfilter([1], [1, -strength], noise)
            rates.append(ConformalThreshold(0.05).fit(scores[:500]).predict(scores[500:]).mean())
        average[strength], spread[strength] = np.mean(rates), np.std(rates)
    assert average[0.0] == pytest.approx(0.05, rel=0.05)
    assert average[0.9] == pytest.approx(0.06, rel=0.15)
    assert average[0.98] == pytest.approx(0.1, rel=0.2)
    assert spread[0.98] > 2 * spread[0.9] > 4 * spread[0.0]
    # over calibrations, and over the thousand that are judged
    expected = np.sqrt(0.05 * 0.95 / 502 + 0.05 * 0.95 / 1000)
    assert spread[0.0] == pytest.approx(expected, rel=0.15)


def test_a_calibration_too_short_for_an_alarm_warns():
    message = "98 scores can make no alarm at false_alarm_rate=0.01, .* 1 / 99: give 99 or more"
    with pytest.warns(UserWarning, match=message):
        fitted = ConformalThreshold(0.01).fit(np.arange(98))
    assert fitted.threshold_ == np.inf
    assert not fitted.predict([1e9]).any()
    assert fitted.update([50, 1e9]).tolist() == [False, True]  # by 99
    assert ConformalThreshold(0.01).fit(np.arange(99)).predict([1e9]).all()


# ---------------------------------------------------------------------------- incidents

INCIDENTS = {
    "tail": TailThreshold(risk=1e-3, level=0.9),
    "tail with depth": TailThreshold(risk=1e-3, level=0.9, depth=50),
    "dynamic": DynamicThreshold(window=600, every=50, span=5),
    "conformal": ConformalThreshold(0.01),
    "conformal, smoothed": ConformalThreshold(0.01, smoothed=True),
    "conformal, window": ConformalThreshold(0.01, window=400),
}


@pytest.mark.parametrize("threshold", INCIDENTS.values(), ids=INCIDENTS)
def test_a_long_incident_does_not_hide_later_ones(threshold):
    rng = np.random.default_rng(5)
    fitted = clone(threshold).fit(np.abs(rng.normal(size=600)))
    fitted.update(np.abs(rng.normal(size=300)))
    before = fitted.threshold_
    assert fitted.update(20 + rng.normal(size=500)).mean() > 0.95
    fitted.update(np.abs(rng.normal(size=100)))
    assert fitted.threshold_ < 1.3 * before
    assert fitted.update(np.abs(rng.normal(size=300))).mean() < 0.05
    assert fitted.update(1.5 * before + np.abs(rng.normal(size=50)))[10:].mean() > 0.9


@pytest.mark.parametrize("threshold", INCIDENTS.values(), ids=INCIDENTS)
def test_many_incidents_do_not_hide_later_ones(threshold):
    rng = np.random.default_rng(5)
    fitted = clone(threshold).fit(np.abs(rng.normal(size=600)))
    for _ in range(40):
        fitted.update(np.abs(rng.normal(size=100)))
        assert fitted.update(20 + rng.normal(size=20))[2:].all()


@pytest.mark.parametrize("threshold", INCIDENTS.values(), ids=INCIDENTS)
def test_adapting_to_alarms_is_a_choice(threshold):
    if not hasattr(threshold, "adapt_to_alarms"):
        pytest.skip("alarms are always left out")
    rng = np.random.default_rng(5)
    fitted = clone(threshold).set_params(adapt_to_alarms=True).fit(np.abs(rng.normal(size=600)))
    before = fitted.threshold_
    fitted.update(20 + rng.normal(size=500))
    assert fitted.threshold_ > 2 * before


@pytest.mark.parametrize("window", [None, 300])
def test_alarms_do_not_get_more_frequent_in_a_long_stream(window):
    rates = []
    for seed in range(10):
        rng = np.random.default_rng([3, seed])
        fitted = ConformalThreshold(0.02, window=window).fit(rng.exponential(size=300))
        fitted.update(rng.exponential(size=3000))
        rates.append(fitted.update(rng.exponential(size=2000)).mean())
    assert 0.014 < np.mean(rates) < 0.026


def test_alarms_are_above_the_median_by_the_least_excess():
    scores = np.random.default_rng(0).normal(5, 0.01, size=500)
    for threshold in (RobustZThreshold(min_excess=0.3), ConformalThreshold(min_excess=0.3)):
        fitted = threshold.fit(scores)
        assert fitted.threshold_ == pytest.approx(np.median(scores) + 0.3)
        assert fitted.predict([5.2, 5.4]).tolist() == [False, True]
    for threshold in (RobustZThreshold(min_excess=1e-3), ConformalThreshold(min_excess=1e-3)):
        expected = clone(threshold).set_params(min_excess=0).fit(scores).threshold_
        assert threshold.fit(scores).threshold_ == expected


def test_ties_are_broken_alike_each_time():
    scores = scores_of(200)
    alarms = [ConformalThreshold(0.05, smoothed=True).fit(scores).update(scores) for _ in range(2)]
    np.testing.assert_array_equal(*alarms)


@pytest.mark.parametrize("threshold", INCIDENTS.values(), ids=INCIDENTS)
def test_new_scores_may_be_given_by_name(threshold):
    scores = scores_of(700)
    by_name, by_place = (clone(threshold).fit(scores[:600]) for _ in range(2))
    expected = by_place.update(scores[600:])
    np.testing.assert_array_equal(by_name.update(new_scores=scores[600:]), expected)


def test_a_return_period_needs_a_tail():
    with pytest.raises(ValueError, match="scores has 1 to learn from, too few for a tail"):
        ReturnPeriodThreshold().fit([1.0])
    assert ReturnPeriodThreshold().fit([1.0, 2.0]).threshold_ > 2.0
