"""TrainedLanguageModel: how a language model's parameters become a network, and its training."""

import dataclasses
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.base import ATTENTION, UNITS
from tsrnn.estimators.training_estimator import TrainingEstimator
from tsrnn.network.transformer import CELL
from tsrnn.parameters import BOOLEAN, POSITIVE_INTEGER, Integer, StrOptions
from tsrnn.sequences.frames import Frames
from tsrnn.sequences.language_state import FittedLanguageModel, learn_reader
from tsrnn.sequences.language_windows import (
    TrainingWindows,
    are_short,
    count_held_out,
    count_rows,
)
from tsrnn.sequences.tokenizer import Tokenizer
from tsrnn.sequences.tokens import Tokens
from tsrnn.training import Budget, Settings

_OTHERS = ("bidirectional", "segment", "loss")  # parameters of other estimators
# Probability that a window begins with a state of zeros, as sequences that are read later do: a
# state that is always carried may hold what a network comes to rely on.
_RESET = 0.05
# What batch_size="auto" is. Pieces of music are few and short: with more of them in a minibatch an
# epoch has few updates of the weights.
_N_STREAMS, _N_TEXTS, _N_PIECES = 16, 32, 4
_N_UPDATES, _LEAST_EPOCHS, _MOST_EPOCHS = 300, 10, 100  # with max_iter="auto"


class TrainedLanguageModel(TrainingEstimator):
    """Base of RNNLanguageModel: the training."""

    _parameter_constraints = {
        name: allowed
        for name, allowed in TrainingEstimator._parameter_constraints.items()
        if name not in _OTHERS
    } | {
        **ATTENTION,
        "unit": [StrOptions(["character", "word", "subword"]), Tokenizer, None],
        "embedding_size": [UNITS],
        "tied": [BOOLEAN],
        "n_steps": [Integer(1, 2**20)],
        "batch_size": [POSITIVE_INTEGER, StrOptions(["auto"])],
    }
    bidirectional = False
    # Either of them is None.
    tokenizer_: Any
    n_notes_: Any

    @property
    def loss(self) -> str:
        """The training loss."""
        return self._reader().loss

    @property
    def fitted_(self) -> FittedLanguageModel:
        """The fitted state: network and vocabulary."""
        check_is_fitted(self)
        return FittedLanguageModel(self.network_, self._reader(), self.n_steps)

    def _reader(self) -> Tokens | Frames:
        """How sequences are read."""
        if self.tokenizer_ is None:
            return Frames(self.n_notes_)
        return Tokens(self.tokenizer_, self.learns_ends_)

    def _fit(self, X, *, partial: bool) -> None:
        """Train on sequences; ``partial`` continues by one epoch where the last call ended."""
        budget = Budget.of(self.max_seconds)
        is_new = not (hasattr(self, "network_") and (partial or self.warm_start))
        if is_new:
            self._set_reader(learn_reader(self.unit, X))
        else:
            self._check_unchanged()
        reader = self._reader()
        source = reader.read(X)
        if isinstance(reader, Tokens) and not reader.learns_ends:
            source = reader.with_beginnings(source)
        windows = self._windows(source, self.early_stopping and not partial)
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        if is_new:
            options = self._token_options() if isinstance(reader, Tokens) else {}
            shape = reader.n_in, reader.n_out, rng
            self.network_ = self._new_network(*shape, head="every", **options)
            if isinstance(reader, Frames):
                bias = reader.log_odds(windows.source, windows.training)
                self.network_.views()["head_bias"][:] = bias
        if partial:
            self._train_epoch(windows.source, windows.training, rng, is_new, windows.n_drawn)
        else:
            parts = windows.source, windows.training, windows.validation
            self._train_fully(*parts, rng, budget, windows.n_drawn)

    def _set_reader(self, reader) -> None:
        """Set the fitted attributes that say how sequences are read."""
        self.tokenizer_, self.n_notes_, self.learns_ends_ = None, None, False
        if isinstance(reader, Tokens):
            self.tokenizer_, self.learns_ends_ = reader.tokenizer, reader.learns_ends
        elif self.tied:
            raise ValueError("tied=True is for tokens: frames of music have no embedding.")
        else:
            self.n_notes_ = reader.n_notes

    def _token_options(self) -> dict[str, Any]:
        """Options of a network that reads tokens."""
        name = "head_size" if self.head_size else "hidden_size"
        width = getattr(self, name)
        if self.tied and self.embedding_size != width:
            raise ValueError(
                "tied=True uses the output layer's weights as the embedding: set embedding_size "
                f"to {name}, {width}."
            )
        size = {"n_tokens": self.tokenizer_.n_tokens_, "n_embedding": self.embedding_size}
        return size | {"tied": self.tied}

    def _check_unchanged(self) -> None:
        """Raise ValueError for parameters that the weights so far do not match."""
        network = self.network_
        fitted = {
            "cell": network.cell,
            "hidden_size": network.n_hidden,
            "n_layers": network.n_layers,
            "residual": network.residual,
            "head_size": network.n_head,
            "n_heads": network.n_heads or self.n_heads,
            "embedding_size": network.n_embedding or self.embedding_size,
            "tied": network.tied,
            "dtype": network.parameters.dtype.name,
        }
        self._check_same(fitted)

    def _resolved_batch_size(self, auto: int) -> int:
        """Streams, texts or pieces of a minibatch."""
        return auto if self.batch_size == "auto" else self.batch_size

    def _settings_for(self, windows: np.ndarray, n_drawn: int | None = None) -> Settings:
        is_stream = windows.ndim == 2
        n_auto = _N_PIECES if self.tokenizer_ is None else _N_TEXTS
        n_batch = len(windows) if is_stream else self._resolved_batch_size(n_auto)
        n_windows = windows.size if n_drawn is None else n_drawn
        n_batches = -(-n_windows // n_batch)
        settings = dataclasses.replace(
            self._settings(n_windows, n_batch),
            n_batches=None if n_drawn is None else n_batches,
            reset=_RESET if is_stream else 0.0,
        )
        if self.max_iter == "auto":
            n_epochs = int(np.clip(_N_UPDATES // n_batches, _LEAST_EPOCHS, _MOST_EPOCHS))
            settings = dataclasses.replace(settings, max_iter=n_epochs)
        return settings

    def _windows(self, source, early_stopping) -> TrainingWindows:
        """Windows of sequences for training and validation."""
        share = self.validation_fraction if early_stopping else 0.0
        if self.tokenizer_ is None or (self.learns_ends_ and are_short(source, self.n_steps)):
            noun = "pieces" if self.tokenizer_ is None else "sequences"
            n_held_out = count_held_out(share, source.firsts.size, noun)
            return TrainingWindows.of_sequences(source, n_held_out, self.n_steps)
        n_held_out = count_held_out(share, count_rows(source), "tokens")
        if self.cell == CELL:
            return TrainingWindows.of_attention(source, n_held_out, self.n_steps)
        n_streams = self._resolved_batch_size(_N_STREAMS)
        return TrainingWindows.of_streams(source, n_held_out, n_streams, self.n_steps)
