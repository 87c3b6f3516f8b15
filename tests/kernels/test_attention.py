"""The Transformer's layers against plain loops, central differences and PyTorch, in every dtype."""

import naive
import numpy as np
import pytest
from conftest import gradient_of, random_network, random_values, training_steps
from kernels.test_cpu import ATTENDING, Case, numeric_slopes_of, seed_of_the_first_step
from kernels.test_cpu import assert_slopes as assert_same_slopes

from tsrnn.kernels.sources import forecast_source, sequence_source
from tsrnn.network import Memory, Transformer
from tsrnn.training import Settings, train

pytestmark = pytest.mark.slow

CASES = [(shape, "ragged", "quiet") for shape in ATTENDING] + [
    ("two layers", "whole", "quiet"),
    ("two layers", "missing", "quiet"),
    ("two layers every", "told", "quiet"),
    ("two layers every", "missing", "quiet"),
    ("two layers", "ragged", "dropout"),
]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("shape", "data", "noise"), CASES)
def test_outputs_loss_and_gradient(shape, data, noise, workers):
    """Outputs and loss are the slow twin's, the gradient its central differences."""
    case = Case("attention", shape, data, noise)
    views = case.network.views()
    out = case.network.predict(case.source, case.order, workers)
    for window in case.order:
        expected = case.answers(views, window)
        found = out[window].reshape(-1, case.network.n_out)
        if case.every:
            ends = case.sequence(window)[1]
            last = case.firsts[window] + case.lengths[window] - 1
            found = found[case.n_time - 1 - (last - ends) // case.segment]
            expected = expected.reshape(found.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    loss, gradient = case.gradient(workers)
    expected = case.mean_loss(views, seed_of_the_first_step())
    assert loss == pytest.approx(expected, rel=1e-10)
    assert_same_slopes(
        gradient, *numeric_slopes_of("attention", shape, data, noise, "squared_error")
    )


@pytest.mark.parametrize("shape", ["one layer", "two layers every"])
def test_each_parameter_by_itself(shape):
    case = Case("attention", shape, "ragged", "quiet", n=6)
    network, e = case.network, 1e-6
    _, gradient = case.gradient()
    slopes = [
        (
            case.mean_loss(network.views(network.parameters + e * step))
            - case.mean_loss(network.views(network.parameters - e * step))
        )
        / (2 * e)
        for step in np.eye(network.parameters.size)
    ]
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8 * scale)
    for name, view in network.views(gradient).items():
        if not name.startswith("key_bias"):  # added to all scores alike it says nothing
            assert np.abs(view).max() > 1e-6 * scale, name


def test_float32_is_float64_to_rounding():
    exact = Case("attention", "two layers every", "missing", "dropout").gradient()
    single = Case("attention", "two layers every", "missing", "dropout", dtype="float32").gradient()
    assert single[1].dtype == np.float32
    assert single[0] == pytest.approx(exact[0], rel=1e-5)
    np.testing.assert_allclose(single[1], exact[1], rtol=2e-3, atol=2e-5 * np.abs(exact[1]).max())


@pytest.mark.parametrize("head", ["last", "ahead"])
def test_forecasting_with_a_known_future(head):
    values, lookback, season = random_values(), 12, 4
    table = np.column_stack([values, np.random.default_rng(1).normal(size=len(values))])
    ahead = 6 if head == "ahead" else 0
    source = forecast_source(table, lookback, season, 0.0, ahead=ahead, n_known=1 if ahead else 0)
    n_in, n_out = (8, 2) if ahead else (2, 3)
    horizons = {"head": "ahead", "n_horizons": 3} if ahead else {}
    network = random_network("attention", n_in, 4, n_out, n_heads=2, n_layers=2, seed=1, **horizons)
    starts = np.arange(40) * 4
    said = network.predict(source, starts)
    if head == "last":
        for row, start in enumerate(starts):
            x, _, _, _ = naive.window(values, start, lookback, 3, season)
            x = np.column_stack([x, table[start : start + lookback, 1]])
            expected = naive.transformer(network.views(), x, {"head": "last", "n_heads": 2})
            np.testing.assert_allclose(said[row], expected[0], rtol=1e-9, atol=1e-12)
        return
    for row, start in enumerate(starts[:-2]):
        x, _ = naive.window_with_covariates(values, table[:, 1:], start, lookback, 6, season, 1, 2)
        shape = {"head": "ahead", "n_horizons": 3, "n_heads": 2}
        expected = naive.transformer(network.views(), x, shape).ravel()
        np.testing.assert_allclose(said[row], expected, rtol=1e-9, atol=1e-12)


def test_same_bits_serial_and_parallel():
    values, starts = random_values(), np.arange(40) * 3
    source = forecast_source(values, 12, 4, 0.0)
    settings = Settings(loss="squared_error", dropout=0.2)
    results = []
    for workers in (1, 2, 3):
        network = random_network("attention", 1, 12, 3, "float32", n_heads=3, n_layers=2)
        _, _, losses = training_steps(
            network, source, np.tile(starts, 2), settings, workers, [0.01] * 2, n_batch=40
        )
        results.append((network.parameters, losses, network.predict(source, starts, workers)))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_what_stands_beside_a_row_is_not_seen():
    """Nor how long the longest sequence is: positions count from the end."""
    rng = np.random.default_rng(0)
    values, network = rng.normal(size=(60, 2)), random_network("attention", 2, 8, 1, n_heads=2)
    firsts, lengths = np.array([0, 20, 23]), np.array([20, 3, 37])
    both = network.predict(sequence_source(values, firsts, lengths), np.arange(3))
    for row in range(3):
        alone = sequence_source(values, firsts[row : row + 1], lengths[row : row + 1])
        np.testing.assert_allclose(network.predict(alone, np.arange(1))[0], both[row], rtol=1e-12)


def test_nothing_later_is_read():
    rng = np.random.default_rng(0)
    network = random_network("attention", 1, 8, 1, n_heads=2, n_layers=2, head="every")
    values = rng.normal(size=(9, 1))
    changed = values.copy()
    changed[6:] = 5
    said, other = (
        network.predict(sequence_source(v, [0], [9], np.zeros((9, 1))), np.arange(1))[0]
        for v in (values, changed)
    )
    np.testing.assert_array_equal(said[:6], other[:6])
    assert (said[6:] != other[6:]).all()


def test_pytorch_agrees(dtype):
    """Its TransformerEncoderLayer, which norms first, with gains of one: outputs and gradients."""
    torch = pytest.importorskip("torch", reason="PyTorch, the second oracle, is not installed")
    kind, n, n_heads, n_layers = getattr(torch, dtype), 8, 2, 2
    network = random_network("attention", 3, n, 2, dtype, n_heads=n_heads, n_layers=n_layers)
    rng, n_time, n_rows = np.random.default_rng(4), 7, 20
    x, y = rng.normal(size=(n_rows, n_time, 3)), rng.normal(size=(n_rows, 2))
    views, twins = network.views(), []
    embedding, head = torch.nn.Linear(3, n, dtype=kind), torch.nn.Linear(n, 2, dtype=kind)
    twins += [(embedding.weight, ["embedding_weight"]), (embedding.bias, ["embedding_bias"])]
    twins += [(head.weight, ["head_weight"]), (head.bias, ["head_bias"])]
    layers = [
        torch.nn.TransformerEncoderLayer(
            n, n_heads, 4 * n, dropout=0.0, batch_first=True, norm_first=True, dtype=kind
        )
        for _ in range(n_layers)
    ]
    for k, layer in enumerate(layers):
        for kind_of in ("weight", "bias"):
            asks = [f"{name}_{kind_of}_l{k}" for name in ("query", "key", "value")]
            twins += [
                (getattr(layer.self_attn, f"in_proj_{kind_of}"), asks),
                (getattr(layer.self_attn.out_proj, kind_of), [f"read_{kind_of}_l{k}"]),
                (getattr(layer.linear1, kind_of), [f"expand_{kind_of}_l{k}"]),
                (getattr(layer.linear2, kind_of), [f"contract_{kind_of}_l{k}"]),
            ]
    with torch.no_grad():
        for tensor, names in twins:
            tensor.copy_(torch.tensor(np.concatenate([views[name] for name in names])))
    lag, unit = np.arange(n_time)[::-1, None], np.arange(n)
    angle = lag / 10000 ** (unit // 2 * 2 / n)
    stream = embedding(torch.tensor(x, dtype=kind))
    stream = stream + torch.tensor(np.where(unit % 2, np.cos(angle), np.sin(angle)), dtype=kind)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(n_time, dtype=kind)
    for layer in layers:
        stream = layer(stream, src_mask=mask, is_causal=True)
    said = head(torch.nn.functional.layer_norm(stream[:, -1], (n,)))
    loss = ((said - torch.tensor(y, dtype=kind)) ** 2).mean()
    loss.backward()
    firsts, lengths = np.arange(n_rows) * n_time, np.full(n_rows, n_time)
    source = sequence_source(x.reshape(-1, 3).astype(dtype), firsts, lengths, y.astype(dtype))
    tolerance = (
        {"rtol": 1e-3, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-8, "atol": 1e-10}
    )
    np.testing.assert_allclose(
        network.predict(source, np.arange(n_rows)), said.detach().numpy(), **tolerance
    )
    ours, gradient = gradient_of(network, source, np.arange(n_rows))
    assert ours == pytest.approx(loss.item(), rel=1e-4 if dtype == "float32" else 1e-10)
    found = network.views(gradient)
    for tensor, names in twins:
        wanted = tensor.grad.numpy()
        gradient_found = np.concatenate([found[name] for name in names])
        np.testing.assert_allclose(gradient_found, wanted, err_msg=str(names), **tolerance)


def test_there_is_no_state_to_carry():
    network = Transformer(1, 8, 1).initialise(np.random.default_rng(0))
    assert network.state_width == 0
    with pytest.raises(ValueError, match="Transformer has no state"):
        Memory(network)
    source = sequence_source(np.zeros((8, 1)), np.arange(4) * 2, np.full(4, 2), np.zeros((4, 1)))
    streams, none = np.arange(4).reshape(2, 2), np.arange(0)
    with pytest.raises(ValueError, match="Transformer has no state"):
        train(network, source, streams, none, Settings(), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_heads": 3}, "hidden_size=8 is no multiple of n_heads=3"),
        ({"head": "horizons"}, "steps of a recurrence"),
    ],
)
def test_shapes_that_can_not_be(options, words):
    with pytest.raises(ValueError, match=words):
        Transformer(1, 8, 1, **options)
