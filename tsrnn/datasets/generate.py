"""Generators of synthetic problems that are common benchmarks of recurrent networks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tsrnn.datasets.seeds import random_generator
from tsrnn.parameters import (
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_INTEGER,
    Allowed,
    Integer,
    Number,
    validated,
)

if TYPE_CHECKING:
    import numpy as np

_LENGTHS: dict[str, Allowed] = {
    "n_timesteps": [POSITIVE_INTEGER],
    "washout": [Integer(0)],
    "noise": [NON_NEGATIVE],
}
_RATE = Number(0, 1e4, closed="right")  # beyond, a solver takes for ever


@validated(
    _LENGTHS,
    tau=[Number(0, 1e6, closed="right")],
    beta=[POSITIVE],
    gamma=[POSITIVE],
    power=[POSITIVE],
    dt=[Number(1e-6)],
)
def make_mackey_glass(
    n_timesteps: int = 2000,
    tau: float = 17,
    *,
    beta: float = 0.2,
    gamma: float = 0.1,
    power: float = 10,
    dt: float = 0.1,
    washout: int = 500,
    noise: float = 0.0,
    random_state: int | np.random.Generator | None = None,
) -> np.ndarray:
    """Generate the Mackey-Glass series, sampled once per unit of time.

    It solves ``x'(t) = beta * x(t - tau) / (1 + x(t - tau)**power) - gamma * x(t)`` from a constant
    history, drawn from [1.1, 1.3]; mildly chaotic by default, strongly with ``tau=30``. Integrated
    by the classical Runge-Kutta method of fourth order; delayed values at half steps are
    interpolated by the cubic through the values and slopes at the ends of the step. Reference: M.
    C. Mackey and L. Glass, "Oscillation and chaos in physiological control systems", *Science* 197,
    1977.

    Parameters
    ----------
    n_timesteps, washout : int, default=2000, 500
        Length of the series, and samples to discard before it.
    tau, dt : float, default=17, 0.1
        Delay, and step of the integration, at most 1 / ``gamma``, which divides 1 and the delay.
    beta, gamma, power : float, default=0.2, 0.1, 10
        Rate of production, rate of decay and steepness; positive.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise added to the samples (not to the dynamics).
    random_state : int, numpy.random.Generator or None, default=None
        Seed or generator of the random values.

    Returns
    -------
    numpy.ndarray of shape (n_timesteps,), float64

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    make_lorenz : Another chaotic series.

    Examples
    --------
    >>> from tsrnn.datasets import make_mackey_glass
    >>> x = make_mackey_glass(500, random_state=0)
    >>> x.shape, bool(0.2 < x.min() < x.max() < 1.4)
    ((500,), True)
    """
    import numpy as np

    if gamma * dt > 1:
        raise ValueError(f"dt must be at most 1 / gamma = {1 / gamma:g}, got {dt:g}.")
    per_unit, delay = _integer_ratio("1 / dt", 1 / dt), _integer_ratio("tau / dt", tau / dt)
    rng = random_generator(random_state)
    start = rng.uniform(1.1, 1.3)
    n_steps = (washout + n_timesteps - 1) * per_unit
    try:
        path = _integrate_mackey_glass(start, n_steps, delay, 1 / per_unit, beta, gamma, power)
    except OverflowError as error:
        raise ValueError(f"beta={beta:g} and power={power:g} are too large: {error}.") from error
    x = np.array(path[washout * per_unit :: per_unit])
    return x + rng.normal(0.0, noise, x.shape)


@validated(_LENGTHS, sigma=[_RATE], rho=[_RATE], beta=[_RATE], dt=[Number(0, 100, closed="right")])
def make_lorenz(
    n_timesteps: int = 2000,
    *,
    sigma: float = 10.0,
    rho: float = 28.0,
    beta: float = 8 / 3,
    dt: float = 0.02,
    washout: int = 500,
    noise: float = 0.0,
    random_state: int | np.random.Generator | None = None,
) -> np.ndarray:
    """Generate a trajectory of the Lorenz system, sampled every ``dt`` units of time.

    The system is ``x' = sigma * (y - x)``, ``y' = x * (rho - z) - y``, ``z' = x * y - beta * z``,
    started at random in the cube [0.5, 1.5]^3. With the defaults it is chaotic. Integrated by the
    Dormand-Prince method of eighth order with a relative tolerance of 1e-10. Errors grow by about
    e^0.9 per unit of time: beyond some 25 units, the trajectory may differ between machines, even
    for the same seed. Reference: E. N. Lorenz, "Deterministic nonperiodic flow", *Journal of the
    Atmospheric Sciences* 20, 1963.

    Parameters
    ----------
    n_timesteps, washout : int, default=2000, 500
        Length of the trajectory, and samples to discard before it.
    sigma, rho, beta : float, default=10, 28, 8/3
        Parameters of the system; positive.
    dt : float, default=0.02
        Time between samples; the integration has adaptive steps.
    noise : float, default=0.0
    random_state : int, numpy.random.Generator or None, default=None
        As in `make_mackey_glass`.

    Returns
    -------
    numpy.ndarray of shape (n_timesteps, 3), float64: x, y and z

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    RuntimeError
        If the integration fails, as it may with extreme parameters.

    See Also
    --------
    make_mackey_glass : Another chaotic series.

    Examples
    --------
    >>> from tsrnn.datasets import make_lorenz
    >>> trajectory = make_lorenz(300, random_state=0)
    >>> trajectory.shape, bool((trajectory[:, 2] > 0).all())
    ((300, 3), True)
    """
    import numpy as np
    from scipy.integrate import solve_ivp

    rng = random_generator(random_state)

    def slope(_: float, point: np.ndarray) -> list[float]:
        x, y, z = point.tolist()
        return [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]

    times = dt * np.arange(washout + n_timesteps)
    solution = solve_ivp(
        slope,
        (0.0, times[-1] + dt),
        rng.uniform(0.5, 1.5, 3),
        method="DOP853",
        t_eval=times,
        rtol=1e-10,
        atol=1e-10,
    )
    if not solution.success:
        raise RuntimeError(f"The integration of the Lorenz system failed: {solution.message}")
    trajectory = solution.y.T[washout:]
    return trajectory + rng.normal(0.0, noise, trajectory.shape)


@validated(n_samples=[POSITIVE_INTEGER], n_timesteps=[Integer(2)])
def make_adding_problem(
    n_samples: int = 1000,
    n_timesteps: int = 100,
    *,
    random_state: int | np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Generate the adding problem: sum the two marked values of each sequence.

    Always predicting the mean, 1, has a mean squared error of 1/6, the baseline to beat. Hochreiter
    and Schmidhuber draw from [-1, 1] and rescale the sum; values from [0, 1] and the plain sum are
    those of later papers (arXiv 1511.06464). Reference: S. Hochreiter and J. Schmidhuber, "Long
    short-term memory", *Neural Computation* 9(8), 1997.

    Parameters
    ----------
    n_samples, n_timesteps : int, default=1000, 100
        Number of sequences, and their length, at least 2.
    random_state : int, numpy.random.Generator or None, default=None
        As in `make_mackey_glass`.

    Returns
    -------
    X : numpy.ndarray of shape (n_samples, n_timesteps, 2), float64
        Values, uniform in [0, 1), and marks: 1 at a random position in each half, 0 elsewhere.
    y : numpy.ndarray of shape (n_samples,), float64
        The sum of the two marked values.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    make_copy_memory : Another test of memory.
    tsrnn.inspection.gradient_flow : Shows why it is hard.

    Examples
    --------
    >>> from tsrnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(n_samples=4, n_timesteps=10, random_state=0)
    >>> X.shape, y.shape
    ((4, 10, 2), (4,))
    >>> bool(((X[..., 0] * X[..., 1]).sum(axis=1) == y).all())
    True
    """
    import numpy as np

    rng = random_generator(random_state)
    half = n_timesteps // 2
    sample = np.arange(n_samples)
    first = rng.integers(0, half, n_samples)
    second = rng.integers(half, n_timesteps, n_samples)
    X = np.zeros((n_samples, n_timesteps, 2))
    X[..., 0] = rng.random((n_samples, n_timesteps))
    X[sample, first, 1] = X[sample, second, 1] = 1.0
    return X, X[sample, first, 0] + X[sample, second, 0]


