"""The drivers against plain loops, central differences and PyTorch, on every target and dtype."""

import naive
import numpy as np
import pytest
from conftest import random_network, random_values

from tsrnn.kernels import cells
from tsrnn.kernels.cpu import workspace_size

LOOKBACK, HORIZON, SEASON = 12, 3, 4
STARTS = np.array([0, 40, 7, 100, 13, 181, 99, 3, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65])
LOSSES = ["absolute_error", "squared_error"]
# Every cell with one loss and one cell with every loss: drivers know neither by name.
PAIRS = [("lstm", "absolute_error"), *((cell, "squared_error") for cell in cells.NAMES)]


def gradient_of(network, values, loss, n_tasks, starts=STARTS):
    """Mean loss and its gradient, by one training step at rate 0."""
    parameters = network.parameters.copy()
    _, gradients, losses = step(network, values, loss, n_tasks, [0.0], starts)
    np.testing.assert_array_equal(network.parameters, parameters)
    return losses[0], gradients[0]


def step(network, values, loss, n_tasks, rates, starts=STARTS, n_batch=None):
    n_batch = n_batch or starts.size
    dtype = network.parameters.dtype
    sizes = network.sizes(LOOKBACK // network.n_in, n_batch)
    n_chunks = -(-n_batch // sizes.n_rows)
    # What is in working memory must not matter.
    work = np.full((n_tasks, workspace_size(sizes, True)), np.nan, dtype)
    moments = np.zeros((2, network.parameters.size), dtype)
    gradients = np.full((n_chunks, network.parameters.size), np.nan, dtype)
    losses = np.empty(len(rates))
    network.drivers(loss).train(
        n_tasks, network.parameters, moments, gradients, np.empty(n_chunks), work,
        (values, LOOKBACK, SEASON, 0.0), starts, n_batch, sizes,
        1, np.array(rates), (0.9, 0.999, 1e-8, 1.0), losses,
    )  # fmt: skip
    return moments, gradients, losses


def test_every_cell_has_its_naive_twin():
    assert set(naive.CELLS) == set(cells.NAMES)


@pytest.mark.parametrize("n_in", [1, 4])
@pytest.mark.parametrize(("cell", "loss"), PAIRS)
def test_loss_and_forecasts_against_naive(n_in, cell, loss, n_tasks, dtype, tolerance):
    values = random_values()
    network = random_network(cell, n_in=n_in, n_out=HORIZON, dtype=dtype)
    arguments = (values, STARTS, LOOKBACK, HORIZON, SEASON, loss, n_in)
    expected = naive.mean_loss(cell, network.views(), *arguments)
    data = (values, LOOKBACK, SEASON, 0.0)
    errors, mean_loss = network.errors(data, STARTS, loss, n_tasks)
    assert mean_loss == pytest.approx(expected, rel=tolerance)
    loss_of_step, _ = gradient_of(network, values, loss, n_tasks)
    assert loss_of_step == pytest.approx(expected, rel=tolerance)
    assert errors.shape == (STARTS.size, HORIZON)
    forecasts = network.predict(data, STARTS, loss, n_tasks)
    for row, start in enumerate(STARTS):
        exact = naive.forecast(
            cell, network.views(), values, start, LOOKBACK, HORIZON, SEASON, n_in
        )
        np.testing.assert_allclose(forecasts[row], exact, rtol=tolerance)


@pytest.mark.parametrize("n_in", [1, 4])
@pytest.mark.parametrize(("cell", "loss"), PAIRS)
def test_gradient_against_central_differences(n_in, cell, loss, n_tasks):
    values = random_values()
    network = random_network(cell, n_in=n_in, n_hidden=3, n_out=HORIZON)
    _, gradient = gradient_of(network, values, loss, n_tasks)
    numeric = np.empty_like(gradient)
    arguments = (values, STARTS, LOOKBACK, HORIZON, SEASON, loss, n_in)
    for k in range(gradient.size):
        sides = []
        for e in (1e-6, -1e-6):
            moved = network.parameters.copy()
            moved[k] += e
            sides.append(naive.mean_loss(cell, network.views(moved), *arguments))
        numeric[k] = (sides[0] - sides[1]) / 2e-6
    used = network.used()
    np.testing.assert_allclose(gradient[used], numeric[used], rtol=1e-6, atol=1e-8)
    assert np.abs(gradient[used]).min() > 0 or cell == "rnn_relu"  # whose units may be dead
    np.testing.assert_array_equal(gradient[~used], 0)


@pytest.mark.parametrize(("cell", "loss"), PAIRS)
def test_float32_gradient_is_the_float64_one(cell, loss, n_tasks):
    values = random_values()
    exact = gradient_of(random_network(cell), values, loss, n_tasks)[1]
    single = gradient_of(random_network(cell, dtype="float32"), values, loss, n_tasks)[1]
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=1e-3, atol=1e-5)


def test_training_steps_against_naive_adam(n_tasks):
    """Several minibatches in one call, the last one short: gradients, clipping, moments, rates."""
    values = random_values()
    network, expected = random_network(n_out=HORIZON), random_network(n_out=HORIZON)
    network.parameters *= 2  # errors large enough to be clipped
    expected.parameters *= 2
    rates = [0.01, 0.03, 0.02]
    start_parameters = expected.parameters.copy()
    gradients = []
    for t in range(3):
        batch = STARTS[t * 8 : (t + 1) * 8]
        _, gradient = gradient_of(expected, values, "squared_error", n_tasks, batch)
        gradients.append(gradient.copy())
        expected.parameters[:] = naive.adam(start_parameters, gradients, rates[: t + 1])
    assert any(np.linalg.norm(g) > 1 for g in gradients)
    step(network, values, "squared_error", n_tasks, rates, n_batch=8)
    np.testing.assert_allclose(network.parameters, expected.parameters, rtol=1e-9)


@pytest.mark.parametrize("n_windows", [1, 5, 16, 17, 40])
@pytest.mark.parametrize(("cell", "loss"), PAIRS)
def test_same_bits_serial_and_parallel(n_windows, cell, loss):
    values, starts = random_values(), np.arange(n_windows) * 3
    results = []
    for n_tasks in (1, 2, 3):
        network = random_network(cell, n_hidden=13, n_out=HORIZON, dtype="float32")
        _, _, losses = step(
            network, values, loss, n_tasks, [0.01] * 2, np.tile(starts, 2), n_windows
        )
        data = (values, LOOKBACK, SEASON, 0.0)
        results.append((network.parameters, losses, network.predict(data, starts, loss, n_tasks)))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


# Our blocks in the order of PyTorch's, with the names that its two biases have in the network.
IN_PYTORCH = {
    "lstm": ("LSTM", {}, [0, 1, 2, 3], [0, 1, 2, 3]),
    "gru": ("GRU", {}, [0, 1, 2], [0, 1, 3]),
    "rnn": ("RNN", {}, [0], [0]),
    "rnn_relu": ("RNN", {"nonlinearity": "relu"}, [0], [0]),
}


@pytest.mark.parametrize("cell", IN_PYTORCH)
def test_against_pytorch(cell, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch, the second oracle, is not installed")
    values = random_values()
    network = random_network(cell, n_in=2, n_hidden=6, n_out=HORIZON, dtype=dtype)
    views, kind = network.views(), getattr(torch, dtype)
    name, options, hidden_blocks, input_blocks = IN_PYTORCH[cell]
    layer = getattr(torch.nn, name)(2, 6, batch_first=True, dtype=kind, **options)
    head = torch.nn.Linear(6, HORIZON, dtype=kind)
    twins = [
        (layer.weight_hh_l0, "weight_hidden", hidden_blocks),
        (layer.weight_ih_l0, "weight_input", input_blocks),
        (layer.bias_ih_l0, "bias", input_blocks),
        (head.weight, "head_weight", slice(None)),
        (head.bias, "head_bias", slice(None)),
    ]
    if cell == "gru":  # only the new content's two biases differ
        twins.append((layer.bias_hh_l0, "bias", hidden_blocks))
    with torch.no_grad():
        layer.bias_hh_l0.zero_()
        for tensor, view, blocks in twins:
            tensor.copy_(torch.tensor(views[view][blocks].reshape(tensor.shape)))
        if cell == "gru":
            layer.bias_hh_l0[:12] = 0
    windows = [naive.window(values, s, LOOKBACK, HORIZON, SEASON, 2)[:2] for s in STARTS]
    inputs, targets = (
        torch.tensor(np.array(part), dtype=kind) for part in zip(*windows, strict=True)
    )
    loss = ((head(layer(inputs)[0][:, -1]) - targets) ** 2).mean()
    loss.backward()
    ours, gradient = gradient_of(network, values, "squared_error", 1)
    assert ours == pytest.approx(loss.item(), rel=1e-5)
    tolerance = {"rtol": 2e-4, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-9}
    for tensor, view, blocks in twins:
        found = network.views(gradient)[view][blocks].reshape(tensor.shape)
        np.testing.assert_allclose(found, tensor.grad.numpy(), err_msg=view, **tolerance)
