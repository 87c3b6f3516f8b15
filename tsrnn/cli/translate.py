"""The command ``tsrnn translate``."""

import argparse

import tsrnn
from tsrnn.cli.tables import open_text, shown
from tsrnn.cli.writing import check_outputs, write_text


def translate(arguments: argparse.Namespace) -> None:
    """Write a line for each line of a text, by a translator from a file."""
    check_outputs([arguments.model, arguments.file], None, arguments.out)
    model = _loaded(arguments.model)
    lines = _read(arguments)
    if arguments.n_jobs:
        model.set_params(n_jobs=arguments.n_jobs)
    texts = [line for line in lines if line.strip()]
    options = {
        "beam_size": arguments.beam_size,
        "length_penalty": arguments.length_penalty,
        "max_length": arguments.max_length,
    }
    written = iter(model.predict(texts, **options))
    lines = [_line(next(written)) if line.strip() else "" for line in lines]
    write_text("".join(f"{line}\n" for line in lines), arguments.out)


def _loaded(path):
    model = tsrnn.load(path)
    if type(model).__name__ != "RNNTranslator":
        raise ValueError(f"{path} holds a {type(model).__name__}, no translator")
    if getattr(model, "source_tokenizer_", None) is None or model.source_tokenizer_.unit is None:
        raise ValueError(f"{path} holds a translator that is not fitted, or not on texts")
    return model


def _read(arguments):
    """Lines of a file, of which one has text at least."""
    name = shown(arguments.file)
    try:
        with open_text(arguments.file, arguments.encoding) as file:
            text = file.read().replace("\r\n", "\n").removesuffix("\n")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if not text.strip():
        raise ValueError(f"{name}: there is no text in it")
    return text.split("\n")


def _line(written):
    """A translation as one line; items with a space between them."""
    text = written if isinstance(written, str) else " ".join(map(str, written))
    return " ".join(text.splitlines())
