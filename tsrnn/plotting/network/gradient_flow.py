"""GradientFlowDisplay: norm of the loss's gradient by the number of steps back in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.inspection import gradient_flow
from tsrnn.parameters import ListOf, StrOptions, validated
from tsrnn.plotting.checks import ARGUMENTS, takes_axes
from tsrnn.plotting.grid import listed_axes
from tsrnn.plotting.network.comparison import cell_name, line_style, name_estimators
from tsrnn.plotting.style import blend, draw_curve, foreground, format_axes, legend_above, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.lines import Line2D

_NORMS = {"hidden": r"gradient of the loss by $h$", "weights": r"a step's gradient by the weights"}
_NORM = StrOptions(_NORMS)
_ARGUMENTS = ARGUMENTS | {"norm": [_NORM, ListOf(_NORM, least=1)]}
_ROUNDING = float(np.finfo(np.float32).eps)
_WIDTH, _HEIGHT = 7.5, 4.2  # inches of one of the axes


class GradientFlowDisplay:
    """Plot of the norm of the loss's gradient at each lag, on a logarithmic axis.

    Where a line falls straight, the gradient vanishes by the same factor each step. Of several
    sequences the line is the median, and a band holds 80 % of them.

    Parameters
    ----------
    flows : DataFrame, or dict of str to DataFrame
        What ``tsrnn.inspection.gradient_flow`` returns, by name.
    layer : str, optional
        Layer as the columns name it, such as "l0"; by default the last one of each.
    norm : {"hidden", "weights"} or list of both, default="hidden"
        Norm to draw: of the gradient by h or by the weights; both on axes next to each other.
    relative : bool, default=True
        Divide by the norm at the first lag, of several sequences by the median there.

    Attributes
    ----------
    axes_, lines_, figure_ : dict, dict, Figure
        Axes by norm; Line2D by pair of norm and name, a norm of 0 being a gap.
    bands_ : dict
        PolyCollection by pair of norm and name, of flows of several sequences.
    rounding_lines_ : dict
        By norm, if one falls so far, the line below which float32 loses a step's share.

    See Also
    --------
    tsrnn.inspection.gradient_flow : The gradient that it draws.
    MemoryDisplay : How long units remember.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.plotting import GradientFlowDisplay
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> fitted = [
    ...     RNNRegressor(cell=cell, hidden_size=3, max_iter=2).fit(X, X[:, 0])
    ...     for cell in ("rnn", "lstm")
    ... ]
    >>> display = GradientFlowDisplay.from_estimators(fitted, X, X[:, 0])
    >>> list(display.lines_)
    [('hidden', 'RNN'), ('hidden', 'LSTM')]
    >>> float(display.lines_["hidden", "LSTM"].get_ydata()[0])
    1.0
    """

    @validated(_ARGUMENTS)
    def __init__(
        self,
        flows: pd.DataFrame | Mapping[str, pd.DataFrame],
        *,
        layer: str | None = None,
        norm: str | Sequence[str] = "hidden",
        relative: bool = True,
    ):
        flows = flows if isinstance(flows, Mapping) else {"gradient": flows}
        self.norms = [norm] if isinstance(norm, str) else list(norm)
        if not flows:
            raise ValueError("flows is empty.")
        self.relative, self.curves, self.ranges = relative, {}, {}
        for name, flow in flows.items():
            norms = flow[_layer(flow, layer, name)]
            for kind in self.norms:
                curve = norms[kind].where(norms[kind] > 0)
                unit = curve.iloc[0] if relative else 1.0
                self.curves[kind, name] = curve / unit
                bounds = [f"{kind}_lower", f"{kind}_upper"]
                if set(bounds) <= set(norms) and (norms[bounds[0]] < norms[bounds[1]]).any():
                    self.ranges[kind, name] = norms[bounds] / unit

    @classmethod
    @takes_axes
    @validated(_ARGUMENTS)
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        layer: str | None = None,
        norm: str | Sequence[str] = "hidden",
        relative: bool = True,
        ax: Axes | Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> GradientFlowDisplay:
        """Plot the gradient flow of a fitted network.

        Parameters
        ----------
        estimator : fitted RNNForecaster, RNNRegressor or RNNClassifier
        X, y : optional
            As for ``tsrnn.inspection.gradient_flow``.
        layer, norm, relative, ax, figsize, title
            As in :class:`GradientFlowDisplay` and :meth:`plot`.

        Raises
        ------
        NotFittedError, ValueError
            If it is not fitted or can't be inspected, ``y`` is missing, or there is no such layer.
        """
        flow = gradient_flow(estimator, X, y)
        display = cls({cell_name(estimator): flow}, layer=layer, norm=norm, relative=relative)
        return display.plot(ax, figsize=figsize, title=title)

    @classmethod
    @takes_axes
    @validated(_ARGUMENTS)
    def from_estimators(
        cls,
        estimators: Mapping[str, Any] | Sequence[Any],
        X: Any = None,
        y: Any = None,
        *,
        layer: str | None = None,
        norm: str | Sequence[str] = "hidden",
        relative: bool = True,
        ax: Axes | Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> GradientFlowDisplay:
        """Compare fitted networks, named by the keys of a dict, or of a sequence by their cells.

        Other parameters and errors are those of :meth:`from_estimator`.
        """
        flows = {
            name: gradient_flow(estimator, X, y)
            for name, estimator in name_estimators(estimators).items()
        }
        return cls(flows, layer=layer, norm=norm, relative=relative).plot(
            ax, figsize=figsize, title=title
        )

    @classmethod
    @takes_axes
    @validated(_ARGUMENTS)
    def from_flows(
        cls,
        flows: pd.DataFrame | Mapping[str, pd.DataFrame],
        *,
        layer: str | None = None,
        norm: str | Sequence[str] = "hidden",
        relative: bool = True,
        ax: Axes | Sequence[Axes] | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> GradientFlowDisplay:
        """Plot given norms; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if there is no such layer, or no such norm.
        """
        return cls(flows, layer=layer, norm=norm, relative=relative).plot(
            ax, figsize=figsize, title=title
        )

    @takes_axes
    @validated(_ARGUMENTS)
    def plot(
        self,
        ax: Axes | Sequence[Axes] | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> GradientFlowDisplay:
        """Draw the curves on ``ax``, one for each norm, by default on a new figure.

        The figure has ``figsize`` inches and a ``title``.
        """
        self.axes_ = dict(zip(self.norms, self._adjacent_axes(ax, figsize), strict=True))
        self.figure_ = self.axes_[self.norms[0]].figure
        self.lines_: dict[tuple[str, str], Line2D] = {}
        self.bands_: dict[tuple[str, str], PolyCollection] = {}
        self.rounding_lines_: dict[str, Line2D] = {}
        names = list(dict.fromkeys(name for _, name in self.curves))
        for norm, norm_ax in self.axes_.items():
            for number, name in enumerate(names):
                style = {"linewidth": 2, "label": name} | line_style(number)
                self.lines_[norm, name] = line = draw_curve(norm_ax, self.curves[norm, name], style)
                if (norm, name) in self.ranges:
                    band = self.ranges[norm, name]
                    style = {"color": line.get_color(), "alpha": 0.16, "linewidth": 0, "zorder": 1}
                    self.bands_[norm, name] = norm_ax.fill_between(
                        band.index, *band.T.values, **style
                    )
            self._format(norm_ax, norm)
        if title is not None:
            self.figure_.suptitle(title, x=0.01, ha="left", fontsize="medium")
        if len(names) == 1:
            return self
        first = self.axes_[self.norms[0]]
        legend_above(first, first.get_title(loc="left"))
        return self

    def _format(self, ax, norm):
        from matplotlib.ticker import LogLocator, NullFormatter

        curves = [curve for (kind, _), curve in self.curves.items() if kind == norm]
        ax.set_yscale("log")
        if self.relative and min(curve.min() for curve in curves) < _ROUNDING:
            faint = blend(ax, foreground(ax), 0.55)
            style = {"color": faint, "linewidth": 1, "linestyle": (0, (2, 3)), "zorder": 1.9}
            self.rounding_lines_[norm] = ax.axhline(_ROUNDING, **style)
            style = {"ha": "right", "va": "bottom", "fontsize": "small", "color": faint}
            place = 0.995, _ROUNDING
            ax.text(*place, "float32 rounding", transform=ax.get_yaxis_transform(), **style)
        title = f"{_NORMS[norm]}" + (", relative to lag 0" if self.relative else "")
        bands = [band for (kind, _), band in self.ranges.items() if kind == norm]
        title += " (median and 80 % band)" if bands else ""
        longest = max(curves, key=len)
        format_axes(
            ax, longest.rename("norm").rename_axis("lag (steps back from the end)"), legend=False
        )
        ax.set_title(title, loc="left", fontsize="medium", color=blend(ax, foreground(ax), 0.85))
        ax.set_ylabel("")
        drawn = np.concatenate([np.ravel(values) for values in (*curves, *bands)])
        drawn = drawn[drawn > 0]
        if drawn.max(initial=0) < 50 * drawn.min(initial=np.inf):  # few powers of ten
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter("{x:g}")
        else:
            ax.yaxis.set_major_locator(LogLocator(numticks=7))
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.tick_params(axis="y", which="minor", length=0)

    def _adjacent_axes(self, axes, figsize) -> list:
        """Axes next to each other: ``axes``, or new ones."""
        n = len(self.norms)
        if axes is None:
            size = figsize or ((_WIDTH if n == 1 else 0.8 * n * _WIDTH), _HEIGHT)
            axes = pyplot().subplots(1, n, figsize=size, layout="constrained", squeeze=False)[1]
        return listed_axes(axes, n, "ax must be one for each norm")


def _layer(flow, layer, name) -> str:
    """The layer, by default the last one that goes forwards."""
    if not isinstance(flow, pd.DataFrame) or flow.empty or flow.columns.nlevels != 2:
        raise ValueError(
            f"Flow {name!r} must be what tsrnn.inspection.gradient_flow returns, got "
            f"{type(flow).__name__}."
        )
    layers = flow.columns.unique(level=0).tolist()
    if layer is not None:
        if layer not in layers:
            raise ValueError(f"layer is {layer!r}, and {name!r} has {layers}.")
        return layer
    return [name for name in layers if not str(name).endswith("_reverse")][-1]
