"""What an epoch is, a budget of seconds for all of a fit, and callbacks."""

import types

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from tsrnn import RNNForecaster
from tsrnn.forecasting import fitter
from tsrnn.forecasting.fitter import refit_settings
from tsrnn.training import History, Settings, budget, epochs

HOURS = pd.date_range("2024", periods=200, freq="h")
Y = pd.Series(10 + np.sin(np.arange(200) / 4) + 0.01 * np.arange(200), HOURS)
PANEL = pd.DataFrame({f"s{k}": np.roll(Y, k) for k in range(3)}, HOURS)


def quick(**kwargs):
    options = {"horizon": 3, "hidden_size": 4, "season": 1, "lookback": 8, "pretrained": None}
    return RNNForecaster(**options | kwargs)


def settings_of(n_windows, batch_size=32, **parameters):
    settings = RNNForecaster(**parameters)._settings(n_windows, batch_size)
    return settings.max_iter, settings.n_batches


@pytest.mark.parametrize(
    ("n_batches", "parameters", "expected"),
    [
        # Defaults: 2,000 minibatches in 10 to 200 epochs of all windows, or 15 epochs of 200
        (4, {}, (200, None)),
        (100, {}, (20, None)),
        (200, {}, (10, None)),
        (201, {}, (15, 200)),
        (5000, {}, (15, 200)),
        # A number of epochs says nothing of what an epoch is
        (5000, {"max_iter": 7}, (7, 200)),
        (100, {"max_iter": 7}, (7, None)),
        (5000, {"max_iter": 7, "batches_per_epoch": None}, (7, None)),
        (5000, {"max_iter": 7, "batches_per_epoch": 50}, (7, 50)),
        (40, {"max_iter": 7, "batches_per_epoch": 50}, (7, None)),
        # ... and the number of minibatches of an epoch says how many epochs are enough
        (5000, {"batches_per_epoch": 50}, (60, 50)),
        (5000, {"batches_per_epoch": 1000}, (10, 1000)),
        (5000, {"batches_per_epoch": None}, (10, None)),
        (100, {"batches_per_epoch": 10}, (200, 10)),
        # A network of one series
        (400, {"scope": "local"}, (10, None)),
        (5, {"scope": "local"}, (100, None)),
        (400, {"scope": "local", "batches_per_epoch": 25}, (20, 25)),
    ],
)
def test_epochs_and_their_minibatches(n_batches, parameters, expected):
    assert settings_of(32 * n_batches - 5, **parameters) == expected


def test_minibatches_of_an_epoch_are_as_many_as_are_said(monkeypatch):
    run_steps, n_steps = epochs.EpochRunner._run_steps, []

    def record(self, models, padded_windows, losses, first, last):
        n_steps.append(last - first)
        run_steps(self, models, padded_windows, losses, first, last)

    monkeypatch.setattr(epochs.EpochRunner, "_run_steps", record)
    quick(max_iter=4, batches_per_epoch=2, refit=False).fit(PANEL)
    assert sum(n_steps) == 8


@pytest.fixture
def clock(monkeypatch):
    """A clock: a minibatch takes a second of it, and nothing else any time."""
    clock = types.SimpleNamespace(now=0.0)
    clock.perf_counter = lambda: clock.now
    run_steps = epochs.EpochRunner._run_steps

    def timed(self, models, padded_windows, losses, first, last):
        clock.now += (last - first) * len(models)
        run_steps(self, models, padded_windows, losses, first, last)

    monkeypatch.setattr(epochs.EpochRunner, "_run_steps", timed)
    monkeypatch.setattr(epochs, "BLOCK_SECONDS", 1.0)
    monkeypatch.setattr(epochs, "time", clock)
    monkeypatch.setattr(budget, "time", clock)
    return clock


