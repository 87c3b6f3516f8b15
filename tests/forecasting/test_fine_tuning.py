"""Fine-tuning of the pretrained network on panels."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tsrnn
from tsrnn import RNNForecaster
from tsrnn.forecasting.pretrained import (
    LEVELS,
    TRUST,
    PretrainedNetwork,
    Stretches,
    TuningSeries,
    fine_tuning,
    load_pretrained,
    network,
)
from tsrnn.forecasting.pretrained.fine_tuning import blend, furthest
from tsrnn.training import History

HORIZON, N_EPOCHS = 5, 4
ZERO_SHOT = RNNForecaster(horizon=HORIZON, season=1, max_iter=0)


def panel(n_series=16, n=60, seed=0):
    """A wide frame of series that repeat after five steps, which a season of 1 does not tell."""
    rng = np.random.default_rng(seed)
    t, shifts = np.arange(n)[:, None], rng.integers(5, size=n_series)
    pattern = np.array([0.0, 2.0, -1.0, 3.0, -2.0])[(t + shifts) % 5]
    values = 50 + 10 * rng.random(n_series) + pattern + 0.3 * rng.standard_normal((n, n_series))
    return pd.DataFrame(values, columns=[f"s{k}" for k in range(n_series)])


KNOWN, FUTURE = panel()[:-HORIZON], panel()[-HORIZON:]


def tuned(**options):
    return RNNForecaster(**({"horizon": HORIZON, "season": 1} | options))


def error(forecaster):
    return np.abs(forecaster.predict().to_numpy() - FUTURE.to_numpy()).mean()


@pytest.fixture(autouse=True, scope="module")
def few_epochs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fine_tuning, "_MOST_EPOCHS", N_EPOCHS)
        yield


@pytest.fixture(scope="module")
def fitted():
    return tuned().fit(KNOWN)


def is_as_installed(forecaster):
    used = forecaster.fitted_.pretrained.network
    same = np.array_equal(used.network.parameters, load_pretrained().network.parameters)
    assert same == (used.trust == TRUST)
    return same


# What it does


@pytest.mark.slow
def test_it_learns_what_simulated_series_did_not_tell(monkeypatch):
    monkeypatch.setattr(fine_tuning, "_MOST_EPOCHS", 16)
    found, before = tuned().fit(KNOWN), ZERO_SHOT.fit(KNOWN)
    assert error(found) < 0.9 * error(before)
    intervals = [each.predict_interval(coverage=0.8).to_numpy() for each in (found, before)]
    widths = [np.diff(each.reshape(HORIZON, -1, 2)).mean() for each in intervals]
    assert widths[0] < widths[1]


def test_what_is_known_of_a_fit(fitted):
    assert not is_as_installed(fitted)
    assert error(fitted) < error(ZERO_SHOT.fit(KNOWN))
    assert fitted.fitted_.is_zero_shot  # as it has no other network
    assert fitted.network_ is fitted.fitted_.pretrained.network.network
    assert len(fitted.loss_curve_) == fitted.n_iter_ == fitted.best_iter_ == N_EPOCHS
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]


def test_the_network_that_is_installed_stays_as_it_is(fitted):
    assert network.checksum(load_pretrained().network.parameters) == network.read_card()["sha256"]
    assert load_pretrained().trust == TRUST


def test_a_network_of_its_own_is_averaged_with_the_fine_tuned_one():
    long = panel(n_series=10, n=210)
    options = {"max_iter": 1, "hidden_size": 4, "n_jobs": 1}
    both = tuned(**options).fit(long)
    assert not is_as_installed(both)
    assert 0.5 < both.fitted_.pretrained.share < 1
    own = tuned(pretrained=None, **options).fit(long)
    assert_array_equal(both.network_.parameters, own.network_.parameters)
    assert np.isfinite(both.predict_interval()).to_numpy().all()


def test_a_budget_that_suffices_changes_nothing_and_without_time_nothing_is_tuned(fitted):
    forecaster = tuned(max_seconds=1e6).fit(KNOWN)
    assert_array_equal(forecaster.network_.parameters, fitted.network_.parameters)
    assert is_as_installed(tuned(max_seconds=1e-6).fit(KNOWN))


def test_fewer_windows_are_taken_where_there_is_time_for_fewer(monkeypatch):
    """Half of the time that all take is enough for half of the windows."""
    monkeypatch.setattr(fine_tuning.FineTuner, "_seconds", lambda self, *sizes: (3e5, 1e5))
    monkeypatch.setattr(fine_tuning, "_LEAST_WINDOWS", 1)
    sizes, train = [], fine_tuning.train

    def record(network, source, windows, *args, **kwargs):
        sizes.append(windows.size)
        return train(network, source, windows, *args, **kwargs)

    monkeypatch.setattr(fine_tuning, "train", record)
    for seconds in (1e9, 4e5):  # half of which is for a refit
        tuned(max_seconds=seconds, n_jobs=1).fit(KNOWN)
    whole, half = sizes[0], sizes[-2] if len(sizes) == 4 else sizes[-1]
    assert half == pytest.approx(whole / 2, rel=0.05)


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"max_iter": 0}, KNOWN),
        ({}, KNOWN.iloc[:, :9]),
        ({}, KNOWN[:40]),  # 27 windows of each of 16 series
        ({"max_iter": 1, "hidden_size": 4}, KNOWN["s3"]),
        ({"max_iter": 1, "hidden_size": 4, "early_stopping": False}, KNOWN),
        ({"max_iter": 1, "hidden_size": 4, "n_ahead": 2}, KNOWN),
    ],
    ids=["untrained", "few series", "few windows", "one series", "nothing held out", "recursive"],
)
def test_where_too_little_is_known_the_network_stays_as_it_is(options, y):
    assert is_as_installed(tuned(**options).fit(y))


def test_of_series_that_tell_nothing_else_the_network_stays_or_does_no_harm():
    rng = np.random.default_rng(1)
    noise = pd.DataFrame(rng.standard_normal((45, 40)))
    errors = [
        np.abs(found.fit(noise[:-HORIZON]).predict() - noise[-HORIZON:]).to_numpy().mean()
        for found in (tuned(), ZERO_SHOT)
    ]
    assert errors[0] < 1.02 * errors[1]


def test_the_whole_series_are_trained_on_in_the_end(fitted):
    part = tuned(refit=False).fit(KNOWN)
    assert part.loss_curve_ == fitted.loss_curve_
    assert not np.array_equal(part.network_.parameters, fitted.network_.parameters)
    changed = KNOWN.copy()
    changed[-HORIZON:] += 0.01
    again = tuned(refit=False).fit(changed)  # what is held out says how far to go, no more
    assert again.loss_curve_ == part.loss_curve_
    assert_array_equal(again.network_.parameters, part.network_.parameters)
    assert not np.array_equal(tuned().fit(changed).network_.parameters, fitted.network_.parameters)


def test_results_depend_on_the_seed_and_not_on_threads(fitted):
    for n_jobs in (1, 2):
        same = tuned(n_jobs=n_jobs, random_state=0).fit(KNOWN)
        assert_array_equal(same.network_.parameters, fitted.network_.parameters)
        assert_array_equal(same.predict(), fitted.predict())
    other = tuned(random_state=1).fit(KNOWN)
    assert not np.array_equal(other.network_.parameters, fitted.network_.parameters)


def test_missing_values_are_no_targets():
    values = KNOWN.to_numpy().T.ravel().copy()
    firsts = np.arange(16) * len(KNOWN)
    truth = values.copy()
    truth[firsts + 40] = np.nan
    series = TuningSeries(values, truth, firsts, np.full(16, len(KNOWN)), 1, HORIZON)
    source = series.source(np.array([0, 1]), np.array([38, 30]))
    assert np.isnan(source.targets[-5:]).sum() == 0
    row = source.firsts[0] + source.lengths[0] - HORIZON + 2
    assert np.isnan(source.targets[row, 0])
    assert not np.isnan(source.targets[row + 1, 0])
    gaps = KNOWN.copy()
    gaps.iloc[10:40:7, ::3] = np.nan
    found = tuned(missing="mask").fit(gaps)
    assert not is_as_installed(found)
    assert np.isfinite(found.predict()).to_numpy().all()


def test_saved_forecasters(fitted, tmp_path):
    for number, forecaster in enumerate((fitted, tuned(max_iter=1, hidden_size=4).fit(KNOWN))):
        path = tmp_path / f"{number}.tsrnn"
        tsrnn.save(forecaster, path)
        loaded = tsrnn.load(path)
        assert loaded.fitted_.pretrained.network.trust == 1
        pd.testing.assert_frame_equal(loaded.predict(9), forecaster.predict(9))
        pd.testing.assert_frame_equal(loaded.predict_interval(), forecaster.predict_interval())
        assert loaded.loss_curve_ == forecaster.loss_curve_


def test_progress(capsys):
    tuned(verbose=1).fit(KNOWN)
    lines = capsys.readouterr().err
    for name in ("pretrained network", "whole series"):
        assert f"({name}): 100%" in lines


# Ctrl-C


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("options", [{}, {"max_iter": 1, "hidden_size": 4}], ids=["alone", "both"])
def test_ctrl_c_keeps_what_was_there(options, number, monkeypatch):
    trained, count = fine_tuning.train, iter(range(10))

    def interrupted(*args, **kwargs):
        history = trained(*args, **kwargs)
        return dataclasses.replace(history, interrupted=next(count) == number)

    part = tuned(refit=False, **options).fit(KNOWN)
    monkeypatch.setattr(fine_tuning, "train", interrupted)
    with pytest.warns(UserWarning, match="Training was interrupted"):
        found = tuned(**options).fit(KNOWN)
    assert next(count) == number + 1  # no other training began
    kept = found.fitted_.pretrained.network
    if number == 0:
        assert is_as_installed(found)
    else:
        expected = part.fitted_.pretrained.network
        assert_array_equal(kept.network.parameters, expected.network.parameters)
        assert kept.trust == expected.trust
    assert np.isfinite(found.predict()).to_numpy().all()


# Its parts


@pytest.mark.parametrize("season", [1, 7])
def test_windows_end_before_what_is_held_out_and_series_count_the_same(season):
    lengths = np.array([100, 9, 30, 17, 40])
    n_held_out = np.array([5, 2, 0, 4, 30])
    series = TuningSeries(np.zeros(0), np.zeros(0), np.zeros(0), lengths, season, 4)
    most = lengths - n_held_out - 4
    expected = np.maximum(most - (season + 3) + 1, 0)
    assert_array_equal(series.n_windows(n_held_out), expected)
    rng = np.random.default_rng(0)
    drawn, ends = (
        np.concatenate(parts)
        for parts in zip(*(series.draw(n_held_out, rng) for _ in range(100)), strict=True)
    )
    for k in range(5):
        found = ends[drawn == k]
        assert (found.size > 0) == (expected[k] > 0)
        if expected[k]:
            assert (found.min(), found.max()) == (season + 3, most[k])
    counts = np.bincount(drawn, minlength=5)[expected > 0]
    assert counts.max() - counts.min() <= 100
    assert ends.size == 100 * min(expected.sum(), 10_000)


def test_windows_are_few_enough_for_memory():
    def most(season, horizon, length=10_000):
        lengths = np.array([20, length])
        nothing = np.zeros(0)
        return TuningSeries(nothing, nothing, nothing, lengths, season, horizon).most_windows

    assert most(1, 12) == 10_000
    assert most(24, 1000) == 2**20 // (48 + 1000)
    assert most(365, 12) == 8_000_000 // (20 * 365)
    assert most(10**6, 10**7) == 1


def test_it_goes_as_far_as_errors_surely_say():
    rng = np.random.default_rng(0)
    first = 1 + rng.random(12)
    better, worse = first - 0.1, first + 0.1
    assert furthest(np.array([first, better, worse])) == 1
    assert furthest(np.array([first, worse, better - 0.01])) == 2
    assert furthest(np.array([first, worse, worse])) == 0
    alike = better + np.where(np.arange(12) % 2, 0.011, -0.01)  # not surely more
    assert furthest(np.array([first, better, alike, worse])) == 2
    assert furthest(np.array([first, better, better + 0.01, worse])) == 1
    unsure = first - np.where(np.arange(12) == 5, 1.0, -0.08)  # by one series alone
    assert unsure.mean() < first.mean()
    assert furthest(np.array([first, unsure])) == 0
    missing = np.where(np.arange(12) < 2, np.nan, better)
    assert furthest(np.array([first, missing])) == 1
    missing = np.where(np.arange(12) < 3, np.nan, better)
    assert furthest(np.array([first, missing])) == 0  # of nine series


def test_errors_of_series():
    errors = np.array([[1.0, -3.0], [np.nan, 4.0], [np.nan, np.nan]])
    assert_array_equal(fine_tuning.series_errors(errors, np.array([0, 0, 1])), [8 / 3, np.nan])


def test_blends():
    one, other = (PretrainedNetwork.of_shape(3, np.random.default_rng(k)) for k in (0, 1))
    other = dataclasses.replace(other, trust=1.0)
    for share in (0.0, 0.25, 1.0):
        found = blend(one, other, share)
        parameters = (1 - share) * one.network.parameters + share * other.network.parameters
        assert_allclose(found.network.parameters, parameters, rtol=1e-6, atol=1e-7)
        assert found.trust == pytest.approx((1 - share) * TRUST + share)
    assert_array_equal(blend(one, other, 0).network.parameters, one.network.parameters)


def test_trust_is_the_share_of_the_correction():
    values = KNOWN["s0"].to_numpy()
    stretches = Stretches(values, np.array([0]), np.array([values.size]), 1)
    base, half, whole = (
        dataclasses.replace(load_pretrained(), trust=trust).forecast(stretches, HORIZON)
        for trust in (0.0, 0.5, 1.0)
    )
    median = LEVELS.index(0.5)
    assert_allclose(half[..., median], (base + whole)[..., median] / 2)
    spreads = [each - each[..., median, None] for each in (base, whole)]
    assert_allclose(*spreads, atol=1e-9)


def test_nothing_is_made_of_constant_series():
    constant = pd.DataFrame(np.ones((60, 12)) * np.arange(12))
    found = tuned().fit(constant)
    assert is_as_installed(found)
    assert found.loss_curve_ == History().loss_curve
    assert_allclose(found.predict(), np.tile(np.arange(12.0), (HORIZON, 1)), atol=1e-9)
