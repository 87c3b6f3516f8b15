"""Parts of ``benchmarks/gpu.py`` and of ``gpu_offline.py``."""
