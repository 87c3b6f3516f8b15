"""Build hook: puts the folder of compiled kernels that TSRNN_KERNELS names into the wheel."""

import os
import platform
import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import cpython_tags


class KernelsHook(BuildHookInterface):
    """Without the variable the wheel is one for any Python and platform, as the sources are."""

    def initialize(self, version, build_data):
        """Name the folder and the wheel's tag."""
        folder = os.environ.get("TSRNN_KERNELS")
        if not folder or version == "editable":
            return
        path = Path(folder).resolve()
        if not (path / "kernels.json").is_file():
            raise FileNotFoundError(
                f"TSRNN_KERNELS={folder} is no folder of tools/compile_kernels.py"
            )
        build_data["force_include"][str(path)] = "tsrnn/kernels/compiled"
        build_data["pure_python"] = False
        build_data["tag"] = wheel_tag()


def wheel_tag() -> str:
    """The tag of a wheel for this Python on this platform; kernels call nothing of the system's."""
    python, machine = next(iter(cpython_tags())), platform.machine().lower()
    platforms = {
        "linux": f"manylinux_2_17_{machine}",
        "darwin": f"macosx_11_0_{machine}",
        "win32": f"win_{machine}",
    }
    return f"{python.interpreter}-{python.abi}-{platforms[sys.platform]}"
