"""The command ``tsrnn transcribe``."""

import argparse
import io
import sys
from pathlib import Path

import pandas as pd

import tsrnn
from tsrnn.cli.tables import STANDARD_INPUT, file_errors, shown
from tsrnn.cli.writing import check_outputs, write_table, write_text
from tsrnn.sequences.audio import read_wav
from tsrnn.sequences.audio.waves import resampled


def transcribe(arguments: argparse.Namespace) -> None:
    """Write a line for each wav file, and optionally when each label was said."""
    files = arguments.files
    inputs = [arguments.model, arguments.language_model, *files]
    check_outputs(inputs, None, arguments.out, arguments.align)
    if files.count(STANDARD_INPUT) > 1:
        raise ValueError("standard input (-) can be read as one file only")
    model = _loaded(arguments.model)
    if arguments.n_jobs:
        model.set_params(n_jobs=arguments.n_jobs)
    options = {"beam_size": arguments.beam_size}
    if arguments.language_model:
        options["language_model"] = _language_model(arguments.language_model)
        if arguments.language_weight is not None:
            options["language_weight"] = arguments.language_weight
    elif arguments.language_weight is not None:
        raise ValueError("--language-weight is for a language model: give --language-model too")
    waves = [_read(file, model.features_.rate_, arguments.resample) for file in files]
    lines, tables = [], {}
    for number, (file, wave) in enumerate(zip(files, waves, strict=True)):
        with file_errors(file):
            labels = model.predict([wave], **options)[0]
            lines.append(_line(labels))
            if arguments.align:
                tables[number] = model.align([wave], [labels])[0].assign(file=file)
    write_text("".join(f"{line}\n" for line in lines), arguments.out)
    if arguments.align:
        table = pd.concat(tables.values()).set_index("file")
        write_table(table, arguments.align)


def _loaded(path):
    model = tsrnn.load(path)
    if type(model).__name__ != "RNNTranscriber":
        raise ValueError(f"{path} holds a {type(model).__name__}, no transcriber")
    if model.features_ is None:
        raise ValueError(f"{path} holds a transcriber that is not fitted, or not on waves")
    return model


def _language_model(path):
    model = tsrnn.load(path)
    if type(model).__name__ != "RNNLanguageModel":
        raise ValueError(f"{path} holds a {type(model).__name__}, no language model")
    return model


def _read(file, rate, resample):
    """The wave of a file, with the samples a second that are expected."""
    is_input = file == STANDARD_INPUT
    content = sys.stdin.buffer.read() if is_input else Path(file).read_bytes()
    with file_errors(file):
        wave, own_rate = read_wav(io.BytesIO(content))
    if own_rate == rate:
        return wave
    if not resample:
        raise ValueError(
            f"{shown(file)}: it has {own_rate} samples a second, and the transcriber reads {rate}; "
            "--resample converts it"
        )
    return resampled(wave, own_rate, rate)


def _line(labels):
    """A transcription as one line; labels of lists with a space between them."""
    text = labels if isinstance(labels, str) else " ".join(map(str, labels.tolist()))
    return " ".join(text.splitlines())
