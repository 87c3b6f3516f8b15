"""The pages of the documentation, and what is on them."""

import re
from pathlib import Path

from conftest import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md")) + sorted(DOCS.glob("[!_]*/*.md"))


def name_of(path: Path) -> str:
    """A page's path in the repository, the same on every system."""
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a language on a page; "" is that of those without."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^```(.*?)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [code for name, code in found if name == language]
