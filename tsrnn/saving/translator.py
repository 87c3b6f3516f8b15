"""Schema of RNNTranslator: an encoder-decoder with the vocabularies, or scales, of both sides."""

from typing import NamedTuple

import numpy as np

from tsrnn.estimators.sequence_model import inputs_per_step
from tsrnn.kernels import cells
from tsrnn.kernels.translation.cross_arrays import KINDS
from tsrnn.network import EncoderDecoder
from tsrnn.saving.checks import check
from tsrnn.saving.partial_fit import (
    PARTIAL_FIT,
    check_partial_fit,
    join_partial_fit,
    split_partial_fit,
)
from tsrnn.saving.schema import TRAINED, EstimatorSchema, check_curves
from tsrnn.saving.values import codec
from tsrnn.sequences import RNNTranslator, Tokenizer


class _NetworkParts(NamedTuple):
    cell: str
    n_in: int  # numbers that a step reads
    n_hidden: int
    n_out: int
    n_layers: int
    bidirectional: bool
    residual: bool
    attention: str | None
    tied: bool
    n_tokens: int
    n_embedding: int
    n_out_embedding: int
    parameters: np.ndarray


def _encode_network(network):
    encoder, decoder = network.encoder, network.decoder
    return {
        "cell": decoder.cell,
        "n_in": encoder.n_in - encoder.n_embedding,
        "n_hidden": decoder.n_hidden,
        "n_out": decoder.n_out,
        "n_layers": decoder.n_layers,
        "bidirectional": encoder.bidirectional,
        "residual": decoder.residual,
        "attention": network.attention,
        "tied": decoder.tied,
        "n_tokens": encoder.n_tokens,
        "n_embedding": encoder.n_embedding,
        "n_out_embedding": decoder.n_embedding,
        "parameters": network.parameters,
    }


@codec(EncoderDecoder, encode=_encode_network)
def _decode_network(parts: _NetworkParts):
    check(parts.cell in cells.NAMES, "a network's cell")
    check(parts.attention in (None, *KINDS), "a network's attention")
    parameters = parts.parameters
    check(parameters.dtype in (np.float32, np.float64), "a network's dtype")
    check(parameters.ndim == 1, "a network's size")
    # Python's integers, as NumPy's overflow; and bounded before anything is allocated.
    n_in, n_hidden, n_out, n_layers = map(int, (parts.n_in, *parts[2:5]))
    n_tokens, n_embedding, n_out_embedding = map(int, parts[9:12])
    check(min(n_hidden, n_out, n_layers, n_out_embedding) >= 1, "a network's shape")
    check(n_in >= 0 and n_tokens >= 0 and n_embedding >= 0, "a network's shape")
    check((n_tokens > 0) == (n_embedding > 0) == (n_in == 0), "a network's tokens")
    check(not parts.bidirectional or n_hidden % 2 == 0, "a network's shape")
    check(not parts.tied or n_out_embedding == n_hidden, "a tied embedding")
    sizes = (
        n_layers * n_hidden * n_hidden // 4,
        (n_in + n_embedding) * n_hidden // 2,
        n_out * max(n_hidden, n_out_embedding),
        n_out_embedding * n_hidden,
        n_tokens * n_embedding,
    )
    check(max(sizes) <= parameters.size, "a network's shape")
    network = EncoderDecoder(
        parts.cell,
        n_in,
        n_hidden,
        n_out,
        parameters.dtype.name,
        n_tokens=n_tokens,
        n_embedding=n_embedding,
        n_out_embedding=n_out_embedding,
        n_layers=n_layers,
        bidirectional=bool(parts.bidirectional),
        residual=bool(parts.residual),
        attention=parts.attention,
        tied=bool(parts.tied),
    )
    check(parameters.shape == network.parameters.shape, "a network's size")
    return network.like(parameters)


_TYPES = TRAINED | {
    "network_": EncoderDecoder,
    "source_tokenizer_": Tokenizer | None,
    "target_tokenizer_": Tokenizer,
    "X_mean_": np.ndarray | None,
    "X_scale_": np.ndarray | None,
    "missing_": str | None,
    "longest_": int,
}


def _check(parts):
    encoder, decoder = parts["network_"].encoder, parts["network_"].decoder
    source, target = parts["source_tokenizer_"], parts["target_tokenizer_"]
    check_curves(parts)
    check_partial_fit(parts)
    check(hasattr(target, "tokens_"), "target_tokenizer_")
    check(target.begin_ is not None and target.end_ is not None, "target_tokenizer_")
    check(target.n_tokens_ == decoder.n_out, "target_tokenizer_")
    check(1 <= parts["longest_"] < 2**53, "longest_")
    check(parts["missing_"] in (None, "tell"), "missing_")
    scales = parts["X_mean_"], parts["X_scale_"]
    if source is not None:
        check(hasattr(source, "tokens_") and source.n_tokens_ == encoder.n_tokens, "a tokenizer")
        check(scales == (None, None) and parts["missing_"] is None, "X_mean_ or X_scale_")
        return
    check(encoder.n_tokens == 0, "source_tokenizer_")
    check(all(isinstance(scale, np.ndarray) for scale in scales), "X_mean_ or X_scale_")
    check(all(scale.dtype == np.float64 and scale.ndim == 1 for scale in scales), "a scale")
    check(scales[0].shape == scales[1].shape, "a scale")
    n_in = inputs_per_step(1, scales[0].size, parts["missing_"] == "tell")
    check(encoder.n_in == n_in, "X_mean_ or X_scale_")


TRANSLATOR = EstimatorSchema(
    RNNTranslator,
    _TYPES,
    PARTIAL_FIT,
    _check,
    attributes={*join_partial_fit(_TYPES | PARTIAL_FIT)},
    encode=split_partial_fit,
    decode=join_partial_fit,
)
