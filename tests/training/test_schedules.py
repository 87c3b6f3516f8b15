import numpy as np

from tsrnn.training.schedules import one_cycle


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing():
    rates = one_cycle(1000, 0.01)
    assert rates.shape == (1000,)
    assert rates[0] == 0.01 / 25
    assert rates.max() == rates[300] == 0.01
    assert (np.diff(rates[:301]) > 0).all()
    assert (np.diff(rates[300:]) < 0).all()
    assert 0 < rates[-1] < 1e-7


def test_a_single_step_has_a_rate():
    assert one_cycle(1, 0.01)[0] > 0
