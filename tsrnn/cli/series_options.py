"""Options that several commands on files of series have."""

import argparse
from typing import Any

from tsrnn.cli.arguments import (
    adder,
    character,
    count,
    encoding,
    minibatches,
    seconds,
    seed,
    thousands,
)

_FILES = """\
The time column holds time stamps (1949-01, 2024-03-31T18:00, ...), years (1700, 1701, ...) or
other whole numbers in equal steps. Ambiguous times such as 01.02.2018, Jan-18 or 201801 are read
in the format that gives regular steps; if several formats do, --time-format is required. Rows may
be in any order, but no time may be twice, nor missing unless --missing mask.
{}Errors count rows of data from 1, the header not counted.
Files that end in .parquet or .pq are parquet, read and written by pyarrow; all others are csv,
which may be compressed by gzip, bzip2 or xz."""


def series_command(
    commands: Any, name: str, summary: str, description: str, examples: str, covariates: str
) -> argparse.ArgumentParser:
    """The parser of a command on a file of series; ``covariates`` is said about these."""
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"{_FILES.format(covariates)}\n\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_series(command: argparse.ArgumentParser, target_text: str) -> Any:
    """Add the options of files and series; returns the function that adds more."""
    add = adder(command)
    text = "csv file with a header line, also compressed, or parquet file; - is standard input"
    add("file", text, metavar="FILE")
    several = {"nargs": "+", "action": "extend", "metavar": "COLUMN"}
    add("--target", target_text, required=True, **several)
    add("--time", "column of times; without it rows count from 1", metavar="COLUMN")
    add("--id", "column that says which series a row belongs to", metavar="COLUMN")
    return add


def add_networks(add: Any, use: str) -> None:
    """Add the number of networks, with what is done with them."""
    text = f"networks, whose {use} (default 1)"
    add("--n-estimators", text, old="--networks", type=count, default=1, metavar="N")


def add_training(add: Any, max_iter: Any) -> None:
    """Add the options of training; ``max_iter`` is the type of that option."""
    add("--max-iter", "most epochs (default: by length)", type=max_iter, metavar="N")
    text = "most minibatches of an epoch (default auto); none: as many as go through all windows"
    add("--batches-per-epoch", text, type=minibatches, default="auto", metavar="N")
    text = "seconds that training may take (default: as long as it takes)"
    add("--max-seconds", text, type=seconds, metavar="SECONDS")
    text = "seed of the random numbers (default 0)"
    add("--random-state", text, old="--seed", type=seed, default=0, metavar="N")
    add("--n-jobs", "threads (default: all cores)", old="--jobs", type=count, metavar="N")
    add("--device", "what to train on (default cpu)", choices=["cpu", "cuda"], default="cpu")


def add_reading(command: argparse.ArgumentParser) -> None:
    """Add the options of how files are written, of missing values and of progress."""
    add = add_file_format(command)
    text = "refuse empty cells and missing times (default), or mask them: learn without"
    add("--missing", text, choices=["raise", "mask"], default="raise")
    add("--quiet", "show no progress", action="store_true")


def add_file_format(command: argparse.ArgumentParser) -> Any:
    """Add the options of how files are written; returns the function that adds more."""
    add = adder(command.add_argument_group("reading and reporting"))
    text = "what separates columns of the csv file (default ,)"
    add("--sep", text, type=character, default=",", metavar="CHARACTER")
    marks = {"choices": [".", ","], "default": ".", "metavar": "CHARACTER"}
    add("--decimal", "decimal mark of numbers, . (default) or ,", **marks)
    text = "thousands separator of numbers, such as , or . or a blank (default: none)"
    add("--thousands", text, type=thousands, metavar="CHARACTER")
    text = "encoding of csv files, such as latin-1 or utf-16 (default utf-8)"
    add("--encoding", text, type=encoding, default="utf-8-sig", metavar="NAME")
    add("--time-format", "of time stamps, such as %%d.%%m.%%Y", metavar="FORMAT")
    text = "frequency that time stamps are moved to, such as D, 15min, MS or SMS (twice a month)"
    add("--freq", text, metavar="FREQ")
    return add
