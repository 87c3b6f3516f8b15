"""The recurrent network with a rectifier, ``h = max(0, W_h h_{t-1} + b + W_x x_t)``.

Recurrent weights are initialised to the identity (Le, Jaitly & Hinton 2015, arXiv 1504.00941).
"""

from tsrnn.kernels.jit.compile import device_function, like, scalar

BLOCKS = ("hidden",)
SPLIT = False
N_STATE = 0
N_SAVED = 0
KEEPS_H = False
OPEN_AT_START = None
IDENTITY_AT_START = True
MEMORY: dict[str, int] = {}
GATES = ()


@scalar
def unit_forward(z):
    """One step of a unit: the new hidden state."""
    return like(z, 0.0) if z <= 0 else z  # NaN stays NaN


@scalar
def unit_backward(h, grad_h):
    """One step of a unit backward: the gradient of the pre-activation."""
    return like(h, 0.0) if h <= 0 else grad_h


@device_function
def forward(gates, h_prev, state_prev, state, saved, h):
    """One step of all units of a chunk; writes the hidden state to ``gates`` and ``h``, (n,)."""
    for k in range(h.size):
        gates[k] = h[k] = unit_forward(gates[k])


@device_function
def backward(gates, h_prev, state_prev, saved, grad_h, grad_state):
    """One step backward; overwrites h in ``gates``, (n,), by the gradient of z."""
    for k in range(grad_h.size):
        gates[k] = unit_backward(gates[k], grad_h[k])
