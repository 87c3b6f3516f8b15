"""Whether a network should see logarithms."""

import numpy as np


def prefers_logarithm(values: np.ndarray, season: int) -> bool:
    """Whether the swings of positive values grow with their level.

    Guerrero's (1993) comparison for the powers 0 and 1: within stretches of a season, is the
    deviation over the mean steadier from stretch to stretch than the deviation itself, clearly?
    """
    length = max(season, 4)
    n_stretches = values.size // length
    if n_stretches < 3 or values.min() <= 0:
        return False
    stretches = values[values.size - n_stretches * length :].reshape(n_stretches, length)
    deviation = stretches.std(axis=1)
    ratio = deviation / stretches.mean(axis=1)
    if deviation.mean() == 0:
        return False
    # By a fifth: where the level hardly moves, the two differ by chance alone.
    return bool(ratio.std() / ratio.mean() < 0.8 * deviation.std() / deviation.mean())
