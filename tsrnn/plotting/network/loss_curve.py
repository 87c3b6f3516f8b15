"""LossCurveDisplay: training and validation loss of each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsrnn.parameters import naming, validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.style import (
    BLUE,
    VERMILION,
    blend,
    draw_curve,
    foreground,
    format_axes,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class LossCurveDisplay:
    """Plot of the training loss of each epoch, and of the validation loss where there is one.

    Parameters
    ----------
    loss_curve : sequence of float
        Mean training loss of each epoch.
    validation_curve : sequence of float, optional
        Validation loss after each epoch.
    best_iter : int, optional
        Epoch, counted from 1, whose weights were kept; 0 for those before the first.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        The axes drawn on.
    training_line_, validation_line_, best_line_ : Line2D
        The curves, and the vertical line at the best epoch; None for what was not given.

    See Also
    --------
    tsrnn.RNNForecaster : Has ``loss_curve_`` and ``validation_scores_``.
    tsrnn.inspection.diagnose : Reports why a network does not learn.

    Examples
    --------
    >>> from tsrnn.plotting import LossCurveDisplay
    >>> display = LossCurveDisplay.from_curves([0.9, 0.4, 0.2], [0.8, 0.5, 0.6], best_iter=2)
    >>> display.ax_.get_xlabel()
    'epoch'
    """

    @validated(ARGUMENTS)
    def __init__(
        self,
        loss_curve: Sequence[float],
        validation_curve: Sequence[float] | None = None,
        best_iter: int | None = None,
    ):
        self.loss_curve = _curve(loss_curve, "loss_curve")
        self.validation_curve = None
        if validation_curve is not None:
            self.validation_curve = _curve(validation_curve, "validation_curve")
        self.best_iter = best_iter

    @classmethod
    @validated(ARGUMENTS)
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> LossCurveDisplay:
        """Plot the losses of an estimator; NotFittedError if it is not fitted.

        ``ax``, ``figsize`` and ``title`` are those of :meth:`plot`.
        """
        with naming("estimator"):
            check_is_fitted(estimator)
            if not estimator.loss_curve_:
                raise ValueError("Nothing was trained: there are no losses to plot.")
        scores = estimator.validation_scores_
        validation_curve = None if scores is None else [-score for score in scores]
        best = estimator.best_iter_ if scores is not None else None
        return cls(estimator.loss_curve_, validation_curve, best).plot(
            ax, figsize=figsize, title=title
        )

    @classmethod
    @validated(ARGUMENTS)
    def from_curves(
        cls,
        loss_curve: Sequence[float],
        validation_curve: Sequence[float] | None = None,
        *,
        best_iter: int | None = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> LossCurveDisplay:
        """Plot given losses; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if a curve is empty or not one-dimensional.
        """
        return cls(loss_curve, validation_curve, best_iter).plot(ax, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> LossCurveDisplay:
        """Draw on ``ax``, by default on a new figure of ``figsize`` inches, with a ``title``.

        Losses that fall tenfold are on a log scale.
        """
        self.ax_ = ax = new_axes(figsize or (9, 4)) if ax is None else ax
        self.figure_ = ax.figure
        self.validation_line_ = self.best_line_ = None
        style = {"color": BLUE, "linewidth": 1.6, "label": "training"}
        self.training_line_ = draw_curve(ax, self.loss_curve, style)
        shown = [self.loss_curve]
        if self.validation_curve is not None:
            shown.append(self.validation_curve)
            style = {"color": VERMILION, "linewidth": 1.6, "label": "held out"}
            self.validation_line_ = draw_curve(ax, self.validation_curve, style)
        if self.best_iter is not None:
            line: dict[str, Any] = {"color": blend(ax, foreground(ax), 0.5), "linewidth": 1}
            line |= {"linestyle": ":", "label": f"kept: epoch {self.best_iter}"}
            self.best_line_ = ax.axvline(self.best_iter, **line)
        values = np.concatenate(shown)
        if values.min() > 0 and values.max() > 10 * values.min():
            ax.set_yscale("log")
            ax.yaxis.set_major_formatter("{x:g}")
            ax.yaxis.set_minor_formatter("")
        format_axes(ax, self.loss_curve, title=title)
        return self


def _curve(values, name):
    with naming(name):
        values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"{name} must be a line of numbers, one an epoch; got {values!r}.")
    return pd.Series(values, pd.RangeIndex(1, values.size + 1, name="epoch"), name="loss")
