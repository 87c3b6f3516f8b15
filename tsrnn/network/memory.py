"""A recurrent network run one observation at a time, over one or thousands of series."""

import numpy as np

from tsrnn.network.network import Network
from tsrnn.network.stepper import Stepper
from tsrnn.parameters import N_JOBS, POSITIVE_INTEGER, validated

_ROWS = 128  # of a chunk of many series: a single step leaves nothing that a cache should hold


class Memory(Stepper):
    """The states of series that a network carries from one observation to the next.

    A missing value (NaN) of an observation leaves the state of its series unchanged.

    Parameters
    ----------
    network : Network
        A recurrent network of one direction.
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
        shape = (n_series, network.state_width)
        carried = np.zeros(shape[::-1], network.parameters.dtype)  # as kernels take them
        if states is not None:
            if np.shape(states) != shape:
                raise ValueError(f"states must have shape {shape}, not {np.shape(states)}.")
            carried.T[:] = states
        sizes = network.sizes(1)
        sizes = sizes._replace(n_output_block=sizes.n_output_steps)
        if n_series >= 16 * _ROWS:
            sizes = sizes._replace(n_rows=_ROWS)
        super().__init__(network, sizes, n_series, carried, False, n_jobs)

    def __reduce__(self):
        """Pickle without compiled kernels, which are looked up again on loading."""
        return Memory, (self.network, len(self._x), self.states.copy(), self._n_jobs)

    @property
    def states(self) -> np.ndarray:
        """The states, (n_series, network.state_width); may be written to."""
        return self._carried.T
