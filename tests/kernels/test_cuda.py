"""What only the GPU's kernels have; what targets share is in test_cpu.py."""

import importlib.util
import pickle

import numba
import numpy as np
import pytest
from conftest import gradient_of, random_network, random_values

from tsrnn.kernels.cuda import blocks, device, pool, run, trainer
from tsrnn.kernels.sources import forecast_source
from tsrnn.kernels.targets import claim
from tsrnn.network.runs import predict_models
from tsrnn.training import Settings, train, train_many

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cuda")]

LOOKBACK, HORIZON, SEASON = 6, 3, 4
VALUES = random_values(120)
SOURCE = forecast_source(VALUES, LOOKBACK, SEASON, 0.1)


def settings(**options):
    return Settings(**{"max_iter": 2, "batch_size": 8, "device": "cuda"} | options)


def networks(n, cell="lstm", **shape):
    return [random_network(cell, n_hidden=3, n_out=HORIZON, seed=k, **shape) for k in range(n)]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_many_models_in_one_launch(cell, monkeypatch):
    """Each as on the CPU, one block for all of its minibatches; a block trains several models."""
    monkeypatch.setattr(run, "MAX_WORKERS", 2)
    windows = [np.arange(k, k + 5 + 6 * k) for k in range(3)]  # some have fewer minibatches
    none = [np.empty(0, int)] * 3
    trained, histories = {}, {}
    for where in ("cpu", "cuda"):
        trained[where] = networks(3, cell)
        histories[where] = train_many(
            trained[where],
            SOURCE,
            windows,
            none,
            [settings(dropout=0.2, recurrent_dropout=0.2, averaging=0.5, device=where)] * 3,
            [np.random.default_rng(k) for k in range(3)],
        )
    for here, there in zip(trained["cpu"], trained["cuda"], strict=True):
        np.testing.assert_allclose(there.parameters, here.parameters, rtol=1e-9, atol=1e-12)
    for here, there in zip(histories["cpu"], histories["cuda"], strict=True):
        np.testing.assert_allclose(there.loss_curve, here.loss_curve, rtol=1e-10)


def test_models_of_many_chunks_and_some_that_end_early():
    """A minibatch of more rows than a chunk; models that stop do not change the others."""
    windows = [np.arange(60), np.arange(20, 100)]
    validation = [np.arange(100, 105), np.empty(0, int)]
    curves = {}
    for where in ("cpu", "cuda"):
        each_settings = [
            settings(batch_size=40, device=where, n_iter_no_change=1, tol=10.0),
            settings(batch_size=40, device=where),
        ]
        shapes = networks(2)
        histories = train_many(
            shapes,
            SOURCE,
            windows,
            validation,
            each_settings,
            [np.random.default_rng(k) for k in range(2)],
        )
        curves[where] = [each.loss_curve for each in histories]
        predictions = predict_models(
            shapes[0],
            np.stack([each.parameters for each in shapes]),
            SOURCE,
            [np.arange(3), np.arange(45)],
            "cuda" if where == "cuda" else 1,
        )
        curves[where] += [each.ravel() for each in predictions]
    assert len(curves["cpu"][0]) == 1 < len(curves["cpu"][1])
    for here, there in zip(curves["cpu"], curves["cuda"], strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-9, atol=1e-12)


# Rows of a chunk, and whether all weights fit on chip.
@pytest.mark.parametrize(
    ("cell", "n_units", "rows", "plenty"),
    [
        ("lstm", 1, 8, True),
        ("lstm", 2, 8, True),
        ("lstm", 1, 4, False),
        ("lstm", 2, 32, False),
        ("gru", 2, 4, False),
        ("rnn", 1, 16, False),
    ],
)
def test_every_tile_config_of_a_block(cell, n_units, rows, plenty, monkeypatch):
    network = random_network(cell, n_in=2, n_hidden=18, n_out=HORIZON)
    windows = np.arange(9)
    expected, slopes = gradient_of(network, SOURCE, windows)
    tile_config = blocks.TileConfig(rows, n_units, 4)
    monkeypatch.setattr(run, "rows_of_a_chunk", lambda *args: rows)
    monkeypatch.setattr(run, "tile_config_of", lambda *args: tile_config)
    least, wanted = blocks.shared_values(network.sizes(1), tile_config)
    monkeypatch.setattr(device, "max_shared_bytes", lambda: 8 * (wanted if plenty else least))
    loss, gradient = gradient_of(network, SOURCE, windows, workers="cuda")
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-9, atol=1e-12)


def test_training_continues_and_validates_as_on_the_cpu():
    """Moments are stored and continued; validation; rates of a later block of minibatches."""
    from tsrnn.training import Moments

    results = {}
    for where in ("cpu", "cuda"):
        network = random_network(n_hidden=3, n_out=HORIZON)
        moments = Moments(network)
        for part in range(2):
            history = train(
                network,
                SOURCE,
                np.arange(50),
                np.arange(80, 90),
                settings(batch_size=16, max_iter=3, device=where),
                np.random.default_rng(part),
                moments=moments,
            )
        results[where] = network.parameters, moments.values, history.validation_curve
    for here, there in zip(results["cpu"], results["cuda"], strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-8, atol=1e-11)


def test_a_prediction_in_pieces_is_the_same(monkeypatch):
    network, windows = random_network(n_out=HORIZON), np.arange(100)
    whole = network.predict(SOURCE, windows, "cuda")
    monkeypatch.setattr(trainer, "MAX_UNIT_STEPS", 1)
    np.testing.assert_array_equal(network.predict(SOURCE, windows, "cuda"), whole)


