"""Inspection of fitted networks: states and gates, gradients, decomposition and a diagnosis."""

from tsrnn.inspection.decomposition import decompose
from tsrnn.inspection.diagnosis import diagnose
from tsrnn.inspection.gradients import gradient_flow, input_sensitivity, jacobian_spectrum
from tsrnn.inspection.importance import permutation_importance
from tsrnn.inspection.report import Diagnosis, Finding
from tsrnn.inspection.states import attention_weights, gates, memory_half_life, saturation, states

__all__ = [
    "Diagnosis",
    "Finding",
    "attention_weights",
    "decompose",
    "diagnose",
    "gates",
    "gradient_flow",
    "input_sensitivity",
    "jacobian_spectrum",
    "memory_half_life",
    "permutation_importance",
    "saturation",
    "states",
]
