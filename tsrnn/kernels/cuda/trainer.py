"""Training and prediction on the GPU, as in ``tsrnn.kernels.cpu.trainer``."""

import functools
from typing import Any

import numpy as np

from tsrnn.kernels.cuda.device import OutOfMemory, require
from tsrnn.kernels.dropout import dropout_of
from tsrnn.kernels.optimizers import Rule
from tsrnn.kernels.problem import Problem

MAX_UNIT_STEPS = 2**28  # of a prediction in one call: hidden units times time steps
PHASES = ("read_inputs", "forward", "evaluate_loss", "backward")  # of a minibatch, over its chunks


class Trainer:
    """As ``tsrnn.kernels.cpu.trainer.Trainer``; a buffer of the GPU is its own as long as it lives.

    Between two calls of ``run`` parameters and moments stay on the GPU: what is given is compared
    with what the last call gave back, and sent only if it differs.
    """

    def __init__(
        self,
        problem: Problem,
        dtype,
        n_models: int,
        n_batch: int,
        separate_hidden: bool,
        carried: bool,
        workers: str,
    ):
        require()
        self._problem, self._dtype, self._n_batch = problem, dtype, n_batch
        self._separate_hidden, self._carried = separate_hidden, carried
        self._plan: Any = None
        self._buffer: Any = None

    def run(
        self, parameters, moments, padded_windows, rules, first_updates, rates, states
    ) -> np.ndarray:
        """Train each model on minibatches; parameters, moments and states change in place."""
        from tsrnn.kernels.cuda.run import Run

        self._prepare(*rates.shape)
        try:
            run = Run(self._plan, self._buffer, *rates.shape)
            return self._run(
                run, parameters, moments, padded_windows, rules, first_updates, rates, states
            )
        except BaseException:
            self._buffer.abandon()
            raise

    def _run(self, run, parameters, moments, padded_windows, rules, first_updates, rates, states):
        buffer, carried = run.buffer, states.shape[1] > 0
        run.write_problem(self._problem)
        if buffer.write("rules", rules):
            _write_dropout(buffer, rules, parameters.dtype)
        buffer.write("first_updates", first_updates)
        buffer.write("rates", rates)
        run.write_windows(padded_windows)
        run.write_parameters(parameters)
        buffer.write("moments", moments)
        if carried:
            run.write_states(states)
        is_new = buffer.send("parameters")
        fetched = {
            "parameters": run.n_parameter_values,
            "moments": moments.size,
            "states": buffer.mirror("states").size,
            "losses": 2 * rates.size,
        }
        buffer.forget(*fetched)
        _launch_training(run, is_new)
        buffer.fetch(fetched)
        run.read_parameters(parameters)
        moments[...] = buffer.mirror("moments")[: moments.size].reshape(moments.shape)
        if carried:
            run.read_states(states)
        return buffer.mirror("losses")[: 2 * rates.size].reshape(*rates.shape, 2).copy()

    def _prepare(self, n_models, n_steps):
        """A plan and a buffer for so many models and steps, made anew if they are too small."""
        from tsrnn.kernels.cuda import pool
        from tsrnn.kernels.cuda.buffers import Buffer
        from tsrnn.kernels.cuda.run import Plan, ProblemShape, RunOptions, RunShape

        if self._buffer is None:
            self._buffer = Buffer()
        old = self._plan.shape if self._plan else RunShape(0, self._n_batch, 0)
        if n_models > old.n_models or n_steps > old.n_steps:
            self._buffer.free()  # before more is allocated
            n_steps = 1 << (n_steps - 1).bit_length()  # the next block may be a little longer
            shape = RunShape(max(n_models, old.n_models), self._n_batch, max(n_steps, old.n_steps))
            options = RunOptions(True, self._separate_hidden, self._carried, False)
            self._plan = Plan(ProblemShape.of(self._problem), self._dtype, shape, options)
        try:
            pool.prepare(self._buffer, self._plan.layout)
        except OutOfMemory as error:
            raise self._plan.memory_error(error) from None

    @property
    def gradient(self) -> np.ndarray:
        """The gradient of the first model's last minibatch, (n_parameters,)."""
        return self._buffer.read("gradients", self._plan.n_parameters)


