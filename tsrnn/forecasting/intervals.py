"""Prediction intervals from errors on a held-out part of the history."""

from __future__ import annotations

import numpy as np


class ConformalWidths:
    """Half-widths of intervals, by split conformal prediction with a spread per step ahead.

    Errors of windows that the network did not learn from are divided by their root mean square at
    each step ahead (made to grow with the step) and pooled; the half-width for a coverage is the
    pool's quantile times the spread (Vovk et al. 2005; Lei et al. 2018, section 5.2). The errors of
    one window go together, so the correction for a finite sample counts windows, not errors. Kept
    on average where windows are exchangeable; overlapping windows of a short end, which also chose
    when training stopped, are less than that, and the intervals then too narrow.

    Parameters
    ----------
    errors : (n_windows, horizon) array
        Forecast minus truth in the unit of the windows' scale.
    """

    def __init__(self, errors: np.ndarray):
        self.n_windows = len(errors)
        spread = np.sqrt(np.mean(errors**2, axis=0))
        self.spread = np.maximum.accumulate(spread)
        with np.errstate(invalid="ignore"):
            pool = np.abs(errors) / self.spread
        self.pool = np.sort(np.nan_to_num(pool), axis=None)  # a spread of zero: never wrong

    def half_width(self, coverage: float) -> np.ndarray:
        """Half-width at each step ahead, (horizon,), in the unit of the windows' scale."""
        share = min(np.ceil((self.n_windows + 1) * coverage) / self.n_windows, 1.0)
        rank = int(np.ceil(self.pool.size * share))
        return self.pool[rank - 1] * self.spread
