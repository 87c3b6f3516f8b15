"""Mean pinball loss of several quantiles, one output for each level (Koenker & Bassett 1978)."""

import numpy as np

from tsrnn.kernels.jit.compile import like, scalar
from tsrnn.kernels.losses._base import PER_QUANTILE, Loss, interpolate


@scalar
def pinball(prediction, target, level):
    """Pinball loss and its derivative with respect to the prediction, a quantile of that level."""
    error = target - prediction
    if error > 0:
        return level * error, -level
    if error < 0:
        return (level - like(prediction, 1.0)) * error, like(prediction, 1.0) - level
    return error, error


class Quantile(Loss):
    """Quantiles of the levels ``params``; interpolated in between, constant beyond."""

    outputs_per_target = PER_QUANTILE
    robust = True

    @staticmethod
    @scalar
    def evaluate(outputs, k, n, target, unit, weight, params):
        count, total = like(target, params.size), like(target, 0.0)
        for i in range(params.size):
            value, slope = pinball(outputs[i * n + k], target, like(target, params[i]))
            total += value / count
            outputs[i * n + k] = slope * weight / count
        return total * weight

    def point(self, outputs, params):
        return outputs[..., int(np.argmin(np.abs(np.asarray(params) - 0.5))), :]

    def median(self, outputs, params):
        return self.quantile(outputs, 0.5, params)

    def quantile(self, outputs, level, params, unit=1.0):
        ordered = np.sort(outputs, axis=-2)  # quantiles do not cross (Chernozhukov et al. 2010)
        place = np.interp(level, params, np.arange(len(params)))
        return interpolate(ordered, place)

    def constant_losses(self, targets, constant, params):
        def mean_loss(errors):
            pairs = zip(errors, params, strict=True)
            losses = [np.nanmean(np.where(e > 0, q * e, (q - 1) * e)) for e, q in pairs]
            return float(np.mean(losses))

        zero_loss = mean_loss([targets] * len(params))
        if constant is None:
            return zero_loss, zero_loss
        return mean_loss(targets - np.nanquantile(targets, params, axis=0)[:, None]), zero_loss


loss = Quantile()
