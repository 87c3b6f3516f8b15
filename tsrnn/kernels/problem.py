"""What a network computes: its cell and shape, the windows that it reads, and the loss."""

from types import ModuleType
from typing import Any, NamedTuple, Self

import numpy as np

from tsrnn.kernels.chunks import read_sizes
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.layout import Sizes
from tsrnn.kernels.losses import LOSSES, find_loss, sequence_space
from tsrnn.kernels.sources import Source, kernel_source, source_of


class Problem(NamedTuple):
    """What is computed by a training or prediction, on any target."""

    cell: ModuleType  # of ``tsrnn.kernels.cells``, or a layer kind's
    source: Source
    sizes: Sizes
    loss: int  # index in ``tsrnn.kernels.losses.LOSSES``
    loss_params: Any = ()  # floats: Huber's delta, or the levels of quantiles

    @classmethod
    def of(cls, cell: ModuleType, source: Source, sizes: Sizes, loss: str, loss_params=()) -> Self:
        """The problem of a loss by name; a class is a single target."""
        if find_loss(loss).for_classes:
            sizes = sizes._replace(n_targets=1)
        if find_loss(loss).of_sequences:
            space = sequence_space(loss, sizes.n_time, sizes.n_out, _most_targets(source))
            sizes = sizes._replace(n_output_block=sizes.n_output_steps, loss_space=space)
        return cls(cell, source, sizes, LOSSES.index(loss), loss_params)

    def for_kernels(self) -> tuple:
        """The first arguments of kernels that are compiled for the cell, see ``problem_of``."""
        loss_params = np.asarray(self.loss_params, float)
        return kernel_source(self.source), tuple(self.sizes), (self.loss, loss_params)


def _most_targets(source):
    """Most targets of a sequence, of those that its steps have."""
    n_before = np.concatenate([[0], np.cumsum(~np.isnan(source.targets[:, 0]))])
    return int((n_before[source.firsts + source.lengths] - n_before[source.firsts]).max())


class KernelProblem(NamedTuple):
    """A ``Problem`` inside kernels that are compiled for its cell."""

    source: Source
    sizes: Sizes
    loss: int
    loss_params: np.ndarray


@device_function
def problem_of(row):
    """The ``KernelProblem`` of a kernel's arguments source, sizes and loss, all plain tuples."""
    source, sizes, (loss, loss_params) = row
    return KernelProblem(source_of(source), read_sizes(sizes), loss, loss_params)
