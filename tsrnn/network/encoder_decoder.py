"""An encoder that reads one sequence, and a decoder that writes another, with attention."""

import copy
from typing import NamedTuple, Self

import numpy as np

from tsrnn.kernels.problem import Problem
from tsrnn.kernels.sources import Source
from tsrnn.kernels.translation import cross_size, cross_sizes
from tsrnn.kernels.translation.bridge import bridge_shape
from tsrnn.kernels.translation.cross_attention import KINDS, weights_of
from tsrnn.kernels.translation.trainer import PairTrainer, evaluate_pair, pair_parameters
from tsrnn.network.initial import glorot
from tsrnn.network.recurrent import RecurrentNetwork


class PairSource(NamedTuple):
    """Sequences to read and to write: windows of the same numbers are a pair."""

    encoder: Source
    decoder: Source


class EncoderDecoder:
    """A recurrent encoder and decoder, a bridge of their states, and attention (or none)."""

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
        shape = {"n_layers": n_layers, "residual": residual, "head": "every"}
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
        n = self.encoder.parameters.size
        self.parameters = vector
        self.encoder.parameters = vector[:n]
        self.decoder.parameters = vector[n : n + self.decoder.parameters.size]

    @property
    def dtype(self) -> np.dtype:
        """Type of the parameters."""
        return self.parameters.dtype

    def like(self, parameters: np.ndarray) -> Self:
        """A network of the same shape with other parameters, which are not copied."""
        other = copy.copy(self)
        other.encoder, other.decoder = copy.copy(self.encoder), copy.copy(self.decoder)
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

    @property
    def _kind(self):
        return -1 if self.attention is None else KINDS.index(self.attention)

    def initialise(self, rng: np.random.Generator) -> Self:
        """Draw weights: both networks as ``RecurrentNetwork`` does, others as Glorot & Bengio."""
        self.parameters[:] = 0
        self.encoder.initialise(rng)
        self.decoder.initialise(rng, scale=1.0)
        for name, view in self.views().items():
            if name in ("combine_weight", "key_weight", "query_weight"):
                view[:] = glorot(*view.shape, rng)
            elif name == "score_weight":
                view[:] = glorot(1, view.size, rng)[0]
            elif name == "bridge_weight":
                for part in view:
                    part[:] = glorot(*part.shape, rng)
        return self

    def problems(self, source: PairSource, loss_params: tuple = ()) -> tuple[Problem, Problem]:
        """The problems of both networks."""
        return tuple(
            Problem.of(
                network.module, part, network.sizes(network.n_time(part)), "cross_entropy", loss_params
            )
            for network, part in zip((self.encoder, self.decoder), source, strict=True)
        )

    def make_trainer(self, source, n_batch, recurrent_dropout, n_tasks) -> PairTrainer:
        """What trains on minibatches."""
        problems = self.problems(source)
        return PairTrainer(
            problems, self.attention, self.dtype, n_batch, recurrent_dropout, n_tasks
        )

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
