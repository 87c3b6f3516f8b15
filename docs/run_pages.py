"""Run the Python of the pages, and keep what it prints below it: ``python docs/run_pages.py``.

The blocks of a page run in one namespace, in a process and a folder of their own, with the real
sizes that the page gives: some pages take minutes. ``python docs/run_pages.py PAGE ...`` runs some
pages alone. Beside what was printed the page keeps a digest of all of its code so far, so that a
test can tell where code has changed since. Pages of ``LEFT`` are not run.
"""

import contextlib
import hashlib
import io
import multiprocessing
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
# Their code takes a GPU or engines of clusters; what a daily job prints is part of its page.
LEFT = [DOCS / "how-to" / name for name in ("clusters.md", "gpu.md", "daily-job.md")]
# Frames as in a terminal of 120 columns; where there is none pandas takes 80.
WIDTH = ("display.width", 120, "display.max_columns", 20)
_PRINTED = r"\n<!-- printed by this code, (\w+) -->\n```text\n(.*?)^```\n"
_BLOCK = re.compile(rf"^```python\n(.*?)^```\n(?:{_PRINTED})?", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of Python on a page, and what the page says that it prints."""

    code: str
    digest: str  # of all code down to here
    kept_digest: str | None
    printed: str | None

    @property
    def prints(self) -> bool:
        """Whether it prints something whatever happens."""
        return re.search(r"^print\(", self.code, re.MULTILINE) is not None


def blocks_of(text: str) -> list[Block]:
    """All blocks of Python of a page."""
    found, digest = [], hashlib.sha256()
    for code, old_digest, printed in (match.groups() for match in _BLOCK.finditer(text)):
        digest.update(code.encode())
        found.append(Block(code, digest.hexdigest()[:12], old_digest, printed))
    return found


def run(path: Path) -> list[str]:
    """What each block of a page prints, in an empty folder that has the shipped datasets."""
    import pandas as pd

    names: dict = {"__name__": "__main__"}
    printed = []
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        pd.option_context(*WIDTH),
    ):
        os.symlink(ROOT / "datasets", "datasets", target_is_directory=True)
        for block in blocks_of(path.read_text(encoding="utf-8")):
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(block.code, path.name, "exec"), names)
            printed.append("".join(f"{line.rstrip()}\n" for line in output.getvalue().splitlines()))
    return printed


def write(path: Path, printed: list[str]) -> None:
    """Put what was printed below the blocks of a page, in place of what was there."""
    text = path.read_text(encoding="utf-8")
    results = iter(zip(blocks_of(text), printed, strict=True))

    def with_result(match):
        block, output = next(results)
        result = f"\n<!-- printed by this code, {block.digest} -->\n```text\n{output}```\n"
        return f"```python\n{match[1]}```\n" + (result if output else "")

    path.write_text(_BLOCK.sub(with_result, text), encoding="utf-8")


def _run_and_write(path):
    import matplotlib

    matplotlib.use("Agg")
    write(path, run(path))


def main(pages: list[str]) -> None:
    """Run the pages one after another."""
    every = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts]
    for path in [Path(page).resolve() for page in pages] or every:
        blocks = blocks_of(path.read_text(encoding="utf-8"))
        if path in LEFT or not any(block.prints for block in blocks):
            continue
        print(path.relative_to(ROOT), flush=True)
        process = multiprocessing.get_context("spawn").Process(target=_run_and_write, args=[path])
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(f"{path.name} failed")


if __name__ == "__main__":
    main(sys.argv[1:])
