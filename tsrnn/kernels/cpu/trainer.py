"""Training and prediction of one or many models on the CPU, with their working memory."""

import threading

import numpy as np

from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.cpu.drivers import drivers_of
from tsrnn.kernels.cpu.updates import count_blocks
from tsrnn.kernels.embedding import TokenGrads
from tsrnn.kernels.outputs import head_offsets
from tsrnn.kernels.problem import Problem

MAX_UNIT_STEPS = 2**25  # of a prediction in one call: hidden units times time steps
_REUSED_BYTES = 2**21  # of working memory that a thread keeps between predictions
_buffer = threading.local()


class Trainer:
    """The training of one or many models of a shape on the CPU, and its working memory.

    At most ``n_models`` are trained at once, on minibatches of ``n_batch`` windows;
    ``separate_hidden`` is for recurrent dropout, ``carried`` for states that pass from one
    minibatch to the next.
    """

    def __init__(
        self,
        problem: Problem,
        dtype,
        n_models: int,
        n_batch: int,
        separate_hidden: bool,
        carried: bool,
        n_tasks: int,
    ):
        self._sizes = sizes = problem.sizes
        drivers = drivers_of(problem.cell, sizes)
        self._shares_chunks = n_models == 1 and n_tasks > 1
        self._kernel = drivers.train_one if self._shares_chunks else drivers.train
        self._problem, self._n_batch, self._n_tasks = problem.for_kernels(), n_batch, n_tasks
        n_chunks, n_sets = -(-n_batch // sizes.n_rows), 1 if self._shares_chunks else n_tasks
        n = head_offsets(sizes)[-1]
        self._gradients = np.empty((n_sets, n_chunks, n), dtype)
        n_read = n_chunks * sizes.n_rows * sizes.n_time if sizes.n_tokens else 0
        self._token_grads = TokenGrads(
            np.empty((n_sets, n_read, sizes.n_embedding), dtype),
            np.full((n_sets, sizes.n_tokens), -1),
            np.full((n_sets, n_read + 1), -1),
        )
        self._squares = np.empty((n_sets, count_blocks(n) + 1))
        self._sums = np.empty((n_sets, n_chunks, 2))
        self._work = np.empty((n_tasks, workspace_size(sizes, True, separate_hidden)), dtype)
        self._first_steps = np.empty((n_tasks, sizes.n_rows), np.int64)

    def run(
        self,
        parameters: np.ndarray,
        moments: np.ndarray,
        padded_windows: np.ndarray,
        rules: np.ndarray,
        first_updates: np.ndarray,
        rates: np.ndarray,
        states: np.ndarray,
    ) -> np.ndarray:
        """Train each model on minibatches; parameters, moments and states change in place.

        Parameters
        ----------
        parameters, moments : (n_models, n) and (n_models, 3, n) arrays
            See ``tsrnn.kernels.optimizers.optimizer_step``.
        padded_windows : (n_models, n_steps * n_batch) int64 array
            Windows of the minibatches, filled up with negative numbers.
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
        if self._shares_chunks:
            padded_windows = padded_windows[:, : np.count_nonzero(padded_windows[0] >= 0)]
        models = parameters, moments, rules
        schedule = padded_windows, self._n_batch, first_updates, rates, losses
        gradients = self._gradients, *self._token_grads, self._squares
        buffers = *gradients, self._sums, self._work, self._first_steps
        self._kernel(self._n_tasks, *self._problem, models, schedule, buffers, states)
        return losses

    @property
    def gradient(self) -> np.ndarray:
        """The gradient of the last minibatch of the first task's model, (n_parameters,)."""
        gradient, sizes = self._gradients[0, 0], self._sizes
        if not sizes.n_tokens or sizes.tied:
            return gradient
        values, places, _ = (array[0] for array in self._token_grads)
        of_embedding = np.zeros((sizes.n_tokens, sizes.n_embedding), gradient.dtype)
        of_embedding[places >= 0] = values[places[places >= 0]]
        return np.concatenate([gradient, of_embedding.ravel()])


def predict(
    problem: Problem,
    parameters: np.ndarray,
    padded_windows: np.ndarray,
    states: np.ndarray,
    out: np.ndarray,
    evaluate: bool,
    n_tasks: int,
) -> np.ndarray:
    """Write predictions of many models to ``out``, (n_models, n_windows, n_outputs) float64.

    With ``evaluate`` their loss is evaluated instead.

    ``padded_windows`` holds each model's windows, filled up with -1; ``states``, (state_width,
    n_windows or 0), are overwritten with the final ones. Returns the sums of losses and of weights,
    (n_models, 2) float64, zeros unless ``evaluate``.
    """
    sizes = problem.sizes
    if not evaluate:
        sizes = sizes._replace(n_output_block=sizes.n_output_steps)
        problem = problem._replace(sizes=sizes)
    sums = np.zeros((len(padded_windows), -(-padded_windows.shape[1] // sizes.n_rows), 2))
    work = _workspace(n_tasks, workspace_size(sizes, training=False), parameters.dtype)
    buffers = sums, work, np.empty((n_tasks, sizes.n_rows), np.int64)
    drivers_of(problem.cell, sizes).predict(
        n_tasks, *problem.for_kernels(), parameters, padded_windows, evaluate, buffers, states, out
    )
    return sums.sum(axis=1)


def _workspace(n_tasks, size, dtype):
    """Working memory of a call: a small one is reused by the thread, as new pages cost time."""
    n_bytes = n_tasks * size * dtype.itemsize
    if n_bytes > _REUSED_BYTES:
        return np.empty((n_tasks, size), dtype)
    if not hasattr(_buffer, "bytes"):
        _buffer.bytes = np.empty(_REUSED_BYTES, np.uint8)
    return _buffer.bytes[:n_bytes].view(dtype).reshape(n_tasks, size)
