"""A network run one observation at a time, over one or thousands of series."""

import numpy as np

from tsrnn.kernels.chunks import workspace_size
from tsrnn.kernels.jit.compile import kernel_array
from tsrnn.kernels.jit.threads import claim_threads
from tsrnn.kernels.sampling import Sampling
from tsrnn.network.network import Network
from tsrnn.parameters import N_JOBS, POSITIVE_INTEGER, validated

_ROWS = 128  # of a chunk of many series: a single step leaves nothing that a cache should hold


class Memory:
    """The states of series that a network carries from one observation to the next.

    Parameters
    ----------
    network : Network
        A network of one direction.
    n_series : int, default=1
        Series that are stepped together.
    states : (n_series, network.state_width) array, optional
        Initial states, of each layer h and the cell's own; copied. By default zeros.
    n_jobs : int, optional
        Threads for many series; None and -1 mean all cores.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.network import Memory, RecurrentNetwork
    >>> network = RecurrentNetwork("gru", n_in=1, n_hidden=4, n_out=2)
    >>> network = network.initialise(np.random.default_rng(0))
    >>> memory = Memory(network, n_series=3)
    >>> memory.step(np.ones((3, 1))).shape
    (3, 2)
    """

    @validated(network=[Network], n_series=[POSITIVE_INTEGER], n_jobs=N_JOBS)
    def __init__(
        self,
        network: Network,
        n_series: int = 1,
        states: np.ndarray | None = None,
        n_jobs: int | None = None,
    ):
        network.check_states()
        if network.bidirectional:
            raise ValueError(
                "A bidirectional network must see the whole sequence; it can't go on by a step."
            )
        dtype = network.parameters.dtype
        self.network = network
        shape = (n_series, network.state_width)
        self._states = np.zeros(shape[::-1], dtype)  # as kernels take them
        if states is not None:
            if np.shape(states) != shape:
                raise ValueError(f"states must have shape {shape}, not {np.shape(states)}.")
            self.states[:] = states
        sizes = network.sizes(1)
        sizes = sizes._replace(n_output_block=sizes.n_output_steps)
        if n_series >= 16 * _ROWS:
            sizes = sizes._replace(n_rows=_ROWS)
        units = network.n_layers * network.n_hidden
        n_jobs = n_jobs if n_series * units >= 2**17 else 1
        self._n_jobs = n_jobs
        with claim_threads(n_jobs) as n_tasks:
            self._work = np.empty((n_tasks, workspace_size(sizes, training=False)), dtype)
            first_steps = np.empty((n_tasks, sizes.n_rows), np.int64)
        self._out = np.empty((n_series, sizes.n_output_steps * network.n_out), dtype)
        self._x = np.empty((n_series, network.n_in), dtype)
        self._kernel = network.drivers.step
        self._serial = self._kernel.dispatcher(parallel=False)
        parameters, buffers = kernel_array(network.parameters), (self._work, first_steps)
        self._arguments = tuple(sizes), parameters, self._x, *buffers, self._states, self._out

    def __reduce__(self):
        """Pickle without compiled kernels, which are looked up again on loading."""
        return Memory, (self.network, len(self._x), self.states.copy(), self._n_jobs)

    @property
    def states(self) -> np.ndarray:
        """The states, (n_series, network.state_width); may be written to."""
        return self._states.T

    def step(self, x: np.ndarray) -> np.ndarray:
        """Update the states with one observation of each series; return the outputs.

        Parameters
        ----------
        x : (n_series, n_in) array
            A missing value (NaN) leaves the state of its series unchanged. For a network of tokens
            their embedding first, see ``Network.embed``.

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
                n_tasks = min(n_tasks, len(self._work))
                self._kernel(n_tasks, *self._arguments)
        return self._out

    def generate(self, tokens: np.ndarray, uniforms: np.ndarray, sampling: Sampling) -> np.ndarray:
        """Draw tokens, each from the softmax of the outputs after the one before it.

        Parameters
        ----------
        tokens : (n_series,) int64 array
            The last token of each series, which has not been stepped yet.
        uniforms : (n_series, n) float64 array
            Numbers between 0 and 1, one for each draw.
        sampling : Sampling

        Returns
        -------
        (n_series, n) int64 array
            The last of them has not been stepped.
        """
        n_series, n = uniforms.shape
        drawn = np.empty((n_series, n + 1), np.int64)
        drawn[:, 0] = tokens
        sizes, parameters, _, work, first_steps, states, _ = self._arguments
        n_out, n_buffers = self.network.n_out, len(work)
        buffers = work, first_steps, np.empty((n_buffers, n_out)), np.empty((n_buffers, n_out), int)
        row = float(sampling.temperature), int(sampling.top_k), float(sampling.top_p)
        uniforms = kernel_array(uniforms, np.float64)
        with claim_threads(self._n_jobs) as n_tasks:
            n_tasks = min(n_tasks, n_buffers)
            self.network.drivers.generate(
                n_tasks, sizes, parameters, drawn, uniforms, row, buffers, states
            )
        return drawn[:, 1:]
