"""LanguagePrior: what a language model adds to the labels that a beam search tries."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import log_softmax

from tsrnn.network import Memory
from tsrnn.network.transformer import CELL
from tsrnn.sequences.language_model import RNNLanguageModel
from tsrnn.sequences.tokens import Tokens


class LanguagePrior:
    """``weight`` times the log-likelihood of a language model, and ``bonus`` for each label.

    ``labels`` are those of classes from 1 on, of which the language model must know some.
    """

    def __init__(self, model: RNNLanguageModel, labels: Iterable, weight: float, bonus: float):
        state = model.fitted_
        if not isinstance(state.reader, Tokens):
            raise ValueError("language_model reads music, not labels.")
        if state.network.cell == CELL:
            raise ValueError(
                "language_model has cell='attention', which reads all labels anew for each. Give "
                "a recurrent one."
            )
        self._network, self._boundary = state.network, state.reader.boundary
        self._weight, self._bonus = weight, bonus
        self._has_ends = state.reader.learns_ends
        self._ids = ids_of(state.reader.tokenizer.vocabulary_, labels)
        self._memories: dict[int, Memory] = {}

    def begin(self) -> None:
        """Begin with one prefix, without labels."""
        self._states = np.zeros((1, self._network.state_width), self._network.parameters.dtype)
        self._log_p = np.empty((1, self._network.n_out))
        self._read(np.zeros(1, np.int64), np.array([self._boundary]))

    def scores(self) -> np.ndarray:
        """What each label, class by class from 1 on, adds to each prefix."""
        return self._weight * self._log_p[:, self._ids] + self._bonus

    def end_scores(self) -> np.ndarray:
        """What its end adds to each prefix."""
        return self._weight * self._log_p[:, self._boundary] * self._has_ends

    def keep(self, prefixes: np.ndarray, classes: np.ndarray) -> None:
        """Go on with some prefixes, each with a further label, or with 0 as it is."""
        self._states, self._log_p = self._states[prefixes], self._log_p[prefixes]
        new = np.flatnonzero(classes)
        if new.size:
            self._read(new, self._ids[classes[new] - 1])

    def _read(self, rows, tokens):
        """Let the model read a token for some prefixes."""
        n = 1 << (rows.size - 1).bit_length()  # few sizes of working memory
        if n not in self._memories:
            self._memories[n] = Memory(self._network, n, n_jobs=1)
        memory, x = self._memories[n], np.zeros((n, self._network.n_in))
        memory.states[: rows.size] = self._states[rows]
        x[: rows.size] = self._network.embed(tokens)
        self._log_p[rows] = log_softmax(memory.step(x)[: rows.size].astype(float), axis=1)
        self._states[rows] = memory.states[: rows.size]


def ids_of(vocabulary: dict[Any, int], labels: Iterable) -> np.ndarray:
    """Tokens of labels, 0 for those that are unknown."""
    ids = np.array([vocabulary.get(label, 0) for label in labels])
    if not ids.any():
        raise ValueError(
            "language_model knows none of the labels: its tokens must be labels, as the characters "
            "of a text with unit='character', or with unit=None the items of lists."
        )
    return ids
