"""The network that attends, in the interface of those that recur."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from tsrnn.kernels import attention
from tsrnn.network.initial import glorot
from tsrnn.network.network import RecurrentNetwork

_PARTS = ("query", "key", "value", "read", "expand", "contract")
CELL = "attention"  # what estimators call it, beside the cells that recur


class Transformer(RecurrentNetwork):
    """Causal self-attention in place of a recurrence, under the same heads, losses and training.

    Every step reads all steps up to its own at once, by their content and their place, where a
    recurrent network has to carry what it read from step to step (Vaswani et al. 2017; equations
    in ``tsrnn.kernels.attention``). It has no state: it can't go on by a step.

    Parameters
    ----------
    n_in, n_hidden, n_out, dtype, n_layers, head, n_horizons, n_head
        As of ``RecurrentNetwork``; ``head`` not "horizons". ``n_hidden`` is the width of the
        stream.
    n_heads : int, default=4
        Heads, of ``n_hidden / n_heads`` units each.

    Raises
    ------
    ValueError
        If the heads do not divide the width, or horizons are asked of it.
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
    ):
        if head == "horizons":
            raise ValueError("head='horizons' takes steps of a recurrence. Use 'last' or 'ahead'.")
        if n_hidden % n_heads:
            raise ValueError(
                f"hidden_size={n_hidden} is no multiple of n_heads={n_heads}: each head has an "
                "equal share of it. Change one of them."
            )
        self.n_heads = n_heads
        super().__init__(
            CELL, n_in, n_hidden, n_out, dtype, n_layers=n_layers, head=head,
            n_horizons=n_horizons, n_head=n_head,
        )  # fmt: skip

    @property
    def module(self) -> ModuleType:
        """The layers' equations."""
        return attention

    def views(self, vector: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Named views of the parameters, or of a gradient laid out like them.

        Returns
        -------
        dict
            ``embedding_weight`` (n_hidden, n_in) and ``embedding_bias`` (n_hidden,); for layer 0,
            and likewise for others, ``query_weight_l0``, ``key_weight_l0``, ``value_weight_l0``,
            ``read_weight_l0`` (n_hidden, n_hidden), ``expand_weight_l0`` (4 * n_hidden, n_hidden),
            ``contract_weight_l0`` (n_hidden, 4 * n_hidden), and their biases; the head's as of
            ``RecurrentNetwork``.
        """
        vector = self.parameters if vector is None else vector
        sizes = self.sizes(1)
        (embedding,) = attention.embedding_of(vector, sizes)
        views = {"embedding_weight": embedding[:, 1:], "embedding_bias": embedding[:, 0]}
        for layer in range(self.n_layers):
            for kind, (asks, *others) in (
                ("weight", attention.weights_of(vector, sizes, layer)),
                ("bias", attention.biases_of(vector, sizes, layer)),
            ):
                for name, view in zip(_PARTS, [*np.split(asks, 3), *others], strict=True):
                    views[f"{name}_{kind}_l{layer}"] = view
        return views | self._head_views(vector)

    def initialise(
        self, rng: np.random.Generator, memory: int | None = None, scale: float = 0.0
    ) -> Transformer:
        """Draw weights: Glorot's, those that are added to the stream smaller; a head of zeros.

        The stream is a sum of two parts a layer, each of which begins at one over the root of their
        number (Radford et al. 2019).

        Parameters
        ----------
        rng, scale
            As of ``RecurrentNetwork.initialise``.
        memory
            Not used: there is no gate to be biased.
        """
        self.parameters[:] = 0
        for name, view in self.views().items():
            if name == "embedding_weight":  # as large as positions are
                view[:] = rng.normal(size=view.shape) / np.sqrt(self.n_in)
            elif name == "head_weight":
                view[:] = scale * glorot(*view.shape, rng)
            elif "weight" in name:
                view[:] = glorot(*view.shape, rng)
                if name.startswith(("read", "contract")):
                    view /= np.sqrt(2 * self.n_layers)
        return self

    def used(self) -> np.ndarray:
        """All parameters take part, (n_parameters,) bool."""
        return np.ones(self.parameters.size, bool)
