"""Linear probe: how much of a network's residuals the inputs of some steps explain."""

import numpy as np
from scipy.linalg import solve

# Ridge penalties over the mean eigenvalue. Taking the best of them explains at most a hundredth of
# the variance of noise.
_RIDGES = (0.01, 0.1, 1.0, 10.0)
_MAX_PRODUCT_INPUTS = 6  # inputs of a step up to which their products are features too


def probe(inputs: np.ndarray, residuals: np.ndarray, folds: np.ndarray, gap: int = 0) -> float:
    """Share, at most 1, of the residuals' variance that a ridge regression explains out of sample.

    Features are the inputs, (n, n_time, n_in), NaN before the start of a sequence, and, where a
    step has few, the means over the steps of their products, which show marked values and variance.
    What such a simple model explains, the network could have learned. Training leaves out ``gap``
    rows on either side of a test fold, as they share values with it.
    """
    features = _features(inputs)
    squares = np.zeros((len(_RIDGES), 2))  # of the residuals, without the probe and with it
    rows = np.arange(len(residuals))
    for fold in np.unique(folds):
        test = folds == fold
        train = ~test
        if gap:
            places = np.flatnonzero(test)
            train = (rows < places[0] - gap) | (rows > places[-1] + gap)
        if train.sum() > 1:
            squares += _test_squares(features, residuals, train, test)
    if not squares[0, 0] > 0:
        return 0.0
    return float((1 - squares[:, 1] / squares[:, 0]).max())


def _test_squares(features, residuals, train, test):
    """Sums of squares over the test rows without and with the probe, (n_ridges, 2)."""
    centre, scale = features[train].mean(axis=0), features[train].std(axis=0)
    varied = scale > 1e-9
    x = (features[:, varied] - centre[varied]) / scale[varied]
    level = residuals[train].mean(axis=0)
    # Kernel ridge, in the space of the rows: there may be more features than rows.
    gram, cross = x[train] @ x[train].T, x[test] @ x[train].T
    unit = max(np.trace(gram) / len(gram), 1e-12)
    deviations, squares = residuals[test] - level, []
    for ridge in _RIDGES:
        penalised = gram + ridge * unit * np.eye(len(gram))
        predictions = cross @ solve(penalised, residuals[train] - level, assume_a="pos")
        squares.append([(deviations**2).sum(), ((deviations - predictions) ** 2).sum()])
    return np.array(squares)


def _features(inputs):
    """Inputs of all steps, and means over the steps of their products, (n, n_features)."""
    n, n_time, n_in = inputs.shape
    x = np.nan_to_num(inputs)
    features = [x.reshape(n, -1)]
    if n_in <= _MAX_PRODUCT_INPUTS:
        features.append(np.einsum("nti,ntj->nij", x, x).reshape(n, -1) / n_time)
    return np.hstack(features)
