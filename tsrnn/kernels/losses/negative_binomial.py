"""Negative log-likelihood of a negative binomial distribution (Salinas et al. 2020, section 3.1).

Its mean is ``m = unit * exp(location)`` and its variance ``m + a * m^2``, with the dispersion
``a = softplus(raw_dispersion) / sqrt(unit) + 1e-4``. Without the terms of the target alone.
"""

import math

import numpy as np
from scipy import special

from tsrnn.kernels import portable
from tsrnn.kernels.elementary import exp, log, log1p, log_gamma
from tsrnn.kernels.jit.compile import like, scalar
from tsrnn.kernels.losses._positive import CountLoss
from tsrnn.kernels.losses._scalars import digamma, softplus

_LEAST_DISPERSION = 1e-4


@scalar
def value_and_slopes(location, raw_dispersion, target, unit):
    """The loss and its derivatives with respect to both outputs.

    In float64, as the gamma functions of large numbers differ by little.
    """
    scale, root = float(unit), math.sqrt(float(unit))
    count, mean = scale * target, scale * exp(location)
    raw, slope = softplus(raw_dispersion)
    dispersion = raw / root + _LEAST_DISPERSION
    size, ratio = 1.0 / dispersion, dispersion * mean
    more = log1p(ratio)
    value = log_gamma(size) - log_gamma(count + size) + (count + size) * more
    value -= count * (log(dispersion * scale) + location)
    pull = (mean - count) / (1.0 + ratio)
    grad = size * (size * (digamma(count + size) - digamma(size) - more) + pull)
    return value, like(location, pull), like(location, grad * slope / root)


class NegativeBinomial(CountLoss):
    """Negative binomial distribution."""

    outputs_per_target = 2

    @staticmethod
    @scalar
    def evaluate(outputs, k, n, target, unit, weight, params):
        value, grad, grad_dispersion = value_and_slopes(outputs[k], outputs[n + k], target, unit)
        outputs[k], outputs[n + k] = grad * weight, grad_dispersion * weight
        return value * weight

    def count_cdf(self, outputs, counts, unit):
        dispersion = self._dispersion(outputs, unit)
        none = 1 / (1 + dispersion * unit * self.point(outputs, ()))
        return special.betainc(1 / dispersion, counts + 1, none)

    def std(self, outputs, unit=1.0):
        mean = self.point(outputs, ())
        return np.sqrt(mean / unit + self._dispersion(outputs, unit) * mean**2)

    def _dispersion(self, outputs, unit):
        return portable.log1p_exp(outputs[..., 1, :]) / np.sqrt(unit) + _LEAST_DISPERSION


loss = NegativeBinomial()
