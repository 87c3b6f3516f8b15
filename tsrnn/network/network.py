"""Layout, initialisation and use of a recurrent network."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence

import numpy as np

from tsrnn.kernels import cells
from tsrnn.kernels.cpu.drivers import Kernels, compile_drivers
from tsrnn.kernels.jit.compile import kernel_array
from tsrnn.kernels.jit.threads import are_worth_it
from tsrnn.kernels.losses import LOSSES
from tsrnn.kernels.shapes import (
    EVERY,
    HORIZONS,
    LAST,
    ROWS,
    Sizes,
    cell_place,
    head_places,
    inputs_of,
    state_width,
    width,
)
from tsrnn.kernels.targets import Workers, target_of
from tsrnn.kernels.windows import Source, inputs_of_row
from tsrnn.network.initial import chrono, glorot, orthogonal

_READS = {"last": LAST, "every": EVERY, "ahead": EVERY, "horizons": HORIZONS}


class RecurrentNetwork:
    """Recurrent layers and a head that reads them.

    Parameters
    ----------
    cell : str
        Name of a cell: ``"lstm"``, ``"gru"``, ``"rnn"`` or ``"rnn_relu"``.
    n_in, n_hidden, n_out : int
        Inputs of a step, hidden units of a layer's direction, outputs of an answer.
    dtype : {"float32", "float64"}
        Type that the network computes in.
    n_layers : int, default=1
        Layers, each reading the one below.
    bidirectional : bool, default=False
        Give each layer a second direction, which reads the sequence turned around.
    residual : bool, default=False
        Add a layer's inputs to its outputs, from the second layer on.
    head : {"last", "every", "ahead", "horizons"}, default="last"
        One answer from the last state of each direction; one from each step; ``n_horizons`` of
        them from the last steps, in which the network walks through the future of a forecasting
        source; or as many, each after one more step of the last layer that is fed a learned
        embedding of the horizon, all from the same state (the parallel decoding of SegRNN, arXiv
        2308.11200).
    n_horizons : int, default=1
        Answers of the heads "ahead" and "horizons".
    n_head : int, default=0
        Units of a hidden layer of the head, with a rectifier; 0 for a linear head.

    Attributes
    ----------
    parameters : (n_parameters,) array of dtype
        All weights; ``views()`` names its parts.
    n_heads : int
        Heads of layers that attend, 0 as these recur; see ``Transformer``.

    Raises
    ------
    ValueError
        If horizons are asked of a bidirectional network, whose second direction ends at the
        beginning.
    """

    n_heads = 0

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
    ):
        if head == "horizons" and bidirectional:
            raise ValueError(
                "head='horizons' steps on from the end of the sequence, and the second direction "
                "of a bidirectional network ends at its beginning. Use bidirectional=False."
            )
        self.cell, self.n_in, self.n_hidden, self.n_out = cell, n_in, n_hidden, n_out
        self.n_layers, self.bidirectional, self.residual = n_layers, bidirectional, residual
        self.head, self.n_horizons, self.n_head = head, n_horizons, n_head
        self.parameters = np.zeros(head_places(self.sizes(1))[-1], dtype=dtype)

    def like(self, parameters: np.ndarray) -> RecurrentNetwork:
        """A network of the same shape with other parameters, which are not copied."""
        other = copy.copy(self)
        other.parameters = parameters
        return other

    @property
    def module(self):
        """The cell's equations."""
        return cells.find(self.cell)

    @property
    def n_directions(self) -> int:
        """2 where bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    def views(self, vector: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Named views of the parameters, or of a gradient laid out like them.

        Returns
        -------
        dict
            For layer 0, and likewise for others and for directions, which end in ``_reverse``:
            ``weight_hidden_l0`` (blocks, n_hidden, n_hidden), ``bias_l0`` (blocks, n_hidden),
            ``weight_input_l0`` (blocks, n_hidden, inputs). Blocks come in the order of the cell's
            ``BLOCKS``. Then ``head_weight`` (n_out, hidden) and ``head_bias`` (n_out,); before
            them, where there are any, ``embedding`` (n_horizons, inputs of the last layer),
            ``head_hidden_weight`` (n_head, hidden) and ``head_hidden_bias`` (n_head,).
        """
        vector = self.parameters if vector is None else vector
        sizes, n = self.sizes(1), self.n_hidden
        views = {}
        for layer in range(self.n_layers):
            for direction in range(self.n_directions):
                first, columns = cell_place(sizes, layer, direction), width(sizes, layer)
                weights = vector[first : first + sizes.n_blocks * n * columns]
                weights = weights.reshape(sizes.n_blocks, n, columns)
                name = f"l{layer}" + ("_reverse" if direction else "")
                views[f"weight_hidden_{name}"] = weights[:, :, :n]
                views[f"bias_{name}"] = weights[:, :, n]
                views[f"weight_input_{name}"] = weights[:, :, n + 1 :]
        if self.head == "horizons":
            embedding, hidden, _, _ = head_places(sizes)
            n_in = inputs_of(sizes, self.n_layers - 1)
            views["embedding"] = vector[embedding:hidden].reshape(self.n_horizons, n_in)
        return views | self._head_views(vector)

    def _head_views(self, vector):
        _, hidden, out, end = head_places(self.sizes(1))
        views = {}
        if self.n_head:
            weights = vector[hidden:out].reshape(self.n_head, -1)
            views["head_hidden_weight"], views["head_hidden_bias"] = weights[:, :-1], weights[:, -1]
        weights = vector[out:end].reshape(self.n_out, -1)
        views["head_weight"], views["head_bias"] = weights[:, :-1], weights[:, -1]
        return views

    def initialise(
        self, rng: np.random.Generator, memory: int | None = None, scale: float = 0.0
    ) -> RecurrentNetwork:
        """Draw weights: orthogonal recurrent, Glorot input, an open gate, a head of zeros.

        The recurrent weights of a rectifier's network are the identity (Le et al. 2015).

        A head of zeros says nothing at first, so training starts at the forecast that the
        network's outputs are added to.

        Parameters
        ----------
        rng : Generator
            Where the weights are drawn from.
        memory : int, optional
            Longest span in steps to be remembered: gates are biased to keep their memory for 1 to
            so many steps (chrono initialisation, Tallec & Ollivier 2018). By default the gate that
            keeps is biased by one, where the cell says so.
        scale : float, default=0
            Of the head's weights, as a multiple of Glorot's.
        """
        self.parameters[:] = 0
        views, blocks = self.views(), self.module.BLOCKS
        for name, view in views.items():
            for part in view if view.ndim == 3 else [view]:
                if name.startswith("weight_hidden"):
                    as_it_is = self.module.IDENTITY_AT_START
                    part[:] = np.eye(self.n_hidden) if as_it_is else orthogonal(self.n_hidden, rng)
                elif name.startswith("weight_input") or name == "head_hidden_weight":
                    part[:] = glorot(*part.shape, rng)
                elif name == "embedding":
                    part[:] = rng.normal(size=part.shape)
                elif name == "head_weight" and scale:
                    part[:] = scale * glorot(*part.shape, rng)
            if name.startswith("bias"):
                if memory:
                    spans = chrono(self.n_hidden, memory, rng)
                    for block, sign in self.module.MEMORY.items():
                        view[blocks.index(block)] = sign * spans
                elif self.module.OPEN_AT_START:
                    view[blocks.index(self.module.OPEN_AT_START)] = 1
        self.parameters[~self.used()] = 0
        return self

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

    def sizes(self, n_time: int) -> Sizes:
        """What the drivers must know for sequences of ``n_time`` steps."""
        return _sizes(
            self.module, n_time, self.n_in, self.n_hidden, self.n_layers, self.n_directions,
            self.residual, self.head, self.n_horizons, self.n_out, self.n_head, self.n_heads,
            ROWS,
        )  # fmt: skip

    def n_time(self, source: Source) -> int:
        """Recurrent steps that the longest window of a source takes."""
        if (self.head == "ahead") != (source.ahead > 0):
            raise ValueError("head='ahead' is for sources that reach ahead, and they for it.")
        if source.firsts.size == 0:
            segment = self.n_in // inputs_of_row(source)
            return source.lookback // segment + source.ahead // segment
        segment = self.n_in // (source.values.shape[1] * (3 if source.missing else 1))
        return int(source.lengths.max()) // segment

    def check_states(self) -> None:
        """Refuse, with a ValueError, where there is no state that could be carried."""
        if self.n_heads:
            raise ValueError(
                "A Transformer has no state to be carried: each step reads all before it again. "
                "Use a recurrent cell."
            )

    @property
    def state_width(self) -> int:
        """Values of a sequence's state: of each layer and direction, h and the cell's own."""
        return state_width(self.sizes(1))

    def threads_for(
        self, n_jobs: int | None, source: Source, n_windows: int, *, n_trained: int = 0
    ) -> int | None:
        """``n_jobs``, or 1 where so many windows are too little work to be shared out.

        ``n_trained`` is the number of models that are trained at once, 0 for a prediction.
        """
        if n_jobs == 1:
            return 1
        sizes = self.sizes(self.n_time(source))
        units = self.n_layers * self.n_directions * self.n_hidden
        columns = sum(width(sizes, layer) for layer in range(self.n_layers)) / self.n_layers
        # About 4 ns for the gates of a unit, and 35 multiply-adds a ns.
        each = 4e-9 + sizes.n_blocks * columns * (3 if n_trained else 1) / 3.5e10
        seconds = n_windows * sizes.n_time * units * each * self.parameters.itemsize / 4
        kernels = self.drivers
        serial = kernels.train if n_trained else kernels.predict
        parallel = kernels.train_one if n_trained == 1 else serial
        return n_jobs if are_worth_it(seconds, serial, parallel) else 1

    @property
    def drivers(self) -> Kernels:
        """The compiled drivers of this cell."""
        return compile_drivers(self.module)

    def predict(
        self,
        source: Source,
        windows: np.ndarray,
        workers: Workers = 1,
        states: np.ndarray | None = None,
    ) -> np.ndarray:
        """What the network says of windows in its own units, (n_windows, answers * n_out) float64.

        The same bits for a window, whichever others it is asked with.

        Parameters
        ----------
        source : Source
            The values.
        windows : (n,) int64 array
            Positions or numbers of windows.
        workers : int or "cuda", default=1
            Tasks that run at once, or the GPU.
        states : (n, state_width) array of dtype, optional
            Initial states; overwritten with the final ones. By default zeros.
        """
        if states is None:
            return predict_models(self, self.parameters[None], source, [windows], workers)[0]
        return self._run(source, windows, "absolute_error", (), workers, states, compare=False)[0]

    def errors(
        self,
        source: Source,
        windows: np.ndarray,
        loss: str,
        workers: Workers = 1,
        loss_params: tuple = (),
    ) -> tuple[np.ndarray, float]:
        """Output minus target of windows in the network's units, and the mean loss.

        Where the loss reads several outputs for a target, or there is a target each step, the
        outputs themselves.
        """
        return self._run(source, windows, loss, loss_params, workers, None, compare=True)

    def _run(self, source, windows, loss, loss_params, workers, states, compare):
        sizes = self.sizes(self.n_time(source))
        out = np.empty((1, windows.size, sizes.n_output_steps * self.n_out))
        sums = run_models(
            self, self.parameters[None], source, windows[None], loss, loss_params, workers, states,
            compare, out,
        )  # fmt: skip
        return out[0], float(sums[0, 0] / max(sums[0, 1], 1e-300))


