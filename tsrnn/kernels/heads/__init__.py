"""The heads: which of the last layer's outputs become a network's outputs.

A file here defines ``HEAD``, a ``Head`` of the file's name; what it reads passes through hidden and
output layers that are the same for all heads (``tsrnn.kernels.outputs``).
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
    """One kind of head; ``(sizes, ...)`` are the arguments of device functions.

    ``compile(layer)`` makes two device functions. ``forward(parameters, layers, chunk, space,
    inputs)`` writes what is read for each output step to ``inputs``, (n_output_steps,
    (n_directions * n_hidden + 1) * n_rows), but for the last n_rows columns. ``backward(parameters,
    gradient, layers, chunk, space, grad_inputs, grads)`` adds the gradient of what was read, given
    from ``first_output_step`` on, to ``grads.outputs``, and with ``needs_steps`` that of the last
    state to ``grads.state``. ``layers`` and ``space``: workspaces of the layers and of the head.
    """

    n_output_steps: Callable[[int, int], int]  # (n_time, n_horizons): steps with outputs
    compile: Callable[[Layer], tuple[Callable, Callable]]
    first_step_read: Callable  # (sizes): the first step whose outputs are read
    # (sizes, first_steps): first output step that any row reads something for;
    # ``n_output_steps`` for none
    first_output_step: Callable | int = 0
    n_parameters: Callable | int = 0  # (sizes): of the head alone, before its layers'
    space: Callable | int = 0  # (sizes, n_rows): values of its workspace
    # (vector, sizes): named views of these parameters, or of a gradient
    views: Callable[[np.ndarray, Any], dict[str, np.ndarray]] = lambda vector, sizes: {}
    # (name, view, rng): draws the initial values of a view
    initialise: Callable[[str, np.ndarray, np.random.Generator], None] = lambda *_: None
    last_step_only: bool = False  # whether only the last step of each direction is read
    # Whether it takes further steps of the last layer, which must be recurrent and of one
    # direction; it then writes the gradient of that layer's weights first.
    needs_steps: bool = False
    covers_future: bool = False  # whether it is for sources that reach ahead
    step_targets: bool = False  # whether each row of a sequence's values has its own target


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
