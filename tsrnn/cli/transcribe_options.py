"""The options of ``tsrnn transcribe``."""

import argparse

from tsrnn.cli.arguments import adder, beams, count, temperature

_DESCRIPTION = """\
Transcribe wav files by a transcriber of waves that tsrnn.save has written: an RNNTranscriber with
features, such as RNNTranscriber(features=MFCC(rate=8000)).

Line k of what is written is the transcription of the k-th FILE; it is empty for silence."""
_EPILOG = """\
examples:
  tsrnn transcribe digits.tsrnn call.wav
  tsrnn transcribe digits.tsrnn *.wav --resample --out texts.txt --align times.csv
  tsrnn transcribe speech.tsrnn talk.wav --language-model english.tsrnn --language-weight 0.8"""


def add_transcribe(commands) -> None:
    """Add the command to a parser's subcommands."""
    command = commands.add_parser(
        "transcribe",
        help="write down what is said in wav files",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("model", help="file of a transcriber", metavar="MODEL")
    text = "wav file; - is standard input"
    command.add_argument("files", help=text, metavar="FILE", nargs="+")
    add = adder(command)
    add("--resample", "convert files of another rate than the transcriber's", action="store_true")
    text = "unfinished transcriptions that a search keeps (default: no search; 16 with a model)"
    add("--beam-size", text, type=beams, metavar="N")
    text = "file of a language model (RNNLanguageModel) that knows what texts are probable"
    add("--language-model", text, metavar="MODEL")
    text = "factor of the language model's log-likelihoods (default 0.5)"
    add("--language-weight", text, type=temperature, metavar="W")
    text = "csv or parquet file of when each label was said: file, label, start, end in seconds"
    add("--align", text, metavar="FILE")
    add("--out", "text file to write to (default: standard output)", metavar="FILE")
    add("--n-jobs", "threads (default: all cores)", old="--jobs", type=count, metavar="N")
