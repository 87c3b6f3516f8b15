"""Execute notebooks in place: ``python notebooks/execute.py [NAME ...]``, by default all of them.

What differs from run to run without meaning anything is left out, so that a rerun shows in a diff
only where a result changed. A digest of the code is kept beside the results, so that a test can
tell those of other code.
"""

import hashlib
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main(names: list[str]) -> None:
    """Execute the named notebooks of this folder, with or without their suffix."""
    os.environ.pop("TSRNN_NOTEBOOK_QUICK", None)  # what is kept is never the hurried version
    paths = [FOLDER / f"{Path(name).stem}.ipynb" for name in names]
    for path in paths or sorted(FOLDER.glob("*.ipynb")):
        print(path.name, flush=True)
        notebook = nbformat.read(path, as_version=4)
        place = {"metadata": {"path": str(FOLDER)}}
        notebook.metadata = nbformat.from_dict(METADATA)
        quiet = ["--log-level=ERROR"]
        NotebookClient(notebook, timeout=600, resources=place, extra_arguments=quiet).execute()
        normalise(notebook)
        nbformat.validate(notebook)
        nbformat.write(notebook, path)


def digest_of(notebook: nbformat.NotebookNode) -> str:
    """SHA-256 of the code of all cells, in order."""
    sources = (cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Drop times, versions, addresses, news of compiling; join what a stream said in pieces."""
    notebook.metadata = nbformat.from_dict(METADATA | {"executed": digest_of(notebook)})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        outputs = []
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr" and "Compiling kernels" in output.text:
                continue
            if outputs and output.get("name", "") == outputs[-1].get("name"):
                outputs[-1].text += output.text
                continue
            for kind, text in output.get("data", {}).items():
                if kind.startswith("text/"):
                    output.data[kind] = re.sub(r" at 0x[0-9a-f]+", "", text)
            outputs.append(output)
        if outputs:
            cell.outputs = outputs


if __name__ == "__main__":
    main(sys.argv[1:])