# A network of a series has 6 minibatches an epoch, that of the panel 9
@pytest.mark.parametrize(
    ("y", "parameters"),
    [
        (Y, {}),
        (Y, {"refit": False}),
        (PANEL, {"batches_per_epoch": 5}),
        (PANEL, {"scope": "local"}),
        (PANEL, {"scope": "fine_tuned"}),
        (Y, {"early_stopping": False}),
    ],
)
def test_a_fit_ends_with_its_budget(y, parameters, clock):
    forecaster = quick(max_iter=1000, n_iter_no_change=1000, max_seconds=400, **parameters).fit(y)
    assert 0.75 * 400 <= clock.now <= 400 + 3  # at most a block of minibatches more
    assert np.isfinite(np.asarray(forecaster.predict())).all()
    if forecaster.validation_scores_ is not None:
        assert forecaster.best_iter_ > 0


def test_a_budget_that_suffices_changes_no_bit():
    one, two = (quick(max_iter=5, max_seconds=seconds).fit(Y) for seconds in (None, 1e6))
    np.testing.assert_array_equal(one.fitted_.weights, two.fitted_.weights)
    np.testing.assert_array_equal(one.predict(), two.predict())


def test_a_refit_that_there_is_no_time_for_is_not_kept(clock, monkeypatch):
    """The weights that were validated stay if something else takes what was left."""
    fit, calls = fitter.Fitter.fit, []

    def late(self, *args, **kwargs):
        calls.append(fit(self, *args, **kwargs))
        clock.now = 399.0
        return calls[-1]

    monkeypatch.setattr(fitter.Fitter, "fit", late)
    forecaster = quick(max_iter=1000, n_iter_no_change=1000, max_seconds=400).fit(PANEL)
    assert len(calls) == 2
    assert (calls[0][0] != calls[1][0]).any()
    np.testing.assert_array_equal(forecaster.fitted_.weights, calls[0][0])


def test_settings_of_a_refit():
    settings = Settings(max_iter=100)
    whole = refit_settings(settings, History(best_iter=30, schedule_epochs=100.0))
    assert (whole.max_iter, whole.stop_after) == (100, 30)
    losses = [1.0] * 12
    cut = refit_settings(settings, History(losses, [], 10, schedule_epochs=11.5, was_cut=True))
    assert (cut.max_iter, cut.stop_after) == (23, 20)  # maybe longer, and then cut again
    past = refit_settings(settings, History(losses, [], 8, schedule_epochs=11.5, was_cut=True))
    assert (past.max_iter, past.stop_after) == (12, 8)  # errors no longer fell


def test_a_short_panel_is_forecast_by_the_pretrained_network_with_a_budget_too():
    forecaster = RNNForecaster(horizon=3, max_seconds=100).fit(PANEL[:100])
    assert forecaster.fitted_.is_zero_shot


def test_warnings_point_to_the_call_of_fit(recwarn):
    panel = PANEL.copy()
    panel.iloc[:-5, 0] = np.nan  # too short for the lookback
    quick(max_iter=1).fit(panel)
    assert {warning.filename for warning in recwarn} == {__file__}


class Recorder:
    def __init__(self):
        self.heard = []

    def setup(self, estimator, context):
        self.heard.append("setup")

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self.heard.append(f"{context.task_name} begins")

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.heard.append(f"{context.task_name} ends")

    def teardown(self, estimator, context):
        self.heard.append("teardown")


@pytest.mark.parametrize(
    ("forecaster", "n_epochs"),
    [
        (quick(max_iter=2), 2),
        (quick(max_iter=2, scope="fine_tuned", n_estimators=2), 2),
        (RNNForecaster(max_iter=0), 0),
    ],
    ids=["one network", "several", "zero-shot"],
)
def test_callbacks_hear_of_each_epoch(forecaster, n_epochs):
    pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
    recorder = Recorder()
    clone(forecaster).set_callbacks(recorder).fit(PANEL)
    epoch = ["epoch begins", "epoch ends"] * n_epochs
    assert recorder.heard == ["setup", "fit begins", *epoch, "fit ends", "teardown"]
