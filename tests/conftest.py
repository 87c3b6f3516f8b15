"""What many tests share: the targets a kernel runs on, the dtypes, small networks."""

import numpy as np
import pytest

from tsrnn.kernels.compile import claim_threads
from tsrnn.network import RecurrentNetwork

TARGETS = {"serial": 1, "parallel": 2}


@pytest.fixture(params=TARGETS)
def n_tasks(request):
    """Tasks that make a kernel run as its serial and as its parallel binary."""
    with claim_threads(None):
        yield TARGETS[request.param]


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def tolerance(dtype):
    """Relative tolerance of a whole forward or backward pass in that dtype."""
    return {"float32": 1e-4, "float64": 1e-10}[dtype]


def random_network(cell="lstm", n_in=1, n_hidden=5, n_out=3, dtype="float64", seed=0):
    """A network whose weights are all away from zero, the head's too."""
    network = RecurrentNetwork(cell, n_in, n_hidden, n_out, dtype)
    rng = np.random.default_rng(seed)
    network.initialise(rng)
    used = network.used()
    network.parameters[used] += rng.normal(scale=0.2, size=np.count_nonzero(used))
    return network


def random_values(n=200, seed=0):
    """A wandering series with a season of 4."""
    rng = np.random.default_rng(seed)
    return 50 + rng.normal(size=n).cumsum() + 3 * np.sin(np.arange(n) * np.pi / 2)
