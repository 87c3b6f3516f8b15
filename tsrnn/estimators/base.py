"""Parameters that every recurrent estimator has, and how it trains a network by them."""

from __future__ import annotations

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, Options, StrOptions

from tsrnn.estimators.progress import progress_bar
from tsrnn.estimators.summary import network_html
from tsrnn.kernels import cells
from tsrnn.kernels.losses import REGRESSION_LOSSES, find_loss
from tsrnn.kernels.targets import DEVICES, claim
from tsrnn.kernels.optimizers import SOLVERS
from tsrnn.kernels.windows import Source
from tsrnn.network import RecurrentNetwork, Transformer
from tsrnn.network.transformer import CELL
from tsrnn.training import History, Settings, train
from tsrnn.training.schedules import SCHEDULES

_WHOLE = Interval(Integral, 1, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="left")
# Of estimators whose networks may attend, too.
ATTENTION = {"cell": [StrOptions({*cells.NAMES, CELL})], "n_heads": [_WHOLE]}
_RECURRENT_ONLY = {
    "bidirectional": False, "residual": False, "recurrent_dropout": 0, "memory": None,
    "device": "cpu",
}  # fmt: skip


class RecurrentEstimator(BaseEstimator):
    """Base of the estimators: shared parameters, training, and the way a network is run."""

    _parameter_constraints = {
        "cell": [StrOptions(set(cells.NAMES))],
        "hidden_size": [_WHOLE],
        "n_layers": [_WHOLE],
        "bidirectional": ["boolean"],
        "residual": ["boolean"],
        "head_size": [Interval(Integral, 0, None, closed="left")],
        "segment": [_WHOLE],
        "memory": [Interval(Integral, 2, None, closed="left"), None],
        "averaging": [_SHARE],
        "dropout": [_SHARE],
        "recurrent_dropout": [_SHARE],
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
        "solver": [StrOptions(set(SOLVERS))],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "max_iter": [_WHOLE, StrOptions({"auto"})],
        "batch_size": [_WHOLE],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [_WHOLE],
        "dtype": [StrOptions({"float32", "float64"})],
        "device": [StrOptions(set(DEVICES))],
        "n_jobs": [_WHOLE, Options(Integral, {-1}), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _take(self, given: dict) -> None:
        """Store the parameters of ``__init__``, which gives its ``locals()``."""
        for name, value in given.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def _settings(self, n_windows: int, batch_size: int | None = None) -> Settings:
        """The parameters as training wants them, for so many windows an epoch."""
        batch_size = batch_size or self.batch_size
        max_iter = self.max_iter
        if max_iter == "auto":
            n_steps = -(-n_windows // batch_size)
            max_iter = int(np.clip(2000 // n_steps, 10, 200))
        return Settings(
            loss=self.loss,
            max_iter=max_iter,
            batch_size=batch_size,
            solver=self.solver,
            learning_rate=self.learning_rate,
            # As in MLPRegressor, whose penalty goes with the sum of a minibatch, not its mean.
            alpha=self.alpha if self.solver == "adamw" else self.alpha / batch_size,
            averaging=self.averaging,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            loss_params=self._loss_params(),
            learning_rate_init=self.learning_rate_init,
            max_grad_norm=self.max_grad_norm,
            n_iter_no_change=self.n_iter_no_change,
            device=self.device,
            n_jobs=self.n_jobs,
        )

    def _loss_params(self) -> tuple[float, ...]:
        """Parameters of the loss: levels of quantiles, or its defaults."""
        loss = find_loss(self.loss)
        if not loss.takes_quantiles:
            return loss.default_params
        levels = np.asarray(self.quantiles, dtype=float)
        if levels.ndim != 1 or not levels.size or not ((levels > 0) & (levels < 1)).all():
            raise ValueError(f"quantiles must lie between 0 and 1, got {self.quantiles!r}.")
        return tuple(levels.tolist())

    def _network(
        self, n_in: int, n_out: int, rng: np.random.Generator, hidden_size: int | None = None,
        **head,
    ) -> RecurrentNetwork:  # fmt: skip
        """A network of drawn weights; ``head`` as RecurrentNetwork takes it."""
        hidden_size = hidden_size or self.hidden_size
        head = head | {"n_layers": self.n_layers, "n_head": self.head_size}
        if self.cell == CELL:
            for name, only in _RECURRENT_ONLY.items():
                if (value := getattr(self, name)) != only:
                    raise ValueError(
                        f"{name}={value!r} is for recurrent cells: with cell={CELL!r} leave it at "
                        f"{only!r}."
                    )
            network = Transformer(
                n_in, hidden_size, n_out, self.dtype, n_heads=self.n_heads, **head
            )
            return network.initialise(rng)
        return RecurrentNetwork(
            self.cell, n_in, hidden_size, n_out, self.dtype, bidirectional=self.bidirectional,
            residual=self.residual, **head,
        ).initialise(rng, self.memory)  # fmt: skip

    def _train(
        self, network, source, windows, validation, settings, rng, *, moments=None,
        hears=lambda progress, history: None,
    ):  # fmt: skip
        """Train a network with progress shown, and heard of; the history of its training."""
        with progress_bar(type(self).__name__, self.verbose) as show:

            def on_progress(progress, history):
                show(progress, history)
                hears(progress, history)

            return train(
                network, source, windows, validation, settings, rng,
                moments=moments, on_progress=on_progress,
            )  # fmt: skip

    def _run_network(self, network: RecurrentNetwork, source: Source, starts) -> np.ndarray:
        """What a network says of windows in its own units, (n_windows, outputs)."""
        n_jobs = network.threads_for(self.n_jobs, source, starts.size)
        with claim(self.device, n_jobs) as workers:
            return network.predict(source, starts, workers)

    def __getstate__(self):
        """What a pickle holds: what was fitted on a GPU is used wherever it is loaded."""
        state = super().__getstate__()
        return state | {"device": "cpu"} if hasattr(self, "network_") else state

    def _repr_html_inner(self) -> str:
        return super()._repr_html_inner() + network_html(self)

    def _repr_mimebundle_(self, **kwargs) -> dict[str, str]:
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] += network_html(self)
        return bundle

    def _record(self, history: History) -> None:
        """Fitted attributes, named as MLPRegressor's; warns of an interrupt."""
        self.loss_curve_ = history.loss_curve
        self.validation_scores_ = [-loss for loss in history.validation_curve] or None
        self.n_iter_ = len(history.loss_curve)
        self.best_iter_ = history.best_iter
        if history.interrupted:
            warnings.warn(
                f"Training was interrupted; the weights of epoch {history.best_iter} are kept, and "
                f"{type(self).__name__} can be used.",
                stacklevel=3,
            )
