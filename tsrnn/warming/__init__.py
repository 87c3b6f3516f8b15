"""Kernels made ready before they are called: which estimators call which, and their compilation."""

from tsrnn.warming.compiling import Compiled, compile_call, compile_calls
from tsrnn.warming.recipes import ESTIMATORS, kernels_called
from tsrnn.warming.warm_up import warm_up

__all__ = ["ESTIMATORS", "Compiled", "compile_call", "compile_calls", "kernels_called", "warm_up"]
