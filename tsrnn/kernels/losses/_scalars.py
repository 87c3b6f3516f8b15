"""Scalar functions that several losses compute with, compiled into the kernels."""

from tsrnn.kernels.elementary import exp, log, log1p
from tsrnn.kernels.jit.compile import like, scalar


@scalar
def softplus(x):
    """``log(1 + exp(x))`` and its derivative, the logistic function; neither overflows."""
    if x > 0:
        small = exp(-x)
        return x + log1p(small), like(x, 1.0) / (like(x, 1.0) + small)
    small = exp(x)
    return log1p(small), small / (like(x, 1.0) + small)


@scalar
def digamma(x):
    """Derivative of ``log_gamma``, x > 0: recurrence and the asymptotic series (A&S 6.3.18)."""
    shift = 0.0
    while x < 6.0:
        shift -= 1.0 / x
        x += 1.0
    s = 1.0 / (x * x)
    series = s * (
        1 / 12
        - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12)))))
    )
    return shift + log(x) - 0.5 / x - series
