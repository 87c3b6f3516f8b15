"""Errors of the library in the words of the command line."""

import re

# Parameters of the library that are options, of the same name with hyphens
_PARAMETERS = (
    "horizon",
    "lookback",
    "season",
    "step",
    "stretch",
    "missing",
    "scope",
    "short",
    "ended_after",
    "loss",
    "lower",
    "cell",
    "device",
    "method",
    "contamination",
    "n_windows",
    "n_estimators",
    "n_layers",
    "n_steps",
    "n_jobs",
    "random_state",
    "hidden_size",
    "max_iter",
    "batches_per_epoch",
    "max_seconds",
    "min_gap",
    "overwrite",
    "embedding_size",
    "beam_size",
    "length_penalty",
    "max_length",
)


def in_options(message: str) -> str:
    """An error of the library with options for its parameters: --n-windows 5 for n_windows=5."""
    message = message.replace("max_iter=0 trains", "--zero-shot trains")
    message = message.replace("train with max_iter='auto'", "leave out --zero-shot")
    message = re.sub(r", or early_stopping=False \(no intervals\)", "", message)
    message = message.replace(" (validation_fraction=0.1)", "")
    message = message.replace("without overwrite", "without --overwrite")
    message = message.replace("give a smaller lower", "give a smaller --lower")
    message = message.replace("use another loss", "use another --loss")
    message = re.sub(r"\b(Correct|round) y\b", r"\1 the column", message)
    names = "|".join(_PARAMETERS)
    parameter = rf"^({names}) must|The '({names})' parameter of \w+ must"
    message = re.sub(parameter, lambda m: f"{_option(m[1] or m[2])} must", message)
    values = rf"\b({names})=(?:'([^']*)'|([\w.]+))"
    message = re.sub(values, lambda m: f"{_option(m[1])} {m[2] or m[3]}", message)
    return re.sub(r"\bn_windows\b", "--n-windows", message)


def _option(parameter):
    return "--" + parameter.replace("_", "-")
