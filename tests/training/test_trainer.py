import contextlib
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import random_values

from tsrnn.kernels import compile as compiling
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Settings, train, trainer

VALUES = 10 * np.sin(np.arange(300) / 3) + random_values(300)
DATA = (VALUES, 12, 4, 0.1)
STARTS = np.arange(230)
VALIDATION = np.arange(250, 285)


def run(max_iter=12, validation=VALIDATION, seed=0, settings=None, **kwargs):
    network = RecurrentNetwork("lstm", 1, 8, 3)
    rng = np.random.default_rng(seed)
    network.initialise(rng)
    settings = settings or {}
    settings = Settings(max_iter=max_iter, **settings)
    return network, train(network, DATA, STARTS, validation, settings, rng, **kwargs)


def test_the_loss_falls_and_the_best_weights_are_kept():
    network, history = run(30)
    assert len(history.loss_curve) == len(history.validation_curve) == 30
    assert history.loss_curve[-1] < 0.7 * history.loss_curve[0]
    assert history.validation_curve[history.best_iter - 1] == min(history.validation_curve)
    _, loss = network.errors(DATA, VALIDATION, "absolute_error")
    assert loss == history.validation_curve[history.best_iter - 1]


def test_without_validation_the_last_weights_are_kept():
    _, history = run(5, VALIDATION[:0])
    assert (history.best_iter, history.validation_curve) == (5, [])


def test_stops_after_epochs_without_improvement():
    _, history = run(200, settings={"n_iter_no_change": 3, "learning_rate_init": 0.1})
    assert len(history.validation_curve) == history.best_iter + 3 < 200


def test_initial_weights_are_kept_where_nothing_beats_them():
    """The network starts at the naive forecast: training may only improve on it."""
    values = np.tile([1.0, 2.0, 3.0, 4.0], 75)  # the naive forecast is perfect
    values[:240] += np.random.default_rng(0).normal(size=240)
    network = RecurrentNetwork("lstm", 1, 8, 3)
    rng = np.random.default_rng(0)
    network.initialise(rng)
    start = network.parameters.copy()
    settings = Settings(max_iter=60, n_iter_no_change=4)
    history = train(network, (values, 12, 4, 0.1), STARTS[:200], VALIDATION, settings, rng)
    assert (history.best_iter, len(history.loss_curve)) == (0, 4)
    np.testing.assert_array_equal(network.parameters, start)


def test_stop_after_keeps_the_learning_rates_of_all_epochs():
    short, history = run(12, VALIDATION[:0], stop_after=5)
    assert len(history.loss_curve) == 5
    _, whole = run(12, VALIDATION[:0])
    assert whole.loss_curve[:5] == history.loss_curve
    other, _ = run(5, VALIDATION[:0])
    assert (short.parameters != other.parameters).any()


@pytest.mark.parametrize("seconds", [1e-9, 10.0])
def test_the_length_of_blocks_does_not_matter(monkeypatch, seconds):
    expected, _ = run(6)
    monkeypatch.setattr(trainer, "BLOCK_SECONDS", seconds)
    network, _ = run(6)
    np.testing.assert_array_equal(network.parameters, expected.parameters)


def test_one_or_many_threads_give_the_same_bits(monkeypatch):
    monkeypatch.setattr(compiling, "SMALL_WORK", 0)
    one, history = run(10, settings={"n_jobs": 1})
    two, same = run(10, settings={"n_jobs": 2})
    np.testing.assert_array_equal(one.parameters, two.parameters)
    assert history == same


def test_progress_is_told_in_order_and_ends_at_one():
    told = []
    run(4, on_progress=lambda done, history: told.append((done, len(history.loss_curve))))
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert told[-1][1] == 3  # finished epochs while the last one runs


@pytest.mark.parametrize("epoch", [0, 3])
def test_an_interrupt_keeps_the_best_weights(epoch):
    def interrupt(done, history):
        if len(history.loss_curve) == epoch:
            raise KeyboardInterrupt

    network, history = run(10, on_progress=interrupt)
    assert history.interrupted
    assert len(history.loss_curve) == epoch
    expected, _ = run(10, stop_after=epoch) if epoch else (None, None)
    if epoch:
        np.testing.assert_array_equal(network.parameters, expected.parameters)
    assert np.isfinite(network.errors(DATA, VALIDATION, "absolute_error")[1])


def test_a_ctrl_c_that_a_compilation_swallows_is_heard_after_it():
    def swallow(done, history):
        if len(history.loss_curve) == 2:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    _, history = run(50, on_progress=swallow)
    assert history.interrupted
    assert len(history.loss_curve) <= 3
    assert signal.getsignal(signal.SIGINT) is before


def test_training_works_in_another_thread_where_signals_cannot_be_caught():
    with ThreadPoolExecutor(1) as pool:
        network, history = pool.submit(run, 3).result()
    np.testing.assert_array_equal(network.parameters, run(3)[0].parameters)
    assert not history.interrupted


def test_divergence_is_an_error():
    with pytest.raises(ValueError, match=r"diverged in epoch 1.*learning_rate_init"):
        run(3, settings={"learning_rate_init": 1e38})
