"""Learning rates over the course of training."""

import numpy as np


def one_cycle(total: int, peak: float) -> np.ndarray:
    """Rates of ``total`` steps, (total,) float64.

    A cosine from peak / 25 up to the peak over the first 30 % of the steps, another down to
    nothing after it (Smith & Topin 2017, arXiv 1708.07120).
    """
    progress = np.arange(total) / total
    warm_up = 0.3
    low = peak / 25
    rise = low + (peak - low) * (1 - np.cos(np.pi * progress / warm_up)) / 2
    fall = peak * (1 + np.cos(np.pi * (progress - warm_up) / (1 - warm_up))) / 2
    return np.where(progress < warm_up, rise, fall)
