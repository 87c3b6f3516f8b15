"""What steps a network over series, whichever way it remembers what came before."""

from __future__ import annotations

import numpy as np

from tsrnn.kernels import heads
from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.jit.compile import kernel_array
from tsrnn.kernels.jit.threads import claim_threads
from tsrnn.kernels.layout import Sizes
from tsrnn.kernels.sampling import Sampling
from tsrnn.network.network import Network


class Stepper:
    """A network and its working memory for single steps of ``n_series`` series.

    ``carried`` is what its kernels take as states; ``keeps_work``: whether the working memory of
    each chunk of series is kept from step to step.
    """

    def __init__(
        self,
        network: Network,
        sizes: Sizes,
        n_series: int,
        carried: np.ndarray,
        keeps_work: bool,
        n_jobs: int | None,
    ):
        if heads.find(network.head).pools:
            raise ValueError(
                f"head={network.head!r} pools the steps of a whole sequence, so a network with it "
                "can't go on by a step. Use head='last' or 'every'."
            )
        dtype = network.parameters.dtype
        self.network, self._carried = network, carried
        units = network.n_layers * network.n_hidden
        self._n_jobs = n_jobs if n_series * units >= 2**17 else 1
        with claim_threads(self._n_jobs) as n_tasks:
            n_work = -(-n_series // sizes.n_rows) if keeps_work else n_tasks
            self._work = np.empty((n_work, workspace_size(sizes, training=False)), dtype)
            self._first_steps = np.empty((n_tasks, sizes.n_rows), np.int64)
        self._out = np.empty((n_series, sizes.n_output_steps * network.n_out), dtype)
        self._x = np.empty((n_series, network.n_in), dtype)
        self._kernel = network.drivers.step
        self._serial = self._kernel.dispatcher(parallel=False)
        self._network = tuple(sizes), kernel_array(network.parameters)
        work = self._work, self._first_steps
        self._arguments = *self._network, self._x, *work, self._carried, self._out

    def step(self, x: np.ndarray) -> np.ndarray:
        """Go on by one observation of each series; return the outputs.

        Parameters
        ----------
        x : (n_series, n_in) array
            For a network of tokens their embedding first, see ``Network.embed``.

        Returns
        -------
        (n_series, outputs) array
            Overwritten by the next step.
        """
        self._x[:] = x
        if self._n_jobs == 1:
            self._serial(1, *self._arguments)
        else:
            with claim_threads(self._n_jobs) as n_tasks:
                n_tasks = min(n_tasks, len(self._first_steps))
                self._kernel(n_tasks, *self._arguments)
        return self._out

    def generate(self, tokens: np.ndarray, uniforms: np.ndarray, sampling: Sampling) -> np.ndarray:
        """Read tokens, and draw more, each from the softmax of the outputs after the one before it.

        Parameters
        ----------
        tokens : (n_series,) or (n_series, n_read) int64 array
            The last tokens of each series, which have not been read yet, at least one.
        uniforms : (n_series, n) float64 array
            Numbers from 0 to below 1, one for each draw.
        sampling : Sampling

        Returns
        -------
        (n_series, n) int64 array
            The last of them, or without any the last of ``tokens``, has not been read.

        Raises
        ------
        ValueError
            If the network does not read tokens alone and have an output for each, or a token is
            not one of its.
        """
        network = self.network
        if network.n_out != network.n_tokens or network.n_in != network.n_embedding:
            raise ValueError(
                "Tokens are drawn by a network that reads tokens alone and has an output for each; "
                f"this one has {network.n_tokens} tokens, {network.n_in - network.n_embedding} "
                f"other inputs and {network.n_out} outputs."
            )
        tokens = np.reshape(tokens, (len(self._x), -1))
        if tokens.min() < 0 or tokens.max() >= network.n_tokens:
            raise ValueError(f"tokens must be from 0 to {network.n_tokens - 1}.")
        n_read, (n_series, n) = tokens.shape[1], uniforms.shape
        tokens = np.concatenate([tokens, np.zeros((n_series, n), int)], axis=1, dtype=np.int64)
        uniforms = kernel_array(uniforms, np.float64)
        row = float(sampling.temperature), int(sampling.top_k), float(sampling.top_p)
        shape = len(self._first_steps), network.n_out
        buffers = self._work, self._first_steps, np.empty(shape), np.empty(shape, np.int64)
        with claim_threads(self._n_jobs) as n_tasks:
            n_tasks = min(n_tasks, len(self._first_steps))
            network.drivers.generate(
                n_tasks, *self._network, tokens, uniforms, row, buffers, self._carried
            )
        return tokens[:, n_read:]
