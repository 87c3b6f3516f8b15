"""Panel: many series end to end in one array, with windows as positions in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Panel:
    """Series of any lengths in one array; a window is the position of its first value.

    Windows are never copied out: kernels read them from ``values``.

    Parameters
    ----------
    values : (n_values,) or (n_values, n_channels) array
        The series one after another, as float64.
    indptr : (n_series + 1,) int array
        Series ``i`` is ``values[indptr[i]:indptr[i + 1]]``.

    Examples
    --------
    >>> from tsrnn.data import Panel
    >>> panel = Panel.from_arrays([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0]])
    >>> panel.window_starts(lookback=2, horizon=1)
    array([0, 1, 4])
    >>> panel.values[4 : 4 + 2 + 1]
    array([5., 6., 7.])
    """

    def __init__(self, values: np.ndarray, indptr: np.ndarray):
        self.values = np.ascontiguousarray(values, dtype=np.float64)
        self.indptr = np.ascontiguousarray(indptr, dtype=np.int64)
        ends = self.indptr[[0, -1]] if self.indptr.size else None
        if (
            self.values.ndim not in (1, 2)
            or ends is None
            or ends[0] != 0
            or ends[1] != len(self.values)
            or (np.diff(self.indptr) < 0).any()
        ):
            raise ValueError(
                "indptr must rise from 0 to the number of values, one more entry than there are "
                f"series; got indptr={self.indptr.tolist()} for values of shape "
                f"{self.values.shape}."
            )

    @classmethod
    def from_arrays(cls, series: Sequence[np.ndarray]) -> Panel:
        """Panel of one-dimensional arrays, copied end to end."""
        arrays = [np.asarray(values, dtype=np.float64) for values in series]
        lengths = [0, *(values.size for values in arrays)]
        return cls(np.concatenate([np.empty(0), *arrays]), np.cumsum(lengths))

    @property
    def n_series(self) -> int:
        """Number of series."""
        return self.indptr.size - 1

    @property
    def lengths(self) -> np.ndarray:
        """Number of values of each series, (n_series,) int64."""
        return np.diff(self.indptr)

    def places_before(
        self, series: np.ndarray, ends: np.ndarray, n: int, season: int = 1
    ) -> np.ndarray:
        """Positions of the ``n`` values before each end, (n_windows, n).

        ``ends`` values of each ``series`` are known. Where they are fewer than ``n``, the first
        whole seasons of them (or all, where there is none) stand in front again, as often as it
        takes: padding of the same level, spread and season, from nothing after the end.

        Examples
        --------
        >>> import numpy as np
        >>> from tsrnn.data import Panel
        >>> panel = Panel.from_arrays([[0.0, 10.0, 20.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
        >>> places = panel.places_before(np.array([1]), np.array([5]), n=8, season=2)
        >>> panel.values[places]
        array([[2., 3., 4., 1., 2., 3., 4., 5.]])
        """
        steps = ends[:, None] + np.arange(-n, 0)
        periods = np.where(ends >= season, ends // season * season, ends)[:, None]
        return self.indptr[series][:, None] + np.where(steps < 0, steps % periods, steps)

    def window_starts(self, lookback: int, horizon: int, step: int = 1) -> np.ndarray:
        """Sorted positions of all windows of ``lookback + horizon`` values within one series each.

        They are ``step`` apart, counted from a series' last; a horizon of 0 gives those to predict
        from.
        """
        starts = [
            np.arange(last, first - 1, -step)[::-1]
            for first, last in zip(
                self.indptr[:-1], self.indptr[1:] - lookback - horizon, strict=True
            )
        ]
        return np.concatenate([np.empty(0, np.int64), *starts])
