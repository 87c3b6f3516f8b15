"""Layout and initialisation of a recurrent network."""

from types import ModuleType
from typing import Self

import numpy as np

from tsrnn.kernels import cells, heads
from tsrnn.kernels.steps import recurrent_weights
from tsrnn.network.initial import chrono, glorot, orthogonal, token_embedding
from tsrnn.network.network import Network


class RecurrentNetwork(Network):
    """Recurrent layers and a head that reads them.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn", "rnn_relu"}
    n_in, n_hidden, n_out : int
        Inputs of a step, hidden units of a layer's direction, outputs of an output step.
    dtype : {"float32", "float64"}
        Type that the network computes in.
    n_layers : int, default=1
        Layers, each reading the one below.
    bidirectional : bool, default=False
        Give each layer a second direction, which reads the sequence in reverse.
    residual : bool, default=False
        Add a layer's inputs to its outputs, from the second layer on.
    head : {"last", "every", "ahead", "horizons"}, default="last"
        Outputs for the last step of each direction; for every step; for the last ``n_horizons``
        steps, those of a forecasting source's future; or for ``n_horizons`` further steps of the
        last layer, each of which reads a learned embedding of its horizon, all from the same state
        (the parallel decoding of SegRNN, arXiv 2308.11200).
    n_horizons : int, default=1
        Output steps of the heads "ahead" and "horizons".
    n_head : int, default=0
        Units of a hidden layer of the head, with a rectifier; 0 for a linear head.
    n_tokens, n_embedding : int, default=0
        Tokens that a step may have, and the width of their embedding, which a step reads before its
        ``n_in`` inputs; the attribute ``n_in`` counts both.
    tied : bool, default=False
        Use the output layer's weights as the embedding.

    Raises
    ------
    ValueError
        If a bidirectional network, whose reverse direction ends at the beginning, is to have the
        head "horizons".
    """

    def __init__(
        self,
        cell: str,
        n_in: int,
        n_hidden: int,
        n_out: int,
        dtype: str = "float32",
        *,
        n_layers: int = 1,
        bidirectional: bool = False,
        residual: bool = False,
        head: str = "last",
        n_horizons: int = 1,
        n_head: int = 0,
        n_tokens: int = 0,
        n_embedding: int = 0,
        tied: bool = False,
    ):
        if heads.find(head).needs_steps and bidirectional:
            raise ValueError(
                f"head={head!r} steps on from the end of the sequence, and the second direction "
                "of a bidirectional network ends at its beginning. Use bidirectional=False."
            )
        self.bidirectional, self.residual = bidirectional, residual
        widths, tokens = (n_in, n_hidden, n_out), (n_tokens, n_embedding, tied)
        super().__init__(cell, widths, dtype, n_layers, (head, n_horizons, n_head), tokens)

    @property
    def module(self) -> ModuleType:
        """The cell's equations."""
        return cells.find(self.cell)

    @property
    def layer_counts(self) -> tuple[int, int, int]:
        """Blocks of n_hidden values that a layer stores of a step: gates, state, saved."""
        module = self.module
        return len(module.BLOCKS), module.N_STATE, module.N_SAVED

    @property
    def gates(self) -> tuple[str, ...]:
        """Names of the cell's gates, those of its blocks that open and close."""
        return self.module.GATES

    def layer_views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Named views of the layers' parameters in a vector; blocks in the order of the cell's.

        For layer 0: ``weight_hidden_l0`` (blocks, n_hidden, n_hidden), ``bias_l0`` (blocks,
        n_hidden), ``weight_input_l0`` (blocks, n_hidden, inputs); those of other layers likewise;
        names of reverse directions end in ``_reverse``.
        """
        sizes, n = self.sizes(1), self.n_hidden
        views = {}
        for layer in range(self.n_layers):
            for direction in range(self.n_directions):
                (weights,) = recurrent_weights(vector, sizes, layer, direction)
                weights = weights.reshape(sizes.n_blocks, n, -1)
                name = f"l{layer}" + ("_reverse" if direction else "")
                views[f"weight_hidden_{name}"] = weights[:, :, :n]
                views[f"bias_{name}"] = weights[:, :, n]
                views[f"weight_input_{name}"] = weights[:, :, n + 1 :]
        return views

    def initialise(
        self, rng: np.random.Generator, memory: int | None = None, scale: float = 0.0
    ) -> Self:
        """Draw weights: orthogonal recurrent, Glorot input, an open gate, a head of zeros.

        The recurrent weights of a rectifier's network are the identity (Le et al. 2015). A head of
        zeros starts training at the forecast that the network's outputs are added to.

        Parameters
        ----------
        rng : Generator
        memory : int, optional
            Longest span in steps to be remembered: biases for 1 to so many steps (chrono
            initialisation, Tallec & Ollivier 2018). By default a bias of 1 for ``OPEN_AT_START``.
        scale : float, default=0
            Scale of the head's weights, as a multiple of Glorot's.
        """
        self.parameters[:] = 0
        head = heads.find(self.head)
        names_of_head = head.views(self.parameters, self.sizes(1))
        for name, view in self.views().items():
            if name in names_of_head:
                head.initialise(name, view, rng)
            elif name.startswith("weight_hidden"):
                for block in view:
                    identity = self.module.IDENTITY_AT_START
                    block[:] = np.eye(self.n_hidden) if identity else orthogonal(self.n_hidden, rng)
            elif name.startswith("weight_input"):
                for block in view:
                    block[:] = glorot(self.n_hidden, block.shape[1], rng)
            elif name == "head_hidden_weight":
                view[:] = glorot(self.n_head, view.shape[1], rng)
            elif name == "token_embedding" or (name == "head_weight" and self.tied):
                view[:] = token_embedding(view.shape, rng)
            elif name == "head_weight" and scale:
                view[:] = scale * glorot(self.n_out, view.shape[1], rng)
            elif name.startswith("bias"):
                self._initialise_bias(view, memory, rng)
        self.parameters[~self.used()] = 0
        return self

    def _initialise_bias(self, bias, memory, rng):
        """Write initial biases, (blocks, n_hidden), of a layer's direction."""
        blocks = self.module.BLOCKS
        if memory:
            spans = chrono(self.n_hidden, memory, rng)
            for block, sign in self.module.MEMORY.items():
                bias[blocks.index(block)] = sign * spans
        elif self.module.OPEN_AT_START:
            bias[blocks.index(self.module.OPEN_AT_START)] = 1

    def used(self) -> np.ndarray:
        """Which parameters take part, (n_parameters,) bool: not those that a split block lacks."""
        used = np.ones(self.parameters.size, bool)
        if self.module.SPLIT:
            for name, view in self.views(used).items():
                if name.startswith("weight_input"):
                    view[-2] = False
                elif name.startswith("weight_hidden"):
                    view[-1] = False
        return used
