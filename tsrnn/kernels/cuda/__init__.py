"""The CUDA target: alone in importing ``numba.cuda``, besides ``jit.cuda_internals``.

``trainer`` is what other packages call; ``run`` plans the arrays of a call and launches kernels, by
``device``. The arrays lie in ``buffers``, which stay on the GPU between calls (``pool``).
``kernels`` are made of ``phases``, these of ``steps`` and ``blocks``; ``layout`` says where in the
arrays everything lies; ``compiling`` keeps kernels on disk.
"""
