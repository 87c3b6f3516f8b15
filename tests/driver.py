"""Whether NVIDIA's driver is here; without it, kernels for its GPUs run in Numba's simulator.

The simulator must be chosen before Numba is imported.
"""

import ctypes
import os

try:
    HAS_GPU = bool(ctypes.CDLL("libcuda.so.1"))
except OSError:
    HAS_GPU = False
    os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")
