"""The CUDA target: the only package that names CUDA, besides ``jit.numba_internals``.

``blocks`` and ``steps`` say what the threads of a block do together, ``layout`` where a network's
arrays lie, ``phases`` and ``kernels`` hold the kernels, ``device`` finds the GPU and launches them,
``run`` keeps the arrays there, and ``trainer`` trains and predicts.
"""
