"""Texts, sequences of items and sequences of ids, in all forms that a Tokenizer takes."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.parameters import naming, plain

# Methods that turn a column of pyarrow, pandas, polars or NumPy into a list.
_TO_LIST = ("to_pylist", "to_list", "tolist")


@naming("X")
def read_texts(X: Any) -> Sequence[str]:
    """Texts of a collection, which errors call X.

    Raises
    ------
    ValueError
        If X is no collection of one axis, or an entry is missing or no text.
    """
    entries = read_entries(X, "text")
    for number, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise _no_text(number, entry)
    return entries


@naming("X")
def read_items(X: Any) -> list[Sequence[Hashable]]:
    """Sequences of hashable items; scalars of NumPy in arrays become Python's.

    Raises
    ------
    ValueError
        If X is no collection of sequences, or an item is missing or not hashable.
    """
    sequences = []
    for number, entry in enumerate(read_entries(X, "sequence")):
        if isinstance(entry, (str, bytes)):
            raise ValueError(
                f"Sequence {number} of X is a text, and with unit=None each is a list of items. "
                "Set unit='character', 'word' or 'subword', or give list(text)."
            )
        items = _listed(entry)
        if items is None:
            raise ValueError(
                f"Sequence {number} of X is {_described(entry)}, and with unit=None each is a list "
                "of items. Give a single sequence as [X]."
            )
        _check_items(number, items, is_tuple=isinstance(entry, tuple))
        sequences.append(items)
    return sequences


@naming("X")
def read_ids(X: Any, n_tokens: int) -> list[np.ndarray]:
    """Sequences of ids below ``n_tokens`` as int64 arrays.

    Raises
    ------
    ValueError
        If X is no collection of sequences of whole numbers, or one is no id.
    """
    sequences = []
    for number, entry in enumerate(read_entries(X, "sequence")):
        ids = np.asarray(entry)
        if ids.ndim != 1 or (ids.dtype.kind not in "iu" and ids.size):
            raise ValueError(
                f"Sequence {number} of X is {_described(entry)}, and each is a 1-d array of ids, "
                "which are whole numbers. Give a single sequence as [X]."
            )
        wrong = np.flatnonzero((ids < 0) | (ids >= n_tokens))
        if wrong.size:
            raise ValueError(
                f"Sequence {number} of X has the id {ids[wrong[0]]} at step {wrong[0]}, and the "
                f"vocabulary has {n_tokens} tokens: ids are 0 to {n_tokens - 1}."
            )
        sequences.append(ids.astype(np.int64))
    return sequences


def read_entries(X: Any, noun: str) -> Sequence[Any]:
    """Entries of a collection of one axis, or of the rows of an array unless they are texts.

    Raises
    ------
    ValueError
        If X is no such collection, or is empty.
    """
    if isinstance(X, (str, bytes)):
        hint = "" if noun == "sequence" else ": [X]"
        if hint and isinstance(X, bytes):
            hint = ": [io.BytesIO(X)]" if noun == "wave" else ": [X.decode()]"
        raise ValueError(f"X is one {type(X).__name__}. Give a list of {noun}s{hint}.")
    if hasattr(X, "toarray"):
        raise ValueError(f"X is sparse ({type(X).__name__}). Give a list of {noun}s.")
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        raise ValueError(f"X is a {type(X).__name__}. Give one column of it: X['name'].")
    entries = _listed(X)
    if entries is None or (noun == "text" and getattr(X, "ndim", 1) != 1):
        shape = f" of shape {X.shape}" if hasattr(X, "shape") else ""
        raise ValueError(
            f"X must be a list, a Series or a 1-d array of {noun}s, got {type(X).__name__}{shape}."
        )
    if not entries:
        raise ValueError(f"X is empty: it has 0 samples. Give at least one {noun}.")
    return entries


def plain_item(item: Hashable) -> Hashable:
    """An item whose scalars of NumPy, also within tuples, are Python's."""
    return tuple(map(plain_item, item)) if type(item) is tuple else plain(item)


def _listed(values):
    """Values of one axis as a list or another sequence; None if they are no such thing."""
    if isinstance(values, (list, tuple, range)):
        return values
    if hasattr(values, "__array__") and not any(hasattr(values, name) for name in _TO_LIST):
        values = np.asarray(values)
    for name in _TO_LIST:
        if hasattr(values, name) and not isinstance(values, type):
            entries = getattr(values, name)()
            return entries if isinstance(entries, list) else None
    return None


def _no_text(number, entry):
    """The error of an entry that is no text."""
    if _is_missing(entry):
        return ValueError(
            f"Text {number} of X is missing ({entry}). Leave it out, or put a text in its place."
        )
    hint = "Decode it: bytes.decode()" if isinstance(entry, bytes) else "Give it as a str"
    return ValueError(f"Text {number} of X is {_described(entry)}, not a text. {hint}.")


def _check_items(number, items, is_tuple):
    try:
        distinct = set(items)
    except TypeError:
        distinct = set()
        for step, item in enumerate(items):
            if not _is_hashable(item):
                raise ValueError(
                    f"Step {step} of sequence {number} of X is {_described(item)}, which is not "
                    "hashable. Give a tuple in its place."
                ) from None
    if any(map(_is_missing, distinct)):
        step = next(step for step, item in enumerate(items) if _is_missing(item))
        raise ValueError(
            f"Step {step} of sequence {number} of X is missing ({items[step]}). Leave it out, "
            "or put an item of its own in its place."
            f"{' If X is one sequence, of tuples, give it as [X].' if is_tuple else ''}"
        )


def _is_hashable(item):
    try:
        hash(item)
    except TypeError:
        return False
    return True


def _is_missing(item):
    """Whether an item is None or not equal to itself; a tuple may hold None, but not NaN."""
    if isinstance(item, tuple):
        return any(part is not None and _is_missing(part) for part in item)
    return pd.isna(item) is True


def _described(value):
    """Type and value for a message."""
    text = repr(value)
    return f"of type {type(value).__name__}" + (f" ({text})" if len(text) <= 40 else "")
