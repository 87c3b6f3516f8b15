"""Autoregressions of a series by Burg's method."""

from tsrnn.kernels.elementary import log
from tsrnn.kernels.jit.compile import device_function, matrix

MAX_ORDER = 24
_N_EACH = 8  # values that there are for each coefficient


@device_function
def fit_autoregression(values, space, coefficients):
    """Write coefficients of earlier values, that of the last one first; return the order.

    The values vary about 0. Burg's method (1967), whose processes are stable; coefficients beyond
    the order are 0. The order, at most MAX_ORDER and an eighth of the values, has the least
    information criterion of Akaike (1974). ``space`` (2 n + 2 MAX_ORDER,) is scratch.
    """
    n, order = values.size, 0
    forward, backward = space[:n], space[n : 2 * n]
    trial = matrix(space, 2 * n, 2, MAX_ORDER)
    for k in range(MAX_ORDER):
        coefficients[k] = trial[0, k] = 0.0
    for t in range(n):
        forward[t] = backward[t] = values[t]
    share, least = 1.0, 0.0  # of the variance that is left; criterion, that of order 0 is 0
    for k in range(min(MAX_ORDER, n // _N_EACH)):
        products = squares = 0.0
        for t in range(k + 1, n):
            products += forward[t] * backward[t - 1]
            squares += forward[t] * forward[t] + backward[t - 1] * backward[t - 1]
        if squares <= 0.0:
            break
        reflection = 2.0 * products / squares
        for t in range(n - 1, k, -1):
            error = forward[t]
            forward[t] = error - reflection * backward[t - 1]
            backward[t] = backward[t - 1] - reflection * error
        for j in range(k):
            trial[1, j] = trial[0, j]
        for j in range(k):
            trial[0, j] = trial[1, j] - reflection * trial[1, k - 1 - j]
        trial[0, k] = reflection
        share *= 1.0 - reflection * reflection
        if share <= 0.0:
            break
        criterion = n * log(share) + 2.0 * (k + 1)
        if criterion < least:
            least, order = criterion, k + 1
            for j in range(order):
                coefficients[j] = trial[0, j]
    return order


@device_function
def continue_autoregression(values, end, coefficients, order, forecasts):
    """Write forecasts of the steps from ``end`` on, by the values before it."""
    for h in range(forecasts.size):
        total = 0.0
        for j in range(order):
            back = h - 1 - j
            if back >= 0:
                total += coefficients[j] * forecasts[back]
            elif end + back >= 0:
                total += coefficients[j] * values[end + back]
        forecasts[h] = total


@device_function
def one_step_ahead(values, t, coefficients, order):
    """The forecast of step ``t`` by the values before it."""
    total = 0.0
    for j in range(min(order, t)):
        total += coefficients[j] * values[t - 1 - j]
    return total
