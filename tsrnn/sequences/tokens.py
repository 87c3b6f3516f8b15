"""Tokens: texts and sequences of items as a language model reads them, one stream of ids."""

import copy
import dataclasses
import re
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import clone

from tsrnn.kernels.sources import Source, sequence_source
from tsrnn.parameters.types import UnitName
from tsrnn.sequences.tokenizer import Tokenizer

_STEPS_OF_A_BEGINNING = 300  # of a text, for one of which the boundary token is read
_PROMPT_IN_ERRORS = re.compile("(text|sequence) 0 of X", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, eq=False)
class Tokens:
    """The vocabulary of a language model, and how its sequences are joined.

    A boundary token stands before the first sequence and after each, as the one that ends it, so a
    model learns where sequences begin and end. One long text has a beginning only.
    """

    tokenizer: Tokenizer
    learns_ends: bool

    loss = "cross_entropy"
    n_in = 0

    @classmethod
    def learn(cls, unit: UnitName | Tokenizer | None, X: Any) -> Self:
        """Learn the vocabulary of X, unless ``unit`` is a Tokenizer that is fitted.

        ValueError if a fitted Tokenizer has no token to begin or end a sequence.
        """
        sequences, is_single = _listed(X)
        if is_single and not X:
            raise ValueError("X is an empty text: there is no token to learn from.")
        if not isinstance(unit, Tokenizer):
            tokenizer = Tokenizer(unit, begin=True)
        elif hasattr(unit, "tokens_"):
            tokenizer = copy.copy(unit)
            if tokenizer.begin_ is None and tokenizer.end_ is None:
                raise ValueError(
                    "The Tokenizer has no token that stands between sequences. Fit it with "
                    "begin=True, or leave its fitting to RNNLanguageModel."
                )
        else:
            tokenizer = clone(unit)
            if not (tokenizer.begin or tokenizer.end):
                tokenizer.set_params(begin=True)
        if not hasattr(tokenizer, "tokens_"):
            tokenizer.fit(sequences)
        return cls(tokenizer, not is_single)

    @property
    def n_out(self) -> int:
        """Tokens of the vocabulary."""
        return self.tokenizer.n_tokens_

    @property
    def boundary(self) -> int:
        """Id of the token between sequences."""
        tokenizer = self.tokenizer
        return tokenizer.end_ if tokenizer.begin_ is None else tokenizer.begin_

    @property
    def never_drawn(self) -> list[int]:
        """Ids that are never written: of unknown tokens, and those that were no targets."""
        tokenizer = self.tokenizer
        ends = {self.boundary} if self.learns_ends else set()
        return sorted({0, tokenizer.begin_, tokenizer.end_} - {None} - ends)

    def read(self, X: Any) -> Source:
        """Sequences as a source, end to end; a step's target is the next token.

        Raises
        ------
        ValueError
            If X is not what the Tokenizer takes, a sequence is empty, or no token is known.
        """
        sequences, is_single = _listed(X)
        noun = "sequence" if self.tokenizer.unit is None else "text"
        ids = self._ids_of(sequences)
        for number, each in enumerate(ids):
            if each.size == 0:
                where = (
                    "X is an empty text" if is_single else f"{noun.capitalize()} {number} of X is"
                )
                where += "" if is_single else " empty"
                raise ValueError(f"{where}: it has no token. Leave it out, or give another.")
        if not any(each.any() for each in ids):
            raise ValueError(
                f"No token of X is known: the vocabulary of {self.n_out} tokens has none of them. "
                "Is the unit the one that was fitted?"
            )
        stream = np.full(1 + sum(1 + each.size for each in ids), self.boundary)
        lengths = np.array([1 + each.size for each in ids])
        firsts = np.cumsum(lengths) - lengths
        for first, each in zip(firsts, ids, strict=True):
            stream[first + 1 : first + 1 + each.size] = each
        with_end = self.learns_ends and not is_single
        values, targets = np.empty((stream.size - 1, 0)), stream[1:, None].astype(float)
        lengths = lengths if with_end else lengths - 1
        return sequence_source(values, firsts, lengths, targets, tokens=stream[:-1])

    def with_beginnings(self, source: Source) -> Source:
        """The source of one text, the boundary token read instead of a line break at times.

        So a network learns what comes after it. In a text of few lines it is read instead of the
        end of a sentence, else of white space, else of any token.
        """
        names = np.array([str(token) for token in self.tokenizer.tokens_])
        n = source.tokens.size // _STEPS_OF_A_BEGINNING
        for kind in (["\n"], [".", "!", "?"], [" "], names):
            rows = np.flatnonzero(np.isin(names, kind)[source.tokens])
            if rows.size >= n:
                break
        tokens = source.tokens.copy()
        tokens[rows[(2 * np.arange(n) + 1) * rows.size // (2 * n)]] = self.boundary
        return source._replace(tokens=tokens)

    def read_prompt(self, prompt: Any, name: str = "prompt") -> np.ndarray:
        """Ids of the boundary token and of a prompt, which may be None.

        ValueError as ``read``, which calls it ``name``.
        """
        start = np.array([self.boundary])
        if prompt is None or (isinstance(prompt, (str, list, tuple)) and len(prompt) == 0):
            return start
        try:
            (ids,) = self._ids_of([prompt])
        except ValueError as error:
            raise ValueError(_PROMPT_IN_ERRORS.sub(name, str(error))) from error
        if ids.size and not ids.any():
            raise ValueError(
                f"{name} holds no token of the vocabulary, which has {self.n_out}. Give some that "
                "were in fit."
            )
        return np.concatenate([start, ids])

    def decode(self, ids: np.ndarray) -> Any:
        """The text, or list of items, of ids."""
        return self.tokenizer.inverse_transform([ids])[0]

    def _ids_of(self, sequences: Sequence) -> list[np.ndarray]:
        """Ids of sequences, without those of begin and end."""
        tokenizer = self.tokenizer
        first = int(tokenizer.begin_ is not None)
        last = int(tokenizer.end_ is not None)
        return [ids[first : ids.size - last] for ids in tokenizer.transform(sequences)]


def _listed(X):
    """Sequences, and whether X is one text."""
    return ([X], True) if isinstance(X, str) else (X, False)
