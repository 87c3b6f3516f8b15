"""Text, music, speech and labelled steps: accuracy beside baselines, speed beside PyTorch.

Run it with ``python benchmarks/sequences.py --data FOLDER``, where FOLDER holds
``seq-tinyshakespeare/input.txt.gz``, ``seq-sentiment/stsa.binary.{train,dev,test}.gz``,
``seq-multi30k/{train,val,test_2016_flickr}.{de,en}.gz``, ``seq-fsdd/fsdd_takes0-14_int16_8khz.npz``
and ``seq-an4/an4_mfcc13_f16.npz``. Without it sections that need one of them are left out; all else
ships with the library or is generated.

* ``shakespeare``: language models of characters, nats a character on the last tenth
* ``epoch``: an epoch of training beside PyTorch's same network with the same weights, minibatches
  and settings of Adam: time, loss, memory
* ``vocabulary``: training steps with 30,000 tokens, time and memory
* ``generation``: characters a second, the same bits as by single steps
* ``sentiment``: sentences of SST-2 beside TF-IDF with logistic regression
* ``chorales``: negative log-likelihood of Bach's chorales
* ``tagging``: states of a machine, activities and weather beside a random forest over windows
* ``translation``: BLEU of Multi30k, German to English
* ``translation-epoch``: epochs of the same network beside PyTorch's, with the same weights and
  minibatches: time and losses
* ``dates``: dates in ten styles to ISO 8601, exact matches
* ``speech``: spoken digits, strings of them with the times of each, and the utterances of AN4
* ``ctc``: loss and gradient beside PyTorch's, whose values they must have
* ``compile``: first fits on an empty cache

The libraries take turns, each in a process of its own with all cores, and the median of several
rounds counts; kernels are compiled before. ``--dry-run`` goes through all of it at small sizes, and
its figures mean nothing.
"""

import argparse
import importlib.util
import sys
from importlib.metadata import version
from pathlib import Path

from results import parse_arguments
from sequence_sections import (
    chorales,
    language,
    sentiment,
    speech,
    speed_tables,
    tagging,
    translation,
)
from sequence_sections.ctc import ctc
from sequence_sections.run import Run
from sequence_sections.translation_peers import translation_epoch
from speed import print_machine

# By name: what prints the section, and whether it reads the folder.
SECTIONS = {
    "shakespeare": (language.shakespeare, True),
    "epoch": (speed_tables.epoch, False),
    "vocabulary": (speed_tables.vocabulary, False),
    "generation": (language.generation, False),
    "sentiment": (sentiment.sentiment, True),
    "chorales": (chorales.chorales, False),
    "tagging": (tagging.tagging, False),
    "translation": (translation.translation, True),
    "translation-epoch": (translation_epoch, True),
    "dates": (translation.dates, False),
    "speech": (speech.speech, True),
    "ctc": (ctc, False),
    "compile": (speed_tables.compiling, False),
}


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the data that does not ship")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    minutes = sorted({*language.SETTINGS, *translation.SETTINGS})
    parser.add_argument(
        "--minutes",
        nargs="+",
        type=int,
        choices=minutes,
        default=minutes,
        help="settings of the language model and the translator, by how long they train",
    )
    parser.add_argument("--seeds", type=int, default=5, help="of networks, forests and data")
    parser.add_argument("--rounds", type=int, default=5, help="rounds to take the median of")
    parser.add_argument("--dry-run", action="store_true", help="small sizes, to see that it runs")
    options = parse_arguments(parser, peers=("torch", "scikit-learn", "aeon", "sacrebleu"))
    libraries, peers = ("tsrnn",), "without PyTorch, whose columns stay empty"
    if importlib.util.find_spec("torch"):
        libraries, peers = ("tsrnn", "PyTorch"), f"PyTorch {version('torch')}"
    print_machine(f"scikit-learn {version('scikit-learn')}, {peers}")
    run = Run(
        options.data,
        libraries,
        options.minutes,
        seeds=1 if options.dry_run else options.seeds,
        rounds=1 if options.dry_run else options.rounds,
        dry=options.dry_run,
    )
    for name in options.only:
        print_section, reads_folder = SECTIONS[name]
        if reads_folder and run.data is None:
            print(f"\n{name}: left out, as it reads --data FOLDER.")
        else:
            print_section(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
