"""Levels of processors that kernels are compiled for once, for all that have their features."""

import platform

import llvmlite.binding
import numba

_V2 = ("cx16", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3")
_V3 = (*_V2, "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")
_V4 = (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
# Names of LLVM's processors by architecture, the best first, and the features that each needs.
# Those of x86-64 are levels of its psABI.
_LEVELS = {
    "x86_64": {"x86-64-v4": _V4, "x86-64-v3": _V3},
    "aarch64": {"generic": ()},
}
# What each is tuned by, beyond its name. LLVM would use half of AVX-512's registers, as the first
# processors that had it slowed down otherwise: 4 % slower on a Zen 4.
_TUNING = {"x86-64-v4": "-prefer-256-bit"}
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


def levels() -> tuple[str, ...]:
    """All levels of this machine's architecture, the best first."""
    return tuple(_levels())


def host_levels() -> list[str]:
    """Levels that this machine's processor has, the best first.

    None if NUMBA_CPU_NAME or NUMBA_ENABLE_AVX asks for kernels of another processor.
    """
    if numba.config.CPU_NAME is not None or not numba.config.ENABLE_AVX:
        return []
    features = llvmlite.binding.get_host_cpu_features()
    return [name for name, needs in _levels().items() if all(features.get(f) for f in needs)]


def level_key(level: str) -> tuple[str, str, str]:
    """What ``numba_internals.target_key`` is where kernels are compiled for a level."""
    return llvmlite.binding.get_process_triple(), level, tuning_of(level)


def tuning_of(level: str) -> str:
    """What NUMBA_CPU_FEATURES is where kernels are compiled for a level."""
    return _TUNING.get(level, "")


def _levels():
    machine = platform.machine().lower()
    return _LEVELS.get(_ARCHITECTURES.get(machine, machine), {})
