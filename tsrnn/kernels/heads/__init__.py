"""The heads, one file each: which of the last layer's outputs become a network's outputs.

A head's file holds a ``Head`` named ``HEAD``; what it reads goes through the head's hidden and
output layers, the same for all heads (``tsrnn.kernels.outputs``). Another file here is another
head, by its file's name.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tsrnn.kernels.jit.generate import switch
from tsrnn.kernels.layers import Layer


@dataclass(frozen=True)
class Head:
    """One kind of head.

    Attributes
    ----------
    n_output_steps : callable
        ``(n_time, n_horizons)``: steps that a sequence has outputs for.
    compile : callable
        ``(layer)`` makes two device functions for a ``Layer``.
        ``forward(parameters, layers, chunk, space, inputs)`` writes what is read for each output
        step to ``inputs``, (n_output_steps, (n_directions * n_hidden + 1) * n_rows), whose last
        n_rows columns are left alone. ``backward(parameters, gradient, layers, chunk, space,
        grad_inputs, grads)`` adds the gradient of what was read, given from ``first_output_step``
        on, to ``grads.outputs``, and with ``needs_steps`` that of the last state to
        ``grads.state``. ``layers`` and ``space`` are the workspaces of the layers and of the head
        alone.
    first_step_read : callable
        Device function ``(sizes)``: the first step whose outputs are read.
    first_output_step : callable or int
        Device function ``(sizes, first_steps)``: the first output step that any row reads
        something for; ``n_output_steps`` where there is none.
    n_parameters, space : callable or int
        Device functions ``(sizes)`` and ``(sizes, n_rows)``: parameters of the head alone, which
        stand before those of the hidden and output layers, and values of its workspace.
    views : callable
        ``(vector, sizes)``: named views of those parameters, or of a gradient.
    initialise : callable
        ``(name, view, rng)`` draws the initial values of a view.
    last_step_only : bool
        Whether only the last step of each direction is read.
    needs_steps : bool
        Whether it takes further steps of the last layer, which must be recurrent and of one
        direction; it then writes the gradient of that layer's weights first.
    covers_future : bool
        Whether it is for sources that reach ahead, through the future to be forecast.
    step_targets : bool
        Whether each row of a sequence's values has its own target.
    """

    n_output_steps: Callable[[int, int], int]
    compile: Callable[[Layer], tuple[Callable, Callable]]
    first_step_read: Callable
    first_output_step: Callable | int = 0
    n_parameters: Callable | int = 0
    space: Callable | int = 0
    views: Callable[[np.ndarray, Any], dict[str, np.ndarray]] = lambda vector, sizes: {}
    initialise: Callable[[str, np.ndarray, np.random.Generator], None] = lambda *_: None
    last_step_only: bool = False
    needs_steps: bool = False
    covers_future: bool = False
    step_targets: bool = False


NAMES = tuple(
    sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_")
)
HEADS: dict[str, Head] = {
    name: importlib.import_module(f"{__name__}.{name}").HEAD for name in NAMES
}


def find(name: str) -> Head:
    """The head of that name."""
    return HEADS[name]


def of_head(attribute: str, arguments: str = "sizes") -> Callable:
    """A device function that is this attribute of the head that ``sizes.head`` numbers."""
    cases = {number: getattr(head, attribute) for number, head in enumerate(HEADS.values())}
    return switch("sizes.head", arguments, cases)


n_head_parameters = of_head("n_parameters")
extra_head_space = of_head("space", "sizes, n_rows")
first_step_read = of_head("first_step_read")
first_output_step = of_head("first_output_step", "sizes, first_steps")
last_step_only = of_head("last_step_only")
needs_steps = of_head("needs_steps")
step_targets = of_head("step_targets")


def compile_head(layer: Layer) -> tuple[Callable, Callable]:
    """Make ``forward`` and ``backward`` of all heads for a layer; ``chunk.sizes.head`` decides."""
    passes = {
        number: head.compile(layer)
        for number, head in enumerate(HEADS.values())
        if layer.steps or not head.needs_steps
    }
    return (
        switch(
            "chunk.sizes.head",
            "parameters, layers, chunk, space, inputs",
            {number: forward for number, (forward, _) in passes.items()},
        ),
        switch(
            "chunk.sizes.head",
            "parameters, gradient, layers, chunk, space, grad_inputs, grads",
            {number: backward for number, (_, backward) in passes.items()},
        ),
    )
