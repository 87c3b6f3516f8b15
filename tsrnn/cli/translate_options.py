"""The options of ``tsrnn translate``."""

import argparse

from tsrnn.cli.arguments import adder, beams, count, encoding, temperature

_DESCRIPTION = """\
Translate each line of a text by a translator (RNNTranslator) that tsrnn.save has written.

Line k of what is written is the translation of line k of FILE; empty lines stay empty."""
_EPILOG = """\
FILE may be compressed by gzip, bzip2 or xz.

examples:
  tsrnn translate german-english.tsrnn sentences.txt --out english.txt
  echo "3 May 2021" | tsrnn translate dates.tsrnn - --beam-size 1"""


def add_translate(commands) -> None:
    """Add the command to a parser's subcommands."""
    command = commands.add_parser(
        "translate",
        help="translate the lines of a text",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("model", help="file of a translator", metavar="MODEL")
    text = "text file, also compressed; - is standard input"
    command.add_argument("file", help=text, metavar="FILE")
    add = adder(command)
    text = "unfinished translations that the search keeps; 1 is the fastest (default 5)"
    add("--beam-size", text, type=beams, default=5, metavar="N")
    text = "how much longer translations are preferred; 0 prefers short ones (default 1)"
    add("--length-penalty", text, type=temperature, default=1.0, metavar="P")
    text = "most tokens of a translation, cut off there (default: twice the longest learned from)"
    add("--max-length", text, type=count, metavar="N")
    add("--out", "text file to write to (default: standard output)", metavar="FILE")
    text = "of FILE, such as latin-1 or utf-16 (default utf-8)"
    add("--encoding", text, type=encoding, default="utf-8-sig", metavar="NAME")
    add("--n-jobs", "threads (default: all cores)", old="--jobs", type=count, metavar="N")
