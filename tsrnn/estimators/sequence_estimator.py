"""SequenceEstimator: base of the estimators that read sequences."""

from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from tsrnn.estimators.base import ATTENTION, UNITS, run_network
from tsrnn.estimators.long_frames import is_long
from tsrnn.estimators.memory import check_memory
from tsrnn.estimators.sequence_model import SequenceModel, inputs_per_step, mean_and_scale
from tsrnn.estimators.sequences import Sequences, read_sequences
from tsrnn.estimators.tokens import MAX_TOKENS
from tsrnn.estimators.training_estimator import TrainingEstimator
from tsrnn.estimators.training_set import TrainingSet
from tsrnn.kernels.losses import find_loss
from tsrnn.network import Network
from tsrnn.parameters import (
    BOOLEAN,
    NON_NEGATIVE,
    POSITIVE_INTEGER,
    Integer,
    Label,
    StrOptions,
    check_parameter,
    naming,
    plain,
)
from tsrnn.training import Budget

# Heads of the network by what of a sequence's steps they read.
POOLING = {"last": "last", "mean": "mean", "max": "max", "attention": "attend"}


class SequenceEstimator(TrainingEstimator):
    """Base of RNNRegressor, RNNClassifier and RNNTagger, which read sequences."""

    _parameter_constraints = TrainingEstimator._parameter_constraints | {
        **ATTENTION,
        "embedding_size": [UNITS, None],
        "n_tokens": [Integer(1, MAX_TOKENS), None],
        "pooling": [StrOptions(POOLING)],
        "n_channels": [POSITIVE_INTEGER, None],
        "id_column": [Label(), None],
        "time_column": [Label(), None],
        "standardize": [BOOLEAN],
    }

    _shorter = "Cut it into shorter ones, or take a larger segment or fewer units."

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags

    @property
    def fitted_(self) -> SequenceModel:
        """The fitted state: network, scales and loss."""
        check_is_fitted(self)
        return SequenceModel(
            network=self.network_,
            X_mean=self.X_mean_,
            X_scale=self.X_scale_,
            marks_missing=self.missing_ == "tell",
            **self._target_state(),
        )

    @property
    def n_tokens_(self) -> int:
        """Tokens of the embedding; 0 without."""
        return self.network_.n_tokens

    def read_sequences(self, X: Any, y: Any = None) -> tuple[Sequences, np.ndarray | None]:
        """The sequences of X, and their targets as (n_samples, n_targets) float64 if y is given.

        Targets are numbers or places in ``classes_``; those of steps are the sequences'.
        """
        check_is_fitted(self)
        sequences = self._read(X, self.n_channels_in_, reset=False)
        return (sequences, None) if y is None else self._read_targets(sequences, y)

    def _read(self, X: Any, n_channels: int | None, *, reset: bool, y: Any = None) -> Sequences:
        """The sequences of X; see ``read_sequences`` of ``tsrnn.estimators.sequences``."""
        return read_sequences(self, X, n_channels, reset=reset, y=y)

    def _check_targets(self, y: Any) -> np.ndarray:
        """y as a validated array."""
        raise NotImplementedError

    def _encode(self, y: np.ndarray) -> np.ndarray:
        """A validated y as the targets of the network, (n_samples, n_targets) float64."""
        raise NotImplementedError

    def _record_targets(self, y: np.ndarray, is_new: bool) -> None:
        """Set the fitted attributes that describe y; ``is_new`` where no fit is continued."""
        raise NotImplementedError

    def _target_state(self) -> dict[str, Any]:
        """Scales of targets and loss, as SequenceModel takes them."""
        raise NotImplementedError

    def _check_unchanged(self) -> None:
        """Raise ValueError for parameters that the weights so far do not match."""
        network = self.network_
        fitted = {
            "cell": network.cell,
            "hidden_size": network.n_hidden,
            "n_layers": network.n_layers,
            "bidirectional": network.bidirectional,
            "residual": network.residual,
            "head_size": network.n_head,
            "embedding_size": network.n_embedding or None,
            "n_tokens": self.n_tokens and network.n_tokens,  # None: as many as there are
            "pooling": {head: name for name, head in POOLING.items()}.get(network.head),
            "n_channels": self.n_channels and self.n_channels_in_,  # None: as many as there are
            "n_heads": network.n_heads or self.n_heads,
            "segment": self.fitted_.segment,
            "dtype": network.parameters.dtype.name,
        }
        self._check_same(fitted)

    def _fit(self, X, y, sample_weight, *, partial: bool) -> None:
        """Train on sequences; ``partial`` continues by one epoch where the last call ended."""
        budget = Budget.of(self.max_seconds)
        self._check_tokens()
        is_new = not (hasattr(self, "network_") and (partial or self.warm_start))
        if not is_new:
            self._check_unchanged()
        n_channels = self.n_channels if is_new else self.n_channels_in_
        sequences = self._read(X, n_channels, reset=is_new, y=y)
        sequences, targets = self._read_targets(sequences, y, is_new)
        sample_weight = sequences.align(sample_weight, "sample_weight")
        weights = self._row_weights(targets, sample_weight)
        if not (weights > 0).any():
            raise ValueError("sample_weight is zero for all rows: there is nothing to learn from.")
        held_out = self.early_stopping and not partial
        data = self._training_set(sequences, targets, weights, held_out)
        rows, weights = data.merged()
        n_out = self._n_outputs(targets.shape[1])
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        if is_new:
            self._fit_scales(data.sequences, data.targets, weights, rows)
            self.network_ = self._first_network(sequences, n_out, rng)
        elif n_out != self.network_.n_out:
            raise ValueError(
                f"loss={self.loss!r} reads {n_out} outputs, and the network that was fitted has "
                f"{self.network_.n_out}. Set loss and quantiles back, or fit anew with "
                "warm_start=False."
            )
        source = self.fitted_.source(data.sequences, data.targets, weights)
        check_memory(self.network_, source, data.sequences, training=True, remedy=self._shorter)
        n_drawn = data.n_drawn(rows.size)
        if partial:
            self._train_epoch(source, rows, rng, is_new, n_drawn)
        else:
            self._train_fully(source, rows, data.validation, rng, budget, n_drawn)

    def _first_network(self, sequences: Sequences, n_out: int, rng) -> Network:
        """A network for these sequences, with random initial weights."""
        tokens = {}
        n_numbers = sequences.n_channels
        if self.embedding_size is not None:
            n_numbers -= 1
            n_tokens = self.n_tokens or int(np.nanmax(sequences.values[:, 0])) + 1
            tokens = {"n_tokens": n_tokens, "n_embedding": self.embedding_size}
        n_in = inputs_per_step(self.segment, n_numbers, self.missing_ == "tell")
        return self._new_network(n_in, n_out, rng, head=self._head(), **tokens)

    def _head(self) -> str:
        """The network's kind of head."""
        return POOLING[self.pooling]

    def _check_tokens(self) -> None:
        """Raise ValueError for parameters that go with tokens, or do not."""
        if self.embedding_size is None and self.n_tokens is not None:
            raise ValueError(
                f"n_tokens={self.n_tokens} is for tokens: set embedding_size too, the numbers that "
                "each becomes, or leave n_tokens out."
            )
        if self.embedding_size is not None and self.segment != 1:
            raise ValueError(
                f"segment={self.segment}: with tokens (embedding_size={self.embedding_size}) a "
                "recurrent step reads one. Use segment=1."
            )
        if self.embedding_size is not None and self.device != "cpu":
            raise ValueError("Tokens are embedded on the CPU alone: use device='cpu'.")

    def _read_targets(
        self, sequences: Sequences, y: Any, is_new: bool | None = None
    ) -> tuple[Sequences, np.ndarray]:
        """The sequences, and their targets, (n_samples, n_targets) float64.

        ``is_new`` tells whether a fit is new or continued; None where there is none.
        """
        self._require(y)
        y = self._check_targets(sequences.align(y, "y"))
        if is_new is not None:
            self._record_targets(y, is_new)
        targets = self._encode(y)
        if len(sequences) != len(targets):
            hint = ""
            if len(targets) < len(sequences) and hasattr(self, "n_features_in_"):
                hint = (
                    " A row of a table is one sequence. Give one sequence alone as X[None], (1, "
                    "n_timesteps, n_channels); of a frame with a row for each step, set id_column "
                    "and time_column."
                )
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X has "
                f"{len(sequences)} and y has {len(targets)}.{hint}"
            )
        return sequences, targets

    def _require(self, y: Any) -> None:
        """Raise ValueError without targets, in scikit-learn's words."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )

    def _training_set(
        self, sequences: Sequences, targets: np.ndarray, weights: np.ndarray, held_out: bool
    ) -> TrainingSet:
        """What to train on, and with ``held_out`` what to validate on."""
        rows, validation = np.arange(len(targets)), np.arange(0)
        if held_out:
            rows, validation = self._split(targets)
        return TrainingSet(sequences, targets, weights, rows, validation)

    def _split(self, targets) -> tuple[np.ndarray, np.ndarray]:
        """Rows to train on, and the last ones for validation."""
        n_held_out = int(np.ceil(self.validation_fraction * len(targets)))
        if n_held_out >= len(targets):
            raise ValueError(
                f"early_stopping=True holds rows out, and there are only {len(targets)}. Use "
                "early_stopping=False, or give more rows."
            )
        rows = np.arange(len(targets))
        return rows[:-n_held_out], rows[-n_held_out:]

    @naming("sample_weight")
    def _row_weights(self, targets: np.ndarray, sample_weight: Any) -> np.ndarray:
        """Weights of rows, (n_samples,) float64, a copy."""
        if isinstance(sample_weight, (Number, np.timedelta64)):
            check_parameter("sample_weight", plain(sample_weight), [NON_NEGATIVE])
        weights = _check_sample_weight(
            sample_weight, targets, dtype=np.float64, copy=True, ensure_non_negative=True
        )
        if not np.isfinite(weights.sum()):
            raise ValueError("sample_weight is infinite, or its sum is. Give smaller weights.")
        return weights

    def _n_outputs(self, n_targets: int) -> int:
        return find_loss(self.loss).n_outputs(n_targets, self._loss_params())

    def _fit_scales(self, sequences: Sequences, targets, weights, rows) -> None:
        """Mean and deviation of the channels of some rows, and whether steps are missing."""
        self.missing_ = "tell" if sequences.missing else None
        self.n_channels_in_ = n_channels = sequences.n_channels
        self.X_mean_, self.X_scale_ = np.zeros(n_channels), np.ones(n_channels)
        first = 0 if self.embedding_size is None else 1  # tokens are no numbers
        if not self.standardize or first == n_channels:
            return

        def parts():
            for part in sequences.parts(rows):
                step_weights = np.repeat(weights[part], sequences.lengths[part])
                yield sequences.values[sequences.rows_of(part), first:], step_weights

        self.X_mean_[first:], self.X_scale_[first:] = mean_and_scale(parts)

    def _outputs(self, X: Any) -> tuple[np.ndarray, pd.Index | None]:
        """Outputs of the network for each sequence, (n_samples, n_out), on its own scale; ids."""
        model = self.fitted_
        self._validate_params()
        sequences = self._read(X, self.n_channels_in_, reset=False)
        source, rows = model.source(sequences), np.arange(len(sequences))
        check_memory(self.network_, source, sequences, training=False, remedy=self._shorter)
        outputs = run_network(self.network_, source, rows, device=self.device, n_jobs=self.n_jobs)
        return outputs, sequences.ids

    def _in_order(self, X: Any, *values: Any) -> list:
        """Targets and weights of a score, in the order of the predictions for X."""
        check_is_fitted(self)
        if not is_long(self, X, None, reset=False):
            return list(values)
        sequences = self._read(X, self.n_channels_in_, reset=False)
        return [
            sequences.align(part, name)
            for part, name in zip(values, ("y", "sample_weight"), strict=True)
        ]
