"""A Transformer run one observation at a time: the steps that it reads are kept in a window."""

import numpy as np

from tsrnn.network.stepper import Stepper
from tsrnn.network.transformer import Transformer
from tsrnn.parameters import N_JOBS, POSITIVE_INTEGER, validated


class Context(Stepper):
    """The window of steps of series that a Transformer attends to at each further one.

    Keys and values of the steps in the window are kept, so a step takes one query of each layer.
    Its outputs are those of the whole window up to that step, read at once. When the window is
    full, its last half is read again as the beginning of a new one.

    Parameters
    ----------
    network : Transformer
        With head="every", whose positions count from a window's first step.
    n_steps : int
        Length of the window, as of those that the network is trained on.
    n_series : int, default=1
        Series that are stepped together.
    n_jobs : int, optional
        Threads for many series; None and -1 mean all cores.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.network import Context, Transformer
    >>> network = Transformer(n_in=1, n_hidden=8, n_out=2, n_heads=2, head="every")
    >>> context = Context(network.initialise(np.random.default_rng(0)), n_steps=16)
    >>> context.step(np.ones((1, 1))).shape
    (1, 2)
    """

    @validated(
        network=[Transformer],
        n_steps=[POSITIVE_INTEGER],
        n_series=[POSITIVE_INTEGER],
        n_jobs=N_JOBS,
    )
    def __init__(
        self, network: Transformer, n_steps: int, n_series: int = 1, n_jobs: int | None = None
    ):
        if network.head != "every":
            raise ValueError(
                f"A Transformer with head={network.head!r} counts positions from a sequence's end; "
                "it can't go on by a step. Use head='every'."
            )
        sizes = network.sizes(n_steps)
        n_rows = min(sizes.n_rows, n_series)
        sizes = sizes._replace(n_rows=n_rows, n_output_steps=1, n_output_block=1)
        n_read = np.zeros((1, -(-n_series // n_rows)), np.int64)  # steps in the windows of chunks
        super().__init__(network, sizes, n_series, n_read, True, n_jobs)
        self.n_steps = n_steps

    def __reduce__(self):
        """Pickle without compiled kernels, which are looked up again on loading."""
        made_of = self.network, self.n_steps, len(self._x), self._n_jobs
        return Context, made_of, (self._work, self._carried)

    def __setstate__(self, state):
        work, n_read = state
        self._work[:] = work
        self._carried[:] = n_read

    @staticmethod
    def n_needed(n: int, n_steps: int) -> int:
        """How many of the last of n steps a window of ``n_steps`` holds after all of them."""
        stride = max(n_steps // 2, 1)
        return n - stride * max(-((n_steps - n) // stride), 0)

    def step(self, x: np.ndarray) -> np.ndarray:
        """Go on by one observation of each series, see ``Stepper.step``; none may be missing."""
        if np.isnan(x).any():
            raise ValueError("An observation that attention is to read must not be missing (NaN).")
        return super().step(x)
