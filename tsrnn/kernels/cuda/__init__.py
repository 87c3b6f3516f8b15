"""The CUDA target: the only package that names CUDA, besides ``jit.numba_internals``."""
