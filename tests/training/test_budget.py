"""A budget of seconds, by a clock that minibatches move on."""

import math
import types

import numpy as np
import pytest
from conftest import random_values

from tsrnn.kernels.cpu.trainer import Trainer
from tsrnn.kernels.sources import forecast_source
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Budget, Settings, budget, epochs, train, train_many, trainer
from tsrnn.training.schedules import learning_rates

pytestmark = pytest.mark.slow

VALUES = 10 * np.sin(np.arange(300) / 3) + random_values(300)
SOURCE = forecast_source(VALUES, 12, 4, 0.1)
STARTS = np.arange(230)
VALIDATION = np.arange(250, 285)
NONE = VALIDATION[:0]
N_STEPS = 8  # minibatches of an epoch


def fresh(seed=0):
    """A network and the generator that goes on from its initial weights."""
    rng = np.random.default_rng(seed)
    return RecurrentNetwork("lstm", 1, 8, 3).initialise(rng), rng


def run(max_iter, validation=VALIDATION, settings=None, budget=None):
    network, rng = fresh()
    settings = Settings(max_iter=max_iter, **(settings or {}))
    history = train(network, SOURCE, STARTS, validation, settings, rng, budget=budget)
    return network, history


@pytest.fixture
def clock(monkeypatch):
    """A clock: a minibatch takes a second of it, and an evaluation none."""
    clock = types.SimpleNamespace(now=0.0, rates=[])
    clock.perf_counter = lambda: clock.now
    run_steps = epochs.EpochRunner._run_steps

    def timed(self, models, padded_windows, losses, first, last):
        clock.now += (last - first) * len(models)
        run_steps(self, models, padded_windows, losses, first, last)

    def record(self, *args):
        clock.rates.extend(args[5][0])
        return trainer_run(self, *args)

    trainer_run = Trainer.run
    monkeypatch.setattr(Trainer, "run", record)
    monkeypatch.setattr(epochs.EpochRunner, "_run_steps", timed)
    monkeypatch.setattr(epochs, "BLOCK_SECONDS", 1.0)
    monkeypatch.setattr(epochs, "time", clock)
    monkeypatch.setattr(budget, "time", clock)
    return clock


def test_a_budget_that_suffices_changes_no_bit():
    network, history = run(6, budget=Budget.of(1e6))
    expected, same = run(6)
    np.testing.assert_array_equal(network.parameters, expected.parameters)
    assert history == same
    assert (history.schedule_epochs, history.was_cut) == (6, False)


@pytest.mark.parametrize("seconds", [30, 50, 90])
def test_the_schedule_ends_with_the_budget(clock, seconds):
    _, history = run(20, budget=Budget.of(seconds))
    assert seconds - 2 <= clock.now <= seconds
    assert history.was_cut
    assert len(history.loss_curve) == math.ceil(clock.now / N_STEPS)
    assert history.schedule_epochs == pytest.approx(seconds / N_STEPS, abs=1)
    peak = Settings().learning_rate_init
    assert clock.rates[-1] < 0.1 * peak
    assert max(clock.rates) == pytest.approx(peak, rel=0.05)


def test_learning_rates_are_those_of_the_whole_schedule_in_fewer_minibatches(clock):
    run(20, NONE, budget=Budget.of(80), settings={"learning_rate": "cosine"})
    whole = learning_rates("cosine", 20 * N_STEPS, Settings().learning_rate_init)
    expected = whole[np.linspace(0, whole.size - 1, len(clock.rates)).astype(int)]
    np.testing.assert_allclose(clock.rates, expected, atol=0.05 * whole[0])


def test_the_weights_of_the_best_epoch_are_kept(clock):
    network, history = run(40, budget=Budget.of(100), settings={"learning_rate_init": 0.1})
    loss = network.mean_loss(SOURCE, VALIDATION, "absolute_error")
    assert loss == min(history.validation_curve)
    assert history.validation_curve[history.best_iter - 1] == loss


def test_a_spent_budget_leaves_time_for_one_block(clock):
    budget = Budget.of(1)
    clock.now = 5.0
    network, history = run(20, budget=budget)
    assert (clock.now, len(history.loss_curve)) == (6.0, 1)
    start = fresh()[0].mean_loss(SOURCE, VALIDATION, "absolute_error")
    assert network.mean_loss(SOURCE, VALIDATION, "absolute_error") <= start


def test_schedules_too_long_for_memory_are_cut_to_what_time_allows(clock):
    _, history = run(10**9, budget=Budget.of(24))
    assert clock.now <= 24
    assert history.was_cut


def test_many_networks_share_a_budget(clock, monkeypatch):
    monkeypatch.setattr(trainer, "GROUP_BYTES", 6 * fresh()[0].parameters.nbytes)
    networks, rngs = zip(*map(fresh, range(3)), strict=True)
    parts = [STARTS] * 3, [VALIDATION] * 3, [Settings(max_iter=30)] * 3
    histories = train_many(networks, SOURCE, *parts, rngs, budget=Budget.of(120))
    assert [len(history.loss_curve) for history in histories] == [5, 5, 5]
    assert 117 <= clock.now <= 120


def test_shares_and_parts_of_a_budget(clock):
    whole = Budget.of(10)
    assert (whole.seconds_left, whole.share(0.5).end, whole.part(3).end) == (10, 5, 3)
    clock.now = 4.0
    assert (whole.seconds_left, whole.share(0.5).end, whole.part(30).end) == (6, 7, 10)
    clock.now = 12.0
    assert (whole.seconds_left, whole.part(-1).end) == (0, 10)
    endless = Budget.of(None)
    assert not endless.is_limited
    assert endless.share(0.1).end == endless.part(math.inf).end == math.inf


def test_continued_training_takes_no_budget_by_default():
    network, rng = fresh()
    history = train(network, SOURCE, STARTS, VALIDATION, Settings(max_iter=1), rng)
    assert (history.schedule_epochs, history.was_cut) == (1, False)
