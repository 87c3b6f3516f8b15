"""BLEU: how much translations share with references."""

import math
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

from tsrnn.sequences.reading import read_entries
from tsrnn.sequences.units import UNITS

_MOST = 4  # tokens of the longest n-grams


def bleu_score(y_true: Any, y_pred: Any) -> float:
    """Corpus BLEU of translations, from 0 to 100 (Papineni et al. 2002).

    The geometric mean of the shares of n-grams, of 1 to 4 tokens, that the reference has too, times
    a penalty for translations that are shorter. For n-grams of which there is none in common,
    half, a quarter and so on counts as one, as in sacrebleu, whose scores these are with
    ``tokenize="none"`` for texts that are tokens joined by spaces. It is 0 if no translation has
    four tokens, even if all are perfect, or none has a token in common with its reference.

    Parameters
    ----------
    y_true, y_pred : list of str, or of sequences of tokens
        References and translations. Texts are split into words and punctuation marks as by
        ``Tokenizer("word")``; to ignore case, convert them by ``str.lower`` first.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If they are not as many.

    See Also
    --------
    tsrnn.RNNTranslator : Makes translations.

    Examples
    --------
    >>> from tsrnn.sequences import bleu_score
    >>> round(bleu_score(["The cat sat on the mat."], ["The cat sat on a mat."]), 1)
    48.9
    """
    references, translations = _read(y_true, "y_true"), _read(y_pred, "y_pred")
    if len(references) != len(translations):
        raise ValueError(
            f"y_true has {len(references)} entries and y_pred {len(translations)}: there must be "
            "one translation for each reference."
        )
    n_common, n_all = [0] * _MOST, [0] * _MOST
    for reference, translation in zip(references, translations, strict=True):
        for n in range(_MOST):
            grams, expected = _grams(translation, n + 1), _grams(reference, n + 1)
            n_common[n] += (grams & expected).total()
            n_all[n] += grams.total()
    if not n_common[0]:
        return 0.0
    logarithms, smoothed = [], 1.0
    for common, total in zip(n_common, n_all, strict=True):
        if total:
            smoothed /= 1 if common else 2
            logarithms.append(math.log((common or smoothed) / total))
    if len(logarithms) < _MOST:  # no translation is as long
        return 0.0
    lengths = [sum(map(len, side)) for side in (references, translations)]
    penalty = min(0.0, 1 - lengths[0] / lengths[1])
    return 100 * math.exp(sum(logarithms) / _MOST + penalty)


def _grams(tokens: Sequence[Hashable], n: int) -> Counter:
    return Counter(tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1))


def _read(y: Any, name: str) -> list[Sequence[Hashable]]:
    """Tokens of texts or sequences."""
    try:
        entries = read_entries(y, "text")
    except ValueError as error:
        raise ValueError(re.sub(r"\bX\b", name, str(error))) from error
    unit = UNITS["word"](False)
    return [unit.parts(entry) if isinstance(entry, str) else list(entry) for entry in entries]
