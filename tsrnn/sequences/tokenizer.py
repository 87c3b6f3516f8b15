"""Tokenizer: transformer from texts, or sequences of items, to sequences of ids and back."""

import itertools
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tsrnn.parameters import (
    BOOLEAN,
    LARGEST_INTEGER,
    POSITIVE_INTEGER,
    Integer,
    ParametersMixin,
    StrOptions,
)
from tsrnn.parameters.types import UnitName
from tsrnn.sequences.reading import plain_item, read_ids, read_items, read_texts
from tsrnn.sequences.units import UNITS, Unit, count_parts

UNKNOWN, BEGIN, END = "<unk>", "<bos>", "<eos>"
_MAX_SUBWORDS = 8000


class Tokenizer(ParametersMixin, TransformerMixin, BaseEstimator):
    r"""Turn texts, or sequences of any items, into sequences of token ids and back.

    ``fit`` learns the vocabulary and ``transform`` returns an integer array for each text, which
    :class:`RNNClassifier` and :class:`RNNRegressor` read with ``embedding_size``.

    Parameters
    ----------
    unit : "character", "word", "subword" or None, default="word"
        What a token is.

        - "character": a code point. ``inverse_transform`` returns the very text.
        - "word": a word, with apostrophes and hyphens within it, a number such as 3.14 or 12:30, a
          single punctuation mark, or an emoji with all its modifiers. White space is dropped, and
          the text is brought to Unicode's composed form (NFC), so that the two ways of writing é
          are one word. ``inverse_transform`` puts spaces where they usually are.
        - "subword": characters and what was merged from the most frequent pairs of them (byte-pair
          merges, [1]_), within words only. The space before a word is part of it, so
          ``inverse_transform`` returns the very text. With the tokenizers package (extra
          ``text``), learning from texts of many megabytes is faster, with the same result.
        - None: an item of a sequence, any hashable object such as a tuple of pitch and duration.
    lowercase : bool, default=False
        Whether texts are converted by ``str.lower`` first.
    max_tokens : int, optional
        The vocabulary has at most so many tokens, the special ones included: the most frequent, or
        the first to be merged. By default there is no limit, of subwords 8000.
    min_frequency : int, default=1
        How often a token must occur in ``fit`` to be known; for subwords a character or a pair.
    begin, end : bool, default=False
        Whether each sequence begins, or ends, with a special token.

    Attributes
    ----------
    tokens_ : list
        The token of each id: "<unk>" for all unknown tokens, "<bos>" and "<eos>" if ``begin`` and
        ``end`` are set, then those of the vocabulary: by decreasing frequency, ties by code points
        or, of items, by first appearance; of subwords, characters by code points and then merged
        tokens in the order of merging. An item or word of such a name is a token of its own.
    vocabulary_ : dict
        The id of each token that is not special.
    n_tokens_ : int
        Number of tokens, the special ones included.
    begin_, end_ : int or None
        Ids of the special tokens. The id of unknown tokens is 0.

    See Also
    --------
    RNNClassifier : Classify texts in a pipeline behind a Tokenizer.
    RNNLanguageModel : Learns texts and writes more; has a Tokenizer of its own.

    Notes
    -----
    Apart from NFC for words, texts are not normalised: a letter and its accent, or the halves of
    a family emoji, are tokens of their own as characters. If sources differ, apply
    ``unicodedata.normalize`` first. Languages written without spaces are better split into
    characters or subwords than into words.

    ``transform`` returns a list of arrays of different lengths, so there are no names of output
    features and no ``set_output``.

    References
    ----------
    .. [1] Sennrich, R., Haddow, B. and Birch, A. (2016). Neural machine translation of rare words
       with subword units. ACL.

    Examples
    --------
    >>> from tsrnn import Tokenizer
    >>> texts = ["The cat sat.", "The dog didn't sit!"]
    >>> tokenizer = Tokenizer("word", lowercase=True).fit(texts)
    >>> tokenizer.tokens_
    ['<unk>', 'the', '!', '.', 'cat', "didn't", 'dog', 'sat', 'sit']
    >>> tokenizer.transform(["The cat didn't bark!"])
    [array([1, 4, 5, 0, 2])]
    >>> tokenizer.inverse_transform(_)
    ["the cat didn't <unk>!"]

    Characters and subwords give the very text back:

    >>> tokenizer = Tokenizer("subword", max_tokens=20, end=True).fit(["low lower lowest\n"])
    >>> ids = tokenizer.transform(["lowest  slow"])
    >>> [tokenizer.tokens_[k] for k in ids[0]]
    ['low', 'e', 'st', ' ', ' ', 's', 'low', '<eos>']
    >>> tokenizer.inverse_transform(ids)
    ['lowest  slow']

    Notes of pitch and duration:

    >>> Tokenizer(None).fit_transform([[(60, 1), (62, 1), (60, 1)], [(62, 1), (67, 2)]])
    [array([1, 2, 1]), array([2, 3])]
    """

    _parameter_constraints = {
        "unit": [StrOptions([name for name in UNITS if name]), None],
        "lowercase": [BOOLEAN],
        "max_tokens": [Integer(2), None],
        "min_frequency": [POSITIVE_INTEGER],
        "begin": [BOOLEAN],
        "end": [BOOLEAN],
    }

    def __init__(
        self,
        unit: UnitName | None = "word",
        *,
        lowercase: bool = False,
        max_tokens: int | None = None,
        min_frequency: int = 1,
        begin: bool = False,
        end: bool = False,
    ):
        self.unit = unit
        self.lowercase = lowercase
        self.max_tokens = max_tokens
        self.min_frequency = min_frequency
        self.begin = begin
        self.end = end

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        of_text = self.unit is not None
        tags.input_tags.string = tags.input_tags.one_d_array = of_text
        tags.input_tags.two_d_array = not of_text
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        X : list, tuple, Series or 1-d array of str
            Texts; a Series of pandas, polars or pyarrow with any index. With ``unit=None``,
            sequences of items: lists, tuples, arrays, or the rows of an array.
        y : None
            Ignored.

        Returns
        -------
        self : Tokenizer

        Raises
        ------
        ValueError
            If a parameter is out of range, X is a single text, a text is missing, no text or has
            no token, an item is missing or not hashable, or no token is left for the vocabulary.
        """
        self._validate_params()
        if self.unit is None and self.lowercase:
            raise ValueError("lowercase=True is for texts: with unit=None leave it at False.")
        unit = UNITS[self.unit](self.lowercase)
        max_tokens = self.max_tokens
        if max_tokens is None:
            max_tokens = _MAX_SUBWORDS if self.unit == "subword" else LARGEST_INTEGER
        n_special = 1 + self.begin + self.end
        if max_tokens <= n_special:
            raise ValueError(
                f"max_tokens={max_tokens} leaves no room beside {n_special} special tokens. Set "
                f"it to {n_special + 1} or more."
            )
        counts = count_parts(_read_parts(X, unit, self.begin or self.end))
        tokens = unit.learn(counts, max_tokens - n_special, self.min_frequency)
        if not tokens:
            reason = "X has no token" if not counts else "every token of X is rarer"
            raise ValueError(
                f"The vocabulary is empty: {reason} (min_frequency={self.min_frequency}). Give "
                f"more {unit.noun}s, or set min_frequency lower."
            )
        unit = UNITS[self.unit](self.lowercase, list(map(plain_item, tokens)))
        for name, value in vocabulary_attributes(unit, self.begin, self.end).items():
            setattr(self, name, value)
        return self

    def transform(self, X: Any) -> list[np.ndarray]:
        """Ids of the tokens of each text; 0 for those not in the vocabulary.

        Parameters
        ----------
        X : list, tuple, Series or 1-d array of str
            As in ``fit``.

        Returns
        -------
        list of int64 arrays
            One of each text.
        """
        check_is_fitted(self, "tokens_")
        before = [] if self.begin_ is None else [self.begin_]
        after = [] if self.end_ is None else [self.end_]
        split, id_of = self._unit.splitter(), self.vocabulary_.get
        sequences = []
        for parts in _read_parts(X, self._unit, before or after):
            ids = map(id_of, split(parts), itertools.repeat(0))
            sequences.append(np.fromiter(itertools.chain(before, ids, after), np.int64))
        return sequences

    def inverse_transform(self, X: Any) -> list:
        """Texts of sequences of ids; the tokens of begin and end are left out.

        Parameters
        ----------
        X : list of arrays of int, or array of shape (n_texts, n_steps)
            Ids, as ``transform`` returns them.

        Returns
        -------
        list of str
            With ``unit=None`` a list of lists of items. An unknown token is "<unk>".

        Raises
        ------
        ValueError
            If a number is no id.
        """
        check_is_fitted(self, "tokens_")
        special = {self.begin_, self.end_}
        return [
            self._unit.join([self.tokens_[k] for k in ids.tolist() if k not in special])
            for ids in read_ids(X, self.n_tokens_)
        ]


def vocabulary_attributes(unit: Unit, begin: bool, end: bool) -> dict[str, Any]:
    """Fitted attributes of a Tokenizer for a unit that has tokens."""
    special = [UNKNOWN, *[BEGIN] * begin, *[END] * end]
    tokens = special + unit.tokens
    return {
        "_unit": unit,
        "tokens_": tokens,
        "vocabulary_": {token: k for k, token in enumerate(unit.tokens, len(special))},
        "n_tokens_": len(tokens),
        "begin_": 1 if begin else None,
        "end_": len(special) - 1 if end else None,
    }


def _read_parts(X, unit: Unit, may_be_empty):
    """Parts of each sequence, which must have one unless special tokens are added."""
    sequences = read_items(X) if unit.name is None else read_texts(X)
    for number, sequence in enumerate(sequences):
        parts = unit.parts(sequence)
        if not len(parts) and not may_be_empty:
            raise ValueError(
                f"{unit.noun.capitalize()} {number} of X has no token: it is empty"
                f"{' or white space' if unit.name == 'word' else ''}. Leave it out, or set "
                "begin=True or end=True, which gives it one."
            )
        yield parts
