import inspect

import numpy as np
import pytest
from conftest import random_network, training_steps

from tsrnn.kernels.jit.compile import Kernel
from tsrnn.kernels.sources import sequence_source
from tsrnn.network import Memory
from tsrnn.training import Settings

GUARD, SENTINEL = 5000, 1234.5

SHAPES = {
    "plain": {},
    "hidden head": {"n_head": 7},
    "layers": {"n_layers": 3, "residual": True},
    "bidirectional": {"bidirectional": True, "n_layers": 2, "residual": True},
    "every": {"head": "every", "bidirectional": True},
    "horizons": {"head": "horizons", "n_horizons": 4, "n_layers": 2, "n_head": 3},
}


def guarded_copy(work):
    """A workspace of NaN as large as another, and a guard behind it."""
    workers, size = work.shape
    work = np.full((workers, size + GUARD), np.nan, work.dtype)
    work[:, size:] = SENTINEL
    return work


@pytest.fixture
def workspaces(monkeypatch):
    """Run kernels in workspaces of NaN with a guard behind: (driver, workspaces) of each call."""
    call, seen = Kernel.__call__, []

    def guarded(self, *args):
        names = list(inspect.signature(self._function).parameters)
        if "buffers" in names:
            place = names.index("buffers")
            *others, work, first_steps = args[place]
            work = guarded_copy(work)
            args = (*args[:place], (*others, work, first_steps), *args[place + 1 :])
        elif "work" in names:
            place = names.index("work")
            work = guarded_copy(args[place])
            args = (*args[:place], work, *args[place + 1 :])
        else:
            return call(self, *args)
        call(self, *args)
        return seen.append((self.name.rpartition("-")[2], work))

    monkeypatch.setattr(Kernel, "__call__", guarded)
    return seen


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("recurrent", [0.0, 0.4])
@pytest.mark.parametrize("n_rows", [3, 21])
@pytest.mark.slow
def test_workspaces_are_just_large_enough(cell, shape, recurrent, n_rows, workspaces):
    shape = SHAPES[shape]
    rng = np.random.default_rng(0)
    network = random_network(cell, n_in=2, n_hidden=3, n_out=2, **shape)
    n_targets = 8 if "n_horizons" in shape else 2
    lengths = rng.integers(1, 6, n_rows)
    lengths[0] = 5
    firsts = np.cumsum(lengths) - lengths
    values, targets = rng.normal(size=(2, lengths.sum(), n_targets))
    source = sequence_source(values[:, :2], firsts, lengths, targets)
    order = np.arange(n_rows)
    settings = Settings(loss="squared_error", recurrent_dropout=recurrent)
    training_steps(network, source, order, settings)
    network.mean_loss(source, order, "squared_error")
    if not network.bidirectional:
        memory = Memory(network, n_rows)
        memory._n_jobs = 2  # else it calls the binary itself
        memory.step(values[:n_rows, :2])
    names = ["train", "predict"] if network.bidirectional else ["train", "predict", "step"]
    assert [name for name, _ in workspaces] == names
    for name, work in workspaces:
        assert (work[:, -GUARD:] == SENTINEL).all()
        # Of a full chunk the last value is used: a row's weight, or the LSTM's gradient of c.
        if n_rows > 16 and (name, cell) in (("predict", cell), ("train", "lstm")):
            assert np.isfinite(work[:, -GUARD - 1]).all()
