"""Connectionist temporal classification: loss and gradient beside PyTorch's nn.CTCLoss."""

import functools
import time

import numpy as np
from numba import prange
from results import Table, at_least

from tsrnn.kernels.jit.compile import Kernel
from tsrnn.kernels.jit.threads import available_threads, claim_threads
from tsrnn.kernels.layout import ROWS
from tsrnn.kernels.losses import LOSSES, apply_sequence_loss, sequence_space

SIZE = 64, 400, 30, 30  # rows, frames, classes with the blank, labels of a row
KIND = LOSSES.index("ctc")
SECONDS = 0.5  # of a round
CLOSE = 1e-8  # errors of float64


def ctc(run):
    """Print milliseconds of both, and errors; end where our float64 is not PyTorch's."""
    n_rows, n_time, n_classes, n_labels = size = (16, 20, 5, 4) if run.dry else SIZE
    title = f"{n_rows} rows, {n_time} frames, {n_classes} classes, {n_labels} labels"
    columns = ["dtype", "threads", "ms", "PyTorch ms", "ratio"]
    columns += ["error of losses", "PyTorch's", "error of gradients", "PyTorch's of gradients"]
    table = Table("sequences-ctc", f"CTC loss and gradient, {title}", columns)
    seconds, exact = 0.01 if run.dry else SECONDS, None
    with run.race() as race:
        for dtype in ("float64", "float32"):
            for n_threads in sorted({1, min(2, available_threads())}):
                arguments = size, dtype, n_threads, seconds
                results = race.turns(time_ctc, dict.fromkeys(run.libraries, arguments))
                times = np.array([[row[0] for row in rows] for rows in results.values()])
                theirs = ratio = None
                if "PyTorch" in results:
                    theirs = f"{1e3 * np.median(times[1]):.2f}"
                    ratio = at_least(np.median(times[1] / times[0]), 1.0, ".2f")
                firsts = [rows[0][1:] for rows in results.values()]
                exact = exact or firsts[-1]
                errors = [_errors(*first, *exact) for first in firsts]
                assert dtype == "float32" or max(errors[0]) < CLOSE, f"They differ: {errors[0]}."
                shown = [f"{error:.0e}" for kind in zip(*errors, strict=True) for error in kind]
                ours = f"{1e3 * np.median(times[0]):.2f}"
                table.row(dtype, n_threads, ours, theirs, ratio, *shown)
    table.note(f"Errors from PyTorch's float64; those of ours in float64 are below {CLOSE:.0e}.")


def _errors(losses, gradients, exact_losses, exact_gradients):
    """Largest error of losses, relative to the exact ones, and of gradients."""
    of_losses = np.abs(losses / exact_losses - 1).max()
    return of_losses, np.abs(gradients - exact_gradients).max()


def time_ctc(library, size, dtype, n_threads, seconds):
    """Median seconds of a call, the losses and the gradients by scores; run in a worker."""
    n_rows, n_time, n_classes, n_labels = size
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(n_rows, n_time, n_classes)).astype(np.float32).astype(dtype)
    labels = rng.integers(1, n_classes, (n_rows, n_labels))
    if library == "tsrnn":
        with claim_threads(n_threads) as n_tasks:
            return _repeat(functools.partial(_ours, scores, labels, n_tasks), seconds)
    import torch

    torch.set_num_threads(n_threads)
    return _repeat(functools.partial(_by_pytorch, torch, scores, labels), seconds)


def _repeat(call, seconds):
    """Median of the seconds that calls return, and the rest of what the last returns."""
    call()
    times, started = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - started < seconds:
        taken, *rest = call()
        times.append(taken)
    return np.median(times), *rest


def evaluate_chunks(n_tasks, outputs, targets, firsts, weights, scratch, losses):
    """Losses of chunks of rows; outputs, (chunks, n_time, classes * rows), become gradients."""
    for task in prange(n_tasks):
        n_chunks = outputs.shape[0]
        for chunk in range(task * n_chunks // n_tasks, (task + 1) * n_chunks // n_tasks):
            for row in range(firsts.size):
                losses[chunk, row] = apply_sequence_loss(
                    KIND, outputs[chunk], targets[chunk], row, firsts[row], weights, scratch[task]
                )[0]


KERNEL = Kernel(evaluate_chunks, "benchmark-ctc")


def _ours(scores, labels, n_tasks):
    """Seconds, losses and gradients of our kernel, which computes the softmax too."""
    n_rows, n_time, n_classes = scores.shape
    n_chunks, n_labels = n_rows // ROWS, labels.shape[1]
    chunks = scores.reshape(n_chunks, ROWS, n_time, n_classes).transpose(0, 2, 3, 1)
    outputs = chunks.reshape(n_chunks, n_time, -1).copy()
    targets = np.full((n_chunks, n_time, ROWS), np.nan, scores.dtype)
    targets[:, :n_labels] = labels.reshape(n_chunks, ROWS, n_labels).transpose(0, 2, 1)
    space = sequence_space("ctc", n_time, n_classes, n_labels)
    firsts, weights = np.zeros(ROWS, np.int64), np.ones(ROWS, scores.dtype)
    scratch, losses = np.empty((n_tasks, space), scores.dtype), np.empty((n_chunks, ROWS))
    started = time.perf_counter()
    KERNEL(n_tasks, outputs, targets, firsts, weights, scratch, losses)
    seconds = time.perf_counter() - started
    gradients = outputs.reshape(n_chunks, n_time, n_classes, ROWS).transpose(0, 3, 1, 2)
    return seconds, losses.ravel(), gradients.reshape(scores.shape)


def _by_pytorch(torch, scores, labels):
    """Seconds, losses and gradients of nn.CTCLoss after log_softmax."""
    x, targets = torch.tensor(scores, requires_grad=True), torch.from_numpy(labels)
    n_rows, n_time, _ = scores.shape
    lengths = [torch.full((n_rows,), n) for n in (n_time, labels.shape[1])]
    criterion = torch.nn.CTCLoss(reduction="none")
    started = time.perf_counter()
    losses = criterion(x.transpose(0, 1).log_softmax(2), targets, *lengths)
    losses.sum().backward()
    seconds = time.perf_counter() - started
    return seconds, losses.detach().numpy(), x.grad.numpy()
