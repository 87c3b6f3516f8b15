"""Schema of the Tokenizer: its tokens, and how texts are split into them."""

from tsrnn.saving.checks import check
from tsrnn.saving.schema import EstimatorSchema, build_estimator, split_estimator
from tsrnn.saving.values import codec, is_key
from tsrnn.sequences import Tokenizer
from tsrnn.sequences.tokenizer import vocabulary_attributes
from tsrnn.sequences.units import UNITS

_TYPES = {"tokens": list, "unit": str | None, "lowercase": bool, "begin": bool, "end": bool}
_ATTRIBUTES = {"_unit", "tokens_", "vocabulary_", "n_tokens_", "begin_", "end_"}


def _encode(attributes):
    unit = attributes["_unit"]
    for token in unit.tokens:
        if not _is_token(token):
            raise ValueError(
                f"a file cannot hold the item {token!r:.60}. Fit on texts, numbers of less than "
                "2**60, or tuples of these."
            )
    return {
        "tokens": unit.tokens,
        "unit": unit.name,
        "lowercase": bool(unit.lowercase),
        "begin": attributes["begin_"] is not None,
        "end": attributes["end_"] is not None,
    }


def _is_token(value):
    """Whether a value is a text, a number, or a tuple of these and None."""
    if type(value) is tuple:
        return all(part is None or _is_token(part) for part in value)
    return type(value) in (str, int, float, bool) and is_key(value) and value == value


def _check(parts):
    tokens, unit = parts["tokens"], parts["unit"]
    check(unit in UNITS and not (unit is None and parts["lowercase"]), "unit")
    check(tokens and all(map(_is_token, tokens)) and len(set(tokens)) == len(tokens), "tokens")
    if unit is not None:
        check(all(isinstance(token, str) and token for token in tokens), "tokens")
    if unit == "character":
        check(max(map(len, tokens)) == 1, "tokens")


def _decode(parts):
    unit = UNITS[parts["unit"]](bool(parts["lowercase"]), parts["tokens"])
    return vocabulary_attributes(unit, bool(parts["begin"]), bool(parts["end"]))


TOKENIZER = EstimatorSchema(
    Tokenizer,
    _TYPES,
    {},
    _check,
    attributes=_ATTRIBUTES,
    encode=_encode,
    decode=_decode,
    fitted_attribute="tokens_",
)


def _encode_whole(tokenizer):
    parameters, fitted = split_estimator(TOKENIZER, tokenizer)
    return {"parameters": parameters, "fitted": fitted}


@codec(Tokenizer, encode=_encode_whole)
def _decode_whole(parameters: dict, fitted: dict):
    """A Tokenizer that is part of another estimator."""
    return build_estimator(TOKENIZER, parameters, fitted)
