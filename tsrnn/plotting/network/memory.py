"""MemoryDisplay: half-lives of the units' memory, compared with the window of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tsrnn.inspection import memory_half_life
from tsrnn.inspection.batch import read_batch
from tsrnn.parameters import validated
from tsrnn.plotting.checks import ARGUMENTS
from tsrnn.plotting.network.comparison import cell_name, line_style, name_estimators
from tsrnn.plotting.style import (
    background,
    blend,
    foreground,
    format_axes,
    legend_style,
    new_axes,
    set_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_WINDOWS = 1000.0  # of a half-life; longer ones are drawn as infinite


class MemoryDisplay:
    """Plot of the half-lives of all units, sorted, on a logarithmic axis.

    Each dot is a unit: x is the number of steps of the series after which half of its memory is
    gone, y the share of units that remember at least as long. Units to the right of the window's
    mark keep more than half of their first memory to its end.

    Parameters
    ----------
    half_lives : Series, or dict of str to Series
        What ``tsrnn.inspection.memory_half_life`` returns, by name.
    window : int, optional
        Steps of the series that the network reads.

    Attributes
    ----------
    ax_, figure_, dots_ : Axes, Figure, dict
        ``dots_``: Line2D of the units by pair of name and layer, shortest memory first.
    window_line_, endless_ : Line2D, float
        Mark of the window; x of half-lives over a thousand windows or infinite; or None.

    See Also
    --------
    tsrnn.inspection.memory_half_life : The half-lives that it draws.
    GateDisplay : The gates at each step.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.plotting import MemoryDisplay
    >>> X = np.random.default_rng(0).normal(size=(40, 5))
    >>> regressor = RNNRegressor(hidden_size=4, max_iter=2).fit(X, X[:, 0])
    >>> display = MemoryDisplay.from_estimator(regressor, X)
    >>> display.dots_["LSTM", "l0"].get_ydata().tolist()
    [100.0, 75.0, 50.0, 25.0]
    """

    @validated(ARGUMENTS)
    def __init__(
        self, half_lives: pd.Series | Mapping[str, pd.Series], *, window: int | None = None
    ):
        if not isinstance(half_lives, Mapping):
            half_lives = {"units": half_lives}
        if not half_lives:
            raise ValueError("half_lives is empty: give at least one, by name.")
        for name, lives in half_lives.items():
            if not isinstance(lives, pd.Series) or lives.index.nlevels != 2 or lives.empty:
                raise ValueError(
                    f"Half-lives {name!r} must be what tsrnn.inspection.memory_half_life returns, "
                    f"got {type(lives).__name__}."
                )
            if not (lives >= 0).all():
                raise ValueError(f"Half-lives {name!r} must be numbers from 0.")
        self.half_lives, self.window = dict(half_lives), window

    @classmethod
    @validated(ARGUMENTS)
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> MemoryDisplay:
        """Plot the half-lives of a fitted network.

        Parameters
        ----------
        estimator : fitted RNNForecaster, RNNRegressor or RNNClassifier
        X, ax, figsize, title
            As for ``tsrnn.inspection.memory_half_life`` and :meth:`plot`.

        Raises
        ------
        NotFittedError, ValueError
            If the estimator is not fitted, can't be inspected, or its cell has no gates.
        """
        return cls.from_estimators(
            {cell_name(estimator): estimator}, X, ax=ax, figsize=figsize, title=title
        )

    @classmethod
    @validated(ARGUMENTS)
    def from_estimators(
        cls,
        estimators: Mapping[str, Any] | Sequence[Any],
        X: Any = None,
        *,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> MemoryDisplay:
        """Compare fitted networks, named by the keys of a dict, or of a sequence by their cells.

        Other parameters and errors are those of :meth:`from_estimator`.
        """
        estimators = name_estimators(estimators)
        lives = {name: memory_half_life(model, X) for name, model in estimators.items()}
        batches = [read_batch(model, X) for model in estimators.values()]
        windows = {len(batch.step_labels[0]) * batch.segment for batch in batches}
        # With different windows the mark would belong to one of them only.
        return cls(lives, window=windows.pop() if len(windows) == 1 else None).plot(
            ax, figsize=figsize, title=title
        )

    @classmethod
    @validated(ARGUMENTS)
    def from_half_lives(
        cls,
        half_lives: pd.Series | Mapping[str, pd.Series],
        *,
        window: int | None = None,
        ax: Axes | None = None,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> MemoryDisplay:
        """Plot given half-lives; the parameters are those of the class and of :meth:`plot`.

        Raises ValueError if they are not such Series.
        """
        return cls(half_lives, window=window).plot(ax, figsize=figsize, title=title)

    @validated(ARGUMENTS)
    def plot(
        self,
        ax: Axes | None = None,
        *,
        figsize: tuple[float, float] | None = None,
        title: str | None = None,
    ) -> MemoryDisplay:
        """Draw on ``ax``, by default on a new figure of ``figsize`` inches, with a ``title``."""
        self.ax_ = ax = new_axes(figsize or (7.5, 4.2)) if ax is None else ax
        self.figure_, self.dots_, self.window_line_ = ax.figure, {}, None
        all_lives = np.concatenate([lives.to_numpy(float) for lives in self.half_lives.values()])
        drawn = self._limits(all_lives)
        groups = {
            (name, layer): units.to_numpy(float)
            for name, lives in self.half_lives.items()
            for layer, units in lives.groupby(level=0)
        }
        for number, ((name, layer), lives) in enumerate(groups.items()):
            lives = np.sort(lives)
            shares = 100 * (lives.size - np.arange(lives.size)) / lives.size
            label = f"{name}, {layer}" if len(groups) > len(self.half_lives) else name
            style = {"color": line_style(number)["color"], "label": label, "marker": "o"}
            style |= {"linewidth": 1, "drawstyle": "steps-pre", "markersize": 6, "zorder": 3}
            style |= {"markeredgecolor": background(ax), "markeredgewidth": 0.7}
            x = np.clip(lives, drawn[0], self.endless_ or drawn[1])
            (self.dots_[name, layer],) = ax.plot(x, shares, **style)
        self._format(ax, drawn, len(groups) > 1)
        set_title(ax, title)
        return self

    def _limits(self, all_lives):
        """Least and largest half-life drawn to scale; sets ``endless_``."""
        most = _MAX_WINDOWS * self.window if self.window else np.finfo(float).max
        finite = all_lives[(all_lives > 0) & (all_lives <= most)]
        shown = [*finite, *([self.window] if self.window else [])] or [1.0]
        low, high = min(shown), max(shown)
        self.endless_ = 3.0 * high if (all_lives > most).any() else None
        return low, high

    def _format(self, ax, drawn, several):
        ax.set_xscale("log")
        text, faint = blend(ax, foreground(ax), 0.85), blend(ax, foreground(ax), 0.55)
        ax.set_ylim(0, 105)
        format_axes(
            ax, pd.Series([0.0, 1.0], name="units that remember at least as long (%)"), legend=False
        )
        ax.set_xlabel("half-life (steps of the series)", color=text)
        ax.margins(x=0.04)
        if self.window:
            style = {"color": faint, "linewidth": 1.1, "linestyle": (0, (4, 3)), "zorder": 2}
            self.window_line_ = ax.axvline(self.window, **style)
            style = {"color": faint, "ha": "right", "va": "bottom", "fontsize": "small"}
            label = f"window: {self.window} steps"
            ax.text(self.window, 1.01, label, transform=ax.get_xaxis_transform(), **style)
        _plain_ticks(ax, drawn)
        if self.endless_:
            style = {"color": text, "ha": "center", "va": "top", "fontsize": "x-large"}
            place = self.endless_, -0.015
            ax.text(*place, r"$\infty$", transform=ax.get_xaxis_transform(), **style)
        if several:
            ax.legend(**legend_style(ax))


def _plain_ticks(ax, drawn):
    """Ticks with plain numbers, up to the largest half-life drawn to scale."""
    from matplotlib.ticker import LogLocator, NullLocator

    low, high = ax.get_xlim()
    subs = (1, 2, 5) if high < 1e3 * low else (1,)
    ticks = LogLocator(subs=subs).tick_values(low, high)
    ticks = [tick for tick in ticks if low <= tick <= max(drawn[1], 2 * low)]
    ax.set_xlim(low, high)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
