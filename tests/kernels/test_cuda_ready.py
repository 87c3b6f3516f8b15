"""Each cell's equations, as they stand, inside a minimal CUDA kernel in Numba's simulator."""

import os
import subprocess
import sys

import naive
import numpy as np
import pytest

from tsrnn.kernels import cells

N = 7  # units, of which each thread takes one

# The simulator must be chosen before Numba is imported: a process of its own.
KERNELS = """
import sys
import numpy as np
from numba import cuda
from tsrnn.kernels import cells

given, found = dict(np.load(sys.argv[1])), {}
for key in sorted({name.rpartition("/")[0] for name in given}):
    cell = cells.find(key.partition("/")[0])

    @cuda.jit
    def there_and_back(gates, h_prev, state_prev, state, saved, h, dh, dstate):
        k = cuda.grid(1)
        if k < h.shape[0]:
            cell.forward(gates[k], h_prev[k], state_prev[k], state[k], saved[k], h[k])
            cell.backward(gates[k], h_prev[k], state_prev[k], saved[k], dh[k], dstate[k])

    z, h_prev, state_prev, dh, dstate = (
        given[f"{key}/{name}"].copy() for name in ("z", "h_prev", "state_prev", "dh", "dstate")
    )
    n, dtype = len(z), z.dtype
    state, saved = np.empty((n, cell.N_STATE), dtype), np.empty((n, cell.N_SAVED), dtype)
    h = np.empty((n, 1), dtype)
    there_and_back[2, 4](z, h_prev, state_prev, state, saved, h, dh, dstate)
    for name, array in {"h": h, "state": state, "dz": z, "dh": dh, "dstate": dstate}.items():
        assert array.dtype == dtype
        found[f"{key}/{name}"] = array
np.savez(sys.argv[2], **found)
"""


def given_to(cell, dtype):
    """Pre-activations, what came before, and the gradients that come back, of N units."""
    rng = np.random.default_rng(5)
    module = cells.find(cell)
    columns = {"z": len(module.BLOCKS), "h_prev": 1, "state_prev": module.N_STATE}
    columns |= {"dh": 1, "dstate": module.N_STATE}
    return {name: rng.normal(size=(N, n)).astype(dtype) for name, n in columns.items()}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the CUDA kernels wrote, by cell, dtype and name."""
    folder = tmp_path_factory.mktemp("simulator")
    given = {
        f"{cell}/{dtype}/{name}": array
        for cell in cells.NAMES
        for dtype in ("float32", "float64")
        for name, array in given_to(cell, dtype).items()
    }
    np.savez(folder / "given.npz", **given)
    subprocess.run(
        [sys.executable, "-c", KERNELS, folder / "given.npz", folder / "found.npz"],
        check=True, env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"},
    )  # fmt: skip
    return np.load(folder / "found.npz")


@pytest.mark.parametrize("cell", cells.NAMES)
def test_cell_in_a_cuda_kernel(cell, dtype, found):
    given = {name: array.astype(float) for name, array in given_to(cell, dtype).items()}
    module = cells.find(cell)

    def naively(z, h_prev, state_prev):
        none = np.zeros((len(module.BLOCKS), N, N))
        weights = {"weight_hidden": none, "weight_input": none, "bias": z.T}
        c = state_prev.ravel() if module.N_STATE else np.zeros(N)
        return naive.CELLS[cell](weights, h_prev.ravel(), h_prev.ravel(), c, np.zeros(N))

    def loss(z, h_prev, state_prev):
        """Of each unit: what comes back is its gradient."""
        h, c = naively(z, h_prev, state_prev)
        return given["dh"].ravel() * h + (given["dstate"].ravel() * c if module.N_STATE else 0)

    def close(name, expected):
        exact = dtype == "float64"
        np.testing.assert_allclose(
            found[f"{cell}/{dtype}/{name}"],
            expected,
            rtol=1e-6 if exact else 1e-4,
            atol=1e-9 if exact else 1e-5,
        )

    def slopes(name):
        """Central differences of the loss of each unit by its own columns of an array."""
        out, arguments = np.empty_like(given[name]), ("z", "h_prev", "state_prev")
        for column in range(out.shape[1]):
            e = np.zeros_like(given[name])
            e[:, column] = 1e-6
            up, down = (
                loss(**{k: given[k] + (move if k == name else 0) for k in arguments})
                for move in (e, -e)
            )
            out[:, column] = (up - down) / 2e-6
        return out

    h, c = naively(given["z"], given["h_prev"], given["state_prev"])
    close("h", h[:, None])
    close("dz", slopes("z"))
    if module.N_STATE:
        close("state", c[:, None])
        close("dstate", slopes("state_prev"))
    if module.KEEPS_H:
        close("dh", slopes("h_prev"))