@functools.lru_cache(256)
def _sizes(
    cell, n_time, n_in, n_hidden, n_layers, n_directions, residual, head, n_horizons, n_out,
    n_head, n_heads, n_rows,
):  # fmt: skip
    n_output_steps = {"last": 1, "every": n_time, "ahead": n_horizons, "horizons": n_horizons}[head]
    return Sizes(
        n_time, n_in, n_hidden, n_layers, n_directions, int(residual), _READS[head], n_output_steps,
        n_out, n_head, len(cell.BLOCKS), cell.N_STATE, cell.N_SAVED, n_heads, n_rows,
    )  # fmt: skip


def predict_models(
    network: RecurrentNetwork,
    parameters: np.ndarray,
    source: Source,
    windows: Sequence[np.ndarray],
    workers: Workers,
) -> list[np.ndarray]:
    """What each of many models of one shape says of its own windows, (n_windows, outputs) each.

    Parameters
    ----------
    network : RecurrentNetwork
        The shape.
    parameters : (n_models, n_parameters) array
        The models.
    windows : sequence of (n,) int64 arrays
        Each model's.
    """
    order = np.full((len(windows), max(own.size for own in windows)), -1)
    for row, own in zip(order, windows, strict=True):
        row[: own.size] = own
    sizes = network.sizes(network.n_time(source))
    out = np.empty((*order.shape, sizes.n_output_steps * network.n_out))
    run_models(network, parameters, source, order, "absolute_error", (), workers, None, False, out)
    return [said[: own.size] for said, own in zip(out, windows, strict=True)]


