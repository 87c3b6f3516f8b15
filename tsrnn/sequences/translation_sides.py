"""The two sides of a translation: how sequences to read and to write become sources."""

import contextlib
import copy
import dataclasses
import re
import warnings
from collections.abc import Sequence
from numbers import Integral, Number
from typing import Any, Self

import numpy as np
from sklearn.base import clone

from tsrnn.estimators.sequence_model import inputs_per_step, mean_and_scale
from tsrnn.estimators.sequences import LARGEST, Sequences, is_ragged, read_ragged
from tsrnn.kernels.sources import INDICATE, SKIP, Source, sequence_source
from tsrnn.parameters import naming
from tsrnn.parameters.types import UnitName
from tsrnn.sequences.reading import read_entries
from tsrnn.sequences.tokenizer import Tokenizer

_X_IN_ERRORS = re.compile(r"(?<!['\"\w])X(?![\w'\"])")


def are_numbers(X: Any) -> bool:
    """Whether X holds sequences of numbers that are no items: floats, or several at each step.

    ValueError if X is no collection of sequences.
    """
    return any(map(_is_of_numbers, _entries(X)))


def _entries(X: Any) -> Sequence[Any]:
    """Sequences of X; the rows of an array as arrays."""
    if isinstance(X, np.ndarray) and X.ndim > 1 and len(X):
        return list(X)
    return read_entries(X, "sequence")


def _is_of_numbers(sequence):
    """Whether a sequence has several numbers at each step, or numbers alone, not all whole."""
    if hasattr(sequence, "__array__"):
        sequence = np.asarray(sequence)
        if sequence.ndim > 1 or sequence.dtype != object:
            return sequence.ndim > 1 or sequence.dtype.kind in "fc"
    items = sequence if hasattr(sequence, "__iter__") else [sequence]
    kinds = set(map(type, items)) - {type(None)}
    return all(issubclass(kind, Number) for kind in kinds) and not all(
        issubclass(kind, Integral) for kind in kinds
    )


def fitted_tokenizer(unit: UnitName | Tokenizer | None, X: Any, **marks: bool) -> Tokenizer:
    """A Tokenizer that is fitted on X, with marks of begin and end, unless ``unit`` is fitted."""
    if isinstance(unit, Tokenizer):
        if hasattr(unit, "tokens_"):
            return copy.copy(unit)
        tokenizer = clone(unit).set_params(**marks)
    else:
        tokenizer = Tokenizer(unit, **marks)
    return tokenizer.fit(X)


@dataclasses.dataclass(frozen=True, eq=False)
class TokenSource:
    """Texts, or sequences of items, to be read."""

    tokenizer: Tokenizer

    n_in = 0

    @property
    def n_tokens(self) -> int:
        """Tokens of the vocabulary."""
        return self.tokenizer.n_tokens_

    def read(self, X: Any) -> Source:
        """Sequences end to end; ValueError if X is not what was fitted, or one has no token.

        A UserWarning if no token is known.
        """
        ids = self.tokenizer.transform(X)
        _refuse_empty(ids, self.tokenizer, "X")
        n_special = 1 + _count_marks(self.tokenizer)
        if not any((each >= n_special).any() for each in ids):
            warnings.warn(
                f"No token of X is known: the vocabulary of {self.n_tokens} tokens has none of "
                "them. Is the unit the one that was fitted?",
                stacklevel=2,
            )
        lengths = np.array([each.size for each in ids])
        values = np.empty((lengths.sum(), 0))
        return sequence_source(
            values, np.cumsum(lengths) - lengths, lengths, tokens=np.concatenate(ids)
        )

    def labels(self, source: Source, window: int) -> list:
        """What is read at each step."""
        first = source.firsts[window]
        ids = source.tokens[first : first + source.lengths[window]]
        return [self.tokenizer.tokens_[k] for k in ids]


@dataclasses.dataclass(frozen=True, eq=False)
class NumberSource:
    """Sequences of numbers to be read, which are standardised."""

    mean: np.ndarray  # (n_channels,) float64
    scale: np.ndarray  # (n_channels,) float64
    marks_missing: bool  # whether the network reads which values are missing

    n_tokens = 0

    @classmethod
    def learn(cls, X: Any, standardize: bool) -> Self:
        """Scales of the channels of X."""
        sequences = _read_numbers(X, None)
        n, missing = sequences.n_channels, bool(sequences.missing)
        if not standardize:
            return cls(np.zeros(n), np.ones(n), missing)
        parts = [(sequences.values, np.ones(len(sequences.values)))]
        return cls(*mean_and_scale(lambda: parts), missing)

    @property
    def n_in(self) -> int:
        """Numbers that a step reads."""
        return inputs_per_step(1, self.mean.size, self.marks_missing)

    def read(self, X: Any) -> Source:
        """Sequences end to end; ValueError if X is not like what was fitted."""
        sequences = _read_numbers(X, self.mean.size)
        if sequences.missing and not self.marks_missing:
            number = int(np.argmax(sequences.has_missing))
            raise ValueError(
                f"Sequence {number} of X has missing values (NaN), and the network has seen none "
                "in fit. Fit on data that has some, or fill them."
            )
        values = (sequences.values - self.mean) / self.scale
        missing = INDICATE if self.marks_missing else SKIP
        return sequence_source(values, sequences.firsts, sequences.lengths, missing=missing)

    def labels(self, source: Source, window: int) -> list:
        """Numbers of the steps."""
        return list(range(source.lengths[window]))


