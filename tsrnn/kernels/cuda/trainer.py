"""Training and prediction on the GPU, as in ``tsrnn.kernels.cpu.trainer``."""

import functools
from typing import Any

import numpy as np

from tsrnn.kernels.cuda.device import require
from tsrnn.kernels.dropout import dropout_of
from tsrnn.kernels.optimizers import Rule
from tsrnn.kernels.problem import Problem

MAX_UNIT_STEPS = 2**28  # of a prediction in one call: hidden units times time steps
PHASES = ("read_inputs", "forward", "evaluate_loss", "backward")  # of a minibatch, over its chunks


class Trainer:
    """As ``tsrnn.kernels.cpu.trainer.Trainer``; ``run`` copies all that changes there and back."""

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
        self._run: Any = None
        self._capacity = 0, 0

    def run(
        self, parameters, moments, padded_windows, rules, first_updates, rates, states
    ) -> np.ndarray:
        """Train each model on minibatches; parameters, moments and states change in place."""
        n_models, n_steps = rates.shape
        run = self._run_for(n_models, n_steps)
        _write_dropout(run, rules, parameters.dtype)
        run.ints.write("first_updates", first_updates)
        run.write_header()
        run.write_windows(padded_windows)
        run.write_parameters(parameters)
        run.floats.write("moments", moments)
        run.doubles.write("rules", rules)
        run.doubles.write("rates", rates)
        if states.shape[1]:
            run.write_states(states)
        _launch_training(run, n_steps)
        both = run.floats.read("parameters", 2 * parameters.size)
        parameters[:] = both.reshape(n_models, 2, -1)[:, 0]
        moments[:] = run.floats.read("moments", moments.size).reshape(moments.shape)
        if states.shape[1]:
            run.read_states(states)
        return run.doubles.read("losses", 2 * rates.size).reshape(n_models, n_steps, 2)

    def _run_for(self, n_models, n_steps):
        """The arrays for so many models and steps, made anew if they are too small."""
        from tsrnn.kernels.cuda.run import Run, RunOptions, RunShape

        if n_models > self._capacity[0] or n_steps > self._capacity[1]:
            self._run = None  # free the memory before more is allocated
            self._capacity = max(n_models, self._capacity[0]), max(n_steps, self._capacity[1])
            shape = RunShape(self._capacity[0], self._n_batch, self._capacity[1])
            options = RunOptions(True, self._separate_hidden, self._carried, False)
            self._run = Run(self._problem, self._dtype, shape, options)
        self._run.resize(n_models, n_steps)
        return self._run

    @property
    def gradient(self) -> np.ndarray:
        """The gradient of the first model's last minibatch, (n_parameters,)."""
        return self._run.floats.read("gradients", self._run.n_parameters)


def _write_dropout(run, rules, dtype):
    """Write limits, scales and seeds of each model's dropout."""
    zero, named = dtype.type(0), [Rule(*rule) for rule in rules]
    dropouts = [
        (dropout_of(rule.dropout, zero), dropout_of(rule.recurrent_dropout, zero), int(rule.seed))
        for rule in named
    ]
    scales = [[layers.scale, recurrent.scale] for layers, recurrent, _ in dropouts]
    limits = [[layers.limit, recurrent.limit, seed] for layers, recurrent, seed in dropouts]
    run.floats.write("scales", scales)
    run.ints.write("limits", limits)


def _launch_training(run, n_steps):
    if run.by_model:
        run.launch("train", run.n_workers)
        return
    run.launch("transpose_weights", 1)
    for step in range(n_steps):
        for phase in PHASES:
            run.launch(phase, run.n_chunks, step)
        run.launch("sum_gradients", run.n_update_blocks, step)
        run.launch("update_parameters", run.n_update_blocks, step)


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
    from tsrnn.kernels.cuda.run import CHUNK_ROWS, Run, RunOptions, RunShape

    require()
    (n_models, n_windows), carried = padded_windows.shape, states.shape[1] > 0
    options = RunOptions(False, False, carried, evaluate)
    try:
        run = Run(problem, parameters.dtype, RunShape(n_models, n_windows, 1), options)
    except MemoryError:
        if n_windows <= CHUNK_ROWS[0]:
            raise
        predict_half = functools.partial(predict, problem, parameters)
        first, second = (
            predict_half(padded_windows[:, half], states[:, half], out[:, half], evaluate, workers)
            for half in (slice(n_windows // 2), slice(n_windows // 2, None))
        )
        return first + second
    run.write_header()
    run.write_windows(padded_windows)
    run.write_parameters(parameters)
    if carried:
        run.write_states(states)
    run.launch("transpose_weights", n_models)
    for phase in ("read_inputs", "forward", "write_outputs"):
        run.launch(phase, run.n_workers)
    if carried:
        run.read_states(states)
    if not evaluate:
        out[:] = run.floats.read("out").reshape(n_models, -1, out.shape[2])[:, :n_windows]
        return np.zeros((n_models, 2))
    return run.doubles.read("sums").reshape(n_models, run.n_chunks, 2).sum(axis=1)
