"""Schema of RNNLanguageModel: a network with its Tokenizer, or of the notes of frames."""

from tsrnn.saving.checks import check
from tsrnn.saving.partial_fit import (
    PARTIAL_FIT,
    check_partial_fit,
    join_partial_fit,
    split_partial_fit,
)
from tsrnn.saving.schema import TRAINED, EstimatorSchema, check_curves
from tsrnn.sequences import RNNLanguageModel, Tokenizer

_TYPES = TRAINED | {
    "tokenizer_": Tokenizer | None,
    "n_notes_": int | None,
    "learns_ends_": bool,
}


def _check(parts):
    network, tokenizer, n_notes = parts["network_"], parts["tokenizer_"], parts["n_notes_"]
    check_curves(parts)
    check_partial_fit(parts)
    check(network.head == "every" and not network.bidirectional, "network_")
    check((tokenizer is None) != (n_notes is None), "tokenizer_ or n_notes_")
    if tokenizer is None:
        check(network.n_in == network.n_out == n_notes and not network.n_tokens, "n_notes_")
        return
    check(hasattr(tokenizer, "tokens_"), "tokenizer_")
    check(tokenizer.begin_ is not None or tokenizer.end_ is not None, "tokenizer_")
    check(network.n_tokens == network.n_out == tokenizer.n_tokens_, "tokenizer_")
    check(network.n_in == network.n_embedding, "network_")


LANGUAGE_MODEL = EstimatorSchema(
    RNNLanguageModel,
    _TYPES,
    PARTIAL_FIT,
    _check,
    attributes={*join_partial_fit(_TYPES | PARTIAL_FIT)},
    encode=split_partial_fit,
    decode=join_partial_fit,
)
