"""A linear probe: what the inputs of some steps tell of what a network leaves."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve

# Shrinkage, from little to much, over the mean eigenvalue. The best is taken, which on noise finds
# a hundredth of the variance at most.
_RIDGES = (0.01, 0.1, 1.0, 10.0)
_MOST_PAIRS = 6  # inputs of a step whose products are probed


def probe(inputs: np.ndarray, left: np.ndarray, folds: np.ndarray, gap: int = 0) -> float:
    """Share of what is ``left`` that a ridge regression on inputs explains, out of sample.

    It reads each input of each step and, where these are few, the means over the steps of their
    products, which tell of values that are marked and of variance. What it finds was there to be
    learnt, by the simplest of means.

    Parameters
    ----------
    inputs : (n, n_time, n_in) array
        NaN before a sequence begins.
    left : (n, k) array
        What a network leaves of the targets.
    folds : (n,) int array
        Part that a row is tried in.
    gap : int, default=0
        Rows on either side of those tried that are not learnt from, as they share values with
        them.

    Returns
    -------
    float
        At most 1; 0 or less where nothing is found.
    """
    features = _features(inputs)
    squares = np.zeros((len(_RIDGES), 2))  # without the probe, and with it
    rows = np.arange(len(left))
    for fold in np.unique(folds):
        tried = folds == fold
        learnt = ~tried
        if gap:
            places = np.flatnonzero(tried)
            learnt = (rows < places[0] - gap) | (rows > places[-1] + gap)
        if learnt.sum() > 1:
            squares += _tried(features, left, learnt, tried)
    if not squares[0, 0] > 0:
        return 0.0
    return float((1 - squares[:, 1] / squares[:, 0]).max())


def _tried(features, left, learnt, tried):
    """Sums of squares of rows tried by what was learnt from others, for each shrinkage."""
    centre, scale = features[learnt].mean(axis=0), features[learnt].std(axis=0)
    varied = scale > 1e-9
    x = (features[:, varied] - centre[varied]) / scale[varied]
    level = left[learnt].mean(axis=0)
    # In the rows' own space (kernel ridge), as features may be more than rows.
    gram, across = x[learnt] @ x[learnt].T, x[tried] @ x[learnt].T
    unit = max(np.trace(gram) / len(gram), 1e-12)
    apart, found = left[tried] - level, []
    for ridge in _RIDGES:
        heavier = gram + ridge * unit * np.eye(len(gram))
        said = across @ solve(heavier, left[learnt] - level, assume_a="pos")
        found.append([(apart**2).sum(), ((apart - said) ** 2).sum()])
    return np.array(found)


def _features(inputs):
    """All inputs of all steps, and means over steps of their products."""
    n, n_time, n_in = inputs.shape
    x = np.nan_to_num(inputs)
    parts = [x.reshape(n, -1)]
    if n_in <= _MOST_PAIRS:
        parts.append(np.einsum("nti,ntj->nij", x, x).reshape(n, -1) / n_time)
    return np.hstack(parts)
