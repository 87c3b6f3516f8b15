"""Tables of the benchmark scripts: printed row by row, and kept as JSON for the site.

A script reads its options by ``parse_arguments``, which adds ``--results`` and ``--note``, and
shows what it measures by ``Table``. With ``--results`` each table is a file of
``benchmarks/results``, written anew after each row; pages of ``docs/benchmarks`` show it.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks" / "results"
LIBRARIES = "numpy", "numba", "pandas"
# What the project asks of a figure, as ``at_least`` and ``below`` append it, is printed alone.
ASKED = re.compile(r" \((at least|at most|MISSES|below|NOT BELOW) [^)]*\)")
_run: dict = {}  # of this process; empty where no tables are kept


def parse_arguments(
    parser: argparse.ArgumentParser, peers: tuple[str, ...] = ()
) -> argparse.Namespace:
    """Options of a script; ``peers`` are packages whose versions are kept, if installed."""
    parser.add_argument("--results", action="store_true", help="keep tables in benchmarks/results")
    parser.add_argument("--note", help="kept with the tables: what else ran on the machine, say")
    arguments = parser.parse_args()
    if arguments.results and getattr(arguments, "dry_run", False):
        parser.error("figures of --dry-run mean nothing, so they are not kept")
    if arguments.results:
        _run["note"] = arguments.note
        _run["command"] = command()
        _run["machine"] = machine(peers)
    return arguments


def describe_machine(**facts: str) -> None:
    """Keep more about the machine with the tables, such as its GPU."""
    if _run:
        _run["machine"] |= facts


class Table:
    """A table that prints its rows as they become known."""

    def __init__(self, name: str, title: str, columns: list[str], *notes: str):
        """Print the head; ``name`` is that of the file, ``notes`` stand below a table on a page."""
        if len(set(columns)) < len(columns):
            raise ValueError(f"Columns of the same name: {columns}.")
        self.path = FOLDER / f"{name}.json"
        self.content = {"title": title, "columns": columns, "rows": [], "notes": list(notes)}
        head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
        print("\n" + "\n\n".join([title, *notes, head]), flush=True)

    def row(self, *cells) -> None:
        """Print a row, and keep it; None is an empty cell, as are those that are left out."""
        texts = ["" if cell is None else str(cell) for cell in cells]
        n_missing = len(self.content["columns"]) - len(texts)
        if n_missing < 0:
            raise ValueError(f"More cells than columns: {texts}.")
        texts += [""] * n_missing
        print(f"| {' | '.join(texts)} |", flush=True)
        self.content["rows"].append([ASKED.sub("", text) for text in texts])
        self._keep()

    def note(self, text: str) -> None:
        """Print a line below the table, and keep it."""
        print(f"\n{text}", flush=True)
        self.content["notes"].append(text)
        self._keep()

    def _keep(self) -> None:
        if not _run:
            return
        notes = [*self.content["notes"], *filter(None, [_run["note"]])]
        content = self.content | {
            "notes": notes,
            "command": _run["command"],
            "machine": _run["machine"],
        }
        FOLDER.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def at_least(value: float, least: float | None, form: str = ".1f") -> str:
    """A figure beside what is asked of it; None for nothing."""
    if least is None:
        return f"{value:{form}}"
    return f"{value:{form}} ({'at least' if value >= least else 'MISSES'} {least:{form}})"


def below(value: float, most: float | None, form: str = ".2f") -> str:
    """A figure beside what it is to be below; None for no such bound."""
    if most is None:
        return f"{value:{form}}"
    return f"{value:{form}} ({'below' if value < most else 'NOT BELOW'} {most:{form}})"


def command() -> str:
    """The command that was given, without folders of this machine and what these options say."""
    words = ["python", f"benchmarks/{Path(sys.argv[0]).name}"]
    given = iter(sys.argv[1:])
    for word in given:
        if word == "--note":
            next(given)
        elif word != "--results" and not word.startswith("--note="):
            is_path, path = os.sep in word, Path(word)
            words.append("FOLDER" if is_path and path.is_dir() else path.name if is_path else word)
    return shlex.join(words)


def machine(peers: tuple[str, ...] = ()) -> dict:
    """Processor, cores, load before the run, date, versions, last commit that changed tsrnn."""
    return {
        "processor": processor_name(),
        "vector_bits": 8 * vector_bytes(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "date": datetime.date.today().isoformat(),
        "versions": versions([*LIBRARIES, *peers]),
        "commit": last_commit(),
    }


def processor_name() -> str:
    """The processor as the system names it."""
    try:
        with open("/proc/cpuinfo") as file:
            lines = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines())
        values = {key.strip(): value.strip() for key, value in lines.items()}
        return f"{values['model name']} (family {values['cpu family']}, model {values['model']})"
    except (OSError, KeyError, ValueError):
        return platform.processor() or platform.machine()


def vector_bytes() -> int:
    """Bytes of the vectors that kernels are compiled for here."""
    from tsrnn.kernels.jit.processor import host_processor  # imports Numba

    return host_processor().vector_bytes


def versions(packages) -> dict[str, str]:
    """Versions of Python, this library and the packages that are installed."""
    import tsrnn

    found = {"Python": platform.python_version(), "tsrnn": tsrnn.__version__}
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def last_commit() -> str | None:
    """The last commit that changed ``tsrnn``, with "+" where files differ from it; or None."""

    def git(*words):
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = git("log", "-1", "--format=%h", "--abbrev=10", "--", "tsrnn")
    changed = git("status", "--porcelain", "--", "tsrnn")
    return f"{commit}{'+' * bool(changed)}" if commit else None
