"""Updates of a fitted forecaster by new observations, and the attributes that fitting sets."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.forecasting.fitting import fit_new
from tsrnn.forecasting.inputs import read_new
from tsrnn.network import RecurrentNetwork


class UpdateMixin:
    """Updates of an estimator with a fitted state ``fitted_``, and that state's attributes."""

    def update(self, y: Any, X: Any = None) -> Self:
        """Add new observations, from which ``predict`` continues, without training on them.

        Time depends on how many there are and on the lookback, not on the length of the history.

        Parameters
        ----------
        y : Series or DataFrame
            The values after each series, or some of them, in the form that ``fit`` was given; one
            row is enough. With ``missing="mask"`` rows may be left out, the first ones too.
        X : Series or DataFrame, optional
            Covariates of these rows, where ``fit`` was given some, and of later ones.

        Returns
        -------
        RNNForecaster
            Itself.

        Raises
        ------
        ValueError
            If ``y`` holds other series, does not start where they end, or values are missing,
            infinite, or not positive where logarithms are taken.

        Examples
        --------
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> y = load_airline()
        >>> forecaster = RNNForecaster(horizon=3, max_iter=20).fit(y[:-1])
        >>> forecaster.update(y[-1:]).predict().index[0]
        Timestamp('1961-01-01 00:00:00')
        """
        check_is_fitted(self)
        state = self.fitted_
        self.fitted_ = state.advanced(*read_new(self, state.recent, y, X))
        return self

    def partial_fit(self, y: Any, X: Any = None) -> Self:
        """Add new observations and train on them: one pass over the windows that end in them.

        Parameters
        ----------
        y, X
            As in ``update``; of an unfitted forecaster as in ``fit``, which is then called.

        Returns
        -------
        RNNForecaster
            Itself.

        Raises
        ------
        ValueError
            As ``update``; or if ``loss`` or its ``quantiles`` are no longer those of ``fit``.

        Examples
        --------
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> y = load_airline()
        >>> forecaster = RNNForecaster(horizon=3, max_iter=20).fit(y[:-24])
        >>> len(forecaster.partial_fit(y[-24:]).predict())
        3
        """
        self._validate_params()
        if not hasattr(self, "fitted_"):
            return self.fit(y, X)
        state = self.fitted_
        if self.loss != state.spec.loss:
            raise ValueError(
                f"loss is {self.loss!r}, and the forecaster was fitted with {state.spec.loss!r}. "
                "Set it back, or fit anew."
            )
        if self._sorted_quantiles() != state.spec.quantiles:
            raise ValueError(
                f"quantiles are {self.quantiles!r}, and the forecaster was fitted with "
                f"{state.spec.quantiles}. Set them back, or fit anew."
            )
        whole, later = read_new(self, state.recent, y, X)
        self.fitted_ = fit_new(self, state, whole, self._settings).advanced(whole, later)
        return self

    @property
    def history_(self) -> pd.Series:
        """The series of ``fit``, sorted, as float64; of a panel with ids in the index.

        NaN where a value was missing.
        """
        check_is_fitted(self)
        history = self.fitted_.history
        indptr, ids, values = history.panel.indptr, history.ids, history.targets
        parts = [
            pd.Series(values[first:end], axis.index, copy=True)
            for first, end, axis in zip(indptr[:-1], indptr[1:], history.axes, strict=True)
        ]
        if len(ids) == 1:
            return parts[0].rename(history.form.name if ids[0] is None else ids[0])
        return pd.concat(dict(zip(ids, parts, strict=True)))

    @property
    def networks_(self) -> list[list[RecurrentNetwork]]:
        """All networks, (n_groups, n_members) of them: groups are series, or one for all.

        Of ``scope="fine_tuned"`` the last group is that of all series.
        """
        check_is_fitted(self)
        network, weights = self.fitted_.network, self.fitted_.weights
        return [[network.like(parameters) for parameters in group] for group in weights]

    @property
    def network_(self) -> RecurrentNetwork:
        """The trained network; the first where there are several."""
        return self.fitted_.network

    @property
    def season_(self) -> int:
        """Steps of a season in use, 1 for none."""
        return self.fitted_.spec.season

    @property
    def lookback_(self) -> int:
        """Past values that the network reads."""
        return self.fitted_.spec.lookback

    @property
    def segment_(self) -> int:
        """Values of a recurrent step."""
        return self.fitted_.spec.segment

    @property
    def transform_(self) -> str | None:
        """ "log" or None, as used."""
        return self.fitted_.transform

    @property
    def loss_(self) -> str:
        """The loss that the networks were fitted by."""
        return self.fitted_.spec.loss

    @property
    def quantiles_(self) -> tuple:
        """Sorted levels of the loss "quantile"; empty for other losses."""
        return self.fitted_.spec.quantiles
