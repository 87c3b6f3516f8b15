"""The two sides of a task: this library's training, and the same network in PyTorch.

Both begin with the same weights and read the same minibatches in the same order; both clip the
gradient's norm at 1 and use Adam. PyTorch's second bias, which we do not have, stays 0.
"""

import dataclasses
import functools
import resource
import time

import numpy as np

from sequence_sections.tasks import TASKS
from tsrnn.kernels.jit.threads import available_threads
from tsrnn.kernels.targets import claim
from tsrnn.network.runs import evaluate_models
from tsrnn.training import Settings, train

RATE, MAX_NORM = 3e-3, 1.0
NONE = np.empty(0, np.int64)


class Ours:
    """``tsrnn.training.train``."""

    def __init__(self, task):
        self.task = task
        self.settings = Settings(
            loss=task.loss,
            max_iter=1,
            batch_size=task.batch_size,
            learning_rate="constant",
            learning_rate_init=RATE,
            max_grad_norm=MAX_NORM,
        )
        self.reset()

    def reset(self):
        """Return to the initial weights."""
        self.network = self.task.network()

    def train(self, task):
        """Mean loss of an epoch on a task's windows."""
        rng = np.random.default_rng(0)
        history = train(self.network, task.source, task.windows, NONE, self.settings, rng)
        return history.loss_curve[0]

    def evaluate(self):
        """Mean loss of the windows for validation."""
        task, weights = self.task, self.network.parameters[None]
        with claim("cpu", None) as workers:
            sums = evaluate_models(
                self.network, weights, task.source, [task.validation], (task.loss, ()), workers
            )
        return sums[0, 0] / sums[0, 1]