def run_models(
    network: RecurrentNetwork,
    parameters: np.ndarray,
    source: Source,
    order: np.ndarray,
    loss: str,
    loss_params: tuple,
    workers: Workers,
    states: np.ndarray | None,
    compare: bool,
    out: np.ndarray,
) -> np.ndarray:
    """Predictions of many models of one shape, (n_models, n_windows, outputs) written to ``out``.

    Parameters
    ----------
    network : RecurrentNetwork
        The shape.
    parameters : (n_models, n_parameters) array
        The models.
    order : (n_models, n_windows) int64 array
        Windows of each model; negative numbers fill up.

    Returns
    -------
    (n_models, 2) float64 array
        Sums of losses and of weights, where ``compare``.
    """
    # A model loaded with a memory map is read-only, which kernels would be compiled for anew.
    order, parameters = kernel_array(order, np.int64), kernel_array(parameters)
    n_models, n_windows = order.shape
    sizes, target = network.sizes(network.n_time(source)), target_of(workers)
    rows = sizes.n_rows
    # Pieces of about a tenth of a second, so that Ctrl-C is heard between them.
    steps = sizes.n_time * sizes.n_hidden * sizes.n_layers * sizes.n_directions * n_models
    piece = rows * (1 + target.MAX_UNIT_STEPS // (steps * rows))
    totals = np.zeros((n_models, 2))
    for first in range(0, n_windows, piece):
        some = slice(first, first + piece)
        carried = np.empty((network.state_width, 0), parameters.dtype)
        if states is not None:
            carried = np.ascontiguousarray(states[some].T)
        totals += target.predict(
            network.module, parameters, source, np.ascontiguousarray(order[:, some]), sizes,
            LOSSES.index(loss), loss_params, compare, carried, out[:, some], workers,
        )  # fmt: skip
        if states is not None:
            states[some] = carried.T
    return totals
