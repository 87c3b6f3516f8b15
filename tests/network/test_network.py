import pickle

import numba
import numpy as np
import pytest
from conftest import random_network, random_values

from tsrnn.kernels import cells
from tsrnn.kernels.jit.compile import Kernel
from tsrnn.kernels.sources import forecast_source, sequence_source
from tsrnn.network import RecurrentNetwork
from tsrnn.network.initial import chrono, glorot, orthogonal
from tsrnn.network.runs import evaluate_models, predict_models

N_IN, N_HIDDEN, N_OUT = 2, 5, 3
# What a network may be, and the shapes of the views that this brings.
SHAPES = {
    "plain": ({}, {"head_weight": (3, 5)}),
    "hidden head": (
        {"n_head": 4},
        {"head_hidden_weight": (4, 5), "head_hidden_bias": (4,), "head_weight": (3, 4)},
    ),
    "layers": ({"n_layers": 3}, {"head_weight": (3, 5)}),
    "bidirectional": (
        {"n_layers": 2, "bidirectional": True, "head": "every"},
        {"head_weight": (3, 10)},
    ),
    "horizons": (
        {"head": "horizons", "n_horizons": 7},
        {"embedding": (7, 2), "head_weight": (3, 5)},
    ),
    "deep horizons": (
        {"head": "horizons", "n_horizons": 7, "n_layers": 2, "n_head": 6},
        {
            "embedding": (7, 5),
            "head_hidden_weight": (6, 5),
            "head_hidden_bias": (6,),
            "head_weight": (3, 6),
        },
    ),
}


@pytest.mark.parametrize("cell", cells.NAMES)
@pytest.mark.parametrize("name", SHAPES)
def test_views_tile_the_parameters(name, cell):
    shape, expected = SHAPES[name]
    network = RecurrentNetwork(cell, N_IN, N_HIDDEN, N_OUT, **shape)
    blocks, expected = len(cells.find(cell).BLOCKS), {**expected, "head_bias": (N_OUT,)}
    ends = ["", "_reverse"] if "bidirectional" in shape else [""]
    for layer in range(shape.get("n_layers", 1)):
        for end in ends:
            n_in = N_IN if layer == 0 else N_HIDDEN * len(ends)
            expected[f"weight_hidden_l{layer}{end}"] = (blocks, N_HIDDEN, N_HIDDEN)
            expected[f"bias_l{layer}{end}"] = (blocks, N_HIDDEN)
            expected[f"weight_input_l{layer}{end}"] = (blocks, N_HIDDEN, n_in)
    views = network.views()
    assert {name: view.shape for name, view in views.items()} == expected
    for view in views.values():
        view += 1
    np.testing.assert_array_equal(network.parameters, 1)


def test_views_of_a_vector_laid_out_alike():
    network = random_network(n_layers=2)
    gradient = np.zeros_like(network.parameters)
    network.views(gradient)["bias_l1"][:] = 1
    assert gradient.sum() == 4 * N_HIDDEN
    assert (network.parameters[gradient == 1] == network.views()["bias_l1"].ravel()).all()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("cell", cells.NAMES)
def test_initial_weights(cell, name):
    module = cells.find(cell)
    network = RecurrentNetwork(cell, 3, 8, 2, **SHAPES[name][0])
    network.parameters[:] = np.nan  # what was there does not matter
    network.initialise(np.random.default_rng(0))
    used = network.views(network.used())
    for name, view in network.views().items():
        if name.startswith("weight_hidden"):
            for block, in_use in zip(view.astype(float), used[name], strict=True):
                expected = np.eye(8) if in_use.all() else np.zeros((8, 8))
                np.testing.assert_allclose(block @ block.T, expected, atol=1e-6)
                assert (block == expected).all() == (module.IDENTITY_AT_START or not in_use.any())
        elif name.startswith("weight_input") or name == "head_hidden_weight":
            assert 0 < np.abs(view).max() <= np.sqrt(6 / sum(view.shape[-2:]))
        elif name.startswith("bias"):
            opens = [float(block == module.OPEN_AT_START) for block in module.BLOCKS]
            np.testing.assert_array_equal(view, np.repeat(opens, 8).reshape(-1, 8))
        elif name == "embedding":
            assert len(np.unique(view)) == view.size
        else:
            assert name in ("head_weight", "head_bias", "head_hidden_bias")
            assert not view.any()


def test_a_head_that_speaks_from_the_start():
    network = RecurrentNetwork("lstm", 1, 50, 30)
    one, half = (
        network.initialise(np.random.default_rng(0), scale=scale).views()["head_weight"].copy()
        for scale in (1.0, 0.5)
    )
    bound = np.sqrt(6 / 80)
    assert 0.95 * bound < np.abs(one).max() <= bound
    np.testing.assert_allclose(half, one / 2, rtol=1e-6)


@pytest.mark.parametrize("cell", cells.NAMES)
def test_gates_that_keep_for_as_long_as_memory(cell):
    """Chrono initialisation: a gate's time constant 1 / (1 - sigmoid(b)) is 1 + exp(b) steps."""
    memory, module = 60, cells.find(cell)
    network = RecurrentNetwork(cell, 1, 500, 1, "float64", n_layers=2)
    network.initialise(np.random.default_rng(0), memory=memory)
    for layer in range(2):
        biases = dict(zip(module.BLOCKS, network.views()[f"bias_l{layer}"], strict=True))
        for block, bias in biases.items():
            if block not in module.MEMORY:
                assert not bias.any()
                continue
            spans = 1 + np.exp(module.MEMORY[block] * bias)
            assert spans.min() >= 2
            assert spans.max() <= memory
            assert abs(spans.mean() - (2 + memory) / 2) < 4 * memory / np.sqrt(12 * 500)
    if cell == "lstm":  # what is forgotten is what is taken in
        np.testing.assert_array_equal(biases["forget"], -biases["input"])


