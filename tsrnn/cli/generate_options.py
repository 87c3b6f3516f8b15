"""The options of ``tsrnn generate``."""

import argparse
from functools import partial

from tsrnn.cli.arguments import (
    adder,
    cell_name,
    count,
    encoding,
    filled,
    fraction,
    seconds,
    seed,
    temperature,
)

_DESCRIPTION = """\
Train a recurrent network (GRU) to predict the next character of a text, and let it write.

A file is one text; with --lines each line is a text of its own, such as a name, and the network
learns where texts end. What is written goes to standard output, after the --prompt."""
_EPILOG = """\
FILE may be compressed by gzip, bzip2 or xz. Training takes one or two minutes for a text of a
million characters. --save keeps the network, and --load writes with it at once.

examples:
  tsrnn generate shakespeare.txt --n 500 --prompt "ROMEO:" --save shakespeare.tsrnn
  tsrnn generate --load shakespeare.tsrnn --n 500 --prompt "JULIET:" --temperature 0.5
  tsrnn generate names.txt --lines --texts 20 --hidden-size 64
  tsrnn generate novel.txt.gz --unit subword --cell lstm --n-layers 2 --max-iter 20"""


def add_generate(commands) -> None:
    """Add the command to a parser's subcommands."""
    command = commands.add_parser(
        "generate",
        help="learn from a text and write more of it",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = adder(command)
    text = "text file, also compressed; - is standard input"
    command.add_argument("file", help=text, nargs="?", metavar="FILE")
    text = "most characters, or other tokens, of a text (default 500)"
    add("--n", text, type=count, default=500, metavar="N")
    add("--texts", "texts to write (default 1)", type=count, default=1, metavar="N")
    add("--prompt", "text to go on from", default="", metavar="TEXT")
    add("--stop", "text before which to end", type=filled, metavar="TEXT")
    text = "1 draws by the probabilities; below, what is probable becomes more so (default 0.8)"
    add("--temperature", text, type=temperature, default=0.8, metavar="T")
    add("--top-k", "draw from the N most probable tokens", type=count, metavar="N")
    text = "draw from the fewest tokens that have this share of the probability, such as 0.9"
    add("--top-p", text, type=fraction, metavar="SHARE")
    add("--out", "text file to write to (default: standard output)", metavar="FILE")
    add("--save", "file for the trained network, to be read by --load", metavar="FILE")
    add("--load", "file of --save, instead of a text to learn from", metavar="FILE")
    _add_network(adder(command.add_argument_group("network")))
    add = adder(command.add_argument_group("reading and reporting"))
    add("--lines", "each line of FILE is a text of its own", action="store_true")
    text = "of FILE, such as latin-1 or utf-16 (default utf-8)"
    add("--encoding", text, type=encoding, default="utf-8-sig", metavar="NAME")
    add("--quiet", "show no progress", action="store_true")


def _add_network(add):
    units = ["character", "word", "subword"]
    add("--unit", "what is predicted: %(choices)s (default character)", choices=units)
    text = "recurrent cell, such as lstm, or attention (default gru)"
    add("--cell", text, type=partial(cell_name, others=["attention"]), metavar="NAME")
    add("--hidden-size", "hidden units of a layer (default 256)", type=count, metavar="N")
    add("--n-layers", "layers (default 1)", old="--layers", type=count, metavar="N")
    add("--embedding-size", "width of the tokens' embedding (default 64)", type=count, metavar="N")
    text = "tokens that errors are traced back over (default 128)"
    add("--n-steps", text, old="--steps", type=count, metavar="N")
    add("--max-iter", "epochs (default: by length)", type=count, metavar="N")
    text = "seconds that training may take (default: as long as it takes)"
    add("--max-seconds", text, type=seconds, metavar="SECONDS")
    text = "seed of the random numbers (default 0)"
    add("--random-state", text, old="--seed", type=seed, default=0, metavar="N")
    add("--n-jobs", "threads (default: all cores)", old="--jobs", type=count, metavar="N")
