"""A recurrent network as one flat vector of parameters, run by the kernels of a target."""

from tsrnn.network.network import RecurrentNetwork

__all__ = ["RecurrentNetwork"]
