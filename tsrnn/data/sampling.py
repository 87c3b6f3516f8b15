"""Samples of series that depend on their ids and a seed alone, not on where they lie."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def ranks_by_hash(ids: Sequence, seed: int) -> np.ndarray:
    """Unsigned 64-bit number of each id, (n,): the series with the least ones are a sample.

    An id has the same number wherever and with whichever others it is given; a number and the text
    of it are alike.

    Examples
    --------
    >>> from tsrnn.data.sampling import ranks_by_hash
    >>> ranks = ranks_by_hash(["a", "b", "c"], seed=0)
    >>> bool((ranks[1:] == ranks_by_hash(["b", "c"], seed=0)).all())
    True
    """
    texts = np.array([str(label) for label in ids], dtype=object)
    key = f"{seed % 16**16:016x}"
    return pd.util.hash_array(texts, hash_key=key, categorize=False)
