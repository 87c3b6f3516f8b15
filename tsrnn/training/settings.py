"""How to train: the settings of one network's training."""

from __future__ import annotations

import dataclasses

from tsrnn.kernels.losses import LOSSES
from tsrnn.kernels.updates import SOLVERS, Rule


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to train; the names are those of the estimators' parameters.

    Attributes
    ----------
    loss : str
        One of ``tsrnn.kernels.losses.LOSSES``.
    loss_params : tuple of float
        Quantiles of the loss "quantile", or the delta of "huber".
    max_iter, batch_size, n_iter_no_change : int
        Epochs; windows of a minibatch; epochs without improvement after which training ends.
    n_batches : int, optional
        Most minibatches of an epoch; where windows are more, each epoch draws its own.
    tol : float, optional
        Least improvement that counts. By default any does, and without windows to judge by training
        goes on to its end; with a number it ends where the training loss no longer falls by it.
    solver : {"adam", "adamw", "sgd", "rmsprop"}
        Optimiser.
    learning_rate : str
        One of ``tsrnn.training.schedules.SCHEDULES``. "adaptive" divides the rate by five after
        two epochs without improvement.
    learning_rate_init, warm_up : float
        Highest rate; share of the steps over which it first rises.
    max_grad_norm : float
        Gradients longer than this are cut to it.
    alpha : float
        L2 penalty, half the sum of squares of all parameters; the weight decay of "adamw".
    beta_1, beta_2, epsilon : float
        Of Adam; ``beta_2`` also of RMSprop, epsilon of both.
    momentum : float
        Of SGD and RMSprop.
    nesterovs_momentum : bool
        Of SGD.
    averaging : float
        Share of the old mean that an exponential moving average of the weights keeps in a step; the
        average is judged and kept. 0 for none.
    dropout, recurrent_dropout : float
        Shares of values dropped between layers, and of units on the way from step to step.
    device : {"cpu", "cuda"}
        What to train on.
    n_jobs : int or None
        Threads of the CPU.
    """

    loss: str = "absolute_error"
    loss_params: tuple = ()
    max_iter: int = 200
    batch_size: int = 32
    n_iter_no_change: int = 50
    n_batches: int | None = None
    tol: float | None = None
    solver: str = "adam"
    learning_rate: str = "one_cycle"
    learning_rate_init: float = 3e-3
    warm_up: float = 0.0
    max_grad_norm: float = 1.0
    alpha: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    averaging: float = 0.0
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    device: str = "cpu"
    n_jobs: int | None = None

    def rule(self, seed: int) -> Rule:
        """The part that kernels need, as numbers."""
        adam = self.solver.startswith("adam")
        return Rule(
            loss=LOSSES.index(self.loss),
            solver=SOLVERS.index(self.solver),
            keep_first=self.beta_1 if adam else self.momentum,
            keep_second=self.beta_2,
            epsilon=self.epsilon,
            nesterov=self.nesterovs_momentum,
            max_norm=self.max_grad_norm,
            alpha=self.alpha,
            averaging=self.averaging,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            seed=seed,
        )
