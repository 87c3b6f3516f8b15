"""Updates of a fitted forecaster by new observations."""

from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.fitting import fit_new
from tsrnn.forecasting.inputs import read_new


class UpdateMixin(ForecasterBase):
    """Updates of a forecaster."""

    def update(self, y: Any, X: Any = None) -> Self:
        """Add new observations, from which ``predict`` continues, without training on them.

        Time depends on how many there are and on the lookback, not on the length of the history.

        Parameters
        ----------
        y : Series or DataFrame
            The values after each series, or some of them, in any form, with the fitted labels; a
            single series needs no label. With ``missing="mask"`` rows may be left out, the first
            ones too.
        X : Series or DataFrame, optional
            Covariates of these rows, where ``fit`` was given some, and of later ones.

        Returns
        -------
        self : RNNForecaster

        Raises
        ------
        ValueError
            If ``y`` holds other series, does not start where they end, or values are missing,
            infinite, more than 1e15 deviations from the mean of what was fitted, or not
            positive where logarithms are taken.

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
        self : RNNForecaster

        Raises
        ------
        ValueError
            As in ``update``; or if ``loss`` or its ``quantiles`` are no longer those of ``fit``, or
            the pretrained network forecasts alone.
        KeyboardInterrupt
            After Ctrl-C; the forecaster is as before, without the new observations.

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
        state.check_trained()
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
