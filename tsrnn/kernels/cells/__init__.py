"""The cells, one file each: a module's equations, forward and backward, and nothing else.

A cell offers

``BLOCKS``
    Names of the blocks of ``n_hidden`` pre-activations each.
``SPLIT``
    Whether the last two blocks see only the hidden state and only the input; all others see both.
``N_STATE``, ``N_SAVED``
    Arrays carried through time beside h, and arrays kept for the way back beside the gates.
``KEEPS_H``
    Whether h depends on the h before it directly, not only through the pre-activations.
``OPEN_AT_START``
    The block whose bias starts at one, or None.
``IDENTITY_AT_START``
    Whether each block's recurrent weights start at the identity, not at an orthogonal matrix.
``MEMORY``
    Blocks whose biases decide how long the cell remembers, and the sign that makes it longer.
``GATES``
    Blocks that open and close: from 0 to 1.
``forward(gates, h_prev, state_prev, state, saved, h)``
    One step for all units of a chunk; overwrites the pre-activations with the gates.
``backward(gates, h_prev, state_prev, saved, grad_h, grad_state)``
    One step back; overwrites the gates with the gradient of the pre-activations and, where the
    cell keeps h, ``grad_h`` with its direct share of the gradient of the h before.

Another file here is another cell, by its file's name.
"""

import functools
import importlib
import pkgutil
from types import ModuleType

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@functools.cache
def find(name: str) -> ModuleType:
    """The cell of that name."""
    return importlib.import_module(f"{__name__}.{name}")
