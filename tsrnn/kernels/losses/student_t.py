"""Negative log-likelihood of Student's t: mean, raw scale, raw freedom (Salinas et al. 2020)."""

import math

import numpy as np
from scipy import special

from tsrnn.kernels import portable
from tsrnn.kernels.elementary import log, log1p, log_gamma
from tsrnn.kernels.jit.compile import like, scalar
from tsrnn.kernels.losses._base import LikelihoodLoss
from tsrnn.kernels.losses._scalars import digamma, softplus


@scalar
def value_and_slopes(mean, raw_scale, raw_freedom, target):
    """The loss and its derivatives with respect to the three outputs."""
    one, half = like(mean, 1.0), like(mean, 0.5)
    scale, scale_slope = softplus(raw_scale)
    scale += like(mean, 1e-6)
    extra, freedom_slope = softplus(raw_freedom)
    freedom = like(mean, 2.0) + extra
    more = half * (freedom + one)
    z = (target - mean) / scale
    ratio = z * z / freedom
    value = log_gamma(half * freedom) - log_gamma(more)
    value = value + half * log(like(mean, math.pi) * freedom) + log(scale) + more * log1p(ratio)
    pull = (freedom + one) * z / (freedom + z * z)
    grad_freedom = half * (digamma(half * freedom) - digamma(more) + one / freedom + log1p(ratio))
    grad_freedom = grad_freedom - more * ratio / (freedom + z * z)
    grad_scale = (one - pull * z) / scale * scale_slope
    return value, -pull / scale, grad_scale, like(mean, grad_freedom) * freedom_slope


class StudentT(LikelihoodLoss):
    """Student's t with ``2 + softplus(raw_freedom)`` degrees of freedom: its variance is finite."""

    outputs_per_target = 3
    robust = True

    @staticmethod
    @scalar
    def evaluate(outputs, k, n, target, unit, weight, params):
        value, grad_mean, grad_scale, grad_freedom = value_and_slopes(
            outputs[k], outputs[n + k], outputs[2 * n + k], target
        )
        outputs[k], outputs[n + k] = grad_mean * weight, grad_scale * weight
        outputs[2 * n + k] = grad_freedom * weight
        return value * weight

    def standard_quantile(self, outputs, level):
        return special.stdtrit(2 + portable.log1p_exp(outputs[..., 2, :]), level)

    def std(self, outputs, unit=1.0):
        freedom = 2 + portable.log1p_exp(outputs[..., 2, :])
        return self.scale(outputs) * np.sqrt(freedom / (freedom - 2))


loss = StudentT()
