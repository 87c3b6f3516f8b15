"""The text that a display draws: its tokens as a fitted estimator reads them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from tsrnn.parameters import naming
from tsrnn.sequences.frames import Frames
from tsrnn.sequences.language_model import RNNLanguageModel
from tsrnn.sequences.tokenizer import Tokenizer


@dataclasses.dataclass(frozen=True)
class DisplayedText:
    """One text or sequence of items, and what an estimator reads of it."""

    tokens: list  # its tokens; of a classifier without a Tokenizer ids
    X: Any  # as the estimator takes it
    n_before: int  # steps before the first token, of which ``tokens_before`` has the tokens
    tokens_before: list


def displayed_text(estimator: Any, text: Any) -> DisplayedText:
    """A text of a language model, or of a pipeline of a Tokenizer and a network.

    A language model reads the token that stands before every text first. ValueError for others.
    """
    with naming("estimator"):
        check_is_fitted(estimator)
    if isinstance(estimator, RNNLanguageModel):
        reader = estimator.fitted_.reader
        if isinstance(reader, Frames):
            raise ValueError("The model is of music, not of text: PianoRollDisplay draws music.")
        ids, names = reader.read_prompt(text, "text"), reader.tokenizer.tokens_
        if len(ids) < 2:
            raise ValueError("text is empty: give one with a token.")
        before, *tokens = [names[k] for k in ids]
        return DisplayedText(tokens, text if isinstance(text, str) else [text], 1, [before])
    if isinstance(estimator, Pipeline) and isinstance(estimator[0], Tokenizer):
        (ids,) = estimator[0].transform([text])
        return DisplayedText([estimator[0].tokens_[k] for k in ids], [text], 0, [])
    if np.ndim(text) == 1 and not isinstance(text, str):
        ids = np.asarray(text)
        return DisplayedText(ids.tolist(), [ids], 0, [])
    raise ValueError(
        f"{type(estimator).__name__} reads no text: give a fitted RNNLanguageModel, a pipeline of "
        "a Tokenizer and an RNNClassifier, or a sequence of numbers of tokens."
    )


def displayed_language(model: Any, text: Any) -> DisplayedText:
    """A text of a language model; ValueError for other estimators."""
    if not isinstance(model, RNNLanguageModel):
        raise ValueError(
            f"estimator must be a fitted RNNLanguageModel, got {type(model).__name__}: others have "
            "no probabilities of next tokens."
        )
    return displayed_text(model, text)


def only_sequence(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the only sequence of an inspection."""
    return frame.droplevel(0) if frame.index.nlevels > 1 else frame
