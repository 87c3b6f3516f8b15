"""Tables of the benchmark pages, from what the scripts in ``benchmarks`` have written.

A block of a page, ::

    ```{measured} speed-cells
    :columns: cell; ratio
    :rows: lstm
    ```

becomes the table of ``benchmarks/results/speed-cells.json``, with notes, processor, date, versions
and command below it. ``:columns:`` chooses and orders columns, ``:rows:`` is a regular expression
that is searched in a row's cells. Two names stand for ``benchmarks/accuracy.csv``:
``accuracy`` is a table of each dataset, ``:rows:`` being searched in their names, and
``accuracy-summary`` one table of all, of the column that ``:columns:`` names. Sphinx calls ``fill``
(``docs/conf.py``); nothing is written to the sources.
"""

import functools
import json
import re
import sys
from pathlib import Path

import pandas as pd

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RESULTS = BENCHMARKS / "results"
BLOCK = re.compile(r"^```\{measured\} (\S+)\n((?::\w+: .*\n)*)```$", flags=re.MULTILINE)
MISSING = "*Not measured with this version yet.*"


def fill(text: str) -> str:
    """A page whose blocks have become tables."""
    text = BLOCK.sub(lambda block: measured(block[1], options_of(block[2])), text)
    return re.sub(rf"({re.escape(MISSING)}\n+)+(?={re.escape(MISSING)})", "", text)  # says it once


def options_of(lines: str) -> dict[str, str]:
    """Options of a block by their names."""
    return dict(re.findall(r"^:(\w+): (.*)$", lines, flags=re.MULTILINE))


def measured(name: str, options: dict[str, str]) -> str:
    """A table in Markdown, with where it comes from."""
    if name.startswith("accuracy") and name in ACCURACY:
        return ACCURACY[name](**options)
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return MISSING
    content = json.loads(path.read_text("utf-8"))
    parts = [f"**{content['title']}**", table(content, **options)]
    return "\n\n".join([*parts, *content["notes"], origin(content)])


def table(content: dict, columns: str = "", rows: str = "") -> str:
    """Chosen columns and rows of a table, in Markdown."""
    names = content["columns"]
    wanted = [names.index(each.strip()) for each in columns.split(";")] if columns else None
    wanted = wanted or list(range(len(names)))
    chosen = [row for row in content["rows"] if re.search(rows, " | ".join(row))]
    if not chosen:
        raise ValueError(f"No row of {content['title']!r} has {rows!r}.")
    lines = [[row[k] for k in wanted] for row in [names, *chosen]]
    return markdown(*lines)


def markdown(heads: list[str], *rows: list[str]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(row)} |" for row in [heads, *rows]]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


def origin(content: dict) -> str:
    """Processor, date, versions and command of a table."""
    machine = content["machine"]
    places = [machine["processor"], f"{machine['cores']} cores"]
    places += [machine["gpu"]] if "gpu" in machine else []
    places.append(f"vectors of {machine['vector_bits']} bits")
    if machine["load"] is not None:
        places.append(f"load average {machine['load']} before it began")
    versions = [" ".join(each) for each in machine["versions"].items()]
    facts = [", ".join(places), machine["date"], ", ".join(versions)]
    facts += [f"commit {machine['commit']}"] if machine["commit"] else []
    return f"{'; '.join(facts)}: `{content['command']}`"


@functools.cache
def accuracy_module():
    """``benchmarks/accuracy.py``, which knows how its rows are shown."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import accuracy
    finally:
        sys.path.remove(str(BENCHMARKS))
    return accuracy


def accuracy_tables(rows: str = "") -> str:
    """A table of each dataset whose name has ``rows``, with where they come from."""
    module = accuracy_module()
    found = pd.read_csv(module.ROWS)
    found = found[found["dataset"].str.contains(rows)]
    tables = [module.table(part) for _, part in found.groupby("dataset", sort=False)]
    return "\n\n".join([*tables, accuracy_origin(found)])


def accuracy_summary(columns: str = "mase", rows: str = "") -> str:
    """A table of one figure: a row for each dataset, a column for each forecaster."""
    module = accuracy_module()
    found = pd.read_csv(module.ROWS)
    found = found[found["dataset"].str.contains(rows) & found["row"].isin(module.MODELS)]
    head, form = module.COLUMNS[columns]
    cells = found.pivot_table(columns, "dataset", "row", sort=False)
    cells = cells[[name for name in module.MODELS if name in cells]]
    is_best = cells.eq(cells.min(axis="columns"), axis="index") & (columns != "cpu_seconds")
    texts = cells.map(lambda value: f"{value:{form}}")
    texts = texts.where(~is_best, "**" + texts + "**")
    lines = [[name, *row] for name, row in zip(texts.index, texts.to_numpy(), strict=True)]
    return f"{markdown([head, *texts], *lines)}\n\n{accuracy_origin(found)}"


def accuracy_origin(found: pd.DataFrame) -> str:
    """Processors, dates and versions of rows, and the command that makes them."""
    facts = accuracy_module().origin(found.dropna(subset="versions"))
    return f"{facts}\n\n`python benchmarks/accuracy.py --data FOLDER --results`"


ACCURACY = {"accuracy": accuracy_tables, "accuracy-summary": accuracy_summary}