@validated(
    n_samples=[POSITIVE_INTEGER],
    n_timesteps=[POSITIVE_INTEGER],
    n_symbols=[POSITIVE_INTEGER],
    n_memory=[POSITIVE_INTEGER],
)
def make_copy_memory(
    n_samples: int = 1000,
    n_timesteps: int = 100,
    *,
    n_symbols: int = 8,
    n_memory: int = 10,
    random_state: int | np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Generate the copy memory problem: repeat the first symbols after a long blank.

    Without memory, the best mean cross-entropy per step is ``n_memory * log(n_symbols) /
    (n_timesteps + 2 * n_memory)``. Reference: M. Arjovsky, A. Shah and Y. Bengio, "Unitary
    evolution recurrent neural networks", arXiv 1511.06464, 2016.

    Parameters
    ----------
    n_samples, n_timesteps : int, default=1000, 100
        Number of sequences, and of steps after the last symbol up to the delimiter, included.
    n_symbols, n_memory : int, default=8, 10
        Number of different symbols, and of symbols to remember in each sequence.
    random_state : int, numpy.random.Generator or None, default=None
        As in `make_mackey_glass`.

    Returns
    -------
    X, y : numpy.ndarray of shape (n_samples, n_timesteps + 2 * n_memory), int64
        ``X``: ``n_memory`` symbols from 1 to ``n_symbols``, ``n_timesteps - 1`` blanks (0), the
        delimiter (``n_symbols + 1``), ``n_memory`` blanks. ``y``: ``n_timesteps + n_memory``
        blanks, then the symbols.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    make_adding_problem : Another test of memory.

    Examples
    --------
    >>> from tsrnn.datasets import make_copy_memory
    >>> X, y = make_copy_memory(1, 4, n_symbols=8, n_memory=3, random_state=0)
    >>> X
    array([[7, 6, 5, 0, 0, 0, 9, 0, 0, 0]])
    >>> y
    array([[0, 0, 0, 0, 0, 0, 0, 7, 6, 5]])
    """
    import numpy as np

    rng = random_generator(random_state)
    symbols = rng.integers(1, n_symbols + 1, (n_samples, n_memory))
    X = np.zeros((n_samples, n_timesteps + 2 * n_memory), dtype=np.int64)
    y = np.zeros_like(X)
    X[:, :n_memory] = symbols
    X[:, n_memory + n_timesteps - 1] = n_symbols + 1
    y[:, -n_memory:] = symbols
    return X, y


def _integrate_mackey_glass(
    start: float, n_steps: int, delay: int, dt: float, beta: float, gamma: float, power: float
) -> list[float]:
    """Values at the ends of ``n_steps`` steps from time 0; ``delay`` is in steps."""

    def production(x: float) -> float:
        return beta * x / (1.0 + x**power)

    x = [start] * (delay + 1)
    middles = [start] * delay  # half a step after each x
    p_begin = production(start)
    for i in range(n_steps):
        p_middle, p_end = production(middles[i]), production(x[i + 1])
        now = x[-1]
        k1 = p_begin - gamma * now
        k2 = p_middle - gamma * (now + dt / 2 * k1)
        k3 = p_middle - gamma * (now + dt / 2 * k2)
        k4 = p_end - gamma * (now + dt * k3)
        x.append(now + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
        slope_end = p_end - gamma * x[-1]
        middles.append((now + x[-1]) / 2 + dt / 8 * (k1 - slope_end))
        p_begin = p_end
    return x[delay:]


def _integer_ratio(name: str, ratio: float) -> int:
    """A ratio of two durations, which must be an integer."""
    steps = round(ratio)
    if steps < 1 or not math.isclose(ratio, steps, rel_tol=1e-9):
        raise ValueError(
            f"{name} must be a whole number of at least 1, got {ratio:g}; choose dt accordingly."
        )
    return steps
