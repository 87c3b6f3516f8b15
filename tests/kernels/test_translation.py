"""Encoder-decoders against plain loops, central differences and PyTorch."""

import dataclasses

import naive
import numpy as np
import pytest
from conftest import numeric_slopes

from tsrnn.kernels.sources import INDICATE, SKIP, sequence_source
from tsrnn.kernels.translation.cross_arrays import KINDS
from tsrnn.network import EncoderDecoder, PairSource, StepDecoder
from tsrnn.training import Settings, train

pytestmark = pytest.mark.slow

# Each kind of attention, and the cell that it is tested with.
CELLS = {None: "gru", "dot": "rnn", "general": "gru", "additive": "lstm"}
ATTENTION = [None, *KINDS]
SHAPES = {
    "plain": {},
    "layers": {"n_layers": 2, "residual": True},
    "one direction": {"bidirectional": False, "n_layers": 2},
    "tied": {"tied": True},
    "tied layers": {"tied": True, "n_layers": 2, "bidirectional": False, "residual": True},
}
# Whether tokens or numbers are read; of these, how missing values are treated.
DATA = {"tokens": None, "skip": SKIP, "tell": INDICATE}
NOISE = {"quiet": (0.0, 0.0), "dropout": (0.4, 0.0), "recurrent": (0.3, 0.3)}
CASES = [(kind, shape, "tokens", "quiet") for kind in ATTENTION for shape in SHAPES] + [
    ("general", "layers", "tokens", "dropout"),
    ("additive", "tied", "tokens", "recurrent"),
    (None, "one direction", "tokens", "recurrent"),
    ("dot", "plain", "skip", "quiet"),
    ("additive", "layers", "skip", "dropout"),
    ("general", "one direction", "tell", "quiet"),
    ("additive", "layers", "tokens", "recurrent"),
    ("additive", "tied layers", "skip", "quiet"),
]
N_READ, N_WRITTEN = 9, 7  # tokens


