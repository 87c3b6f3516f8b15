"""Epochs of one or many models, run by the kernels in blocks of minibatches."""

import time

import numpy as np

from tsrnn.kernels.jit.elsewhere import compile_elsewhere
from tsrnn.network import Network
from tsrnn.training.budget import Budget, Pace
from tsrnn.training.schedules import learning_rates
from tsrnn.training.supply import RemoteWindows, Round, draw_windows, windows_in_memory

BLOCK_SECONDS = 0.1  # between returns to Python, for progress and Ctrl-C
_LONGER_BLOCKS = 3  # of many models on a GPU, whose weights are copied back after each


class Moments:
    """State of a network's optimiser, from which another training can continue.

    ``values`` (3, n_parameters) are first and second moments of the gradient and the weights to
    continue from: with averaging the network itself has the averaged weights.
    """

    def __init__(self, network: Network):
        self.values = np.zeros((3, network.parameters.size), network.parameters.dtype)
        self.values[2] = network.parameters
        self.steps = 0


class EpochRunner:
    """Arrays and counters of the training of one or many models of one shape."""

    def __init__(self, networks, source, windows, settings, rngs, workers, moments, pace=None):
        first = networks[0]
        self.pace = Pace(Budget(), 0.0) if pace is None else pace
        self.network, self.source, self.windows = first, source, windows
        self.settings, self.rngs, self.workers = settings, rngs, workers
        self.is_stream = windows[0].ndim == 2
        if self.is_stream:
            first.check_states()
            self.n_batch = len(windows[0])
        else:
            self.n_batch = min(settings[0].batch_size, max(array.size for array in windows))
        per_epoch = [
            min(-(-array.size // self.n_batch), each.n_batches or array.size)
            for array, each in zip(windows, settings, strict=True)
        ]
        self.steps_per_epoch = np.array(per_epoch)
        self._init_weights(networks, moments)
        n_states = self.n_batch if self.is_stream else 0
        self.states = np.zeros((first.state_width, n_states), self.parameters.dtype)
        self.rules = np.array(
            [each.rule(_dropout_seed(each, rng)) for each, rng in zip(settings, rngs, strict=True)],
            dtype=float,
        )
        shape = len(settings), self.n_batch
        options = settings[0].recurrent_dropout > 0, self.is_stream
        loss = settings[0].loss, settings[0].loss_params
        self.trainer = first.make_trainer(source, loss, shape, options, workers)
        self.schedule_epochs = [
            self.pace.budget.longest(each.max_iter, n)
            for each, n in zip(settings, self.steps_per_epoch, strict=True)
        ]
        # All rates at once: NumPy's cosine may round by the position of a value in an array.
        self.rates = [
            learning_rates(each.learning_rate, n * n_epochs, each.learning_rate_init, each.warm_up)
            for each, n, n_epochs in zip(
                settings, self.steps_per_epoch, self.schedule_epochs, strict=True
            )
        ]
        self.rate_factors = np.ones(len(networks))  # of the adaptive schedule
        self.best_loss = np.full(len(networks), np.inf)  # as the adaptive schedule sees it
        self.n_without_improvement = np.zeros(len(networks), int)  # epochs since the best
        self.max_epochs = np.array(
            [
                n_epochs if each.stop_after is None else min(each.stop_after, n_epochs)
                for each, n_epochs in zip(settings, self.schedule_epochs, strict=True)
            ]
        )
        self.running = self.max_epochs > 0
        self.n_epochs = 0
        self.block = 1  # minibatches to run before the next return to Python
        self.block_seconds = BLOCK_SECONDS
        if workers == "cuda" and len(networks) > 1:
            self.block_seconds *= _LONGER_BLOCKS
        self.models_at_once = self._count_models_at_once()

    def _init_weights(self, networks, moments):
        moments = [Moments(network) for network in networks] if moments is None else moments
        self.parameters = np.stack([each.values[2] for each in moments])
        self.moments = np.stack([each.values for each in moments])
        self.moments[:, 2] = [network.parameters for network in networks]  # their average
        self.steps_before = np.array([each.steps for each in moments])
        averaged = self.settings[0].averaging > 0
        self.weights = self.moments[:, 2] if averaged else self.parameters

    def _count_models_at_once(self):
        """Models that one call of the kernels trains: few where a minibatch takes long."""
        if self.workers == "cuda":
            return len(self.windows)
        seconds = self.n_batch * self.network.seconds_of_a_window(self.source, training=True)
        return self.workers * max(1, int(BLOCK_SECONDS / seconds))

    def run_epoch(self, on_progress) -> np.ndarray:
        """Train the running models on their windows once, shuffled; mean losses (n_models,).

        The epoch ends early where the budget is spent or the schedule comes to its end.
        """
        if isinstance(self.windows[0], RemoteWindows):
            return self._run_elsewhere(self.windows[0], on_progress)
        models = np.flatnonzero(self.running)
        n_steps = int(self.steps_per_epoch[models].max())
        padded_windows = self._draw_windows(models, n_steps)
        resets = self._draw_resets(n_steps)
        losses = np.zeros((models.size, n_steps, 2))
        done = 0
        while done < n_steps:
            self.states[:, resets[done]] = 0
            next_reset = done + 1 + np.flatnonzero(resets[done + 1 :].any(axis=1))
            last = min(done + self.block, n_steps, *next_reset[:1])
            started = time.perf_counter()
            for first in range(0, models.size, self.models_at_once):
                part = slice(first, first + self.models_at_once)
                self._run_steps(models[part], padded_windows[part], losses[part], done, last)
                steps = done + (last - done) * min(part.stop / models.size, 1.0)
                epochs = self.n_epochs + steps / n_steps + self.pace.skipped
                on_progress(min(1.0, epochs / int(self.max_epochs.max())))
            seconds = time.perf_counter() - started
            n_run = int(np.clip(self.steps_per_epoch[models] - done, 0, last - done).sum())
            self.pace.end_block(seconds, n_run, (last - done) / n_steps)
            # At most double: the first block may include a compilation.
            possible = int(self.block_seconds * (last - done) / seconds)
            self.block = max(1, min(2 * self.block, possible))
            done = last
            if self._is_at_end(models, done / n_steps):
                break
        means = np.zeros(len(self.windows))
        weights = losses[:, :, 1]
        means[models] = (losses[:, :, 0] * weights).sum(axis=1) / np.maximum(
            weights.sum(axis=1), 1e-300
        )
        return means

    def _run_elsewhere(self, windows, on_progress):
        """The same by other processes, each on windows of its own."""
        start = Round(
            self.n_epochs,
            self.settings,
            self.n_batch,
            self.parameters,
            self.moments,
            self.rate_factors,
        )
        self.parameters[:], self.moments[:], losses = windows.train(self.network, start)
        on_progress(min(1.0, (self.n_epochs + 1) / int(self.max_epochs.max())))
        return losses

    def resume_from(self, start: Round) -> None:
        """Continue from the state of networks at the beginning of an epoch."""
        self.n_epochs = start.number
        self.parameters[:], self.moments[:] = start.parameters, start.moments
        self.rate_factors[:] = start.rate_factors

    def _is_at_end(self, models, share):
        """Set the pace after a share of the epoch; whether the models are to end in it."""
        left = self.max_epochs[models] - (self.n_epochs + share + self.pace.skipped)
        self.pace.plan(left, self.steps_per_epoch[models])
        return share < 1 and (self.pace.is_over or left.max() <= 0)

    def _draw_windows(self, models, n_steps):
        """Windows of the minibatches of an epoch, (models, n_steps * n_batch), padded by -1."""
        padded_windows = np.full((models.size, n_steps * self.n_batch), -1)
        for row, model in zip(padded_windows, models, strict=True):
            windows = self.windows[model]
            if self.is_stream:
                row[: windows.size] = windows.T.ravel()
            else:
                n_drawn = self.steps_per_epoch[model] * self.n_batch
                n_left = int(self.max_epochs[model]) - self.n_epochs
                drawn = draw_windows(windows, self.rngs[model], self.n_epochs, n_drawn, n_left)
                row[: drawn.size] = self.network.arrange(self.source, drawn, self.n_batch)
        return padded_windows

    def _draw_resets(self, n_steps):
        """Which streams begin which minibatch of an epoch with a state of zeros, (n_steps, n)."""
        resets = np.zeros((n_steps, self.states.shape[1]), bool)
        if self.is_stream and self.settings[0].reset > 0:
            resets[:] = self.rngs[0].random(resets.shape) < self.settings[0].reset
        resets[:1] = True
        return resets

    def _run_steps(self, models, padded_windows, losses, first, last):
        """Run minibatches ``first`` to ``last`` of an epoch and write their losses."""
        # Views of models that follow each other; of others copies, written back.
        adjacent = models[-1] - models[0] + 1 == models.size
        rows = slice(models[0], models[-1] + 1) if adjacent else models
        parameters, moments = self.parameters[rows], self.moments[rows]
        first_steps = self.n_epochs * self.steps_per_epoch[models] + first
        rates = np.zeros((models.size, last - first))
        for row, model, first_step in zip(rates, models, first_steps, strict=True):
            n_left = max(0, min(last, self.steps_per_epoch[model]) - first)
            skipped = self.pace.skipped * self.steps_per_epoch[model]
            places = (first_step + skipped + self.pace.rate * np.arange(n_left)).astype(int)
            places = np.minimum(places, self.rates[model].size - 1)
            row[:n_left] = self.rate_factors[model] * self.rates[model][places]
        batches = np.ascontiguousarray(
            padded_windows[:, first * self.n_batch : last * self.n_batch]
        )
        first_updates = self.steps_before[models] + first_steps + 1
        losses[:, first:last] = self.trainer.run(
            parameters, moments, batches, self.rules[models], first_updates, rates, self.states
        )
        if not adjacent:
            self.parameters[models], self.moments[models] = parameters, moments

    def evaluate(self, validations) -> np.ndarray:
        """Mean losses of all models on their validation windows, (n_models,); 0 without any."""
        n_windows = len(validations) * max(array.size for array in validations)
        loss, workers = (self.settings[0].loss, self.settings[0].loss_params), self.workers
        if workers != "cuda":
            workers = self.network.threads_for(workers, self.source, n_windows)
        sums = self.network.evaluate(self.weights, self.source, validations, loss, workers)
        return sums[:, 0] / np.maximum(sums[:, 1], 1e-300)

    def adapt_rate(self, model, loss):
        """Divide an adaptive learning rate by five after two epochs without improvement."""
        if self.settings[model].learning_rate != "adaptive":
            return
        if loss < self.best_loss[model]:
            self.best_loss[model], self.n_without_improvement[model] = loss, 0
            return
        self.n_without_improvement[model] += 1
        if self.n_without_improvement[model] == 2:
            self.n_without_improvement[model] = 0
            self.rate_factors[model] /= 5

    def compile_elsewhere(self, validations) -> None:
        """Let another process compile the kernel that this one does not come to first.

        With validation that is the training's; without that of evaluations, and of predictions.
        """
        if self.workers == "cuda":
            return
        validated = any(array.size for array in validations)
        name = self.network.cell, self.parameters.dtype.name, self.workers > 1, validated
        compile_elsewhere(name, self._run_one_step if validated else self._evaluate_one)

    def _run_one_step(self):
        windows = np.full((len(self.windows), self.n_batch), -1)
        first_updates, rates = np.ones(len(windows), int), np.zeros((len(windows), 1))
        weights = self.parameters, self.moments
        self.trainer.run(*weights, windows, self.rules, first_updates, rates, self.states)

    def _evaluate_one(self):
        windows = [windows_in_memory(each).ravel()[:1] for each in self.windows]
        loss = self.settings[0].loss, self.settings[0].loss_params
        self.network.evaluate(self.weights, self.source, windows, loss, 1)

    def store_moments(self, moments):
        """Write the state of the optimiser to ``moments``."""
        for stored, values, weights, n_steps in zip(
            moments, self.moments, self.parameters, self.steps_per_epoch, strict=True
        ):
            stored.values[:2], stored.values[2] = values[:2], weights
            stored.steps += int(self.n_epochs * n_steps)

    def end_epoch(self):
        """Count the epoch, and stop the models that have completed all of theirs."""
        self.n_epochs += 1
        self.pace.end_epoch()
        self.running &= self.n_epochs + self.pace.skipped < self.max_epochs
        if self.pace.is_over:
            self.running[:] = False

    def length_of_schedule(self, model) -> float:
        """Epochs of training that the whole schedule takes at the pace so far."""
        return self.schedule_epochs[model] * (
            self.n_epochs / (self.n_epochs + self.pace.skipped) if self.n_epochs else 1.0
        )


def _dropout_seed(settings, rng):
    """A random 32-bit number, drawn only if there is dropout."""
    if settings.dropout > 0 or settings.recurrent_dropout > 0:
        return int(rng.bit_generator.random_raw() % 2**32)
    return 0
