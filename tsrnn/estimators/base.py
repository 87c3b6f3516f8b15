"""RecurrentEstimator: parameters of all estimators, and the networks and settings they mean."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator

from tsrnn.estimators.summary import network_html
from tsrnn.kernels import cells
from tsrnn.kernels.losses import REGRESSION_LOSSES, find_loss
from tsrnn.kernels.optimizers import SOLVERS
from tsrnn.kernels.sources import Source
from tsrnn.kernels.targets import DEVICES, claim
from tsrnn.network import Network, RecurrentNetwork, Transformer
from tsrnn.network.transformer import CELL
from tsrnn.parameters import (
    BOOLEAN,
    FRACTION,
    N_JOBS,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_INTEGER,
    RANDOM_STATE,
    SHARE,
    Allowed,
    Integer,
    Number,
    ParametersMixin,
    StrOptions,
    user_level,
)
from tsrnn.training import History, Settings
from tsrnn.training.schedules import SCHEDULES

# Beyond these limits no network can be allocated.
UNITS = Integer(1, 2**14)
N_NETWORKS = Integer(1, 1000)
BATCHES: Allowed = [POSITIVE_INTEGER, StrOptions(["auto"]), None]  # of an epoch
# Constraints of estimators that offer cell="attention" too.
ATTENTION: dict[str, Allowed] = {"cell": [StrOptions([*cells.NAMES, CELL])], "n_heads": [UNITS]}
# Parameters of recurrent cells, with the only value that cell="attention" takes.
_RECURRENT_ONLY = {
    "bidirectional": False,
    "residual": False,
    "recurrent_dropout": 0,
    "memory": None,
    "device": "cpu",
}

# Parameters that are settings of the same name; not all estimators have all of them.
_SETTINGS = (
    *("loss", "solver", "learning_rate", "learning_rate_init", "averaging", "max_grad_norm"),
    *("dropout", "recurrent_dropout", "n_iter_no_change", "device", "n_jobs"),
)


def run_network(
    network: Network, source: Source, windows: np.ndarray, *, device: str, n_jobs: int | None
) -> np.ndarray:
    """Outputs of a network for windows, (n_windows, outputs), on its own scale."""
    n_threads = network.threads_for(n_jobs, source, windows.size)
    with claim(device, n_threads) as workers:
        return network.predict(source, windows, workers)


class RecurrentEstimator(ParametersMixin, BaseEstimator):
    """Base of the estimators: shared parameters, and the networks and settings built from them.

    See Also
    --------
    tsrnn.RNNRegressor : A number for each sequence.
    tsrnn.RNNClassifier : A class for each sequence.
    tsrnn.RNNForecaster : The next values of series.

    Examples
    --------
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.estimators import RecurrentEstimator
    >>> isinstance(RNNRegressor(), RecurrentEstimator)
    True
    """

    _parameter_constraints = {
        "cell": [StrOptions(cells.NAMES)],
        "hidden_size": [UNITS],
        "n_layers": [Integer(1, 1000)],
        "bidirectional": [BOOLEAN],
        "residual": [BOOLEAN],
        "head_size": [Integer(0, 2**14)],
        "segment": [UNITS],
        "memory": [Integer(2), None],
        "averaging": [FRACTION],
        "dropout": [FRACTION],
        "recurrent_dropout": [FRACTION],
        "loss": [StrOptions(REGRESSION_LOSSES)],
        "solver": [StrOptions(SOLVERS)],
        "learning_rate": [StrOptions(SCHEDULES)],
        "alpha": [NON_NEGATIVE],
        "max_iter": [Integer(1, 10**6), StrOptions(["auto"])],
        "max_seconds": [POSITIVE, None],
        "batch_size": [POSITIVE_INTEGER],
        "learning_rate_init": [Number(0, 1e300, closed="right")],  # large ones diverge
        "max_grad_norm": [POSITIVE],
        "early_stopping": [BOOLEAN],
        "validation_fraction": [SHARE],
        "n_iter_no_change": [POSITIVE_INTEGER],
        "dtype": [StrOptions(["float32", "float64"])],
        "device": [StrOptions(DEVICES)],
        "n_jobs": N_JOBS,
        "random_state": RANDOM_STATE,
        "verbose": [BOOLEAN, Integer(0)],
    }

    def _settings(self, n_windows: int, batch_size: int | None = None) -> Settings:
        """Settings of a training with ``n_windows`` per epoch."""
        batch_size = batch_size or self.batch_size
        max_iter = self.max_iter
        if max_iter == "auto":
            n_steps = -(-n_windows // batch_size)
            max_iter = int(np.clip(2000 // n_steps, 10, 200))
        return Settings(
            max_iter=max_iter,
            batch_size=batch_size,
            # As in MLPRegressor, whose penalty is added to a minibatch's sum, not its mean.
            alpha=self.alpha if self.solver == "adamw" else self.alpha / batch_size,
            loss_params=self._loss_params(),
            **{name: getattr(self, name) for name in _SETTINGS if hasattr(self, name)},
        )

    def _loss_params(self) -> tuple[float, ...]:
        """Parameters of the loss: levels of quantiles, or its defaults."""
        loss = find_loss(self.loss)
        if not loss.takes_quantiles:
            return loss.default_params
        levels = np.asarray(self.quantiles, dtype=float)
        return tuple(levels.tolist())

    def _new_network(
        self,
        n_in: int,
        n_out: int,
        rng: np.random.Generator,
        hidden_size: int | None = None,
        **head,
    ) -> Network:
        """A network with random initial weights; ``head`` as RecurrentNetwork takes it."""
        size = n_in, hidden_size or self.hidden_size, n_out, self.dtype
        options = head | {"n_layers": self.n_layers, "n_head": self.head_size}
        if self.cell == CELL:
            for name, only in _RECURRENT_ONLY.items():
                if (value := getattr(self, name)) not in (only, "auto"):
                    raise ValueError(
                        f"{name}={value!r} is for recurrent cells: with cell={CELL!r} leave it at "
                        f"{only!r}."
                    )
            return Transformer(*size, n_heads=self.n_heads, **options).initialise(rng)
        options |= {"bidirectional": self.bidirectional, "residual": self.residual}
        return RecurrentNetwork(self.cell, *size, **options).initialise(rng, self.memory)

    def __getstate__(self):
        """State of a pickle: a fitted estimator is used on the CPU wherever it is loaded."""
        state = super().__getstate__()
        return state | {"device": "cpu"} if hasattr(self, "network_") else state

    def _repr_html_inner(self) -> str:
        return super()._repr_html_inner() + self._summary_html()

    def _repr_mimebundle_(self, **kwargs) -> dict[str, str]:
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] += self._summary_html()
        return bundle

    def _summary_html(self):
        """What was chosen and trained, as HTML; empty if the estimator is not fitted."""
        return network_html(self, self._chosen()) if hasattr(self, "network_") else ""

    def _chosen(self) -> dict[str, str]:
        """Names and values, as text, of what a fit chose by itself."""
        return {}

    def _record(self, history: History) -> None:
        """Set fitted attributes, named as MLPRegressor's; warn of an interrupted training."""
        self.loss_curve_ = history.loss_curve
        self.validation_scores_ = [-loss for loss in history.validation_curve] or None
        self.n_iter_ = len(history.loss_curve)
        self.best_iter_ = history.best_iter
        if history.interrupted:
            warnings.warn(
                f"Training was interrupted; the weights of epoch {history.best_iter} are kept, and "
                f"{type(self).__name__} can be used.",
                stacklevel=user_level(),
            )
