"""Recurrent cells: each module is a cell of its name, the equations of a step forward and backward.

``BLOCKS``
    Names of the blocks of ``n_hidden`` pre-activations, in the order of the weights.
``SPLIT``
    Whether the second-last block reads only the hidden state and the last only the input.
``N_STATE``, ``N_SAVED``
    Arrays carried from step to step besides h, and stored for backward besides the gates.
``KEEPS_H``
    Whether h depends on the previous h directly, not only through the pre-activations.
``OPEN_AT_START``, ``IDENTITY_AT_START``
    Block whose bias is initialised to one, or None; whether recurrent weights are initialised to
    the identity instead of an orthogonal matrix.
``MEMORY``
    Blocks whose biases control how long the cell remembers (chrono initialisation), with the sign
    of the bias that makes it longer. The first is the gate of the state: the fraction that is kept
    if its sign is positive, else the fraction that is replaced. Empty for a cell without gates.
``GATES``
    Blocks whose activations are gates, from 0 (closed) to 1 (open).
``forward(gates, h_prev, state_prev, state, saved, h)``
    One step of all units of a chunk; overwrites the pre-activations in ``gates`` by activations.
``backward(gates, h_prev, state_prev, saved, grad_h, grad_state)``
    One step backward; overwrites the activations in ``gates`` by the gradient of the
    pre-activations, ``grad_h`` by the direct gradient of ``h_prev`` if the cell keeps h, and
    ``grad_state`` by the gradient of ``state_prev``.

All arrays are flat: (n,), or for gates (blocks * n,), with ``n = n_hidden * n_rows``.
"""

import functools
import importlib
import pkgutil
from types import ModuleType

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@functools.cache
def find(name: str) -> ModuleType:
    """The module of a cell, by its name."""
    return importlib.import_module(f"{__name__}.{name}")