def test_chrono_of_the_shortest_memory():
    for memory in (1, 2, 3):
        biases = chrono(1000, memory, np.random.default_rng(0))
        assert biases.min() >= 0
        assert biases.max() <= np.log(2)


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


def test_horizons_need_an_end():
    with pytest.raises(ValueError, match="bidirectional"):
        RecurrentNetwork("lstm", 1, 4, 1, head="horizons", n_horizons=3, bidirectional=True)


def test_unused_parameters_say_nothing():
    source, starts = forecast_source(random_values(), 12, 4, 0.0), np.arange(9)
    network = random_network("gru", n_layers=2)
    before = network.predict(source, starts)
    assert not network.used().all()
    network.parameters[~network.used()] = np.nan
    np.testing.assert_array_equal(network.predict(source, starts), before)


def test_read_only_weights_and_values_compile_nothing_anew():
    """As a memory map leaves them."""
    values, starts = random_values().reshape(-1, 1), np.arange(9)
    source, network = forecast_source(values, 12, 4, 0.0), random_network()
    before = network.predict(source, starts)
    dispatcher = network.drivers.predict.dispatcher(parallel=False)
    n_compiled = len(dispatcher.signatures)
    network.parameters.flags.writeable = source.values.flags.writeable = False
    np.testing.assert_array_equal(network.predict(source, starts), before)
    assert len(dispatcher.signatures) == n_compiled


@pytest.mark.parametrize("kind", ["forecasts", "loss", "states"])
def test_a_prediction_in_pieces_is_the_same(monkeypatch, kind):
    """Long predictions return to Python on the way, so that Ctrl-C is heard."""
    starts, values = np.arange(300), random_values(400)
    network = random_network()

    def run():
        if kind == "states":
            source = sequence_source(values[:, None], starts, np.full(300, 12))
            states = np.linspace(-1, 1, 300 * network.state_width).reshape(300, -1)
            return network.predict(source, starts, states=states), states
        source = forecast_source(values, 12, 4, 0.1)
        if kind == "loss":
            return 0, network.mean_loss(source, starts, "squared_error")
        return network.predict(source, starts), 0

    whole = run()
    call, calls = Kernel.__call__, []
    monkeypatch.setattr("tsrnn.kernels.cpu.trainer.MAX_UNIT_STEPS", 1)
    monkeypatch.setattr(Kernel, "__call__", lambda *args: calls.append(args) or call(*args))
    pieces = run()
    assert len(calls) > 5
    np.testing.assert_array_equal(whole[0], pieces[0])
    np.testing.assert_allclose(whole[1], pieces[1], rtol=1e-12)


def test_a_switched_off_compiler_is_named(monkeypatch):
    network = pickle.loads(pickle.dumps(random_network()))
    source = forecast_source(random_values(40), 12, 4, 0.1)
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    for use in (random_network, lambda: network.predict(source, np.arange(3))):
        with pytest.raises(RuntimeError, match=r"NUMBA_DISABLE_JIT=1 .* Unset it"):
            use()


@pytest.mark.parametrize("sizes", [(0, 1), (0, 0), (1, 0), (0, 20, 1), (20, 0, 40)])
def test_models_without_windows(sizes):
    networks = [random_network(seed=k) for k in range(len(sizes))]
    source = forecast_source(random_values(), 12, 4, 0.0)
    windows = [np.arange(size) for size in sizes]
    parameters = np.stack([network.parameters for network in networks])
    loss = "absolute_error", ()
    sums = evaluate_models(networks[0], parameters, source, windows, loss, 1)
    outputs = predict_models(networks[0], parameters, source, windows, 1)
    for k, row in enumerate(windows):
        alone = [row] if row.size else []
        expected = np.zeros((1, 2))
        if alone:
            expected = evaluate_models(networks[0], parameters[[k]], source, alone, loss, 1)
            predicted = predict_models(networks[0], parameters[[k]], source, alone, 1)
            np.testing.assert_array_equal(outputs[k], predicted[0])
        np.testing.assert_array_equal(sums[k], expected[0])
        assert len(outputs[k]) == row.size


def test_models_without_windows_are_left_out(monkeypatch):
    """What is in working memory must not matter: it told when the rows of no window begin."""

    class Dirty:
        empty = staticmethod(lambda shape, dtype: np.full(shape, -(2**40), dtype))

        def __getattr__(self, name):
            return getattr(np, name)

    network = random_network(n_in=1, n_hidden=4, n_out=3)
    source = forecast_source(random_values(60), 12, 1, 0.1)
    weights = np.stack([network.parameters] * 3)
    windows = [np.arange(0), np.arange(40), np.arange(2)]
    wanted = predict_models(network, weights[1:2], source, windows[1:2], 1)[0]
    monkeypatch.setattr("tsrnn.kernels.cpu.trainer.np", Dirty())
    outputs = predict_models(network, weights, source, windows, 1)
    assert [len(output) for output in outputs] == [0, 40, 2]
    np.testing.assert_array_equal(outputs[1], wanted)
    np.testing.assert_array_equal(outputs[2], wanted[:2])
    sums = evaluate_models(network, weights, source, windows, ("absolute_error", ()), 1)
    assert (sums[0] == 0).all()
