"""Mean pinball loss of several quantiles, one output for each level (Koenker & Bassett 1978)."""

import numpy as np

from tsrnn.kernels.jit.compile import like, scalar
from tsrnn.kernels.losses._base import PER_QUANTILE, Loss


@scalar
def pinball(prediction, target, level):
    """The loss whose mean is least at the quantile of that level, and its derivative."""
    error = target - prediction
    if error > 0:
        return level * error, -level
    if error < 0:
        return (level - like(prediction, 1.0)) * error, like(prediction, 1.0) - level
    return error, error


class Quantile(Loss):
    """Quantiles of the levels ``params``."""

    outputs_per_target = PER_QUANTILE
    robust = True

    @staticmethod
    @scalar
    def evaluate(outputs, k, n, target, weight, params):
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

    def outer_quantiles(self, outputs):
        ordered = np.sort(outputs, axis=-2)
        return ordered[..., 0, :], ordered[..., -1, :]

    def quantile(self, outputs, level, params):
        """On the line between neighbouring levels; beyond the outermost, that one."""
        ordered = np.sort(outputs, axis=-2)  # quantiles do not cross (Chernozhukov et al. 2010)
        place = np.interp(level, params, np.arange(len(params)))
        place = np.broadcast_to(place, ordered[..., 0, :].shape)
        below = np.minimum(place.astype(int), max(len(params) - 2, 0))
        above = np.minimum(below + 1, len(params) - 1)
        low = np.take_along_axis(ordered, below[..., None, :], axis=-2)[..., 0, :]
        high = np.take_along_axis(ordered, above[..., None, :], axis=-2)[..., 0, :]
        return low + (place - below) * (high - low)

    def constant_losses(self, targets, constant, params):
        zero_loss = np.mean([_mean_pinball(targets, level) for level in params])
        if constant is None:
            return float(zero_loss), float(zero_loss)
        errors = targets - np.nanquantile(targets, params, axis=0)[:, None]
        losses = [_mean_pinball(e, level) for e, level in zip(errors, params, strict=True)]
        return float(np.mean(losses)), float(zero_loss)


def _mean_pinball(errors, level):
    return np.nanmean(np.where(errors > 0, level * errors, (level - 1) * errors))


loss = Quantile()
