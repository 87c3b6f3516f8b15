"""Small multiples: the series to draw, one axes for each, one legend for all."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.parameters import naming
from tsrnn.plotting.style import blend, foreground, legend_above, legend_style, new_axes, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_SERIES = 12  # drawn by default
_WIDTH, _HEIGHT = 4.2, 2.4  # inches of each of several axes


@naming("ids")
def choose_series(ids: Any, labels: list) -> list:
    """Labels of the series to draw: ``ids``, if known, or by default the first twelve."""
    if ids is None:
        return labels[:MAX_SERIES]
    if labels == [None]:
        raise ValueError(f"ids chooses series of a panel, and this is one series; got {ids!r}.")
    ids = ids.tolist() if hasattr(ids, "tolist") else ids  # NumPy and pandas
    is_label = isinstance(ids, str) or not isinstance(ids, Iterable) or ids in labels
    wanted = [ids] if is_label else list(ids)
    unknown = [label for label in wanted if label not in labels]
    if unknown or not wanted:
        more = f" and {len(labels) - 10} more" if len(labels) > 10 else ""
        problem = f"has {unknown[0]!r}, which is none of them" if unknown else "is empty"
        raise ValueError(f"ids {problem}. Choose among the series {labels[:10]}{more}.")
    return wanted


def listed_axes(axes: Any, n: int, usage: str, remedy: str = "") -> list[Axes]:
    """The given axes as a list of ``n``; ``usage`` and ``remedy`` are for the error otherwise."""
    axes = list(np.ravel(np.asarray(axes, dtype=object)))
    if len(axes) != n:
        raise ValueError(f"{usage}, {n} of them, got {len(axes)}. {remedy}".rstrip())
    return axes


def axes_grid(
    n_axes: int,
    n_cols: int | None,
    ax: Axes | Sequence[Axes] | None,
    figsize: tuple[float, float] | None = None,
) -> list[Axes]:
    """One axes for each series: ``ax``, or new ones in rows of ``n_cols``."""
    if ax is not None:
        remedy = "Choose series by ids, or leave ax out."
        return listed_axes(ax, n_axes, "ax must be one axes a series", remedy)
    if n_cols is None:
        n_cols = 2 if n_axes == 4 else 3
    if n_axes == 1:
        return [new_axes(figsize or (9, 4))]
    n_cols = min(n_cols, n_axes)
    n_rows = -(-n_axes // n_cols)
    size = figsize or (max(9, _WIDTH * n_cols), max(4, _HEIGHT * n_rows + 0.4))
    _, axes = pyplot().subplots(n_rows, n_cols, figsize=size, layout="constrained", squeeze=False)
    for spare in axes.flat[n_axes:]:
        spare.remove()
    return list(axes.flat[:n_axes])


def label_axes(
    axes: dict[Hashable, Axes],
    n_more: int,
    is_new: bool,
    target: Hashable | None = None,
    title: str | None = None,
) -> None:
    """Set titles and one legend; on a new figure also a note on ``n_more`` omitted series."""
    first = next(iter(axes.values()))
    text = blend(first, foreground(first), 0.85)
    handles: dict[str, Any] = {}
    for label, ax in axes.items():
        if label is not None:
            ax.set_title(_title(label), loc="left", fontsize="medium", color=text)
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    if is_new and len(axes) > 1:
        style = legend_style(first) | {"handles": list(handles.values()), "labels": list(handles)}
        place = "lower" if title else "upper"  # where the title is not
        first.figure.legend(**style | {"loc": f"outside {place} left", "ncols": 6})
    else:
        legend_above(first, first.get_title(loc="left") or None, handles.values())
    if title is not None:
        first.figure.suptitle(title, x=0.01, ha="left", fontsize="medium", color=text)
    if is_new and n_more:
        note = f"{len(axes)} of {len(axes) + n_more} series; ids chooses others"
        first.figure.supxlabel(note, x=0.01, ha="left", fontsize="small", color=text)
    if is_new and target is not None:
        first.figure.supylabel(str(target), fontsize="medium", color=text)


def _title(label):
    return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)
