"""The command ``tsrnn generate``."""

import argparse

import numpy as np

import tsrnn
from tsrnn.cli.tables import open_text, shown
from tsrnn.cli.writing import check_outputs, write_text
from tsrnn.sequences.language_state import learn_reader
from tsrnn.sequences.words import join_words, word_pattern

# Parameters that are options, which are None where they are not set
_PARAMETERS = (
    "unit",
    "cell",
    "hidden_size",
    "n_layers",
    "embedding_size",
    "n_steps",
    "max_iter",
    "max_seconds",
    "n_jobs",
)


def generate(arguments: argparse.Namespace) -> None:
    """Train a language model, or load one, and write what it generates."""
    if (arguments.file is None) == (arguments.load is None):
        raise ValueError("give either a text FILE to learn from, or --load FILE")
    check_outputs([arguments.file, arguments.load], None, arguments.out, saved=arguments.save)
    model = _loaded(arguments) if arguments.load else _trained(arguments)
    if arguments.save:
        tsrnn.save(model, arguments.save)
    options = {
        "temperature": arguments.temperature,
        "top_k": arguments.top_k,
        "top_p": arguments.top_p,
        "stop": arguments.stop,
        "random_state": np.random.RandomState(arguments.random_state),
    }
    texts = [
        _after_prompt(
            model, arguments.prompt, model.generate(arguments.n, arguments.prompt, **options)
        )
        for _ in range(arguments.texts)
    ]
    write_text("\n".join(texts), arguments.out)


def _loaded(arguments):
    options = [*_PARAMETERS, "lines", "save"]
    for name in options:
        if name != "n_jobs" and getattr(arguments, name):
            option = name.replace("_", "-")
            raise ValueError(f"--{option} is for a network that is trained, not for --load")
    model = tsrnn.load(arguments.load)
    name, problem = type(model).__name__, None
    if name != "RNNLanguageModel":
        problem = f"holds {name}, no language model"
    elif not hasattr(model, "network_"):
        problem = "holds a language model that is not fitted"
    elif getattr(model.tokenizer_, "unit", None) is None:
        problem = "holds a language model of music or of items, not of text"
    if problem:
        raise ValueError(f"{arguments.load} {problem}")
    return model


def _trained(arguments):
    text = _read(arguments)
    values = {name: getattr(arguments, name) for name in _PARAMETERS}
    values = {name: value for name, value in values.items() if value is not None}
    if arguments.prompt:
        learn_reader(values.get("unit", "character"), text).read_prompt(arguments.prompt)
    model = tsrnn.RNNLanguageModel(
        **values, random_state=arguments.random_state, verbose=int(not arguments.quiet)
    )
    return model.fit(text)


def _read(arguments):
    """The text of a file, or its lines that are not empty."""
    name = shown(arguments.file)
    try:
        with open_text(arguments.file, arguments.encoding) as file:
            text = file.read().replace("\r\n", "\n")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    texts = [line for line in text.split("\n") if line.strip()] if arguments.lines else text
    if not texts or not text.strip():
        raise ValueError(f"{name}: there is no text in it")
    return texts


def _after_prompt(model, prompt, written):
    """The prompt and what follows it, words with a space between them."""
    if not prompt or model.tokenizer_.unit != "word":
        return prompt + written
    return join_words(word_pattern().findall(f"{prompt} {written}"))