def _write_dropout(buffer, rules, dtype):
    """Write limits, scales and seeds of each model's dropout."""
    columns, zero = Rule(*rules.T), dtype.type(0)
    probabilities = np.stack([columns.dropout, columns.recurrent_dropout], axis=1)
    different, places = np.unique(probabilities, return_inverse=True)
    dropouts = [dropout_of(probability, zero) for probability in different]
    places = places.reshape(probabilities.shape)
    limits = np.array([dropout.limit for dropout in dropouts], np.int64)[places]
    buffer.write("scales", np.array([dropout.scale for dropout in dropouts])[places])
    buffer.write("limits", np.column_stack([limits, columns.seed.astype(np.int64)]))


def _launch_training(run, is_new):
    """Launch all kernels of the minibatches; ``is_new``: weights are to be transposed first."""
    plan = run.plan
    if plan.by_model:
        run.launch("train", plan.n_workers)
        return
    if is_new:
        run.launch("transpose_weights", 1)
    for step in range(run.n_steps):
        for phase in PHASES:
            run.launch(phase, plan.n_chunks, step)
        run.launch("sum_gradients", plan.n_update_blocks, step)
        run.launch("update_parameters", plan.n_update_blocks, step)


def predict(
    problem: Problem,
    parameters: np.ndarray,
    padded_windows: np.ndarray,
    states: np.ndarray,
    out: np.ndarray,
    evaluate: bool,
    workers: str,
) -> np.ndarray:
    """As ``tsrnn.kernels.cpu.trainer.predict``; in halves if the windows don't fit into memory."""
    from tsrnn.kernels.cuda import pool, run

    require()
    n_models, n_windows = padded_windows.shape
    options = run.RunOptions(False, False, states.shape[1] > 0, evaluate)
    least = run.CHUNK_ROWS[0]
    shape = run.RunShape(n_models, -(-n_windows // least) * least, 1)
    plan = run.prediction_plan(run.ProblemShape.of(problem), parameters.dtype, shape, options)
    try:
        with pool.borrow(plan.layout) as buffer:
            call = run.Run(plan, buffer, n_models, 1)
            return _predict(call, problem, parameters, padded_windows, states, out)
    except OutOfMemory as error:
        if n_windows <= least:
            raise plan.memory_error(error) from None
    predict_half = functools.partial(predict, problem, parameters)
    first, second = (
        predict_half(padded_windows[:, half], states[:, half], out[:, half], evaluate, workers)
        for half in (slice(n_windows // 2), slice(n_windows // 2, None))
    )
    return first + second


def _predict(run, problem, parameters, padded_windows, states, out):
    """Predict by a run's kernels, whose arrays fit into memory."""
    buffer, plan = run.buffer, run.plan
    n_models, n_windows = padded_windows.shape
    run.write_problem(problem)
    buffer.write("scales", np.ones(2 * n_models))
    buffer.write("limits", np.zeros(3 * n_models, np.int64))
    run.write_windows(padded_windows)
    run.write_parameters(parameters)
    if plan.options.carried:
        run.write_states(states)
    if buffer.send("parameters"):
        run.launch("transpose_weights", n_models)
    names = "states", "sums" if plan.options.evaluate else "out"
    fetched = {name: buffer.mirror(name).size for name in names}
    buffer.forget(*fetched)
    last = "evaluate_loss" if plan.options.evaluate else "write_outputs"
    for phase in ("read_inputs", "forward", last):
        run.launch(phase, plan.n_workers)
    buffer.fetch(fetched)
    if plan.options.carried:
        run.read_states(states)
    if not plan.options.evaluate:
        out[...] = buffer.mirror("out").reshape(n_models, -1, out.shape[2])[:, :n_windows]
        return np.zeros((n_models, 2))
    return buffer.mirror("sums").reshape(n_models, plan.n_chunks, 2).sum(axis=1)
