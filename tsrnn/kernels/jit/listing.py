"""What compiled kernels there are on disk."""

import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import numba
import numpy as np

from tsrnn.kernels.jit.cache import SOURCES
from tsrnn.kernels.jit.folders import SHIPPED, readable_folders

MANIFEST = "kernels.json"  # in the folder that a wheel brings


class Stored(NamedTuple):
    """A compiled kernel in a file."""

    name: str
    level: str  # of processors, or "" for this machine's
    n_bytes: int


def made_with() -> dict[str, str]:
    """Versions that compiled kernels depend on; those of others are not loaded."""
    return {
        "Python": f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}",
        "Numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "NumPy": ".".join(np.__version__.split(".")[:2]),
        "sources": SOURCES[:12],
    }


def manifest_of(folder: Path, levels: dict[str, str]) -> dict[str, Any]:
    """What a folder of kernels holds: ``levels`` of processors by names of files."""
    kernels = [
        {"name": _kernel(name), "level": levels[name], "file": name} for name in sorted(levels)
    ]
    for kernel in kernels:
        kernel["bytes"] = (folder / kernel["file"]).stat().st_size
    return {"made with": made_with(), "kernels": kernels}


def shipped_kernels() -> tuple[list[Stored], dict[str, str]]:
    """Kernels that the wheel brings, and the versions they were made with; none in a checkout."""
    try:
        manifest = json.loads((SHIPPED / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [], {}
    kernels = [Stored(k["name"], k["level"], k["bytes"]) for k in manifest["kernels"]]
    return sorted(kernels), manifest["made with"]


def cached_kernels() -> dict[Path, list[Stored]]:
    """Kernels compiled here from the present sources, by folder."""
    return {
        folder: sorted(
            Stored(_kernel(path.name), "", path.stat().st_size)
            for path in folder.glob(f"tsrnn-*-{SOURCES[:12]}-*.nbc")
        )
        for folder in readable_folders()
    }


def _kernel(file_name):
    return re.sub(r"tsrnn-(.*)-\w{12}-\w{24}\.nbc", r"\1", file_name)
