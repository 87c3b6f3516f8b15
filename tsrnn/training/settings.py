"""Settings of the training of one network."""

import dataclasses

from tsrnn.kernels.losses import LOSSES
from tsrnn.kernels.optimizers import SOLVERS, Rule


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of training, named like the parameters of the estimators."""

    loss: str = "absolute_error"  # one of ``tsrnn.kernels.losses.LOSSES``
    loss_params: tuple = ()  # levels of the loss "quantile", or the delta of "huber"
    max_iter: int = 200
    batch_size: int = 32  # windows of a minibatch
    n_iter_no_change: int = 50  # epochs without improvement after which training ends
    stop_after: int | None = None  # epoch to end after; learning rates remain those of ``max_iter``
    n_batches: int | None = None  # most minibatches of an epoch, which then samples the windows
    # Minimum improvement that counts. By default any does, and training without validation runs all
    # epochs; with a number it ends once the training loss no longer falls by as much.
    tol: float | None = None
    solver: str = "adam"  # one of ``tsrnn.kernels.optimizers.SOLVERS``
    learning_rate: str = "one_cycle"  # one of ``tsrnn.training.schedules.SCHEDULES``
    learning_rate_init: float = 3e-3  # maximum
    warm_up: float = 0.0  # fraction of the steps over which the learning rate first rises
    max_grad_norm: float = 1.0  # norm that larger gradients are clipped to
    alpha: float = 0.0  # L2 penalty, half the sum of squares; the weight decay of "adamw"
    beta_2: float = 0.999  # decay of the second moments of Adam and RMSprop
    averaging: float = 0.0  # decay of a moving average of weights, validated and kept; 0 for none
    dropout: float = 0.0  # probability, of values between layers
    recurrent_dropout: float = 0.0  # probability, of units between time steps
    reset: float = 0.0  # probability that a stream begins a minibatch with a state of zeros
    device: str = "cpu"
    n_jobs: int | None = None

    def rule(self, seed: int) -> Rule:
        """The settings that kernels use, as numbers."""
        return Rule(
            loss=LOSSES.index(self.loss),
            solver=SOLVERS.index(self.solver),
            first_decay=0.9,
            second_decay=self.beta_2,
            epsilon=1e-8,
            max_grad_norm=self.max_grad_norm,
            alpha=self.alpha,
            averaging=self.averaging,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            seed=seed,
        )
