"""StepDecoder: an encoder-decoder that has read sequences writes others, token by token."""

from __future__ import annotations

import numpy as np

from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.layout import state_width
from tsrnn.kernels.sources import Source, kernel_source
from tsrnn.kernels.translation import cross_sizes
from tsrnn.kernels.translation.cross_arrays import CrossSizes, cross_space
from tsrnn.network.encoder_decoder import EncoderDecoder

_ROWS = 64  # of a chunk of a step


class StepDecoder:
    """What an encoder-decoder has read, and its steps of rows that each write one of them on.

    The bits of a row depend neither on other rows nor on the number of threads.

    Parameters
    ----------
    network : EncoderDecoder
    source : Source
        Sequences to read; all of its windows.
    allowed : (n_out,) bool array
        Tokens that may be written.
    n_tasks : int
        Tasks that run at once.

    Attributes
    ----------
    states : (state_width, n_sequences) array
        The decoder's initial states.
    first_steps : (n_sequences,) int64 array
        The step, of ``n_read``, at which each sequence begins; all end together.
    """

    def __init__(
        self, network: EncoderDecoder, source: Source, allowed: np.ndarray, n_tasks: int = 1
    ):
        self.network, self._allowed, self._n_tasks = network, allowed.astype(bool), n_tasks
        self.n_read = network.encoder.n_time(source)
        encoder, decoder = network.encoder.sizes(self.n_read), network.decoder.sizes(1)
        self._kernels = network.decoding
        n, dtype = source.firsts.size, network.dtype
        n_tables = n * self.n_read if network.attention else 0
        self.first_steps = np.empty(n, np.int64)
        self.states = np.empty((state_width(decoder), n), dtype)
        values = np.empty((n_tables, encoder.n_directions * encoder.n_hidden), dtype)
        keys = (
            values if network.attention == "dot" else np.empty((n_tables, decoder.n_hidden), dtype)
        )
        self._tables = keys, values, self.first_steps
        spaces = (
            workspace_size(encoder, False),
            0,
            self.n_read * decoder.n_hidden * encoder.n_rows if network.attention else 0,
            0,
        )
        width = state_width(encoder) + state_width(decoder)
        memory = (
            np.empty((n_tasks, sum(spaces)), dtype),
            spaces,
            np.empty((n_tasks, width, encoder.n_rows), dtype),
            np.empty((n_tasks, 2, encoder.n_rows), np.int64),
        )
        sizes, out = (tuple(encoder), tuple(decoder)), (self.first_steps, self.states, keys, values)
        windows = np.arange(n)
        arguments = kernel_source(source), sizes, network.parameters, windows, memory, out
        self._kernels.encode(n_tasks, *arguments)
        self._prepare(encoder, decoder._replace(n_rows=_ROWS))

    def _prepare(self, encoder, decoder):
        """Make the working memory of steps."""
        n_work, dtype = workspace_size(decoder, False), self.network.dtype
        shape = cross_sizes(encoder, decoder, _ROWS)
        n_cross = cross_space(CrossSizes(1, shape.n_hidden, 0, shape.n_features, _ROWS))
        work = np.empty((self._n_tasks, n_work + n_cross), dtype)
        self._sizes = tuple(encoder), tuple(decoder)
        self._memory = work, n_work, np.empty((self._n_tasks, _ROWS), np.int64)

    def step(
        self, tokens: np.ndarray, sequences: np.ndarray, states: np.ndarray, n_best: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Go on by a step: the tokens that are the most probable to come next.

        Parameters
        ----------
        tokens, sequences : (n_rows,) int64 array
            The last token of each row, and the number of the sequence that it attends to.
        states : (state_width, n_rows) array
            States before the step, C-contiguous; overwritten by those after it.
        n_best : int
            Number of tokens.

        Returns
        -------
        best : (n_rows, n_best) int64 array
        log_probs : (n_rows, n_best) float64 array
            Logarithms of their probabilities, which decrease.
        weights : (n_rows, n_read) array
            Attention weights of the steps that were read; no columns without attention.
        """
        n = tokens.size
        best, log_probs = np.empty((n, n_best), np.int64), np.empty((n, n_best))
        n_read = self.n_read if self.network.attention else 0
        weights = np.empty((n, n_read), self.network.dtype)
        rows = tokens, sequences, best, log_probs, weights
        n_tasks = min(self._n_tasks, -(-n // _ROWS))
        parameters, memory = self.network.parameters, self._memory
        self._kernels.step(
            n_tasks, self._sizes, parameters, rows, states, self._tables, self._allowed, memory
        )
        return best, log_probs, weights
