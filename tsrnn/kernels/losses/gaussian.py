"""Negative log-likelihood of a normal distribution: outputs are its mean and its raw scale."""

from scipy import special

from tsrnn.kernels.elementary import log
from tsrnn.kernels.jit.compile import like, scalar
from tsrnn.kernels.losses._base import LikelihoodLoss
from tsrnn.kernels.losses._scalars import softplus


@scalar
def value_and_slopes(mean, raw_scale, target):
    """The loss and its derivatives with respect to both outputs."""
    scale, slope = softplus(raw_scale)
    scale += like(mean, 1e-6)
    z = (target - mean) / scale
    value = log(scale) + like(mean, 0.5) * z * z + like(mean, 0.9189385332046727)
    return value, -z / scale, (like(mean, 1.0) - z * z) / scale * slope


class Gaussian(LikelihoodLoss):
    """Normal distribution with scale ``softplus(raw_scale) + 1e-6``."""

    outputs_per_target = 2

    @staticmethod
    @scalar
    def evaluate(outputs, k, n, target, unit, weight, params):
        value, grad_mean, grad_scale = value_and_slopes(outputs[k], outputs[n + k], target)
        outputs[k], outputs[n + k] = grad_mean * weight, grad_scale * weight
        return value * weight

    def standard_quantile(self, outputs, level):
        return special.ndtri(level)


loss = Gaussian()
