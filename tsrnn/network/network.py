"""What all networks have: a flat parameter vector with named views, and a head."""

import abc
import copy
import functools
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Self

import numba
import numpy as np

from tsrnn.kernels import heads
from tsrnn.kernels.cpu.drivers import Kernels, drivers_of
from tsrnn.kernels.embedding import count_parameters, embedding_of
from tsrnn.kernels.jit.threads import are_worth_it
from tsrnn.kernels.layout import ROWS, Sizes, output_block, state_width, weights_width
from tsrnn.kernels.outputs import head_weights
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.sources import Source, inputs_per_row, segment_length
from tsrnn.kernels.targets import Workers, target_of
from tsrnn.network.runs import evaluate_models, predict_models, run_models


class Network(abc.ABC):
    """Layers and a head; subclasses define the kind of layer.

    Parameters
    ----------
    cell, dtype, n_layers
        As of ``RecurrentNetwork``; ``cell`` may also name a kind of layer.
    widths, head, tokens : tuple
        ``n_in, n_hidden, n_out``, ``head, n_horizons, n_head``, and ``n_tokens, n_embedding,
        tied`` of ``RecurrentNetwork``.

    Attributes
    ----------
    parameters : (n_parameters,) array of dtype
        All weights; ``views()`` names its parts.
    n_heads : int
        Attention heads, 0 for recurrent layers.
    """

    n_heads = 0
    bidirectional = residual = False

    def __init__(
        self,
        cell: str,
        widths: tuple[int, int, int],
        dtype: str,
        n_layers: int,
        head: tuple[str, int, int],
        tokens: tuple[int, int, bool] = (0, 0, False),
    ):
        self.cell, self.n_layers = cell, n_layers
        self.n_in, self.n_hidden, self.n_out = widths
        self.head, self.n_horizons, self.n_head = head
        self.n_tokens, self.n_embedding, self.tied = tokens
        self.n_in += self.n_embedding
        self._check_tokens()
        self.parameters = np.zeros(self.n_parameters, dtype=dtype)

    @property
    @abc.abstractmethod
    def module(self) -> ModuleType:
        """The equations: the cell's module, or that of a layer kind that is no recurrence."""

    @property
    @abc.abstractmethod
    def layer_counts(self) -> tuple[int, int, int]:
        """Blocks of n_hidden values that a layer stores of a step: gates, state, saved."""

    @abc.abstractmethod
    def layer_views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Named views of the layers' parameters in a vector."""

    @abc.abstractmethod
    def initialise(
        self, rng: np.random.Generator, memory: int | None = None, scale: float = 0.0
    ) -> Self:
        """Draw weights."""

    def _check_tokens(self) -> None:
        n_read = self.n_head or self.n_directions * self.n_hidden
        if self.tied and (self.n_out, n_read) != (self.n_tokens, self.n_embedding):
            raise ValueError(
                "A tied embedding is the output layer's weights: there must be as many outputs "
                f"as tokens, and an embedding as wide as what that layer reads, {n_read}; got "
                f"{self.n_out} outputs, {self.n_tokens} tokens and a width of {self.n_embedding}."
            )

    @property
    def gates(self) -> tuple[str, ...]:
        """Names of the cell's gates."""
        return ()

    @property
    def n_directions(self) -> int:
        """2 where bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector of this shape."""
        return count_parameters(self.sizes(1))

    @property
    def state_width(self) -> int:
        """Values of a sequence's state: of each layer and direction, h and the cell's own."""
        return state_width(self.sizes(1))

    @property
    def drivers(self) -> Kernels:
        """The compiled drivers of this cell."""
        return drivers_of(self.module, self.sizes(1))

    def like(self, parameters: np.ndarray) -> Self:
        """A network of the same shape with other parameters, which are not copied."""
        other = copy.copy(self)
        other.parameters = parameters
        return other

    def views(self, vector: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Named views of the parameters, or of a gradient laid out like them.

        Returns
        -------
        dict
            Those of ``layer_views``; ``embedding`` (n_horizons, inputs of the last layer) of the
            head "horizons"; ``head_hidden_weight`` (n_head, hidden) and ``head_hidden_bias``
            (n_head,) of a hidden layer; ``head_weight`` (n_out, hidden or n_head), ``head_bias``;
            ``token_embedding`` (n_tokens, n_embedding) unless tied.
        """
        vector = self.parameters if vector is None else vector
        sizes = self.sizes(1)
        views = self.layer_views(vector) | heads.find(self.head).views(vector, sizes)
        hidden, out = head_weights(vector, sizes)
        if self.n_head:
            views["head_hidden_weight"], views["head_hidden_bias"] = hidden[:, :-1], hidden[:, -1]
        views["head_weight"], views["head_bias"] = out[:, :-1], out[:, -1]
        if self.n_tokens and not self.tied:
            (views["token_embedding"],) = embedding_of(vector, sizes)
        return views

    def embed(self, tokens: np.ndarray) -> np.ndarray:
        """The embedding of tokens, (..., n_embedding)."""
        (embedding,) = embedding_of(self.parameters, self.sizes(1))
        return embedding[tokens, : self.n_embedding]

    def used(self) -> np.ndarray:
        """Which parameters take part, (n_parameters,) bool."""
        return np.ones(self.parameters.size, bool)

    def sizes(self, n_time: int) -> Sizes:
        """The shape that kernels are told, for sequences of ``n_time`` steps.

        RuntimeError where Numba is told not to compile: kernels emit instructions of LLVM.
        """
        if numba.config.DISABLE_JIT:
            raise RuntimeError(
                "Networks of tsrnn are compiled by Numba, and NUMBA_DISABLE_JIT=1 (or "
                "numba.config.DISABLE_JIT) tells it not to compile. Unset it before Python starts."
            )
        shape = self.n_in, self.n_hidden, self.n_layers, self.n_directions, int(self.residual)
        head = self.head, self.n_horizons, self.n_out, self.n_head
        tokens = self.n_tokens, self.n_embedding, int(self.tied)
        return _sizes(n_time, shape, head, self.layer_counts, self.n_heads, tokens)

    def n_time(self, source: Source) -> int:
        """Time steps of the longest window of a source."""
        if heads.find(self.head).covers_future != (source.ahead > 0):
            raise ValueError("head='ahead' is for sources that reach ahead, and they for it.")
        if source.firsts.size == 0:
            segment = self.n_in // inputs_per_row(source)
            return source.lookback // segment + source.ahead // segment
        return int(source.lengths.max()) // segment_length(source, self.n_in)

    def check_states(self) -> None:  # noqa: B027
        """Raise a ValueError where there is no state that could be carried."""

    def threads_for(
        self, n_jobs: int | None, source: Source, n_windows: int, *, n_trained: int = 0
    ) -> int | None:
        """``n_jobs``, or 1 where so few windows are too little work for threads.

        ``n_trained``: models that are trained at once, 0 for a prediction.
        """
        if n_jobs == 1:
            return 1
        seconds = n_windows * self.seconds_of_a_window(source, training=n_trained > 0)
        kernels = self.drivers
        serial = kernels.train if n_trained else kernels.predict
        parallel = kernels.train_one if n_trained == 1 else serial
        return n_jobs if are_worth_it(seconds, serial, parallel) else 1

    def seconds_of_a_window(self, source: Source, *, training: bool = False) -> float:
        """About how long one core takes to predict a window, or to train on it once."""
        sizes = self.sizes(self.n_time(source))
        units = self.n_layers * self.n_directions * self.n_hidden
        columns = sum(weights_width(sizes, layer) for layer in range(self.n_layers)) / self.n_layers
        # About 4 ns for the gates of a unit, and 35 multiply-adds a ns.
        per_unit = 4e-9 + sizes.n_blocks * columns * (3 if training else 1) / 3.5e10
        return sizes.n_time * units * per_unit * self.parameters.itemsize / 4

    def predict(
        self,
        source: Source,
        windows: np.ndarray,
        workers: Workers = 1,
        states: np.ndarray | None = None,
    ) -> np.ndarray:
        """The outputs for windows, (n_windows, n_output_steps * n_out) float64.

        The outputs for a window do not depend on which others are predicted with it.

        Parameters
        ----------
        source : Source
        windows : (n,) int64 array
            Positions or numbers of windows.
        workers : int or "cuda", default=1
            Tasks that run at once, or the GPU.
        states : (n, state_width) array of dtype, optional
            Initial states; overwritten with the final ones. By default zeros.
        """
        if states is None:
            return predict_models(self, self.parameters[None], source, [windows], workers)[0]
        sizes = self.sizes(self.n_time(source))
        out = np.empty((1, windows.size, sizes.n_output_steps * self.n_out))
        run_models(self, self.parameters[None], source, windows[None], out, workers, states=states)
        return out[0]

    def step_losses(
        self,
        source: Source,
        windows: np.ndarray,
        loss: str,
        workers: Workers = 1,
        states: np.ndarray | None = None,
    ) -> np.ndarray:
        """The loss of every step of windows, (n_windows, n_output_steps) float64.

        For a loss of classes; NaN where a step has no target or comes before the window.
        ``states`` as in ``predict``.
        """
        sizes = self.sizes(self.n_time(source))
        out = np.empty((1, windows.size, sizes.n_output_steps))
        model, windows, evaluated = self.parameters[None], windows[None], (loss, ())
        run_models(self, model, source, windows, out, workers, states=states, loss=evaluated)
        return out[0]

    def make_trainer(
        self,
        source: Source,
        loss: tuple[str, tuple],
        shape: tuple[int, int],
        options: tuple[bool, bool],
        workers: Workers,
    ) -> Any:
        """What trains networks of this shape: a target's ``Trainer``.

        ``shape``: models, and windows of a minibatch; ``options``: whether there is recurrent
        dropout, and whether states pass from a minibatch to the next.
        """
        sizes = self.sizes(self.n_time(source))
        problem, dtype = Problem.of(self.module, source, sizes, *loss), self.parameters.dtype
        return target_of(workers).Trainer(problem, dtype, *shape, *options, workers)

    def arrange(self, source: Source, windows: np.ndarray, n_batch: int) -> np.ndarray:
        """Windows of minibatches of ``n_batch``, in the order in which they are best computed."""
        return windows

    def evaluate(
        self,
        parameters: np.ndarray,
        source: Source,
        windows: Sequence[np.ndarray],
        loss: tuple[str, tuple],
        workers: Workers,
    ) -> np.ndarray:
        """As ``evaluate_models`` of networks of this shape."""
        return evaluate_models(self, parameters, source, windows, loss, workers)

    def mean_loss(
        self,
        source: Source,
        windows: np.ndarray,
        loss: str,
        workers: Workers = 1,
        loss_params: tuple = (),
    ) -> float:
        """The weighted mean loss over windows and their targets."""
        sums = evaluate_models(
            self, self.parameters[None], source, [windows], (loss, loss_params), workers
        )
        return float(sums[0, 0] / max(sums[0, 1], 1e-300))


@functools.lru_cache(256)
def _sizes(n_time, shape, head, layer_counts, n_heads, tokens):
    n_in, n_hidden, n_layers, n_directions, residual = shape
    name, n_horizons, n_out, n_head_units = head
    n_blocks, n_state, n_saved = layer_counts
    n_output_steps = heads.find(name).n_output_steps(n_time, n_horizons)
    n_tokens, n_embedding, tied = tokens
    sizes = Sizes(
        n_time=n_time,
        n_in=n_in,
        n_hidden=n_hidden,
        n_layers=n_layers,
        n_directions=n_directions,
        residual=residual,
        head=heads.NAMES.index(name),
        n_output_steps=n_output_steps,
        n_out=n_out,
        n_targets=n_out,
        n_output_block=output_block(n_output_steps, n_out),
        n_head_units=n_head_units,
        n_blocks=n_blocks,
        n_state=n_state,
        n_saved=n_saved,
        n_attention_heads=n_heads,
        n_tokens=n_tokens,
        n_embedding=n_embedding,
        tied=tied,
        n_rows=ROWS,
    )
    return heads.find(name).complete(sizes)