def random_pair(cell="gru", attention="dot", dtype="float64", n_in=0, n_hidden=6, **shape):
    """An encoder-decoder whose weights are all away from zero."""
    tokens = {} if n_in else {"n_tokens": N_READ, "n_embedding": 4}
    network = EncoderDecoder(
        cell, n_in, n_hidden, N_WRITTEN, dtype, n_out_embedding=3, attention=attention,
        **tokens, **shape,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    network.initialise(rng)
    used = network.used()
    network.parameters[used] += rng.normal(scale=0.3, size=np.count_nonzero(used))
    return network


class Case:
    """A network and pairs of sequences, and the same for the slow twin."""

    def __init__(self, attention, shape, data, noise, dtype="float64", n=18, cell=None):
        self.cell, self.attention, self.missing = cell or CELLS[attention], attention, DATA[data]
        self.shape = {"bidirectional": True, "residual": False} | SHAPES[shape]
        self.shape["tokens"] = data == "tokens"
        self.dropout, self.recurrent = NOISE[noise]
        rng = np.random.default_rng(3)
        self.lengths = rng.integers(1, 7, n), rng.integers(1, 6, n)
        self.firsts = [np.cumsum(lengths) - lengths for lengths in self.lengths]
        n_read, n_written = (lengths.sum() for lengths in self.lengths)
        n_in = 0 if data == "tokens" else 6 if data == "tell" else 2
        self.values = rng.normal(size=(n_read, 2 if n_in else 0)).astype(dtype)
        if n_in:
            self.values[rng.random(self.values.shape) < 0.15] = np.nan
            first = self.firsts[0][2]
            self.values[first : first + self.lengths[0][2]] = np.nan  # nothing else
        self.read = rng.integers(0, N_READ, n_read)
        self.written = rng.integers(0, N_WRITTEN, n_written)
        self.targets = rng.integers(0, N_WRITTEN, n_written).astype(dtype)
        self.targets[rng.random(n_written) < 0.2] = np.nan
        self.weights = rng.uniform(0.5, 2, n)
        self.weights[3] = 0
        self.source = PairSource(
            sequence_source(
                self.values,
                self.firsts[0],
                self.lengths[0],
                tokens=() if n_in else self.read,
                missing=self.missing or SKIP,
            ),
            sequence_source(
                np.empty((n_written, 0), dtype),
                self.firsts[1],
                self.lengths[1],
                self.targets[:, None],
                self.weights,
                tokens=self.written,
            ),
        )
        self.network = random_pair(self.cell, attention, dtype, n_in, **SHAPES[shape])

    @property
    def order(self):
        return np.arange(self.weights.size)

    def rows(self, side, window):
        first = self.firsts[side][window]
        return slice(first, first + self.lengths[side][window])

    def inputs(self, window):
        """What the encoder reads of a window."""
        rows = self.rows(0, window)
        if self.missing is None:
            return self.read[rows]
        values = self.values[rows].astype(float)
        gone = np.isnan(values)
        if self.missing == SKIP:
            return values[~gone.any(axis=1)]
        since = np.column_stack([naive.elapsed(channel) for channel in gone.T])
        return np.hstack([np.where(gone, 0.0, values), 1.0 - gone, since])

    def outputs(self, views, window, seed=None):
        """Outputs of a pair and its attention weights."""
        x, y = self.inputs(window), self.written[self.rows(1, window)]
        longest = [int(lengths.max()) for lengths in self.lengths]
        begins = longest[0] - len(x), longest[1] - len(y)
        noise = (0, 0, 0, 0) if seed is None else (self.dropout, self.recurrent, seed, int(window))
        return naive.encoder_decoder(
            self.cell, views, x, y, self.shape, self.attention, noise, begins
        )

    def mean_loss(self, views, seed=None, params=()):
        said = [self.outputs(views, window, seed)[0] for window in self.order]
        wanted = [self.targets[self.rows(1, window), None] for window in self.order]
        return naive.mean_loss("cross_entropy", said, wanted, self.weights, params)

    def gradient(self, params=()):
        """Mean loss and its gradient, by a training step at rate 0."""
        order, options = self.order, (self.recurrent > 0, False)
        loss = "cross_entropy", params
        trainer = self.network.make_trainer(self.source, loss, (1, order.size), options, 1)
        for values in (trainer._memory[0], trainer._memory[2], trainer._gradients):
            values[:] = np.nan  # what is in working memory must not matter
        settings = Settings(
            loss="cross_entropy",
            max_grad_norm=np.inf,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent,
        )
        rules = np.array([settings.rule(0)], float)
        parameters = self.network.parameters[None].copy()
        moments = np.zeros((1, 3, parameters.size), parameters.dtype)
        rates = np.zeros((1, 1))
        losses = trainer.run(parameters, moments, order[None], rules, np.ones(1, int), rates, None)
        np.testing.assert_array_equal(parameters[0], self.network.parameters)
        loss, weight = losses[0, 0]
        return loss, trainer.gradient / trainer.gradient.dtype.type(weight)


def seed_of_the_first_step():
    return naive.scramble(0) + 1


def numeric_slopes_of(case, shape):
    """Directions (n, n_parameters) and central differences along them, (n,)."""
    used, seed = case.network.used(), seed_of_the_first_step()
    if shape == "plain":
        directions = np.eye(used.size)[used][::9]
    else:
        directions = np.random.default_rng(0).choice([-1.0, 1.0], (4, used.size)) * used
    return directions, numeric_slopes(
        lambda parameters: case.mean_loss(case.network.views(parameters), seed),
        case.network.parameters,
        directions,
    )


def test_every_cell_and_attention_is_tested():
    assert set(CELLS) == set(ATTENTION)
    assert set(CELLS.values()) == set(naive.CELLS) - {"rnn_relu"}


@pytest.mark.parametrize(("attention", "shape", "data", "noise"), CASES)
def test_losses_and_gradient(attention, shape, data, noise):
    """Losses are the slow twin's, the gradient its central differences."""
    case = Case(attention, shape, data, noise)
    network, views = case.network, case.network.views()
    losses = network.step_losses(case.source, case.order)
    for window in case.order:
        outputs, _ = case.outputs(views, window)
        targets = case.targets[case.rows(1, window)]
        known = ~np.isnan(targets)
        expected = np.full(len(outputs), np.nan)
        scores = outputs[known, targets[known].astype(int)]
        expected[known] = np.log(np.exp(outputs).sum(axis=1))[known] - scores
        found = losses[window, losses.shape[1] - len(expected) :]
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    loss = network.mean_loss(case.source, case.order)
    assert loss == pytest.approx(case.mean_loss(views), rel=1e-10)
    loss, gradient = case.gradient()
    assert loss == pytest.approx(case.mean_loss(views, seed_of_the_first_step()), rel=1e-10)
    directions, slopes = numeric_slopes_of(case, shape)
    scale = np.linalg.norm(gradient)
    np.testing.assert_allclose(directions @ gradient, slopes, rtol=1e-6, atol=1e-7 * scale)
    used = network.used()
    np.testing.assert_array_equal(gradient[~used], 0)
    for name, view in network.views(gradient).items():
        assert np.isfinite(view).all(), name
        assert np.abs(view).max() > 1e-6 * scale, name


@pytest.mark.parametrize("attention", ATTENTION)
def test_steps_write_what_losses_say(attention):
    """Log-probabilities to the bit, the attention weights of the slow twin, the best first."""
    case = Case(attention, "layers", "tokens", "quiet")
    losses = case.network.step_losses(case.source, case.order)
    decoder = StepDecoder(case.network, case.source.encoder, np.ones(N_WRITTEN))
    views = case.network.views()
    for window in case.order:
        _, shares = case.outputs(views, window)
        states = decoder.states[:, [window]]
        rows = case.rows(1, window)
        inputs, targets = case.written[rows], case.targets[rows]
        for step, (token, target) in enumerate(zip(inputs, targets, strict=True)):
            best, log_probs, weights = decoder.step(
                np.array([token]), np.array([window]), states, N_WRITTEN
            )
            assert sorted(best[0]) == list(range(N_WRITTEN))
            assert (np.diff(log_probs[0]) <= 0).all()
            assert np.exp(log_probs).sum() == pytest.approx(1, rel=1e-12)
            if not np.isnan(target):
                expected = -losses[window, losses.shape[1] - len(targets) + step]
                assert log_probs[0, best[0] == target] == expected
            if attention is not None:
                assert not weights[0, : decoder.first_steps[window]].any()
                found = weights[0, decoder.first_steps[window] :]
                np.testing.assert_allclose(found, shares[step], rtol=1e-10)


@pytest.mark.parametrize("attention", ATTENTION)
def test_rows_of_a_step_do_not_see_each_other(attention):
    dtype = "float32" if attention in ("general", "additive") else "float64"
    case = Case(attention, "layers", "tokens", "quiet", dtype, n=50)
    source, allowed = case.source.encoder, np.ones(N_WRITTEN)
    allowed[[2, 5]] = 0
    rng = np.random.default_rng(0)
    sequences, tokens = rng.integers(0, 50, 200), rng.integers(0, N_WRITTEN, 200)

    def stepped(source, sequences, tokens, n_tasks):
        decoder = StepDecoder(case.network, source, allowed, n_tasks)
        states = np.ascontiguousarray(decoder.states[:, sequences])
        best, log_probs, weights = decoder.step(tokens, sequences, states, 3)
        return best, log_probs, weights[:, ::-1], states.T

    together = stepped(source, sequences, tokens, 1)
    assert not np.isin(together[0], [2, 5]).any()
    for one, other in zip(together, stepped(source, sequences, tokens, 2), strict=True):
        np.testing.assert_array_equal(one, other)
    for row in (0, 7, 199):
        number = sequences[[row]]
        alone = source._replace(firsts=source.firsts[number], lengths=source.lengths[number])
        for one, other in zip(
            together, stepped(alone, np.zeros(1, int), tokens[[row]], 1), strict=True
        ):
            n = other.shape[1]  # attention weights, of the last steps alone
            np.testing.assert_array_equal(one[row, :n], other[0])


def test_fewer_tokens_than_asked_for():
    case = Case("dot", "plain", "tokens", "quiet")
    allowed = np.zeros(N_WRITTEN)
    allowed[[1, 4]] = 1
    decoder = StepDecoder(case.network, case.source.encoder, allowed)
    none = np.zeros(1, int)
    best, log_probs, _ = decoder.step(none, none, decoder.states[:, [0]], 4)
    assert sorted(best[0, :2]) == [1, 4]
    assert np.isfinite(log_probs[0, :2]).all()
    assert (log_probs[0, 2:] == -np.inf).all()


def test_label_smoothing_is_of_the_training_loss_alone():
    case = Case("dot", "plain", "tokens", "quiet")
    loss, gradient = case.gradient(params=(0.2,))
    views = case.network.views()
    assert loss == pytest.approx(case.mean_loss(views, params=(0.2,)), rel=1e-10)
    directions = np.random.default_rng(0).normal(size=(6, gradient.size)) * case.network.used()
    slopes = numeric_slopes(
        lambda parameters: case.mean_loss(case.network.views(parameters), params=(0.2,)),
        case.network.parameters,
        directions,
    )
    np.testing.assert_allclose(directions @ gradient, slopes, rtol=1e-6)
    sums = case.network.evaluate(
        case.network.parameters[None], case.source, [case.order], ("cross_entropy", (0.2,)), 1
    )
    assert sums[0, 0] / sums[0, 1] == pytest.approx(case.mean_loss(views), rel=1e-10)


@pytest.mark.parametrize("attention", ["additive", "general"])
def test_float32_is_float64_to_rounding(attention):
    exact = Case(attention, "layers", "tokens", "dropout").gradient()
    single = Case(attention, "layers", "tokens", "dropout", "float32").gradient()
    assert single[1].dtype == np.float32
    assert single[0] == pytest.approx(exact[0], rel=1e-5)
    np.testing.assert_allclose(single[1], exact[1], rtol=2e-3, atol=2e-5 * np.abs(exact[1]).max())


@pytest.mark.parametrize("shape", ["layers", "tied"])
def test_any_number_of_threads_gives_the_same_bits(shape, monkeypatch):
    """Training with dropout, clipping and averaged weights, and evaluation."""
    results = []
    settings = Settings(
        loss="cross_entropy",
        loss_params=(0.1,),
        max_iter=2,
        batch_size=40,
        dropout=0.2,
        recurrent_dropout=0.2,
        max_grad_norm=0.1,
        averaging=0.9,
    )
    monkeypatch.setattr("tsrnn.network.encoder_decoder.are_worth_it", lambda *args: True)
    for workers in (1, 2):
        case = Case("general", shape, "tokens", "quiet", "float32", n=100)
        network, settings = case.network, dataclasses.replace(settings, n_jobs=workers)
        history = train(
            network, case.source, case.order[:80], case.order[80:], settings,
            np.random.default_rng(0),
        )  # fmt: skip
        losses = network.step_losses(case.source, case.order, workers)
        results.append((network.parameters, history.loss_curve, history.validation_curve, losses))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_loss_of_a_pair_does_not_depend_on_others():
    case = Case("additive", "layers", "tokens", "quiet", "float32", n=40)
    together = case.network.step_losses(case.source, case.order)
    for window in (0, 17, 39):
        alone = [
            part._replace(firsts=part.firsts[[window]], lengths=part.lengths[[window]], weights=one)
            for part, one in zip(case.source, (np.empty(0), np.ones(1)), strict=True)
        ]
        found = case.network.step_losses(PairSource(*alone), np.zeros(1, int))[0]
        np.testing.assert_array_equal(found, together[window, -found.size :])


def test_minibatches_have_like_lengths_together():
    case = Case("dot", "plain", "tokens", "quiet", n=100)
    drawn = np.random.default_rng(0).permutation(100)
    arranged = case.network.arrange(case.source, drawn, 40)
    lengths = sum(case.lengths)
    for first in range(0, 100, 40):
        part = arranged[first : first + 40]
        assert sorted(part) == sorted(drawn[first : first + 40])
        chunks = [lengths[part[k : k + 16]] for k in range(0, part.size, 16)]
        longest = np.sort([chunk.max() for chunk in chunks])[::-1]
        assert sorted(np.concatenate(chunks))[::-1][::16][: len(longest)] == longest.tolist()


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_pytorch_agrees(cell):
    """A bidirectional encoder and general attention, pair by pair, with label smoothing."""
    torch = pytest.importorskip("torch", reason="PyTorch, the second oracle, is not installed")
    case = Case("general", "plain", "tokens", "quiet", cell=cell)
    network, views, n = case.network, case.network.views(), case.network.decoder.n_hidden
    tensors = {name: torch.tensor(view.copy(), requires_grad=True) for name, view in views.items()}

    def run(prefix, suffix, x, states):
        """Outputs and final states of a direction, by PyTorch's cells."""
        w_h, bias, w_x = (
            tensors[f"{prefix}_{kind}_l0{suffix}"]
            for kind in ("weight_hidden", "bias", "weight_input")
        )
        h, c = states
        outputs = []
        for x_t in x:
            if cell == "lstm":
                h, c = torch._VF.lstm_cell(
                    x_t[None], (h, c), w_x.flatten(0, 1), w_h.flatten(0, 1), bias.flatten()
                )
            else:
                none = torch.zeros_like(bias[0])
                of_h = torch.cat([none, none, bias[2]])
                of_x = torch.cat([bias[0], bias[1], bias[3]])
                kernels = torch.cat([w_x[0], w_x[1], w_x[3]]), torch.cat([w_h[0], w_h[1], w_h[2]])
                h = torch._VF.gru_cell(x_t[None], h, *kernels, of_x, of_h)
            outputs.append(h[0])
        return outputs, (h, c)

    total = weight = 0.0
    for window in case.order:
        x = tensors["encoder_token_embedding"][torch.tensor(case.read[case.rows(0, window)])]
        none = (
            torch.zeros(1, n // 2, dtype=torch.float64),
            torch.zeros(1, n // 2, dtype=torch.float64),
        )
        ahead, end = run("encoder", "", x, none)
        back, other_end = run("encoder", "_reverse", x.flip(0), none)
        e = torch.cat([torch.stack(ahead), torch.stack(back[::-1])], dim=1)
        initial = [
            torch.nn.functional.linear(
                torch.cat([end[part], other_end[part]], dim=1),
                tensors["bridge_weight"][part],
                tensors["bridge_bias"][part],
            )
            for part in range(len(views["bridge_weight"]))
        ]
        states = torch.tanh(initial[0]), initial[-1]
        y = tensors["decoder_token_embedding"][torch.tensor(case.written[case.rows(1, window)])]
        h = torch.stack(run("decoder", "", y, states)[0])
        shares = torch.softmax(h @ tensors["key_weight"] @ e.T, dim=1)
        read = torch.cat([shares @ e, h], dim=1)
        attended = torch.tanh(read @ tensors["combine_weight"].T + tensors["combine_bias"])
        outputs = attended @ tensors["decoder_head_weight"].T + tensors["decoder_head_bias"]
        targets = case.targets[case.rows(1, window)]
        known = ~np.isnan(targets)
        total = total + case.weights[window] * torch.nn.functional.cross_entropy(
            outputs[torch.tensor(known)],
            torch.tensor(targets[known].astype(int)),
            reduction="sum",
            label_smoothing=0.1,
        )
        weight += case.weights[window] * known.sum()
    loss = total / weight
    loss.backward()
    found, gradient = case.gradient(params=(0.1,))
    assert found == pytest.approx(loss.item(), rel=1e-10)
    for name, view in network.views(gradient * network.used()).items():
        wanted = tensors[name].grad.numpy()
        np.testing.assert_allclose(view, wanted, rtol=1e-8, atol=1e-12, err_msg=name)


def test_two_directions_have_half_of_the_units_each():
    with pytest.raises(ValueError, match="5 is odd"):
        EncoderDecoder("gru", 0, 5, 3, n_tokens=3, n_embedding=2, n_out_embedding=2)
