"""TrainedTranslator: how a translator's parameters become a network, and its training."""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tsrnn.estimators.base import UNITS
from tsrnn.estimators.training_estimator import TrainingEstimator
from tsrnn.kernels.translation.cross_arrays import KINDS
from tsrnn.network import EncoderDecoder
from tsrnn.parameters import BOOLEAN, FRACTION, StrOptions
from tsrnn.sequences.tokenizer import Tokenizer
from tsrnn.sequences.translation_sides import (
    NumberSource,
    TokenSource,
    TokenTarget,
    are_numbers,
    fitted_tokenizer,
)
from tsrnn.sequences.translation_state import FittedTranslator
from tsrnn.training import Budget

_OTHERS = ("segment", "loss", "head_size", "memory")  # parameters of other estimators
_UNIT: list = [StrOptions(["character", "word", "subword"]), Tokenizer, None]


class TrainedTranslator(TrainingEstimator):
    """Base of RNNTranslator: the training."""

    _parameter_constraints = {
        name: allowed
        for name, allowed in TrainingEstimator._parameter_constraints.items()
        if name not in _OTHERS
    } | {
        "source_unit": _UNIT,
        "target_unit": _UNIT,
        "embedding_size": [UNITS],
        "attention": [StrOptions(KINDS), None],
        "tied": [BOOLEAN],
        "label_smoothing": [FRACTION],
        "standardize": [BOOLEAN],
    }
    loss = "cross_entropy"
    network_: Any  # an EncoderDecoder
    # Of numbers as source the tokenizer is None, of others the scales.
    source_tokenizer_: Any
    target_tokenizer_: Any
    X_mean_: Any
    X_scale_: Any

    @property
    def fitted_(self) -> FittedTranslator:
        """The fitted state: network and vocabularies."""
        check_is_fitted(self)
        return FittedTranslator(self.network_, *self._sides())

    def _sides(self):
        """How both sides are read."""
        source: TokenSource | NumberSource
        if self.source_tokenizer_ is None:
            source = NumberSource(self.X_mean_, self.X_scale_, self.missing_ == "tell")
        else:
            source = TokenSource(self.source_tokenizer_)
        return source, TokenTarget(self.target_tokenizer_)

    def _loss_params(self) -> tuple[float, ...]:
        return (float(self.label_smoothing),) if self.label_smoothing else ()

    def _fit(self, X, y, *, partial: bool) -> None:
        """Train on pairs; ``partial`` continues by one epoch where the last call ended."""
        budget = Budget.of(self.max_seconds)
        if self.device != "cpu":
            raise ValueError("Encoder-decoders run on the CPU alone: use device='cpu'.")
        is_new = not (hasattr(self, "network_") and (partial or self.warm_start))
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        if is_new:
            if y is None:
                raise ValueError("RNNTranslator requires y to be passed, but the target y is None.")
            self._learn_sides(X, y)
            self.network_ = self._first_network(rng)
        else:
            self._check_unchanged()
        pairs = self.fitted_.read_pairs(X, y, training=True)
        rows, validation = self._split(pairs.encoder.firsts.size, partial)
        if is_new or not partial:
            self.longest_ = int(pairs.decoder.lengths.max())
        if partial:
            self._train_epoch(pairs, rows, rng, is_new)
        else:
            self._train_fully(pairs, rows, validation, rng, budget)

    def _learn_sides(self, X, y):
        """Set the fitted attributes that say how both sides are read."""
        self.source_tokenizer_ = self.missing_ = self.X_mean_ = self.X_scale_ = None
        if self.source_unit is None and are_numbers(X):
            source = NumberSource.learn(X, self.standardize)
            self.X_mean_, self.X_scale_ = source.mean, source.scale
            self.missing_ = "tell" if source.marks_missing else None
        else:
            self.source_tokenizer_ = fitted_tokenizer(self.source_unit, X, end=True)
        self.target_tokenizer_ = TokenTarget.learn(self.target_unit, y).tokenizer

    def _first_network(self, rng) -> EncoderDecoder:
        """A network with random initial weights."""
        if self.bidirectional and self.hidden_size % 2:
            raise ValueError(
                f"hidden_size={self.hidden_size} is odd, and with bidirectional=True each "
                "direction of the encoder has half of the units. Set it to an even number."
            )
        source, target = self._sides()
        return EncoderDecoder(
            self.cell,
            source.n_in,
            self.hidden_size,
            target.n_tokens,
            self.dtype,
            n_tokens=source.n_tokens,
            n_embedding=self.embedding_size if source.n_tokens else 0,
            n_out_embedding=self.embedding_size,
            n_layers=self.n_layers,
            bidirectional=self.bidirectional,
            residual=self.residual,
            attention=self.attention,
            tied=self.tied,
        ).initialise(rng)

    def _check_unchanged(self) -> None:
        """Raise ValueError for parameters that the weights so far do not match."""
        encoder, decoder = self.network_.encoder, self.network_.decoder
        fitted = {
            "cell": decoder.cell,
            "hidden_size": decoder.n_hidden,
            "n_layers": decoder.n_layers,
            "bidirectional": encoder.bidirectional,
            "residual": decoder.residual,
            "attention": self.network_.attention,
            "tied": decoder.tied,
            "dtype": self.network_.dtype.name,
        }
        if encoder.n_tokens or not decoder.tied:
            embedding = encoder if encoder.n_tokens else decoder
            fitted["embedding_size"] = embedding.n_embedding
        self._check_same(fitted)

    def _split(self, n, partial):
        """Pairs to train on, and the last ones for validation."""
        if not self.early_stopping or partial:
            return np.arange(n), np.arange(0)
        n_held_out = int(np.ceil(self.validation_fraction * n))
        if n_held_out >= n:
            raise ValueError(
                f"early_stopping=True holds pairs out, and there are only {n}. Use "
                "early_stopping=False, or give more pairs."
            )
        return np.arange(n - n_held_out), np.arange(n - n_held_out, n)
