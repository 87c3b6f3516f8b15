"""An epoch of a translator in this library and in PyTorch.

Both begin with the same weights and read the same minibatches in the same order; both clip the
gradient's norm at 1 and use Adam. What dropout leaves out differs. PyTorch packs what both of its
networks read and computes outputs of words alone, not of padding. "PyTorch, pooled" is the same
with minibatches of pairs of like length instead, as BucketIterator made them.
"""

import functools
import time

import numpy as np
from results import Table, at_least, below

from sequence_sections.data import read_pairs
from tsrnn import Tokenizer
from tsrnn.kernels.jit.threads import available_threads
from tsrnn.network import EncoderDecoder, PairSource
from tsrnn.sequences.translation_sides import TokenSource, TokenTarget
from tsrnn.training import Moments, Settings, train

WORDS = {"unit": "word", "lowercase": True, "min_frequency": 2}
# Of RNNTranslator; validation pairs chose it.
SETTING = {
    "cell": "gru",
    "embedding_size": 256,
    "hidden_size": 512,
    "attention": "general",
    "dropout": 0.5,
    "label_smoothing": 0.1,
    "batch_size": 64,
    "max_grad_norm": 1.0,
}
RATE = 1e-3
POOLED = "PyTorch, pooled"
MINIBATCHES = 100  # of a pool


class Task:
    """Pairs of Multi30k as tokens, those of validation last, and the network."""

    def __init__(self, data, dry):
        train_pairs, validation = (read_pairs(data, split, dry) for split in ("train", "val"))
        n, n_validation = len(train_pairs[0]), len(validation[0])
        texts = [train_pairs[k] + validation[k] for k in (0, 1)]
        tokenizers = [
            Tokenizer(**WORDS, begin=begin, end=True).fit(side)
            for begin, side in zip((False, True), texts, strict=True)
        ]
        source, target = TokenSource(tokenizers[0]), TokenTarget(tokenizers[1])
        self.pairs = PairSource(source.read(texts[0]), target.read(texts[1], n + n_validation))
        self.windows, self.validation = np.split(np.arange(n + n_validation), [n])
        self.n_tokens = source.n_tokens, target.n_tokens
        self.n_embedding, self.n_hidden = SETTING["embedding_size"], SETTING["hidden_size"]
        if dry:
            self.n_embedding, self.n_hidden = 4, 8

    def network(self):
        """Our network, with weights that are the same each time."""
        return EncoderDecoder(
            SETTING["cell"],
            0,
            self.n_hidden,
            self.n_tokens[1],
            n_tokens=self.n_tokens[0],
            n_embedding=self.n_embedding,
            n_out_embedding=self.n_embedding,
            attention=SETTING["attention"],
        ).initialise(np.random.default_rng(0))


class Ours:
    """``tsrnn.training.train``, an epoch at a time."""

    def __init__(self, task):
        self.task = task
        self.settings = Settings(
            loss="cross_entropy",
            loss_params=(SETTING["label_smoothing"],),
            max_iter=1,
            batch_size=SETTING["batch_size"],
            learning_rate="constant",
            learning_rate_init=RATE,
            max_grad_norm=SETTING["max_grad_norm"],
            dropout=SETTING["dropout"],
        )
        self.reset()

    def reset(self):
        """Return to the initial weights."""
        self.network = self.task.network()
        self.moments = Moments(self.network)

    def train(self, windows, rng):
        """Mean loss of an epoch."""
        none = np.empty(0, np.int64)
        pairs, settings, moments = self.task.pairs, self.settings, self.moments
        history = train(self.network, pairs, windows, none, settings, rng, moments=moments)
        return history.loss_curve[0]

    def evaluate(self):
        """Mean loss of the pairs for validation."""
        return self.network.mean_loss(self.task.pairs, self.task.validation, available_threads())


