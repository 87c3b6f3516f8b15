"""The network of attention layers."""

from types import ModuleType
from typing import Self

import numpy as np

from tsrnn.kernels import heads
from tsrnn.kernels.layers import attention
from tsrnn.network.initial import glorot, token_embedding
from tsrnn.network.network import Network

CELL = "attention"  # what estimators call it, beside the recurrent cells


class Transformer(Network):
    """Causal self-attention in place of a recurrence, under the same heads, losses and training.

    Every step reads all steps up to its own at once, by their content and position (Vaswani et al.
    2017; equations in ``tsrnn.kernels.layers.attention``). There is no state to be carried.

    Parameters
    ----------
    n_in, n_hidden, n_out, dtype, n_layers, head, n_horizons, n_head, n_tokens, n_embedding, tied
        As of ``RecurrentNetwork``; ``head`` not "horizons"; ``n_hidden`` is the stream's width.
    n_heads : int, default=4
        Attention heads, of ``n_hidden / n_heads`` units each.

    Raises
    ------
    ValueError
        If ``n_hidden`` is no multiple of the heads, or the head takes steps of a recurrence.
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int,
        dtype: str = "float32",
        *,
        n_layers: int = 1,
        head: str = "last",
        n_horizons: int = 1,
        n_head: int = 0,
        n_heads: int = 4,
        n_tokens: int = 0,
        n_embedding: int = 0,
        tied: bool = False,
    ):
        if heads.find(head).needs_steps:
            raise ValueError(f"head={head!r} takes steps of a recurrence. Use 'last' or 'ahead'.")
        if n_hidden % n_heads:
            raise ValueError(
                f"hidden_size={n_hidden} is no multiple of n_heads={n_heads}: each head has an "
                "equal share of it. Change one of them."
            )
        self.n_heads = n_heads
        widths, tokens = (n_in, n_hidden, n_out), (n_tokens, n_embedding, tied)
        super().__init__(CELL, widths, dtype, n_layers, (head, n_horizons, n_head), tokens)

    @property
    def module(self) -> ModuleType:
        """The layers' equations."""
        return attention

    @property
    def layer_counts(self) -> tuple[int, int, int]:
        """Blocks of n_hidden values that a layer stores of a step; there is no state."""
        return len(attention.BLOCKS), 0, attention.N_SAVED

    def layer_views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Named views of the layers' parameters in a vector.

        ``embedding_weight`` (n_hidden, n_in), ``embedding_bias`` (n_hidden,); for layer 0
        ``query_weight_l0``, ``key_weight_l0``, ``value_weight_l0``, ``read_weight_l0`` (n_hidden,
        n_hidden), ``expand_weight_l0`` (4 * n_hidden, n_hidden), ``contract_weight_l0`` (n_hidden,
        4 * n_hidden), and their biases.
        """
        sizes = self.sizes(1)
        (embedding,) = attention.input_projection(vector, sizes)
        views = {"embedding_weight": embedding[:, 1:], "embedding_bias": embedding[:, 0]}
        for layer in range(self.n_layers):
            for kind, parts in (
                ("weight", attention.layer_weights(vector, sizes, layer)),
                ("bias", attention.layer_biases(vector, sizes, layer)),
            ):
                query, key, value = np.split(parts.query_key_value, 3)
                views[f"query_{kind}_l{layer}"] = query
                views[f"key_{kind}_l{layer}"] = key
                views[f"value_{kind}_l{layer}"] = value
                views[f"read_{kind}_l{layer}"] = parts.projection
                views[f"expand_{kind}_l{layer}"] = parts.ffn_up
                views[f"contract_{kind}_l{layer}"] = parts.ffn_down
        return views

    def initialise(
        self, rng: np.random.Generator, memory: int | None = None, scale: float = 0.0
    ) -> Self:
        """Draw weights: Glorot's, those that are added to the stream smaller; a head of zeros.

        The stream sums two parts a layer, each initially scaled by one over the root of their
        number (Radford et al. 2019). ``memory`` is not used: there is no gate to be biased.
        """
        self.parameters[:] = 0
        head = heads.find(self.head)
        names_of_head = head.views(self.parameters, self.sizes(1))
        for name, view in self.views().items():
            if name in names_of_head:
                head.initialise(name, view, rng)
            elif name == "embedding_weight":  # as large as positions are
                view[:] = rng.normal(size=view.shape) / np.sqrt(self.n_in)
            elif name == "token_embedding" or (name == "head_weight" and self.tied):
                view[:] = token_embedding(view.shape, rng)
            elif name == "head_weight":
                view[:] = scale * glorot(self.n_out, view.shape[1], rng)
            elif "weight" in name:
                view[:] = glorot(view.shape[0], view.shape[1], rng)
                if name.startswith(("read", "contract")):
                    view /= np.sqrt(2 * self.n_layers)
        return self

    def check_states(self) -> None:
        """Raise a ValueError: there is no state to carry."""
        raise ValueError(
            "A Transformer has no state to be carried: each step reads all before it again. "
            "Use a recurrent cell."
        )
