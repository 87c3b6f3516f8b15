"""Updates of a fitted forecaster by new observations."""

from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from tsrnn.forecasting.base import ForecasterBase
from tsrnn.forecasting.choices import log_added
from tsrnn.forecasting.fitting import fit_new
from tsrnn.forecasting.inputs import read_update
from tsrnn.parameters import BOOLEAN, validated


class UpdateMixin(ForecasterBase):
    """Updates of a forecaster."""

    @validated(overwrite=[BOOLEAN])
    def update(self, y: Any, X: Any = None, static: Any = None, *, overwrite: bool = False) -> Self:
        """Add new observations, from which ``predict`` continues, without training on them.

        Time depends on how many there are and on the lookback, not on the length of the history.
        Series that were not fitted are added to the panel, and are forecast by the network of all;
        the logger "tsrnn" names them at level INFO.

        Parameters
        ----------
        y : Series or DataFrame
            The values after each series, or some of them, in any form, with the fitted labels; a
            single series needs no label. With ``missing="mask"`` rows may be left out, the first
            ones too. Of a series that is new all values that there are.
        X : Series or DataFrame, optional
            Covariates of these rows, where ``fit`` was given some, and of later ones.
        static : DataFrame, optional
            Static values of the series that are new, where ``fit`` was given some.
        overwrite : bool, default=False
            Whether rows of known time stamps correct the values, and those of ``X`` the covariates,
            that were known there. Rows left out and missing values keep what was known. Values
            before all that forecasts read, which are not kept after an update, are left out. All
            series are known ones: those that are new are added without ``overwrite``.

        Returns
        -------
        self : RNNForecaster

        Raises
        ------
        ValueError
            If ``y`` does not start where its series end, holds new series where each has a network
            of its own or with ``overwrite``, or values are missing, infinite, more than 1e15
            deviations from the mean of what was fitted, or not positive where logarithms are taken.

        Examples
        --------
        >>> from tsrnn import RNNForecaster
        >>> from tsrnn.datasets import load_airline
        >>> y = load_airline()
        >>> forecaster = RNNForecaster(horizon=3, max_iter=20).fit(y[:-1])
        >>> forecaster.update(y[-1:]).predict().index[0]
        Timestamp('1961-01-01 00:00:00')

        The last value was counted wrong:

        >>> corrected = y[-1:] - 20
        >>> forecaster.update(corrected, overwrite=True).recent_.iloc[-1]
        np.float64(412.0)
        """
        check_is_fitted(self)
        new = read_update(self, y, X, static, overwrite=overwrite)
        log_added(type(self).__name__, self.fitted_, new.state)
        self.fitted_ = new.state.advanced(new.whole, new.later)
        return self

    def partial_fit(self, y: Any, X: Any = None, static: Any = None) -> Self:
        """Add new observations and train on them: one pass over the windows that end in them.

        Parameters
        ----------
        y, X, static
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
            return self.fit(y, X, static)
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
        new = read_update(self, y, X, static)
        log_added(type(self).__name__, state, new.state)
        state = fit_new(self, new.state, new.whole, new.n_known, self._settings)
        self.fitted_ = state.advanced(new.whole, new.later)
        return self
