"""Learning-rate schedules."""

import numpy as np

from tsrnn.kernels.portable import cosine

SCHEDULES = ("one_cycle", "constant", "cosine", "adaptive")


def learning_rates(schedule: str, total: int, peak: float, warm_up: float = 0.0) -> np.ndarray:
    """Learning rates of ``total`` steps, (total,) float64.

    "one_cycle" rises from peak / 25 to the peak by a cosine over the first 30 % of the steps and
    falls to zero by another (Smith & Topin 2017, arXiv 1708.07120). "cosine" falls from the peak to
    zero (Loshchilov & Hutter 2017, arXiv 1608.03983). "constant" and "adaptive" stay at the peak;
    the trainer lowers the latter. ``warm_up`` is a fraction of the steps over which the rate first
    rises linearly; "one_cycle" ignores it.
    """
    progress = np.arange(total) / total
    if schedule == "one_cycle":
        rise_until = 0.3
        low = peak / 25
        rise = low + (peak - low) * (1 - cosine(np.pi * progress / rise_until)) / 2
        fall = peak * (1 + cosine(np.pi * (progress - rise_until) / (1 - rise_until))) / 2
        return np.where(progress < rise_until, rise, fall)
    rates = np.full(total, float(peak))
    if schedule == "cosine":
        rates *= (1 + cosine(np.pi * progress)) / 2
    n_rise = int(np.ceil(warm_up * total))
    rates[:n_rise] *= np.arange(1, n_rise + 1) / n_rise if n_rise else 1.0
    return rates
