"""The data files that ship with the library."""

from pathlib import Path


def find_file(name: str) -> Path:
    """Path of a data file, in the installed package or in the folder of a source checkout."""
    package = Path(__file__).resolve().parent
    folders = [package / "data", package.parents[1] / "datasets"]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    searched = " or ".join(str(folder) for folder in folders)
    raise FileNotFoundError(
        f"The data file {name!r} is not in {searched}. Reinstall tsrnn, or take the file from the "
        "folder 'datasets' of its source and put it in one of them."
    )