class PyTorch:
    """nn.Embedding, nn.GRU and nn.Linear, with attention by two products."""

    def __init__(self, task, *, pooled=False):
        import torch

        torch.set_num_threads(available_threads())
        torch.manual_seed(0)
        self.torch, self.task, self.pooled = torch, task, pooled
        nn, n, width = torch.nn, task.n_hidden, task.n_embedding
        self.read_embedding, self.written_embedding = (
            nn.Embedding(n_tokens, width) for n_tokens in task.n_tokens
        )
        self.encoder = nn.GRU(width, n // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(width, n, batch_first=True)
        self.bridge, self.combine = nn.Linear(n, n), nn.Linear(2 * n, n)
        self.key = nn.Linear(n, n, bias=False)
        self.head = nn.Linear(n, task.n_tokens[1])
        self.dropout = functools.partial(torch.nn.functional.dropout, p=SETTING["dropout"])
        for layer in (self.encoder, self.decoder):
            for name, parameter in layer.named_parameters():
                if "bias_hh" in name:
                    parameter.register_hook(_keep_two_gates_zero)
        self.reset()

    def reset(self):
        """Return to the initial weights, which are ours."""
        torch, views, width = self.torch, self.task.network().views(), self.task.n_embedding
        twins = {
            self.read_embedding.weight: views["encoder_token_embedding"][:, :width],
            self.written_embedding.weight: views["decoder_token_embedding"][:, :width],
            self.bridge.weight: views["bridge_weight"][0],
            self.bridge.bias: views["bridge_bias"][0],
            self.combine.weight: views["combine_weight"],
            self.combine.bias: views["combine_bias"],
            self.key.weight: views["key_weight"],
            self.head.weight: views["decoder_head_weight"],
            self.head.bias: views["decoder_head_bias"],
        }
        for name, layer in (("encoder", self.encoder), ("decoder", self.decoder)):
            for key, parameter in layer.named_parameters():
                kind, end = key.split("_l0")
                twins[parameter] = _gru_weights(views, f"{name}_%s_l0{end}", kind)
        with torch.no_grad():
            for parameter, values in twins.items():
                values = np.ascontiguousarray(values).reshape(parameter.shape)
                parameter.copy_(torch.from_numpy(values))
        self.parameters = list(twins)
        self.adam = torch.optim.Adam(self.parameters, lr=RATE, fused=True)

    def train(self, windows, rng):
        """Mean loss of an epoch."""
        total = weight = 0.0
        for some in self._minibatches(windows, rng):
            self.adam.zero_grad(set_to_none=True)
            loss, n = self._loss(some, SETTING["label_smoothing"], training=True)
            loss.backward()
            self.torch.nn.utils.clip_grad_norm_(self.parameters, SETTING["max_grad_norm"])
            self.adam.step()
            total, weight = total + loss.item() * n, weight + n
        return total / weight

    def _minibatches(self, windows, rng):
        """Windows of each minibatch: those of our training in its order, or pairs of like length.

        Pools of some minibatches are then sorted by length.
        """
        rng.bit_generator.random_raw()  # the seed of our dropout
        order, size = windows[rng.permutation(windows.size)], SETTING["batch_size"]
        if not self.pooled:
            return np.split(order, range(size, order.size, size))
        minibatches = []
        for pool in np.split(order, range(MINIBATCHES * size, order.size, MINIBATCHES * size)):
            lengths = [part.lengths[pool] for part in self.task.pairs]
            pool = pool[np.lexsort(lengths[::-1])]
            minibatches += np.split(pool, range(size, pool.size, size))
        return [minibatches[k] for k in rng.permutation(len(minibatches))]

    def _loss(self, windows, label_smoothing=0.0, *, training=False):
        """Mean loss of pairs, and the number of targets."""
        torch, functions = self.torch, self.torch.nn.functional
        read, written = self.task.pairs
        drop = functools.partial(self.dropout, training=training)
        tokens, lengths, _ = _padded(read, windows)
        packed = self._pack(drop(self.read_embedding(torch.from_numpy(tokens))), lengths)
        encoded, final = self.encoder(packed)
        encoded = self._pad(encoded)
        initial = torch.tanh(self.bridge(torch.cat([final[0], final[1]], 1)))[None]
        is_padding = np.arange(lengths.max()) >= lengths[:, None]
        tokens, lengths, rows = _padded(written, windows)
        packed = self._pack(drop(self.written_embedding(torch.from_numpy(tokens))), lengths)
        decoded = self._pad(self.decoder(packed, initial)[0])
        scores = decoded @ self.key(encoded).transpose(1, 2)
        scores = scores.masked_fill(torch.from_numpy(is_padding)[:, None], -torch.inf)
        read_out = torch.cat([scores.softmax(2) @ encoded, decoded], 2)
        is_step = np.arange(lengths.max()) < lengths[:, None]
        attended = torch.tanh(self.combine(read_out[torch.from_numpy(is_step)]))
        targets = torch.from_numpy(written.targets[rows[is_step], 0]).long()
        outputs = self.head(drop(attended))
        loss = functions.cross_entropy(outputs, targets, label_smoothing=label_smoothing)
        return loss, targets.numel()

    def _pack(self, inputs, lengths):
        options = {"batch_first": True, "enforce_sorted": False}
        pack = self.torch.nn.utils.rnn.pack_padded_sequence
        return pack(inputs, self.torch.from_numpy(lengths), **options)

    def _pad(self, packed):
        return self.torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)[0]

    def evaluate(self):
        """Mean loss of the pairs for validation."""
        total = weight = 0.0
        windows = self.task.validation
        with self.torch.inference_mode():
            for some in np.split(windows, range(64, windows.size, 64)):
                loss, n = self._loss(some)
                total, weight = total + loss.item() * n, weight + n
        return total / weight


