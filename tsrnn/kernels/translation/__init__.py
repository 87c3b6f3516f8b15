"""Encoder-decoders: two networks, a bridge between their states, and attention between steps.

The parameter vector holds those of the encoder, of the decoder (each with its embedding last), of
the attention, and of the bridge. The gradient of a chunk leaves the embeddings out.
"""

from typing import NamedTuple

from tsrnn.kernels.embedding import count_parameters
from tsrnn.kernels.jit.compile import device_function
from tsrnn.kernels.outputs import head_offsets
from tsrnn.kernels.translation.bridge import bridge_size
from tsrnn.kernels.translation.cross_arrays import CrossSizes


class Part(NamedTuple):
    """A part of the parameters that have a gradient in each chunk."""

    gradient: int  # where it begins in the gradient of a chunk
    parameters: int  # where it begins in the parameter vector
    size: int


@device_function
def cross_sizes(encoder, decoder, n_rows):
    """The ``CrossSizes`` of two networks, given by their ``Sizes``."""
    n_features = encoder.n_directions * encoder.n_hidden
    return CrossSizes(decoder.n_time, decoder.n_hidden, encoder.n_time, n_features, n_rows)


@device_function
def cross_size(encoder, decoder, kind):
    """Weights of attention of a kind, a number of ``cross_arrays.KINDS``; none for -1."""
    n, n_features = decoder.n_hidden, encoder.n_directions * encoder.n_hidden
    size = n * (n_features + n + 1) if kind >= 0 else 0
    size += n * n_features if kind > 0 else 0
    return size + (n * (n + 2) if kind == 2 else 0)


@device_function
def parts_of(encoder, decoder, kind):
    """The parts of the parameters: encoder, decoder, and both attention and bridge."""
    n_encoder, n_decoder = head_offsets(encoder)[3], head_offsets(decoder)[3]
    first_decoder = count_parameters(encoder)
    rest = cross_size(encoder, decoder, kind) + bridge_size(encoder, decoder)
    return (
        Part(0, 0, n_encoder),
        Part(n_encoder, first_decoder, n_decoder),
        Part(n_encoder + n_decoder, first_decoder + count_parameters(decoder), rest),
    )
