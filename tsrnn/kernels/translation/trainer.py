"""Training and evaluation of an encoder-decoder, with their working memory."""

import numpy as np

from tsrnn.kernels.cpu.updates import count_blocks
from tsrnn.kernels.embedding import count_parameters
from tsrnn.kernels.layout import state_width
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.translation import parts_of
from tsrnn.kernels.translation.cross_arrays import kind_of
from tsrnn.kernels.translation.drivers import pair_drivers
from tsrnn.kernels.translation.passes import pair_space


class PairTrainer:
    """The training of an encoder-decoder, and its working memory.

    ``problems`` are the encoder's and the decoder's; minibatches have ``n_batch`` pairs at most.
    """

    def __init__(
        self,
        problems: tuple[Problem, Problem],
        attention: str | None,
        dtype,
        n_batch: int,
        recurrent_dropout: bool,
        n_tasks: int,
    ):
        self._sizes = encoder, decoder = problems[0].sizes, problems[1].sizes
        self._kind = kind_of(attention)
        self._kernel = pair_drivers(problems[0].cell, attention).train
        self._problem = _for_kernels(problems)
        self._n_batch, self._n_tasks = n_batch, n_tasks
        n_chunks, rest = -(-n_batch // encoder.n_rows), self._parts[-1]
        n = rest.gradient + rest.size
        self._tokens = tuple(_token_buffers(sizes, n_chunks, dtype) for sizes in self._sizes)
        self._gradients = np.empty((n_chunks, n), dtype)
        self._squares, self._sums = np.empty(count_blocks(n) + 2), np.empty((n_chunks, 2))
        spaces = tuple(pair_space(encoder, decoder, True, recurrent_dropout))
        states = np.empty((state_width(encoder) + state_width(decoder), n_batch), dtype)
        work = np.empty((n_tasks, sum(spaces)), dtype)
        self._memory = work, spaces, states, np.empty((n_tasks, 2, encoder.n_rows), np.int64)

    @property
    def _parts(self):
        return parts_of(*self._sizes, self._kind)

    def run(self, parameters, moments, padded_windows, rules, first_updates, rates, states):
        """Train on minibatches, as ``tsrnn.kernels.cpu.trainer.Trainer.run`` of one model."""
        losses = np.empty((*rates.shape, 2))
        windows = padded_windows[0, : np.count_nonzero(padded_windows[0] >= 0)]
        models = parameters[0], moments[0], rules[0]
        schedule = windows, self._n_batch, int(first_updates[0]), rates[0], losses[0]
        buffers = self._gradients, *self._tokens, self._squares, self._sums
        self._kernel(self._n_tasks, *self._problem, models, schedule, buffers, self._memory)
        return losses

    @property
    def gradient(self) -> np.ndarray:
        """The gradient of the last minibatch, (n_parameters,)."""
        pieces = []
        for number, part in enumerate(self._parts):
            pieces.append(self._gradients[0, part.gradient : part.gradient + part.size])
            if number < 2 and self._sizes[number].n_tokens and not self._sizes[number].tied:
                values, places, _ = self._tokens[number]
                sizes = self._sizes[number]
                embedding = np.zeros((sizes.n_tokens, sizes.n_embedding), values.dtype)
                embedding[places >= 0] = values[places[places >= 0]]
                pieces.append(embedding.ravel())
        return np.concatenate(pieces)


def _token_buffers(sizes, n_chunks, dtype):
    n_read = n_chunks * sizes.n_rows * sizes.n_time if sizes.n_tokens else 0
    return (
        np.empty((n_read, sizes.n_embedding), dtype),
        np.full(sizes.n_tokens, -1),
        np.full(n_read + 1, -1),
    )


def _for_kernels(problems):
    """Sources, sizes and loss, the first arguments of kernels."""
    (source, sizes, _), (target_source, target_sizes, loss) = (p.for_kernels() for p in problems)
    return (source, target_source), (sizes, target_sizes), loss


def evaluate_pair(
    problems: tuple[Problem, Problem],
    attention: str | None,
    parameters: np.ndarray,
    windows: np.ndarray,
    step_losses: np.ndarray,
    n_tasks: int,
) -> np.ndarray:
    """Sums of losses and weights of windows, (2,).

    ``step_losses``, (n_windows, n_output_steps or 0), are written: NaN where there is no target.
    """
    encoder, decoder = problems[0].sizes, problems[1].sizes
    sums = np.zeros((-(-windows.size // encoder.n_rows), 2))
    spaces = tuple(pair_space(encoder, decoder, False, False))
    width = state_width(encoder) + state_width(decoder)
    memory = (
        np.empty((n_tasks, sum(spaces)), parameters.dtype),
        spaces,
        np.empty((n_tasks, width, encoder.n_rows), parameters.dtype),
        np.empty((n_tasks, 2, encoder.n_rows), np.int64),
    )
    kernel = pair_drivers(problems[0].cell, attention).evaluate
    kernel(n_tasks, *_for_kernels(problems), parameters, windows, memory, sums, step_losses)
    return sums.sum(axis=0)


def pair_parameters(encoder, decoder, attention: str | None) -> int:
    """Length of the parameter vector, by ``Sizes`` of both networks."""
    kind = kind_of(attention)
    return (
        count_parameters(encoder)
        + count_parameters(decoder)
        + parts_of(encoder, decoder, kind)[-1].size
    )