@pytest.mark.parametrize(
    ("n_windows", "n_models", "rows"),
    [
        (1, 1, 4),
        (64, 1, 4),
        (512, 1, 4),
        (1024, 1, 8),
        (4096, 1, 32),
        (10**6, 1, 32),
        (3, 9, 4),
        (20, 9, 32),
        (192, 4096, 32),
    ],
)
def test_rows_of_a_chunk(n_windows, n_models, rows):
    assert run.rows_of_a_chunk(n_windows, n_models) == rows


def test_a_batch_too_large_for_the_memory(monkeypatch):
    """The error names a batch size that would fit, and it does."""
    network = random_network(n_hidden=3, n_out=HORIZON)
    monkeypatch.setattr(device, "free_bytes", lambda: 150_000)

    def fit(batch_size):
        none = np.empty(0, int)
        windows = np.arange(100)
        return train(
            network,
            SOURCE,
            windows,
            none,
            settings(batch_size=batch_size, max_iter=1),
            np.random.default_rng(0),
        )

    with pytest.raises(MemoryError, match=r"batch_size=\d+ would fit") as error:
        fit(100)
    fitting = int(str(error.value).partition("batch_size=")[2].split()[0])
    assert fitting >= 16
    assert fit(fitting).loss_curve
    monkeypatch.setattr(device, "free_bytes", lambda: 1000)
    with pytest.raises(MemoryError, match="fewer series or units, or device='cpu'"):
        fit(100)


def test_many_models_take_turns_where_memory_is_short(monkeypatch):
    """Fewer blocks train more models each."""
    plans, make = [], run.Plan
    monkeypatch.setattr(run, "Plan", lambda *args: plans.append(make(*args)) or plans[-1])
    windows, none = [np.arange(9)] * 3, [np.empty(0, int)] * 3
    results = {}
    for free in (10**9, 70_000):
        monkeypatch.setattr(device, "free_bytes", lambda free=free: free)
        results[free] = networks(3)
        train_many(
            results[free],
            SOURCE,
            windows,
            none,
            [settings(max_iter=1)] * 3,
            [np.random.default_rng(k) for k in range(3)],
        )
    assert [plans[0].n_workers, plans[-1].n_workers] == [3, 2]
    for one, other in zip(*results.values(), strict=True):
        np.testing.assert_array_equal(one.parameters, other.parameters)


@pytest.mark.parametrize("carried", [False, True])
def test_a_prediction_too_large_for_the_memory_is_done_in_halves(carried, monkeypatch):
    network, windows = random_network(n_hidden=3, n_out=HORIZON), np.arange(60)
    initial = np.linspace(-1, 1, 60 * network.state_width).reshape(60, -1)
    whole, halves = ([initial.copy()] if carried else [] for _ in range(2))
    expected = network.predict(SOURCE, windows, "cuda", *whole)
    plans, make = [], run.Plan
    monkeypatch.setattr(run, "Plan", lambda *args: plans.append(args) or make(*args))
    monkeypatch.setattr(device, "free_bytes", lambda: 30_000)
    pool.clear()
    run.prediction_plan.cache_clear()
    np.testing.assert_array_equal(network.predict(SOURCE, windows, "cuda", *halves), expected)
    assert len(plans) >= 2  # of the whole and of a half
    np.testing.assert_array_equal(halves, whole)
    pool.clear()
    monkeypatch.setattr(device, "free_bytes", lambda: 100)
    with pytest.raises(MemoryError, match="fewer series or units, or device='cpu'"):
        network.predict(SOURCE, windows, "cuda")


def test_more_units_than_a_block_holds(monkeypatch):
    monkeypatch.setattr(device, "max_shared_bytes", lambda: 3000)
    network = random_network(n_hidden=60, n_out=HORIZON)
    with pytest.raises(ValueError, match=r"hidden_size=60 .* shared memory"):
        network.predict(SOURCE, np.arange(3), "cuda")


def test_without_a_gpu_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(numba.config, "ENABLE_CUDASIM", 0)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "numba_cuda" else find(name)
    )
    with pytest.raises(RuntimeError, match=r"tsrnn\[cuda12\].*device='cpu'"), claim("cuda", None):
        pass
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr("numba.cuda.is_available", lambda: False)
    with pytest.raises(RuntimeError, match=r"no NVIDIA GPU.*nvidia-smi"), claim("cuda", None):
        pass


@pytest.mark.parametrize(
    ("failing", "simulated"),
    [("numba.cuda", 0), ("numba.cuda", 1), ("numba.cuda.np.arrayobj", 0)],
)
def test_where_numba_cuda_cannot_be_imported_a_line_says_what_to_install(
    failing, simulated, monkeypatch
):
    """As with NumPy 2.5 and numba-cuda 0.30, which fails only when it compiles."""

    def import_module(name):
        if name == failing:
            raise AttributeError("module 'numpy' has no attribute 'row_stack'")
        return numba.cuda

    monkeypatch.setattr(numba.config, "ENABLE_CUDASIM", simulated)
    monkeypatch.setattr(np, "__version__", "2.5.1")
    monkeypatch.setattr(device, "_NUMPY_IS_TOO_NEW", True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(importlib, "import_module", import_module)
    expected = r"NumPy 2.5.1 .*row_stack.*'numpy<2\.5'.*device='cpu'"
    with pytest.raises(RuntimeError, match=expected) as error, claim("cuda", None):
        pass
    assert "\n" not in str(error.value)


def test_networks_hold_no_gpu_memory():
    network = random_network(n_hidden=3, n_out=HORIZON)
    train(
        network,
        SOURCE,
        np.arange(9),
        np.empty(0, int),
        settings(max_iter=1),
        np.random.default_rng(0),
    )
    again = pickle.loads(pickle.dumps(network))
    assert type(network.parameters) is np.ndarray
    np.testing.assert_array_equal(
        again.predict(SOURCE, np.arange(9)), network.predict(SOURCE, np.arange(9))
    )