@naming("X")
def _read_numbers(X: Any, n_channels: int | None) -> Sequences:
    """Sequences of numbers."""
    X = list(_entries(X))
    if not is_ragged(X) and not all(np.ndim(row) == 1 for row in X):
        raise ValueError(
            "X must be a list of sequences of numbers, (n_steps,) or (n_steps, n_channels), as in "
            "fit. Give a single one as [X]."
        )
    sequences = read_ragged(X, n_channels)
    if (sequences.lengths == 0).any():
        number = int(np.argmin(sequences.lengths))
        raise ValueError(f"Sequence {number} of X is empty: it has no steps. Drop it.")
    with np.errstate(invalid="ignore"):
        large = np.flatnonzero((np.abs(sequences.values) > LARGEST).any(axis=1))
    if large.size:
        number = int(np.searchsorted(sequences.firsts, large[0], side="right")) - 1
        raise ValueError(
            f"Sequence {number} of X holds a value beyond {LARGEST:g}. Give X in a larger unit."
        )
    return sequences


@dataclasses.dataclass(frozen=True, eq=False)
class TokenTarget:
    """Texts, or sequences of items, to be written, between the tokens of begin and end."""

    tokenizer: Tokenizer

    @classmethod
    def learn(cls, unit: UnitName | Tokenizer | None, y: Any) -> Self:
        """The vocabulary of y; ValueError for a fitted Tokenizer without begin and end."""
        with _naming_y():
            tokenizer = fitted_tokenizer(unit, y, begin=True, end=True)
        if tokenizer.begin_ is None or tokenizer.end_ is None:
            raise ValueError(
                "The Tokenizer of the target has no tokens of begin and end. Fit it with "
                "begin=True and end=True, or leave its fitting to RNNTranslator."
            )
        return cls(tokenizer)

    @property
    def n_tokens(self) -> int:
        """Tokens of the vocabulary."""
        return self.tokenizer.n_tokens_

    @property
    def allowed(self) -> np.ndarray:
        """Which tokens may be written: all but the unknown one and that of begin."""
        allowed = np.ones(self.n_tokens, bool)
        allowed[[0, self.tokenizer.begin_]] = False
        return allowed

    def read(self, y: Any, n: int) -> Source:
        """Sequences as a decoder's inputs and targets, end to end.

        ValueError if y is not what was fitted, has not ``n`` sequences, or one has no token.
        """
        if y is None:
            raise ValueError("RNNTranslator requires y to be passed, but the target y is None.")
        with _naming_y():
            ids = self.tokenizer.transform(y)
        if len(ids) != n:
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: X has "
                f"{n} and y has {len(ids)}."
            )
        _refuse_empty(ids, self.tokenizer, "y")
        return self.of_ids(ids)

    def of_ids(self, ids: list[np.ndarray]) -> Source:
        """A source of ids that include those of begin and end."""
        lengths = np.array([each.size - 1 for each in ids])
        inputs = np.concatenate([each[:-1] for each in ids])
        targets = np.concatenate([each[1:] for each in ids])[:, None].astype(float)
        values = np.empty((inputs.size, 0))
        firsts = np.cumsum(lengths) - lengths
        return sequence_source(values, firsts, lengths, targets, tokens=inputs)


def _refuse_empty(ids, tokenizer, name):
    """Raise ValueError for a sequence of which nothing is left but begin and end."""
    n_marks = _count_marks(tokenizer)
    noun = "Sequence" if tokenizer.unit is None else "Text"
    for number, each in enumerate(ids):
        if each.size <= n_marks:
            raise ValueError(f"{noun} {number} of {name} is empty: it has no token. Drop the pair.")


def _count_marks(tokenizer):
    """Tokens of begin and end, whose ids are the first after that of unknown tokens."""
    return (tokenizer.begin_ is not None) + (tokenizer.end_ is not None)


@contextlib.contextmanager
def _naming_y():
    """Let errors about X, as a Tokenizer raises them, be about y."""
    try:
        yield
    except ValueError as error:
        raise ValueError(_X_IN_ERRORS.sub("y", str(error))) from error
