"""Tokens: numbers from 0 on in the first channel of sequences, which a network embeds."""

from typing import Any, Protocol

import numpy as np
import pandas as pd

MAX_TOKENS = 2**24  # of an embedding


class _Sequences(Protocol):
    @property
    def values(self) -> np.ndarray: ...

    def place(self, row: int) -> tuple[str, int]: ...


def check_tokens(sequences: _Sequences, n_tokens: int | None) -> None:
    """Raise ValueError for a first channel that does not hold tokens below ``n_tokens``."""
    tokens = sequences.values[:, 0]
    with np.errstate(invalid="ignore"):
        is_token = (tokens >= 0) & (tokens == np.floor(tokens)) | np.isnan(tokens)
    if not is_token.all():
        row = int(np.argmin(is_token))
        name, step = sequences.place(row)
        raise ValueError(
            f"{name} has {tokens[row]:g} for a token at step {step}: with an embedding_size the "
            "first channel holds tokens, whole numbers from 0 on. tsrnn.Tokenizer numbers words, "
            "characters or other items; numbers to be read as they are take embedding_size=None."
        )
    is_known = ~(tokens >= (n_tokens or MAX_TOKENS))
    if is_known.all():
        return
    row = int(np.argmin(is_known))
    name, step = sequences.place(row)
    wrong = f"{name} has the token {tokens[row]:.0f} at step {step}"
    if n_tokens is None:
        raise ValueError(
            f"{wrong}, and there may be at most {MAX_TOKENS:,}. Number tokens from 0 on without "
            "gaps, as tsrnn.Tokenizer does."
        )
    raise ValueError(
        f"{wrong}, and the network knows those below {n_tokens}: by default the largest of fit. "
        "Set n_tokens for more, or let a Tokenizer in a Pipeline make unknown tokens 0."
    )


def refuse_texts(X: Any) -> None:
    """Raise ValueError for texts or sequences of them, where sequences of numbers are read."""
    if isinstance(X, str) or _are_texts(X):
        what, unit = "X", '"word"'
    elif isinstance(X, (list, tuple, pd.Series)) and any(map(_are_texts, X)):
        number = next(number for number, row in enumerate(X) if _are_texts(row))
        what, unit = f"Sequence {number} of X", "None"
    else:
        return
    raise ValueError(
        f"{what} holds texts, and a network reads numbers. Make tokens of them first: "
        f"make_pipeline(Tokenizer({unit}), estimator), the estimator with an embedding_size."
    )


def _are_texts(values) -> bool:
    is_list = isinstance(values, (list, tuple, np.ndarray, pd.Series)) and len(values) > 0
    return is_list and all(isinstance(item, str) for item in values)


def token_array(values: np.ndarray) -> np.ndarray:
    """Tokens of a column of float64 values as int64, -1 where missing."""
    return np.where(np.isnan(values), -1, values).astype(np.int64)
