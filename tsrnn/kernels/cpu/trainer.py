"""Training and prediction of one or many models on the CPU, with their working memory."""

import threading

import numpy as np

from tsrnn.kernels import windows
from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.cpu.drivers import compile_drivers
from tsrnn.kernels.outputs import head_offsets

MAX_UNIT_STEPS = 2**25  # of a prediction in one call: hidden units times time steps
_REUSED_BYTES = 2**21  # of working memory that a thread keeps between predictions
_buffer = threading.local()


class Trainer:
    """The training of one or many models of a shape on the CPU, and its working memory.

    Parameters
    ----------
    cell : module
        One of ``tsrnn.kernels.cells``.
    source : Source
        Where the windows are.
    sizes : Sizes
        The shape.
    dtype : dtype
        Of all that is computed.
    n_models, n_batch : int
        Most models at once; windows of a minibatch.
    loss : int
        Place in ``tsrnn.kernels.losses.LOSSES``.
    loss_params : sequence of float
        Of the loss.
    separate_hidden : bool
        Whether there is recurrent dropout.
    carried : bool
        Whether states are carried from one minibatch to the next.
    n_tasks : int
        Tasks that run at once. One model shares its chunks among them, many models share them.
    """

    def __init__(self, cell, source, sizes, dtype, n_models, n_batch, loss, loss_params, separate_hidden, carried,
                 n_tasks):  # fmt: skip
        self._alone = n_models == 1 and n_tasks > 1
        drivers = compile_drivers(cell)
        self._kernel = drivers.train_one if self._alone else drivers.train
        self._source, self._sizes = windows.kernel_source(source), sizes
        self._loss_params, self._n_batch = np.asarray(loss_params, float), n_batch
        self._n_tasks = n_tasks
        n_chunks, n_sets = -(-n_batch // sizes.n_rows), 1 if self._alone else n_tasks
        self._gradients = np.empty((n_sets, n_chunks, head_offsets(sizes)[-1]), dtype)
        self._sums = np.empty((n_sets, n_chunks, 2))
        self._work = np.empty((n_tasks, workspace_size(sizes, True, separate_hidden)), dtype)
        self._first_steps = np.empty((n_tasks, sizes.n_rows), np.int64)

    def run(
        self,
        parameters: np.ndarray,
        moments: np.ndarray,
        order: np.ndarray,
        rules: np.ndarray,
        first_updates: np.ndarray,
        rates: np.ndarray,
        states: np.ndarray,
    ) -> np.ndarray:
        """Learn minibatches of each model; parameters, moments and states change in place.

        Parameters
        ----------
        parameters : (n_models, n) array
        moments : (n_models, 3, n) array
            See ``tsrnn.kernels.optimizers.optimizer_step``.
        order : (n_models, n_steps * n_batch) int64 array
            Windows of the minibatches; negative numbers fill up.
        rules : (n_models, n) float64 array
            Rows as ``tsrnn.kernels.optimizers.Rule``.
        first_updates : (n_models,) int64 array
            Number of the first minibatch, from 1.
        rates : (n_models, n_steps) float64 array
            Learning rates.
        states : (state_width, n_batch or 0) array
            Carried states.

        Returns
        -------
        (n_models, n_steps, 2) float64 array
            Mean loss and weight of each minibatch.
        """
        losses = np.empty((*rates.shape, 2))
        if self._alone:
            order = order[:, : np.count_nonzero(order[0] >= 0)]
        self._kernel(
            self._n_tasks, parameters, moments, self._gradients, self._sums, self._work,
            self._source, order, self._n_batch, tuple(self._sizes), rules, self._loss_params,
            first_updates, rates, losses, self._first_steps, states,
        )  # fmt: skip
        return losses

    @property
    def gradient(self) -> np.ndarray:
        """The gradient of the last minibatch of the first task's model, (n_parameters,)."""
        return self._gradients[0, 0]


def predict(
    cell, parameters, source, order, sizes, loss, loss_params, evaluate, states, out, n_tasks
) -> np.ndarray:
    """What models say of their windows, written to ``out``.

    Parameters
    ----------
    cell, source, sizes, loss, loss_params, n_tasks
        As of ``Trainer``.
    parameters : (n_models, n) array
    order : (n_models, n_windows) int64 array
        Windows of each model; negative numbers fill up.
    evaluate : bool
        Whether the loss is wanted.
    states : (state_width, n_windows or 0) array
        Initial states; overwritten with the final ones.
    out : (n_models, n_windows, outputs) float64 array

    Returns
    -------
    (n_models, 2) float64 array
        Sums of losses and of weights, where ``evaluate``.
    """
    sums = np.zeros((len(order), -(-order.shape[1] // sizes.n_rows), 2))
    work = _workspace(n_tasks, workspace_size(sizes, training=False), parameters.dtype)
    compile_drivers(cell).predict(
        n_tasks, parameters, sums, work, windows.kernel_source(source), order, tuple(sizes), loss,
        np.asarray(loss_params, float), evaluate, np.empty((n_tasks, sizes.n_rows), np.int64), states,
        out,
    )  # fmt: skip
    return sums.sum(axis=1)


def _workspace(n_tasks, size, dtype):
    """Working memory for a call: of small ones this thread's own, as fresh pages cost time."""
    n_bytes = n_tasks * size * dtype.itemsize
    if n_bytes > _REUSED_BYTES:
        return np.empty((n_tasks, size), dtype)
    if not hasattr(_buffer, "bytes"):
        _buffer.bytes = np.empty(_REUSED_BYTES, np.uint8)
    return _buffer.bytes[:n_bytes].view(dtype).reshape(n_tasks, size)
