import numpy as np
import pytest

from tsrnn.training.schedules import SCHEDULES, learning_rates


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing():
    rates = learning_rates("one_cycle", 1000, 0.01)
    assert rates.shape == (1000,)
    assert rates[0] == 0.01 / 25
    assert rates.max() == rates[300] == 0.01
    assert (np.diff(rates[:301]) > 0).all()
    assert (np.diff(rates[300:]) < 0).all()
    assert 0 < rates[-1] < 1e-7


def test_cosine_falls_from_its_peak_to_nothing():
    rates = learning_rates("cosine", 1000, 0.01)
    assert rates[0] == 0.01
    assert rates[500] == pytest.approx(0.005)  # and is symmetric about it
    np.testing.assert_allclose(rates[1:] + rates[:0:-1], 0.01)
    assert (np.diff(rates) < 0).all()
    assert 0 < rates[-1] < 1e-7


@pytest.mark.parametrize("schedule", ["constant", "adaptive"])
def test_other_schedules_are_constant(schedule):
    np.testing.assert_array_equal(learning_rates(schedule, 7, 0.01), 0.01)


def test_a_peak_may_be_a_whole_number():
    for schedule in SCHEDULES:
        whole = learning_rates(schedule, 7, 1)
        np.testing.assert_array_equal(whole, learning_rates(schedule, 7, 1.0))


@pytest.mark.parametrize("schedule", ["constant", "adaptive", "cosine"])
@pytest.mark.parametrize(("warm_up", "n_rise"), [(0.25, 5), (0.21, 5), (1.0, 20), (0.01, 1)])
def test_warm_up_rises_evenly_to_the_schedule(schedule, warm_up, n_rise):
    whole = learning_rates(schedule, 20, 0.01)
    rates = learning_rates(schedule, 20, 0.01, warm_up)
    np.testing.assert_allclose(rates[:n_rise] / whole[:n_rise], np.arange(1, n_rise + 1) / n_rise)
    np.testing.assert_array_equal(rates[n_rise:], whole[n_rise:])


def test_one_cycle_ignores_warm_up():
    one, other = (learning_rates("one_cycle", 20, 0.01, warm_up) for warm_up in (0.0, 0.5))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warm_up", [0.0, 0.1])
def test_a_single_step_has_a_rate(schedule, warm_up):
    (rate,) = learning_rates(schedule, 1, 0.01, warm_up)
    assert 0 < rate <= 0.01
