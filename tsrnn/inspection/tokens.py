"""What a language model expects: probabilities of next tokens, and the surprise of each."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from tsrnn.inspection.batch import read_batch
from tsrnn.parameters import naming
from tsrnn.sequences.frames import Frames
from tsrnn.sequences.language_model import RNNLanguageModel
from tsrnn.sequences.language_state import FittedLanguageModel


def surprise(model: RNNLanguageModel, X: Any) -> pd.Series:
    """Negative log-probability of each token, given those before it, in nats.

    Parameters
    ----------
    model : fitted RNNLanguageModel
    X : str, list, Series or array
        A text, or texts, sequences of items or pieces of music, as in ``fit``.

    Returns
    -------
    Series
        By step, from 1, and by sequence where there are several. If the model has learned where
        sequences end, the last step of those in a list is their end. Of music that of frames,
        summed over notes, from step 2 on: the first frame is not predicted.

    Examples
    --------
    >>> from tsrnn import RNNLanguageModel
    >>> from tsrnn.inspection import surprise
    >>> model = RNNLanguageModel(hidden_size=8, max_iter=5).fit("abc" * 100)
    >>> surprise(model, "abc").index.tolist()
    [1, 2, 3]
    """
    state = language_state(model)
    losses = state.step_losses(state.read(X), model.n_jobs)
    first = 2 if isinstance(state.reader, Frames) else 1
    series = [
        pd.Series(values, pd.RangeIndex(first, first + len(values), name="step"), name="surprise")
        for values in losses
    ]
    if len(series) == 1:
        return series[0]
    return pd.concat(series, keys=pd.RangeIndex(len(series), name="sequence"))


def next_token_probabilities(model: RNNLanguageModel, X: Any) -> pd.DataFrame:
    """Probability of each token of the vocabulary to be the next one, after each token.

    Parameters
    ----------
    model : fitted RNNLanguageModel
        Of tokens, not of music.
    X : str, list, Series or array
        A text, or texts or sequences of items, as in ``fit``.

    Returns
    -------
    DataFrame
        Rows as for ``states``: step k is after the k-th token, 0 before the first. A column for
        each of ``model.tokenizer_.tokens_``.

    Examples
    --------
    >>> from tsrnn import RNNLanguageModel
    >>> from tsrnn.inspection import next_token_probabilities
    >>> model = RNNLanguageModel(hidden_size=16, max_iter=40, learning_rate_init=0.02)
    >>> next_token_probabilities(model.fit("abc" * 200), "ab").idxmax(axis=1).tolist()
    ['a', 'b', 'c']
    """
    state = language_state(model)
    if isinstance(state.reader, Frames):
        raise ValueError("A model of music has probabilities of notes, not of tokens.")
    batch = read_batch(model, X)
    trace = batch.run()
    n_out = state.network.n_out
    scores = trace.outputs[:, :, -n_out:].astype(np.float64)
    columns = pd.Index(state.reader.tokenizer.tokens_, tupleize_cols=False, name="token")
    frames = batch.frame(softmax(scores, axis=2), range(n_out), trace.first_steps)
    return frames.set_axis(columns, axis=1)


def language_state(model: Any) -> FittedLanguageModel:
    """The fitted state of a language model; ValueError for others."""
    if not isinstance(model, RNNLanguageModel):
        raise ValueError(f"model must be a fitted RNNLanguageModel, got {type(model).__name__}.")
    with naming("model"):
        check_is_fitted(model)
    return model.fitted_
