"""Extended quasi-likelihood of a Tweedie distribution of power 1.5 (Nelder & Pregibon 1987).

Half of ``log(dispersion) + deviance / dispersion``, with the mean ``m = exp(location)``, the
deviance ``4 * (sqrt(target) - sqrt(m))^2 / sqrt(m)`` and the variance ``dispersion * m^1.5``.
Values are 0 with some probability, else positive (Joergensen 1987).
"""

import math

import numpy as np
from scipy import special

from tsrnn.kernels import portable
from tsrnn.kernels.elementary import exp, log
from tsrnn.kernels.jit.compile import like, scalar
from tsrnn.kernels.losses._positive import PositiveLoss
from tsrnn.kernels.losses._scalars import softplus

_LEAST_DISPERSION, _LEAST_LOCATION = 1e-4, -30.0


@scalar
def value_and_slopes(location, raw_dispersion, target):
    """The loss and its derivatives with respect to both outputs."""
    if location < like(location, _LEAST_LOCATION):  # its exponential would be 0
        location = like(location, _LEAST_LOCATION)
    half, root = like(location, 0.5), exp(like(location, 0.5) * location)
    error = math.sqrt(target) - root
    dispersion, slope = softplus(raw_dispersion)
    dispersion += like(location, _LEAST_DISPERSION)
    ratio = like(location, 4.0) * error * error / root / dispersion
    value = half * (log(dispersion) + ratio)
    pull = (root - target / root) / dispersion
    return value, pull, half * (like(location, 1.0) - ratio) / dispersion * slope


class Tweedie(PositiveLoss):
    """Compound Poisson distribution: a Poisson number of jumps of exponential size."""

    outputs_per_target = 2

    @staticmethod
    @scalar
    def evaluate(outputs, k, n, target, unit, weight, params):
        value, grad, grad_dispersion = value_and_slopes(outputs[k], outputs[n + k], target)
        outputs[k], outputs[n + k] = grad * weight, grad_dispersion * weight
        return value * weight

    def cdf(self, outputs, values, unit):
        # Of two Poisson numbers, of jumps and of mean value / jump, the first is not the larger.
        n_jumps, jump = self._jumps(outputs)
        above = special.chndtr(2 * n_jumps, 2, 2 * np.maximum(values, 0) / jump)
        return np.where(values < 0, 0.0, 1 - above)

    def probability_below(self, outputs, values, unit):
        return np.where(values > 0, self.cdf(outputs, values, unit), 0.0)

    def quantile(self, outputs, level, params, unit=1.0):
        n_jumps, jump = self._jumps(outputs)
        level, n_jumps = np.broadcast_arrays(level, n_jumps)
        is_positive = level > portable.exp(-n_jumps)
        found = special.chndtrinc(2 * n_jumps, 2, np.where(is_positive, 1 - level, 0.5))
        return np.where(is_positive, found / 2 * jump, 0.0)

    def std(self, outputs, unit=1.0):
        mean = self.point(outputs, ())
        return np.sqrt(self._dispersion(outputs) * mean**1.5)

    def _jumps(self, outputs):
        """Mean number and mean size of jumps."""
        root, dispersion = np.sqrt(self.point(outputs, ())), self._dispersion(outputs)
        return 2 * root / dispersion, dispersion * root / 2

    def _dispersion(self, outputs):
        return portable.log1p_exp(outputs[..., 1, :]) + _LEAST_DISPERSION


loss = Tweedie()