SIDES = {"tsrnn": Ours, "PyTorch": PyTorch, POOLED: functools.partial(PyTorch, pooled=True)}


def translation_epoch(run):
    """Print time and losses of epochs beside PyTorch, each side in a process of its own."""
    sides = list(SIDES) if "PyTorch" in run.libraries else ["tsrnn"]
    columns = ["library", "s an epoch, median", "CPU s", "ours is faster by", "loss of the last"]
    columns += ["validation loss after it", "apart, %"]
    title = f"Multi30k: GRU {SETTING['hidden_size']}, general attention, {run.rounds} epochs"
    table = Table("sequences-translation-epoch", title, columns)
    with run.race(sides) as race:
        turns = race.turns(time_epoch, dict.fromkeys(sides, (run.data, run.dry)))
    results = {side: np.array(rows) for side, rows in turns.items()}
    ours = results["tsrnn"]
    for side, rows in results.items():
        ratio = apart = None
        if side != "tsrnn":
            asked = (None, None) if side == POOLED else (1.5, 2.0)  # other minibatches
            ratio = at_least(np.median(rows[:, 0] / ours[:, 0]), asked[0], ".2f")
            apart = below(100 * abs(ours[-1, 3] / rows[-1, 3] - 1), asked[1])
        seconds, cpu_seconds = np.median(rows[:, :2], axis=0)
        figures = [f"{seconds:.1f}", f"{cpu_seconds:.1f}", ratio]
        table.row(side, *figures, *[f"{loss:.4f}" for loss in rows[-1, 2:]], apart)


@functools.cache
def ready_side(side, data, dry):
    """A library and its task, after two minibatches, and a list of its epochs; in its worker."""
    task = Task(data, dry)
    ready = SIDES[side](task)
    ready.train(task.windows[: 2 * SETTING["batch_size"]], np.random.default_rng(0))
    ready.evaluate()
    ready.reset()
    return ready, []


def time_epoch(side, data, dry):
    """Seconds of the next epoch by the clock and the processor, losses in and after it."""
    ready, epochs = ready_side(side, data, dry)
    rng = np.random.default_rng([0, len(epochs)])
    epochs.append(None)
    started, cpu_started = time.perf_counter(), time.process_time()
    loss = ready.train(ready.task.windows, rng)
    seconds = time.perf_counter() - started, time.process_time() - cpu_started
    return *seconds, loss, ready.evaluate()


def _padded(source, windows):
    """Tokens of windows, padded at the end by their last, their lengths, and the rows of both."""
    lengths = source.lengths[windows]
    steps = np.minimum(np.arange(lengths.max()), lengths[:, None] - 1)
    rows = source.firsts[windows][:, None] + steps
    return source.tokens[rows], lengths, rows


def _keep_two_gates_zero(gradient):
    """The gradient of PyTorch's second bias without that of gates r and z, which we do not have."""
    gradient = gradient.clone()
    gradient[: gradient.numel() // 3 * 2] = 0
    return gradient


def _gru_weights(views, name, kind):
    """Our weights as PyTorch orders them: gates r and z, and what reads h, or x, of the third."""
    if kind == "weight_ih":
        return views[name % "weight_input"][[0, 1, 3]]
    if kind == "weight_hh":
        return views[name % "weight_hidden"][:3]
    bias = views[name % "bias"]
    if kind == "bias_ih":
        return bias[[0, 1, 3]]
    return np.stack([0 * bias[0], 0 * bias[0], bias[2]])
