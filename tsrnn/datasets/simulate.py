"""Generator of series of many kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from tsrnn.datasets.seeds import random_generator
from tsrnn.parameters import N_JOBS, POSITIVE_INTEGER, Integer, ListOf, StrOptions, validated

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["structural", "arima", "counts", "intermittent"]
_KINDS = get_args(Kind)
_KIND = StrOptions(_KINDS)
_SECONDS = 1e-7  # of one core for a value


@validated(
    n_series=[POSITIVE_INTEGER],
    n_steps=[POSITIVE_INTEGER],
    season=[Integer(1, 100_000), ListOf(Integer(1, 100_000), least=1), None],
    kinds=[_KIND, ListOf(_KIND, least=1), None],
    dtype=[StrOptions(["float32", "float64"])],
    n_jobs=N_JOBS,
)
def simulate_series(
    n_series: int,
    n_steps: int = 100,
    season: int | Sequence[int] | None = 12,
    *,
    kinds: Kind | Sequence[Kind] | None = None,
    dtype: Literal["float32", "float64"] = "float64",
    n_jobs: int | None = None,
    random_state: int | np.random.Generator | None = None,
) -> np.ndarray:
    """Simulate series like those of business, economics and nature, no two of one process.

    Each series has a process of its own, whose parts and their parameters are drawn at random:

    - ``"structural"``: a trend (linear, damped, S-shaped, of changing or wandering slope), a
      random walk, a cycle, seasons of any shape that stay, grow, fade, wander or become others,
      noise, normal or heavy-tailed, correlated or of changing size, level shifts, outliers, shocks,
      regimes and effects of the calendar. In most series these are factors, in others they are
      added. Levels are between 1 and 100,000.
    - ``"arima"``: a seasonal ARIMA process, stable by the roots of its polynomials, on such a
      level.
    - ``"counts"``: Poisson or negative binomial counts with trend and seasons.
    - ``"intermittent"``: zeros, and demand at some steps.

    Values are finite, and mostly positive. Ideas are from A. F. Ansari et al., "Chronos: Learning
    the language of time series", arXiv 2403.07815, 2024, and B. N. Oreshkin et al., "Zero-shot
    forecasting by simulation alone", arXiv 2601.00970, 2026.

    Parameters
    ----------
    n_series, n_steps : int, n_steps default=100
        Number of series, and their length.
    season : int, sequence of int or None, default=12
        Length of the season in steps, or of several, ``(24, 168)`` for hours. Some series have
        none all the same, as real ones. None or 1: no season, and growth and changes of a step
        as those of a year.
    kinds : str, sequence of str or None, default=None
        What is drawn from: "structural", "arima", "counts", "intermittent" or several of them.
        None: all. Of four that are asked for together, 73, 12, 10 and 5 % are of each.
    dtype : {"float64", "float32"}, default="float64"
        Type of the values.
    n_jobs : int or None, default=None
        Number of threads, None or -1 for all cores. The series are the same for any.
    random_state : int, numpy.random.Generator or None, default=None
        Seed or generator of the random values. The first series of a seed are the same, however
        many are asked for.

    Returns
    -------
    numpy.ndarray of shape (n_series, n_steps)

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    load_airline : A real series.
    tsrnn.RNNForecaster : Its pretrained network was trained on such series.

    Examples
    --------
    >>> from tsrnn.datasets import simulate_series
    >>> X = simulate_series(1000, 60, season=4, random_state=0)
    >>> X.shape, X.dtype
    ((1000, 60), dtype('float64'))
    >>> counts = simulate_series(5, 8, season=None, kinds="counts", random_state=0)
    >>> bool((counts == counts.round()).all() and (counts >= 0).all())
    True
    """
    import numpy as np

    from tsrnn.kernels.jit.threads import are_worth_it, claim_threads
    from tsrnn.kernels.simulation.filling import fill_kernel, fill_series, shares_of

    seed = int(random_generator(random_state).integers(2**63))
    lengths = [season or 1] if season is None or isinstance(season, int) else list(season)
    shares = shares_of(_KINDS if kinds is None else [kinds] if isinstance(kinds, str) else kinds)
    X = np.empty((n_series, n_steps), dtype)
    with claim_threads(n_jobs) as n_tasks:
        if not are_worth_it(_SECONDS * X.size, fill_kernel(), fill_kernel()):
            n_tasks = 1
        fill_series(X, seed, 0, np.array([lengths]), shares, n_tasks)
    return X
