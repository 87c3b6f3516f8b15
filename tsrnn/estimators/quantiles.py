"""Quantiles that a network of the loss "quantile" has outputs for."""

import numpy as np

from tsrnn.kernels.losses import LOSSES, find_loss

LIKELIHOODS = " or ".join(repr(name) for name in LOSSES if find_loss(name).is_likelihood)


def fitted_quantiles(outputs: np.ndarray, fitted: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The outputs (n_samples, n_wanted, n_outputs) of the wanted ones of the fitted levels."""
    missing = [float(level) for level in wanted if not np.isclose(level, fitted).any()]
    if missing:
        raise ValueError(
            f"quantiles {missing} were not fitted, only {fitted.tolist()}. Give them to "
            f"RNNRegressor(quantiles=...), or use loss={LIKELIHOODS}."
        )
    order = np.argsort(fitted)
    ranked = np.sort(outputs, axis=1)  # sorting quantiles that cross makes them no worse
    return ranked[:, [int(np.argmin(np.abs(fitted[order] - level))) for level in wanted]]
