import numpy as np
import pytest
from conftest import random_network, random_values

from tsrnn.network import RecurrentNetwork
from tsrnn.network.initial import glorot, orthogonal


def test_views_tile_the_parameters():
    network = RecurrentNetwork("lstm", n_in=2, n_hidden=5, n_out=3)
    views = network.views()
    assert {name: view.shape for name, view in views.items()} == {
        "weight_hidden": (4, 5, 5),
        "bias": (4, 5),
        "weight_input": (4, 5, 2),
        "head_weight": (3, 5),
        "head_bias": (3,),
    }
    for number, view in enumerate(views.values(), start=1):
        view += number
    assert (network.parameters > 0).all()
    assert network.parameters.size == sum(view.size for view in views.values())


def test_initial_weights():
    network = RecurrentNetwork("lstm", n_in=3, n_hidden=8, n_out=2)
    network.initialise(np.random.default_rng(0))
    views = network.views()
    for block in views["weight_hidden"].astype(float):
        np.testing.assert_allclose(block @ block.T, np.eye(8), atol=1e-6)
    np.testing.assert_array_equal(views["bias"], np.repeat([[0], [1], [0], [0]], 8, axis=1))
    assert 0 < np.abs(views["weight_input"]).max() <= np.sqrt(6 / 11)
    assert not views["head_weight"].any()
    assert not views["head_bias"].any()


def test_seeds_decide_the_weights():
    one, same, other = (
        RecurrentNetwork("lstm", 1, 4, 1).initialise(np.random.default_rng(seed)).parameters
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_orthogonal_matrices_are_not_biased():
    rng = np.random.default_rng(0)
    mean = np.mean([orthogonal(3, rng) for _ in range(4000)], axis=0)
    np.testing.assert_allclose(mean, 0, atol=0.05)
    assert np.abs(glorot(50, 50, rng)).max() <= np.sqrt(6 / 100)


def test_a_prediction_in_pieces_is_the_same(monkeypatch):
    """Long predictions return to Python on the way, so that Ctrl-C is heard."""
    data, starts = (random_values(400), 12, 4, 0.1), np.arange(300)
    network = random_network()
    whole = network.errors(data, starts, "squared_error")
    calls = []
    predict = network.drivers("squared_error").predict
    monkeypatch.setattr("tsrnn.network.network._PIECE", 1)
    monkeypatch.setattr(
        type(predict), "__call__", lambda self, *a: calls.append(a) or self.dispatcher(False)(*a)
    )
    pieces = network.errors(data, starts, "squared_error")
    assert len(calls) > 5
    np.testing.assert_array_equal(whole[0], pieces[0])
    assert whole[1] == pytest.approx(pieces[1], rel=1e-12)
