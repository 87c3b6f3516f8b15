"""The CUDA target: the only place that names CUDA.

``blocks`` says what the threads of a block do together, ``kernels`` holds the kernels, and ``device``
finds the GPU, keeps a network's arrays there and launches them.
"""
