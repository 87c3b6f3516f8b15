"""Drivers on the CPU: loops over minibatches, models and chunks of rows.

A minibatch is cut into chunks of rows whose size does not depend on the number of threads, and the
gradients of the chunks are summed in order: any number of threads gives the same bits.

Kernels take plain tuples of arrays, as ``prange`` passes tuples on but neither nested nor named
ones, and no array that a device function returns, whose references would be counted wrongly.
"""

from types import ModuleType
from typing import NamedTuple

from tsrnn.kernels.chunks import compile_chunk_passes
from tsrnn.kernels.cpu.prediction import compile_predict, compile_trace
from tsrnn.kernels.cpu.stepping import compile_generate, compile_step
from tsrnn.kernels.cpu.training import compile_train, compile_train_chunks, compile_train_one
from tsrnn.kernels.heads import head_of
from tsrnn.kernels.jit.compile import Kernel, kernel_factory
from tsrnn.kernels.layout import Sizes
from tsrnn.kernels.steps import compile_steps


class Kernels(NamedTuple):
    """The compiled drivers of a cell."""

    train: Kernel  # distributes models over tasks
    train_one: Kernel  # distributes the chunks of a minibatch of one model; the same bits
    predict: Kernel
    step: Kernel
    generate: Kernel
    trace: Kernel


def drivers_of(cell: ModuleType, sizes: Sizes) -> Kernels:
    """The drivers of a cell, a module of ``kernels.cells``, for networks of such a shape.

    What few networks have, heads that pool, an embedding or a loss of whole sequences, is compiled
    for those alone.
    """
    return _compile_drivers(cell, head_of(sizes).pools, sizes.n_tokens > 0, sizes.loss_space > 0)


@kernel_factory
def _compile_drivers(cell, pools, has_tokens, of_sequences) -> Kernels:
    passes, attends = compile_chunk_passes(cell, compile_steps, pools), hasattr(cell, "LAYER")
    train_chunks = compile_train_chunks(passes, has_tokens, of_sequences)
    functions = {
        "train": compile_train(train_chunks, has_tokens),
        "train_one": compile_train_one(train_chunks, has_tokens),
        "predict": compile_predict(passes, has_tokens, of_sequences),
        "step": compile_step(passes, attends),
        "generate": compile_generate(passes, attends),
        "trace": compile_trace(passes, has_tokens, of_sequences),
    }
    name = cell.__name__.rpartition(".")[2] + "-pools" * pools + "-tokens" * has_tokens
    name += "-sequences" * of_sequences
    return Kernels(
        **{
            kind: Kernel(function, f"{name}-{kind.replace('_', '-')}")
            for kind, function in functions.items()
        }
    )
