"""Displays of networks: training losses, states and gates, gradients and memory."""

from tsrnn.plotting.network.gates import GateDisplay
from tsrnn.plotting.network.gradient_flow import GradientFlowDisplay
from tsrnn.plotting.network.loss_curve import LossCurveDisplay
from tsrnn.plotting.network.memory import MemoryDisplay
from tsrnn.plotting.network.unfolded import UnfoldedDisplay

__all__ = [
    "GateDisplay",
    "GradientFlowDisplay",
    "LossCurveDisplay",
    "MemoryDisplay",
    "UnfoldedDisplay",
]
