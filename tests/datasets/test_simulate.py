"""Simulated series: the same for a seed, finite, and of what was asked for."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tsrnn.datasets import simulate_series
from tsrnn.datasets.simulate import _KINDS
from tsrnn.kernels.simulation import filling
from tsrnn.kernels.simulation.series import KINDS


def test_the_seed_decides():
    first = simulate_series(20, 50, random_state=3)
    for seed in (3, np.int32(3), np.random.default_rng(3)):
        assert_array_equal(first, simulate_series(20, 50, random_state=seed))
    assert not np.array_equal(first, simulate_series(20, 50, random_state=4))
    assert not np.array_equal(simulate_series(20), simulate_series(20))
    generator = np.random.default_rng(3)
    assert_array_equal(first, simulate_series(20, 50, random_state=generator))
    assert not np.array_equal(first, simulate_series(20, 50, random_state=generator))


def test_series_are_the_same_whichever_others_there_are(monkeypatch):
    many = simulate_series(300, 40, random_state=0)
    assert_array_equal(many[:7], simulate_series(7, 40, random_state=0))
    assert len(np.unique(many, axis=0)) > 290
    monkeypatch.setattr(filling, "_N_VALUES", 900)
    assert_array_equal(many, simulate_series(300, 40, random_state=0))


@pytest.mark.slow
def test_threads_change_nothing():
    serial = simulate_series(30_000, 100, season=(4, 12), n_jobs=1, random_state=0)
    assert_array_equal(serial, simulate_series(30_000, 100, season=(4, 12), random_state=0))


@pytest.mark.parametrize("season", [None, 1, 2, 4, 7, 12, 24, 52, (24, 168), [7]])
def test_shape_and_finite_values(season):
    X = simulate_series(400, 90, season=season, random_state=1)
    assert X.shape == (400, 90)
    assert X.dtype == np.float64
    assert np.isfinite(X).all()
    assert np.abs(X).max() < 1e12
    assert np.mean(X >= 0) > 0.9
    assert np.mean(np.ptp(X, axis=1) == 0) < 0.05  # of them constant
    narrow = simulate_series(400, 90, season=season, dtype="float32", random_state=1)
    assert narrow.dtype == np.float32
    assert_array_equal(narrow, X.astype(np.float32))


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_short_series(n_steps):
    for season in (None, 4, (24, 168)):
        X = simulate_series(300, n_steps, season=season, random_state=0)
        assert np.isfinite(X).all()


def test_a_season_of_none_is_one_of_a_step():
    X = simulate_series(50, random_state=0, season=None)
    assert_array_equal(X, simulate_series(50, random_state=0, season=1))
    assert_array_equal(
        simulate_series(50, random_state=0, season=[12]), simulate_series(50, random_state=0)
    )


def test_kinds():
    assert tuple(KINDS) == _KINDS
    counts = simulate_series(100, kinds="counts", random_state=0)
    assert_array_equal(counts, np.round(counts))
    assert (counts >= 0).all()
    demand = simulate_series(100, kinds=["intermittent"], random_state=0)
    assert (demand == 0).mean() > 0.4
    smooth = simulate_series(100, kinds=("structural", "arima"), random_state=0)
    assert (smooth == 0).mean() < 0.01
    both = simulate_series(500, kinds=["counts", "intermittent"], random_state=0)
    assert 0.2 < np.mean((both == 0).mean(axis=1) > 0.4) < 0.5


def season_strength(X, m):
    """Share of the variance about a centred moving average that the mean season explains."""
    weights = np.r_[0.5, np.ones(m - 1), 0.5] / m
    about = [x[m // 2 : -(m // 2)] - np.convolve(x, weights, "valid") for x in X]
    years = np.array([a[: len(a) // m * m].reshape(-1, m) for a in about])
    rest = years - years.mean(axis=1, keepdims=True)
    return 1 - rest.var(axis=(1, 2)) / years.var(axis=(1, 2))


def test_seasons_are_there_if_asked_for():
    kinds = ["structural", "arima"]
    seasonal = simulate_series(300, 133, season=12, kinds=kinds, random_state=0)
    other = simulate_series(300, 133, season=None, kinds=kinds, random_state=0)
    strong = np.mean(season_strength(seasonal, 12) > 0.5)
    assert 0.25 < strong < 0.75
    assert np.mean(season_strength(other, 12) > 0.5) < 0.05


def test_two_seasons():
    X = simulate_series(200, 12 * 24, season=(4, 24), kinds="structural", random_state=0)
    spectra = np.abs(np.fft.rfft(np.diff(X, axis=1), 12 * 24))
    peaks = spectra[:, [12, 72]] / np.median(spectra, axis=1, keepdims=True)
    assert np.mean((peaks > 5).all(axis=1)) > 0.05


def test_levels_are_over_decades_and_most_series_have_a_trend():
    X = simulate_series(500, 60, kinds="structural", season=None, random_state=0)
    levels = np.log10(np.median(np.abs(X), axis=1))
    assert np.percentile(levels, 5) < 1
    assert np.percentile(levels, 95) > 4
    t = np.arange(60)
    follows = np.abs([np.corrcoef(x, t)[0, 1] for x in X])
    assert np.mean(follows > 0.7) > 0.4
    assert np.mean(X[:, -1] > X[:, 0]) > 0.55


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_series", 0),
        ("n_steps", 0),
        ("season", 0),
        ("season", []),
        ("season", [12, 0.5]),
        ("season", 200_000),
        ("kinds", "trend"),
        ("kinds", []),
        ("kinds", ["arima", 3]),
        ("dtype", "int64"),
        ("n_jobs", 0),
        ("random_state", -1),
    ],
)
def test_what_is_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        simulate_series(**({"n_series": 3} | {name: value}))
