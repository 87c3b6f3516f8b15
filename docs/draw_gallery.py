"""Draw the pictures of ``docs/gallery.md`` anew: ``python docs/draw_gallery.py``.

Each Python block of that page is run, in one namespace, and the figure that it leaves is saved
under the name of the heading above it. The digest of all blocks so far is kept in the picture, so
that a test can tell a picture whose code has changed.
"""

import hashlib
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "gallery.md"
PICTURES = PAGE.with_suffix("")
KEY = "Source"  # of the digest in a picture's metadata


def sections() -> list[tuple[str, str, str]]:
    """Name, code and digest of each display of the page; a digest is of all code down to there."""
    text = PAGE.read_text(encoding="utf-8")
    found, digest = [], hashlib.sha256()
    for name, code in re.findall(r"^### (\w+)\n.*?^```python\n(.*?)^```", text, re.DOTALL | re.M):
        digest.update(code.encode())
        found.append((name, code, digest.hexdigest()))
    return found


def main() -> None:
    """Draw and save all pictures."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names: dict = {}
    PICTURES.mkdir(exist_ok=True)
    for name, code, digest in sections():
        print(name, flush=True)
        exec(compile(code, PAGE.name, "exec"), names)
        figure = plt.figure(plt.get_fignums()[-1])
        figure.savefig(PICTURES / f"{name}.png", dpi=70, metadata={KEY: digest, "Software": None})
        plt.close("all")


if __name__ == "__main__":
    main()
