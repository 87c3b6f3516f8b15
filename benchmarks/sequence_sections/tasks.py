"""Networks and the windows that they are trained on, for this library and PyTorch alike.

All are LSTMs with a linear head. ``TASKS`` makes each by its name, from the folder of the data and
whether it is a dry run.
"""

import dataclasses

import numpy as np

from sequence_sections.data import machine, read_chorales, read_sentences, read_shakespeare
from tsrnn import Tokenizer
from tsrnn.kernels.sources import Source, sequence_source
from tsrnn.network import RecurrentNetwork


@dataclasses.dataclass(frozen=True)
class Task:
    """A network and its windows."""

    source: Source
    # (n_streams, n) numbers of windows whose state is carried, or (n,) independent ones.
    windows: np.ndarray
    validation: np.ndarray
    loss: str
    n_out: int
    n_hidden: int
    head: str = "every"
    n_tokens: int = 0
    n_embedding: int = 0
    tied: bool = False
    bidirectional: bool = False
    batch_size: int = 32

    @property
    def n_minibatches(self):
        """Minibatches of an epoch."""
        if self.windows.ndim == 2:
            return self.windows.shape[1]
        return -(-self.windows.size // self.batch_size)

    def network(self):
        """Our network, with weights that are the same each time."""
        network = RecurrentNetwork(
            "lstm",
            self.source.values.shape[1],
            self.n_hidden,
            self.n_out,
            head=self.head,
            bidirectional=self.bidirectional,
            n_tokens=self.n_tokens,
            n_embedding=self.n_embedding,
            tied=self.tied,
        )
        return network.initialise(np.random.default_rng(0), scale=1.0)

    def first_minibatches(self, n):
        """This task with the first minibatches alone."""
        streams = self.windows.ndim == 2
        windows = self.windows[:, :n] if streams else self.windows[: n * self.batch_size]
        return dataclasses.replace(self, windows=windows)


def _streams(ids, held_out, n_streams, n_steps, **network):
    """A language model's task: streams of tokens, and what is evaluated in windows as long."""
    per_stream = (len(ids) - 1) // (n_streams * n_steps)
    starts = np.arange(n_streams * per_stream).reshape(n_streams, per_stream) * n_steps
    n_held_out = (len(held_out) - 1) // n_steps
    firsts = np.append(starts, len(ids) + np.arange(n_held_out) * n_steps)
    tokens = np.concatenate([ids, held_out])
    n_tokens = network.pop("n_tokens", int(tokens.max()) + 1)
    source = sequence_source(
        np.empty((tokens.size, 0), np.float32),
        firsts,
        np.full(firsts.size, n_steps),
        np.append(tokens[1:], 0)[:, None],
        tokens=tokens,
    )
    windows = np.arange(starts.size).reshape(starts.shape)
    validation = np.arange(starts.size, firsts.size)
    loss = "cross_entropy"
    return Task(source, windows, validation, loss, n_tokens, n_tokens=n_tokens, **network)


def _sequences(parts, targets, loss, n_out, *, is_tokens=False, cut=0, **network):
    """A task of whole sequences, those of the second part to evaluate on.

    ``cut``: last steps of each sequence that are not predicted.
    """
    sequences = [sequence for part in parts for sequence in part]
    rows = np.concatenate(sequences)
    lengths = np.array([len(sequence) for sequence in sequences])
    source = sequence_source(
        np.empty((len(rows), 0), np.float32) if is_tokens else rows.astype(np.float32),
        np.cumsum(lengths) - lengths,
        lengths - cut,
        targets,
        tokens=rows if is_tokens else (),
    )
    windows, validation = np.split(np.arange(len(sequences)), [len(parts[0])])
    if is_tokens:
        network["n_tokens"] = int(rows.max()) + 1
    return Task(source, windows, validation, loss, n_out, **network)


def characters(data, dry):
    """tinyshakespeare by characters: 64 streams of 128, hidden 256, embedding 64."""
    texts = read_shakespeare(data, dry)
    kinds = sorted(set("".join(texts)))
    ids = [np.searchsorted(kinds, list(text)) for text in texts]
    size = {"n_hidden": 8, "n_embedding": 4} if dry else {"n_hidden": 256, "n_embedding": 64}
    return _streams(*ids, *((4, 16) if dry else (64, 128)), **size)


def vocabulary(data, dry, *, tied=False):
    """30,000 tokens by Zipf's law, 32 rows of 64 steps, hidden 256."""
    n_tokens, n_steps, n_minibatches = (300, 8, 2) if dry else (30_000, 64, 10)
    share = 1 / (10 + np.arange(n_tokens))
    n = 32 * n_steps * n_minibatches + 1
    ids = np.random.default_rng(0).choice(n_tokens, 2 * n, p=share / share.sum())
    n_hidden = 8 if dry else 256
    size = {"n_hidden": n_hidden, "n_embedding": n_hidden if tied else n_hidden // 4}
    return _streams(ids[:n], ids[n:], 32, n_steps, n_tokens=n_tokens, tied=tied, **size)


def tied_vocabulary(data, dry):
    """The same with the output layer's weights as the embedding."""
    return vocabulary(data, dry, tied=True)


def sentences(data, dry):
    """SST-2, the network of the section of sentiment."""
    train, dev = (read_sentences(data, split, dry) for split in ("train", "dev"))
    tokenizer = Tokenizer("word", min_frequency=2).fit(train[0])
    parts = [tokenizer.transform(texts) for texts, _ in (train, dev)]
    return _sequences(
        parts,
        np.concatenate([train[1], dev[1]])[:, None],
        "cross_entropy",
        2,
        is_tokens=True,
        head="max",
        bidirectional=True,
        n_hidden=8 if dry else 64,
        n_embedding=8 if dry else 300,
    )


def chorales(data, dry):
    """JSB chorales, the LSTM of the section of chorales without dropout."""
    train, validation, _ = read_chorales(dry)
    rows = np.concatenate([*train, *validation])
    following = np.append(rows[1:], rows[:1], axis=0)  # the last of a piece is not predicted
    size = {"n_hidden": 8 if dry else 200, "batch_size": 4}
    return _sequences(
        [train, validation], following, "binary_cross_entropy", rows.shape[1], cut=1, **size
    )


def sensors(data, dry):
    """The machine of the section of tagging, windows of 128 steps, both directions."""
    n = 1280 if dry else 12_800
    parts = [machine(n, seed) for seed in (100, 101)]
    labels = np.concatenate([state for _, state in parts])
    targets = np.unique(labels, return_inverse=True)[1][:, None]
    pieces = [np.split(values, n // 128) for values, _ in parts]
    return _sequences(pieces, targets, "cross_entropy", 4, n_hidden=32, bidirectional=True)


TASKS = {
    "characters": characters,
    "vocabulary": vocabulary,
    "tied vocabulary": tied_vocabulary,
    "sentences": sentences,
    "chorales": chorales,
    "sensors": sensors,
}
