"""Epochs of one or many models, in compiled blocks of minibatches."""

from __future__ import annotations

import time

import numpy as np

from tsrnn.kernels.losses import LOSSES
from tsrnn.kernels.targets import target_of
from tsrnn.network import RecurrentNetwork
from tsrnn.network.network import run_models
from tsrnn.training.schedules import learning_rates

BLOCK_SECONDS = 0.1  # between returns to Python, for progress and Ctrl-C


class Moments:
    """An optimiser's memory of one network, for a training that goes on where another ended.

    Attributes
    ----------
    values : (3, n_parameters) array
        First and second moments of the gradient, and the weights that steps go on from; where
        weights are averaged, the network has their average.
    steps : int
        Minibatches so far.
    """

    def __init__(self, network: RecurrentNetwork):
        self.values = np.zeros((3, network.parameters.size), network.parameters.dtype)
        self.values[2] = network.parameters
        self.steps = 0


class Epochs:
    """Arrays and counters of one training of one or many models of a shape."""

    def __init__(self, networks, source, windows, settings, rngs, workers, stop_after, moments):
        first = networks[0]
        self.network, self.source, self.windows = first, source, windows
        self.settings, self.rngs, self.workers = settings, rngs, workers
        self.streams = windows[0].ndim == 2
        if self.streams:
            first.check_states()
        n_models, dtype = len(networks), first.parameters.dtype
        if self.streams:
            self.n_batch = len(windows[0])
        else:
            self.n_batch = min(settings[0].batch_size, max(own.size for own in windows))
        self.n_steps = np.array([  # of an epoch
            min(-(-own.size // self.n_batch), each.n_batches or own.size)
            for own, each in zip(windows, settings, strict=True)
        ])  # fmt: skip
        self.sizes = first.sizes(first.n_time(source))
        moments = [Moments(network) for network in networks] if moments is None else moments
        self.parameters = np.stack([own.values[2] for own in moments])
        self.moments = np.stack([own.values for own in moments])
        self.moments[:, 2] = [network.parameters for network in networks]  # their average
        self.steps_before = np.array([own.steps for own in moments])
        self.weights = self.moments[:, 2] if settings[0].averaging > 0 else self.parameters
        self.states = np.zeros((first.state_width, self.n_batch if self.streams else 0), dtype)
        self.rules = np.array([
            own.rule(int(rng.bit_generator.random_raw() % 2**32) if _has_noise(own) else 0)
            for own, rng in zip(settings, rngs, strict=True)
        ], dtype=float)  # fmt: skip
        self.trainer = target_of(workers).Trainer(
            first.module, source, self.sizes, dtype, n_models, self.n_batch,
            LOSSES.index(settings[0].loss), settings[0].loss_params,
            settings[0].recurrent_dropout > 0, self.streams, workers,
        )  # fmt: skip
        # All rates at once: NumPy's cosine may round by where in an array a value stands.
        self.rates = [
            learning_rates(own.learning_rate, n * own.max_iter, own.learning_rate_init, own.warm_up)
            for own, n in zip(settings, self.n_steps, strict=True)
        ]
        self.factors = np.ones(n_models)  # of the adaptive schedule
        self.last_losses = np.full((n_models, 2), np.inf)  # best so far; epochs since then
        self.last_losses[:, 1] = 0
        self.n_epochs = np.array([
            own.max_iter if last is None else last
            for own, last in zip(settings, stop_after, strict=True)
        ])  # fmt: skip
        self.running = self.n_epochs > 0
        self.epochs = 0  # done
        self.block = 1  # minibatches to run before the next return to Python

    def epoch(self, on_progress) -> np.ndarray:
        """One pass over the windows of the running models, in random order; their mean losses."""
        models = np.flatnonzero(self.running)
        n_steps = int(self.n_steps[models].max())
        order = np.full((models.size, n_steps * self.n_batch), -1)
        for place, model in enumerate(models):
            own = self.windows[model]
            if self.streams:
                order[place, : own.size] = own.T.ravel()
            else:
                drawn = self.rngs[model].permutation(own.size)[: self.n_steps[model] * self.n_batch]
                order[place, : drawn.size] = own[drawn]
        if self.streams:
            self.states[:] = 0
        losses = np.zeros((models.size, n_steps, 2))
        done = 0
        while done < n_steps:
            last = min(done + self.block, n_steps)
            started = time.perf_counter()
            self._minibatches(models, order, losses, done, last)
            seconds = (time.perf_counter() - started) / (last - done)
            # At most double: the first block's time may hold a compilation.
            self.block = max(1, min(2 * self.block, int(BLOCK_SECONDS / seconds)))
            done = last
            on_progress((self.epochs + done / n_steps) / int(self.n_epochs.max()))
        means = np.zeros(len(self.windows))
        weights = losses[:, :, 1]
        means[models] = (losses[:, :, 0] * weights).sum(axis=1) / np.maximum(
            weights.sum(axis=1), 1e-300
        )
        return means

    def _minibatches(self, models, order, losses, first, last):
        whole = models.size == len(self.windows)
        # Views where all models run; else copies of those that still do, written back.
        parameters = self.parameters if whole else self.parameters[models]
        moments = self.moments if whole else self.moments[models]
        first_steps = self.epochs * self.n_steps[models] + first
        rates = np.zeros((models.size, last - first))
        for place, model in enumerate(models):
            n_own = max(0, min(last, self.n_steps[model]) - first)
            own = self.rates[model][first_steps[place] :][:n_own]
            rates[place, : own.size] = self.factors[model] * own
        some = np.ascontiguousarray(order[:, first * self.n_batch : last * self.n_batch])
        losses[:, first:last] = self.trainer.run(
            parameters, moments, some, self.rules[models],
            self.steps_before[models] + first_steps + 1, rates, self.states,
        )  # fmt: skip
        if not whole:
            self.parameters[models], self.moments[models] = parameters, moments

    def judge(self, validations) -> np.ndarray:
        """Mean losses of all models on their own windows; 0 where they have none."""
        order = np.full((len(validations), max(own.size for own in validations)), -1)
        for own, row in zip(validations, order, strict=True):
            row[: own.size] = own.ravel()
        out = np.empty((*order.shape, self.sizes.n_output_steps * self.sizes.n_out))
        workers = self.workers
        if workers != "cuda":
            workers = self.network.threads_for(workers, self.source, order.size)
        sums = run_models(
            self.network, self.weights, self.source, order, self.settings[0].loss,
            self.settings[0].loss_params, workers, None, True, out,
        )  # fmt: skip
        return sums[:, 0] / np.maximum(sums[:, 1], 1e-300)

    def adapt(self, model, loss):
        """Lower an adaptive rate after two epochs without improvement."""
        if self.settings[model].learning_rate != "adaptive":
            return
        best, since = self.last_losses[model]
        if loss < best:
            self.last_losses[model] = loss, 0
        elif since + 1 < 2:
            self.last_losses[model, 1] += 1
        else:
            self.last_losses[model, 1] = 0
            self.factors[model] /= 5

    def leave(self, moments):
        """Write the optimiser's memory to where the next training takes it from."""
        for own, values, weights, n_steps in zip(
            moments, self.moments, self.parameters, self.n_steps, strict=True
        ):
            own.values[:2], own.values[2] = values[:2], weights
            own.steps += int(self.epochs * n_steps)

    def end_epoch(self):
        """Count the epoch, and stop the models that have had all of theirs."""
        self.epochs += 1
        self.running &= self.epochs < self.n_epochs


def _has_noise(settings):
    return settings.dropout > 0 or settings.recurrent_dropout > 0
