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
    first_step_read: Callable[[Any], int] = lambda sizes: 0  # the first step whose outputs are read
    # A device function (sizes, first_steps): first output step that any row reads something for;
    # ``n_output_steps`` for none
    first_output_step: Callable | int = 0
    n_parameters: Callable[[Any], int] = lambda sizes: 0  # of the head alone, before its layers'
    space: Callable[[Any], int] = lambda sizes: 0  # values of its workspace for each row
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
    # Whether it pools the outputs of all steps. Kernels contain all heads that do or all others.
    pools: bool = False

    def complete(self, sizes: Any) -> Any:
        """``Sizes`` with what depends on the head."""
        return sizes._replace(
            n_head_parameters=self.n_parameters(sizes),
            head_space=self.space(sizes),
            first_step_read=self.first_step_read(sizes),
            last_step_only=int(self.last_step_only),
            needs_steps=int(self.needs_steps),
            step_targets=int(self.step_targets),
        )


NAMES = tuple(
    sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_")
)
HEADS: dict[str, Head] = {
    name: importlib.import_module(f"{__name__}.{name}").HEAD for name in NAMES
}


def find(name: str) -> Head:
    """The head of that name."""
    return HEADS[name]


def head_of(sizes) -> Head:
    """The head that ``sizes.head`` numbers."""
    return HEADS[NAMES[sizes.head]]


first_output_step = switch(
    "sizes.head",
    "sizes, first_steps",
    {number: head.first_output_step for number, head in enumerate(HEADS.values())},
)


def compile_head(
    layer: Layer, pools: bool, needs_steps: bool | None = None
) -> tuple[Callable, Callable]:
    """Make ``forward`` and ``backward`` of all heads that pool, or of all others, for a layer.

    ``chunk.sizes.head`` decides. ``needs_steps``: of these, only heads that need steps of the layer
    or only heads that don't.
    """
    passes = {
        number: head.compile(layer)
        for number, head in enumerate(HEADS.values())
        if head.pools == pools
        and (layer.steps or not head.needs_steps)
        and needs_steps in (None, head.needs_steps)
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
