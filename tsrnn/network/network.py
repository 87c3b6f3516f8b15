"""Layout, initialisation and use of one recurrent layer with a linear head."""

from __future__ import annotations

import numpy as np

from tsrnn.kernels import cells
from tsrnn.kernels.compile import kernel_array
from tsrnn.kernels.cpu import Kernels, Sizes, compile_drivers, workspace_size
from tsrnn.network.initial import glorot, orthogonal

_PIECE = 2**25  # steps of hidden units in one call of a prediction kernel


class RecurrentNetwork:
    """One recurrent layer and a linear head on its last hidden state.

    Parameters
    ----------
    cell : str
        Name of a cell: ``"lstm"``, ``"gru"``, ``"rnn"`` or ``"rnn_relu"``.
    n_in, n_hidden, n_out : int
        Inputs of a step, hidden units, outputs.
    dtype : {"float32", "float64"}
        Type that the network computes in.

    Attributes
    ----------
    parameters : (n_parameters,) array of dtype
        All weights; ``views()`` names its parts.
    """

    def __init__(self, cell: str, n_in: int, n_hidden: int, n_out: int, dtype: str = "float32"):
        self.cell, self.n_in, self.n_hidden, self.n_out = cell, n_in, n_hidden, n_out
        self.parameters = np.zeros(self.n_cell + n_out * (n_hidden + 1), dtype=dtype)

    @property
    def module(self):
        """The cell's equations."""
        return cells.find(self.cell)

    @property
    def n_cell(self) -> int:
        """Number of parameters of the recurrent layer; the head's follow them."""
        n_rows = len(self.module.BLOCKS) * self.n_hidden
        return n_rows * (self.n_hidden + 1 + self.n_in)

    def views(self, vector: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Named views of the parameters, or of a gradient laid out like them.

        Returns
        -------
        dict
            ``weight_hidden`` (blocks, n_hidden, n_hidden), ``bias`` (blocks, n_hidden),
            ``weight_input`` (blocks, n_hidden, n_in), ``head_weight`` (n_out, n_hidden) and
            ``head_bias`` (n_out,). Blocks come in the order of the cell's ``BLOCKS``.
        """
        vector = self.parameters if vector is None else vector
        n = self.n_hidden
        cell = vector[: self.n_cell].reshape(-1, n, n + 1 + self.n_in)
        head = vector[self.n_cell :].reshape(self.n_out, n + 1)
        return {
            "weight_hidden": cell[:, :, :n],
            "bias": cell[:, :, n],
            "weight_input": cell[:, :, n + 1 :],
            "head_weight": head[:, :n],
            "head_bias": head[:, n],
        }

    def initialise(self, rng: np.random.Generator) -> RecurrentNetwork:
        """Draw weights: orthogonal recurrent, Glorot input, an open gate, a head of zeros.

        A head of zeros says nothing at first, so training starts at the forecast that the
        network's outputs are added to.
        """
        self.parameters[:] = 0
        views = self.views()
        for block, name in enumerate(self.module.BLOCKS):
            views["weight_hidden"][block] = orthogonal(self.n_hidden, rng)
            views["weight_input"][block] = glorot(self.n_hidden, self.n_in, rng)
            views["bias"][block] = float(name == self.module.OPEN_AT_START)
        self.parameters[~self.used()] = 0
        return self

    def used(self) -> np.ndarray:
        """Which parameters take part, (n_parameters,) bool: not those that a split block lacks."""
        used = np.ones(self.parameters.size, bool)
        if self.module.SPLIT:
            views = self.views(used)
            views["weight_input"][-2] = False
            views["weight_hidden"][-1] = False
        return used

    def sizes(self, n_time: int, n_batch: int) -> Sizes:
        """What the drivers must know for sequences of ``n_time`` steps, ``n_batch`` at a time."""
        cell = self.module
        sizes = Sizes(
            n_time, self.n_in, self.n_hidden, self.n_out,
            len(cell.BLOCKS), cell.N_STATE, cell.N_SAVED, 0,
        )  # fmt: skip
        return sizes.with_rows(n_batch)

    def work(self, data: tuple, n_windows: int) -> int:
        """Steps of hidden units that windows of ``data`` take, the measure of a kernel's work."""
        return n_windows * (data[1] // self.n_in) * self.n_hidden

    def drivers(self, loss: str) -> Kernels:
        """The compiled drivers of this cell for a loss's name."""
        return compile_drivers(self.module, loss)

    def predict(self, data: tuple, starts: np.ndarray, loss: str, n_tasks: int = 1) -> np.ndarray:
        """Forecasts of windows, (n_windows, n_out) float64, in the unit of ``data``'s values."""
        return self._run(data, starts, loss, n_tasks, compare=False)[0]

    def errors(
        self, data: tuple, starts: np.ndarray, loss: str, n_tasks: int = 1
    ) -> tuple[np.ndarray, float]:
        """Output minus target of windows, (n_windows, n_out) in scaled units, and the mean loss."""
        return self._run(data, starts, loss, n_tasks, compare=True)

    def _run(self, data, starts, loss, n_tasks, compare):
        # A model loaded with a memory map is read-only, which kernels would be compiled for anew.
        starts, parameters = kernel_array(starts, np.int64), kernel_array(self.parameters)
        data = (kernel_array(data[0]), *data[1:])
        n_time = data[1] // self.n_in
        sizes = self.sizes(n_time, starts.size)
        work = np.empty(
            (n_tasks, workspace_size(sizes, training=False)), dtype=self.parameters.dtype
        )
        out = np.empty((starts.size, self.n_out))
        kernel = self.drivers(loss).predict
        sums = np.empty(-(-starts.size // sizes.n_rows))  # of the losses of each chunk of rows
        # Pieces of about a tenth of a second, so that Ctrl-C is heard between them.
        piece = sizes.n_rows * (1 + _PIECE // (n_time * self.n_hidden * sizes.n_rows))
        for first in range(0, starts.size, piece):
            some = slice(first, first + piece)
            kernel(
                n_tasks, parameters, sums[first // sizes.n_rows :], work, data, starts[some],
                sizes, compare, out[some],
            )  # fmt: skip
        return out, float(sums.sum() / max(out.size, 1))
