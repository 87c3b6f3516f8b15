"""Which values are constant, but for rounding: of series, channels and covariates alike."""

import numpy as np

ROUNDING = 1e-12  # relative; values that vary by less are constant


def is_constant(spread: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Whether a range or a standard deviation of values of this absolute size is rounding alone.

    The range of a constant is exactly 0; its standard deviation may not be, as its mean rounds.
    """
    return np.asarray(spread <= ROUNDING * size)
