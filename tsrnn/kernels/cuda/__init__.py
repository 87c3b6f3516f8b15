"""The CUDA target: alone in importing ``numba.cuda``, besides ``jit.cuda_internals``.

``trainer`` is what other packages call; ``run`` holds the arrays of a call and launches kernels,
by ``device``. ``kernels`` are made of ``phases``, these of ``steps`` and ``blocks``; ``layout``
says where in the arrays everything lies.
"""
