"""An encoder that reads one sequence, and a decoder that writes another, with attention."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from tsrnn.kernels.jit.threads import are_worth_it
from tsrnn.kernels.layout import ROWS, Sizes
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.sources import Source
from tsrnn.kernels.targets import Workers
from tsrnn.kernels.translation import cross_size, cross_sizes
from tsrnn.kernels.translation.bridge import bridge_shape
from tsrnn.kernels.translation.cross_arrays import kind_of, weights_of
from tsrnn.kernels.translation.decoding import DecodingKernels, decoding_drivers
from tsrnn.kernels.translation.drivers import pair_drivers
from tsrnn.kernels.translation.passes import pair_space
from tsrnn.kernels.translation.trainer import PairTrainer, evaluate_pair, pair_parameters
from tsrnn.network.initial import glorot
from tsrnn.network.recurrent import RecurrentNetwork


class PairSource(NamedTuple):
    """Sequences to read and to write: windows of the same numbers are a pair."""

    encoder: Source
    decoder: Source


class EncoderDecoder:
    """A recurrent encoder and decoder, a bridge of their states, and attention (or none).

    The decoder begins with what the bridge makes of the encoder's final states, reads the tokens
    that it has written, and gives the probability of each to be the next.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn", "rnn_relu"}
    n_in, n_hidden, n_out : int
        Numbers that a step of the encoder reads; hidden units of a layer, half of them in each
        direction of a bidirectional encoder; tokens that are written.
    dtype : {"float32", "float64"}
    n_tokens, n_embedding : int, default=0
        Tokens that the encoder reads, and the width of their embedding.
    n_out_embedding : int, default=0
        Width of the embedding of the tokens that are written, unless it is tied.
    n_layers, residual
        As of ``RecurrentNetwork``, of both networks.
    bidirectional : bool, default=True
        Whether the encoder reads in both directions.
    attention : {"dot", "general", "additive"} or None, default="dot"
        See ``tsrnn.kernels.translation.cross_attention``.
    tied : bool, default=False
        Use the output layer's weights as the embedding of the tokens that are written.

    Attributes
    ----------
    encoder, decoder : RecurrentNetwork
    parameters : (n_parameters,) array
        All weights; those of the networks are parts of it.

    Raises
    ------
    ValueError
        If two directions cannot have half of the units each.
    """

    def __init__(
        self,
        cell: str,
        n_in: int,
        n_hidden: int,
        n_out: int,
        dtype: str = "float32",
        *,
        n_tokens: int = 0,
        n_embedding: int = 0,
        n_out_embedding: int = 0,
        n_layers: int = 1,
        bidirectional: bool = True,
        residual: bool = False,
        attention: str | None = "dot",
        tied: bool = False,
    ):
        n_directions = 2 if bidirectional else 1
        if n_hidden % n_directions:
            raise ValueError(f"Two directions have half of the units each; {n_hidden} is odd.")
        shape: dict[str, Any] = {"n_layers": n_layers, "residual": residual, "head": "every"}
        self.attention = attention
        self.encoder = RecurrentNetwork(
            cell,
            n_in,
            n_hidden // n_directions,
            0,
            dtype,
            bidirectional=bidirectional,
            n_tokens=n_tokens,
            n_embedding=n_embedding,
            **shape,
        )
        n_out_embedding = n_hidden if tied else n_out_embedding
        self.decoder = RecurrentNetwork(
            cell,
            0,
            n_hidden,
            n_out,
            dtype,
            n_tokens=n_out,
            n_embedding=n_out_embedding,
            tied=tied,
            **shape,
        )
        self.set_parameters(
            np.zeros(
                pair_parameters(self.encoder.sizes(1), self.decoder.sizes(1), attention), dtype
            )
        )

    def set_parameters(self, vector: np.ndarray) -> None:
        """Take a parameter vector, of which both networks' are views."""
        n = self.encoder.n_parameters
        self.parameters = vector
        self.encoder.parameters = vector[:n]
        self.decoder.parameters = vector[n : n + self.decoder.n_parameters]

    def __getstate__(self):
        """State of a copy or a pickle: without the views of the parameters."""
        none = self.parameters[:0]
        networks = {"encoder": self.encoder.like(none), "decoder": self.decoder.like(none)}
        return vars(self) | networks

    def __setstate__(self, state):
        vars(self).update(state)
        self.set_parameters(self.parameters)

    @property
    def cell(self) -> str:
        """The cell of encoder and decoder."""
        return self.encoder.cell

    @property
    def dtype(self) -> np.dtype:
        """Type of the parameters."""
        return self.parameters.dtype

    def like(self, parameters: np.ndarray) -> Self:
        """A network of the same shape with other parameters, which are not copied."""
        other = copy.copy(self)
        other.set_parameters(parameters)
        return other

    def views(self, vector: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Named views of the parameters, or of a gradient laid out like them.

        Those of both networks, with ``encoder_`` and ``decoder_`` before their names; of attention
        ``combine_weight`` (n_hidden, features + n_hidden), ``combine_bias``, ``key_weight``
        (n_hidden, features), ``query_weight`` (n_hidden, n_hidden), ``query_bias``,
        ``score_weight`` (n_hidden,), as far as its kind has them; ``bridge_weight`` (parts,
        n_hidden, states), ``bridge_bias`` (parts, n_hidden).
        """
        vector = self.parameters if vector is None else vector
        sizes = self.encoder.sizes(1), self.decoder.sizes(1)
        first, second = self.encoder.parameters.size, self.decoder.parameters.size
        views = {
            f"{name}_{key}": view
            for name, network, part in (
                ("encoder", self.encoder, vector[:first]),
                ("decoder", self.decoder, vector[first : first + second]),
            )
            for key, view in network.views(part).items()
            if view.size
        }
        rest = vector[first + second :]
        n_cross = cross_size(*sizes, self._kind)
        if self.attention:
            weights = weights_of(rest, 0, cross_sizes(*sizes, 1), self._kind)
            views["combine_weight"] = weights.combine[:, :-1]
            views["combine_bias"] = weights.combine[:, -1]
            if self._kind > 0:
                views["key_weight"] = weights.key
            if self.attention == "additive":
                views["query_weight"] = weights.query[:, :-1]
                views["query_bias"] = weights.query[:, -1]
                views["score_weight"] = weights.score[0]
        bridge = rest[n_cross:].reshape(bridge_shape(*sizes))
        views["bridge_weight"], views["bridge_bias"] = bridge[:, :, :-1], bridge[:, :, -1]
        return views

    def used(self) -> np.ndarray:
        """Which parameters take part, (n_parameters,) bool."""
        parts = [self.encoder.used(), self.decoder.used()]
        n = self.parameters.size - parts[0].size - parts[1].size
        return np.concatenate([*parts, np.ones(n, bool)])

    @property
    def _kind(self):
        return kind_of(self.attention)

    def initialise(self, rng: np.random.Generator) -> Self:
        """Draw weights: both networks as ``RecurrentNetwork`` does, others as Glorot & Bengio."""
        self.parameters[:] = 0
        self.encoder.initialise(rng)
        self.decoder.initialise(rng, scale=1.0)
        for name, view in self.views().items():
            if name in ("combine_weight", "key_weight", "query_weight"):
                view[:] = glorot(view.shape[0], view.shape[1], rng)
            elif name == "score_weight":
                view[:] = glorot(1, view.size, rng)[0]
            elif name == "bridge_weight":
                for part in view:
                    part[:] = glorot(part.shape[0], part.shape[1], rng)
        return self

    def problems(self, source: PairSource, loss_params: tuple = ()) -> tuple[Problem, Problem]:
        """The problems of both networks."""

        def problem(network, part):
            sizes = network.sizes(network.n_time(part))
            return Problem.of(network.module, part, sizes, "cross_entropy", loss_params)

        return problem(self.encoder, source.encoder), problem(self.decoder, source.decoder)

    state_width = 0  # no states pass from one minibatch to the next

    def sizes(self, n_time: int) -> tuple[Sizes, Sizes]:
        """The shapes of both networks, for sequences of ``n_time`` steps."""
        return self.encoder.sizes(n_time), self.decoder.sizes(n_time)

    def make_trainer(
        self,
        source: PairSource,
        loss: tuple[str, tuple],
        shape: tuple[int, int],
        options: tuple[bool, bool],
        workers: Workers,
    ) -> PairTrainer:
        """As ``Network.make_trainer``, of one model."""
        problems = self.problems(source, loss[1])
        return PairTrainer(
            problems, self.attention, self.parameters.dtype, shape[1], options[0], int(workers)
        )

    def arrange(self, source: PairSource, windows: np.ndarray, n_batch: int) -> np.ndarray:
        """Windows of minibatches of ``n_batch``, in which pairs of like lengths are together.

        A chunk takes as long as its longest pair. Chunks of each minibatch are sorted by length,
        every second of them first, so that two tasks have as much to do.
        """
        lengths = source.encoder.lengths + source.decoder.lengths
        out = []
        for first in range(0, windows.size, n_batch):
            batch = windows[first : first + n_batch]
            batch = batch[np.argsort(-lengths[batch], kind="stable")]
            n = batch.size // ROWS
            chunks = batch[: n * ROWS].reshape(n, ROWS)
            out += [chunks[::2].ravel(), chunks[1::2].ravel(), batch[n * ROWS :]]
        return np.concatenate(out)

    def seconds_of_a_window(self, source: PairSource, *, training: bool = False) -> float:
        """About how long one core takes to evaluate a pair, or to train on it once."""
        return sum(
            network.seconds_of_a_window(part, training=training)
            for network, part in zip((self.encoder, self.decoder), source, strict=True)
        )

    def count_bytes(self, source: PairSource, *, training: bool) -> int:
        """Working memory of a task for the longest sequences."""
        encoder, decoder = (
            network.sizes(network.n_time(part))
            for network, part in zip((self.encoder, self.decoder), source, strict=True)
        )
        values = sum(pair_space(encoder, decoder, training, training))
        if training:
            values += sum(
                sizes.n_rows * sizes.n_time * sizes.n_embedding for sizes in (encoder, decoder)
            )
        return values * self.parameters.itemsize

    @property
    def decoding(self) -> DecodingKernels:
        """The compiled drivers of decoding."""
        return decoding_drivers(self.encoder.module, self.attention)

    def threads_for(
        self, n_jobs: int | None, source: PairSource, n_windows: int, *, n_trained: int = 0
    ) -> int | None:
        """``n_jobs``, or 1 where so few pairs are too little work for threads."""
        if n_jobs == 1:
            return 1
        seconds = n_windows * self.seconds_of_a_window(source, training=n_trained > 0)
        kernels = pair_drivers(self.encoder.module, self.attention)
        kernel = kernels.train if n_trained else kernels.evaluate
        return n_jobs if are_worth_it(seconds, kernel, kernel) else 1

    def evaluate(
        self,
        parameters: np.ndarray,
        source: PairSource,
        windows: Sequence[np.ndarray],
        loss: tuple[str, tuple],
        workers: Workers,
    ) -> np.ndarray:
        """Sums of losses, without label smoothing, and of weights of one model, (1, 2)."""
        out = np.empty((windows[0].size, 0))
        problems = self.problems(source)
        n_tasks, weights = int(workers), parameters[0]
        return evaluate_pair(problems, self.attention, weights, windows[0], out, n_tasks)[None]

    def step_losses(self, source: PairSource, windows: np.ndarray, n_tasks: int = 1) -> np.ndarray:
        """The loss of every step, (n_windows, steps) float64; NaN where there is no target."""
        problems = self.problems(source)
        out = np.empty((windows.size, problems[1].sizes.n_output_steps))
        evaluate_pair(problems, self.attention, self.parameters, windows, out, n_tasks)
        return out

    def mean_loss(self, source: PairSource, windows: np.ndarray, n_tasks: int = 1) -> float:
        """The weighted mean loss over windows and their targets."""
        out = np.empty((windows.size, 0))
        sums = evaluate_pair(
            self.problems(source), self.attention, self.parameters, windows, out, n_tasks
        )
        return float(sums[0] / max(sums[1], 1e-300))
