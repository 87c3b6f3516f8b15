"""Settings of the training of one network."""

from __future__ import annotations

import dataclasses

from tsrnn.kernels.losses import LOSSES
from tsrnn.kernels.optimizers import SOLVERS, Rule


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of training, named like the parameters of the estimators.

    Attributes
    ----------
    loss : str
        One of ``tsrnn.kernels.losses.LOSSES``.
    loss_params : tuple of float
        Quantiles of the loss "quantile", or the delta of "huber".
    max_iter, batch_size, n_iter_no_change : int
        Epochs; windows of a minibatch; epochs without improvement after which training ends.
    stop_after : int, optional
        Epoch to end after, though the learning rates are those of ``max_iter`` epochs.
    n_batches : int, optional
        Maximum number of minibatches of an epoch, which then samples the windows.
    tol : float, optional
        Minimum improvement that counts. By default any does, and training without validation runs
        all epochs; with a number it ends once the training loss no longer falls by as much.
    solver : {"adam", "adamw", "sgd", "rmsprop"}
        Optimiser.
    learning_rate : str
        One of ``tsrnn.training.schedules.SCHEDULES``. "adaptive" divides the rate by five after
        two epochs without improvement.
    learning_rate_init, warm_up : float
        Maximum learning rate; fraction of the steps over which it first rises.
    max_grad_norm : float
        Gradients with a larger norm are clipped to it.
    alpha : float
        L2 penalty, half the sum of squares of all parameters; the weight decay of "adamw".
    beta_2 : float
        Decay of the second moments of Adam and RMSprop.
    averaging : float
        Decay of an exponential moving average of the weights, which is validated and kept in place
        of the weights. 0 for none.
    dropout, recurrent_dropout : float
        Probability of dropping a value between layers, and a unit between time steps.
    device : {"cpu", "cuda"}
        Device to train on.
    n_jobs : int or None
        Threads of the CPU.
    """

    loss: str = "absolute_error"
    loss_params: tuple = ()
    max_iter: int = 200
    batch_size: int = 32
    n_iter_no_change: int = 50
    stop_after: int | None = None
    n_batches: int | None = None
    tol: float | None = None
    solver: str = "adam"
    learning_rate: str = "one_cycle"
    learning_rate_init: float = 3e-3
    warm_up: float = 0.0
    max_grad_norm: float = 1.0
    alpha: float = 0.0
    beta_2: float = 0.999
    averaging: float = 0.0
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
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