class PyTorch:
    """nn.Embedding, nn.LSTM, nn.Linear, on windows padded where their lengths differ."""

    def __init__(self, task):
        import torch

        torch.set_num_threads(available_threads())
        self.torch, self.task = torch, task
        values, targets = (x.astype(np.float32) for x in (task.source.values, task.source.targets))
        self.source = task.source._replace(values=values, targets=targets)  # ours are of float64
        nn = torch.nn
        n_in = task.source.values.shape[1] + task.n_embedding
        options = {"batch_first": True, "bidirectional": task.bidirectional}
        self.embedding = nn.Embedding(task.n_tokens, task.n_embedding) if task.n_tokens else None
        self.layer = nn.LSTM(n_in, task.n_hidden, **options)
        self.head = nn.Linear((1 + task.bidirectional) * task.n_hidden, task.n_out)
        self.twins = {"head_weight": self.head.weight, "head_bias": self.head.bias}
        if task.tied:
            self.embedding.weight = self.head.weight
        elif task.n_tokens:
            self.twins["token_embedding"] = self.embedding.weight
        for name, parameter in self.layer.named_parameters():
            kind, end = name.split("_l0")
            if kind == "bias_hh":
                parameter.requires_grad_(False).zero_()
            else:
                ours = {"weight_ih": "weight_input", "weight_hh": "weight_hidden"}.get(kind, "bias")
                self.twins[f"{ours}_l0{end}"] = parameter
        self.reset()

    def reset(self):
        """Return to the initial weights, which are ours."""
        views = self.task.network().views()
        with self.torch.no_grad():
            for name, parameter in self.twins.items():
                values = views[name]
                if name == "token_embedding":
                    values = values[:, : self.task.n_embedding]
                parameter.copy_(self.torch.from_numpy(values.reshape(parameter.shape)))

    def train(self, task):
        """Mean loss of an epoch on a task's windows."""
        torch, parameters = self.torch, list(self.twins.values())
        adam = torch.optim.Adam(parameters, lr=RATE, fused=True)
        state, total, weight = None, 0.0, 0
        for windows in self._minibatches(task):
            adam.zero_grad(set_to_none=True)
            loss, n, after = self._loss(windows, state)
            if task.windows.ndim == 2:
                state = tuple(part.detach() for part in after)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, MAX_NORM)
            adam.step()
            total, weight = total + loss.item() * n, weight + n
        return total / weight

    def _minibatches(self, task):
        """Windows of each minibatch, in the order of our training."""
        if task.windows.ndim == 2:
            return task.windows.T
        order = np.random.default_rng(0).permutation(task.windows.size)
        return np.split(task.windows[order], range(task.batch_size, order.size, task.batch_size))

    def _loss(self, windows, state=None):
        """Mean loss of windows, the number of targets, and the state after them."""
        torch, task, source = self.torch, self.task, self.source
        lengths = source.lengths[windows]
        steps = np.arange(lengths.max())
        is_step = steps < lengths[:, None]
        rows = source.firsts[windows][:, None] + np.minimum(steps, lengths[:, None] - 1)
        inputs = []
        if task.n_tokens:
            inputs.append(self.embedding(torch.from_numpy(source.tokens[rows])))
        if source.values.shape[1]:
            inputs.append(torch.from_numpy(source.values[rows]))
        hidden, state = self._read(
            torch.cat(inputs, 2) if inputs[1:] else inputs[0], lengths, state
        )
        if task.head == "max":
            if not is_step.all():
                padding = torch.from_numpy(~is_step)[:, :, None]
                hidden = hidden.masked_fill(padding, -torch.inf)
            scores, targets = self.head(hidden.amax(1)), source.targets[windows]
        else:
            scores, targets = self.head(hidden), source.targets[rows]
            if is_step.all():
                scores, targets = scores.flatten(0, 1), targets.reshape(-1, targets.shape[2])
            else:
                scores, targets = scores[torch.from_numpy(is_step)], targets[is_step]
        targets = torch.from_numpy(targets)
        functions = torch.nn.functional
        if task.loss == "cross_entropy":
            loss = functions.cross_entropy(scores, targets[:, 0].long())
        else:
            loss = functions.binary_cross_entropy_with_logits(scores, targets)
        return loss, targets.numel(), state

    def _read(self, inputs, lengths, state):
        """Hidden states of all steps, and the last."""
        if not self.task.bidirectional or lengths.min() == lengths.max():
            return self.layer(inputs, state)
        rnn = self.torch.nn.utils.rnn
        options = {"batch_first": True, "enforce_sorted": False}
        packed = rnn.pack_padded_sequence(inputs, self.torch.from_numpy(lengths), **options)
        hidden, state = self.layer(packed)
        return rnn.pad_packed_sequence(hidden, batch_first=True)[0], state

    def evaluate(self):
        """Mean loss of the windows for validation."""
        total, weight, windows = 0.0, 0, self.task.validation
        with self.torch.inference_mode():
            for some in np.split(windows, range(64, windows.size, 64)):
                loss, n, _ = self._loss(some)
                total, weight = total + loss.item() * n, weight + n
        return total / weight


SIDES = {"tsrnn": Ours, "PyTorch": PyTorch}


@functools.cache
def ready_side(library, name, data, dry):
    """A library and its task, after a minibatch or two; in the worker that is its own."""
    side = SIDES[library](TASKS[name](data, dry))
    side.train(side.task.first_minibatches(2))
    return side


def time_epoch(library, name, data, dry):
    """Seconds of an epoch, and mean losses in it and after it; run in a worker."""
    side = ready_side(library, name, data, dry)
    side.reset()
    started = time.perf_counter()
    loss = side.train(side.task)
    seconds = time.perf_counter() - started
    return seconds, loss, side.evaluate()


def peak_memory(library, name, data, dry):
    """MB that a training of ten minibatches takes at its peak; run in a worker of its own.

    They count from what a process has that has read the data and trained a small network: weights,
    the optimiser's state and all that is computed. None where the system does not tell.
    """
    task = TASKS[name](data, dry)
    small = dataclasses.replace(task, n_hidden=4, n_embedding=4 if task.n_tokens else 0)
    side = SIDES[library](small)
    side.train(small.first_minibatches(2))
    del side
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # forget the peak so far
        with open("/proc/self/statm") as file:
            before = int(file.read().split()[1]) * resource.getpagesize()
        SIDES[library](task).train(task.first_minibatches(10))
        with open("/proc/self/status") as file:
            peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
    except (OSError, StopIteration):
        return None
    return (peak - before) / 2**20
