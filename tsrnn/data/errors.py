"""Errors about data, with fields that say what is wrong, where, and what to do about it."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple


class DataError(ValueError):
    """Data that cannot be used.

    Parameters
    ----------
    problem, remedy : str, default=""
        What is wrong, a predicate without a subject: "has a gap"; what to do, in whole sentences.
    argument : str, default="y"
        The argument that holds the data.
    series, column : Hashable, optional
        Label of the series, None for a single one or where all are concerned; name of the column.
    row : Any, optional
        Time stamp or number of the first bad row.
    methods : str, default=""
        Methods of pandas that repair one series, ".asfreq('D')"; readers make code of them.

    See Also
    --------
    MissingDataError : Missing values.
    MissingRowsError : Missing time stamps.
    IrregularTimesError : Time stamps without a frequency.

    Examples
    --------
    >>> from tsrnn.data import DataError
    >>> print(DataError("is infinite at 2024-01-10", "Replace it.", series="shop"))
    Series 'shop' of y is infinite at 2024-01-10. Replace it.
    """

    def __init__(
        self,
        problem: str,
        remedy: str = "",
        *,
        argument: str = "y",
        series: Hashable | None = None,
        column: Hashable | None = None,
        row: Any = None,
        methods: str = "",
    ):
        super().__init__(problem, remedy)
        self.problem, self.remedy, self.methods = problem, remedy, methods
        self.argument, self.series, self.column, self.row = argument, series, column, row

    def __str__(self) -> str:
        subject = Location(self.argument, self.series, self.column)
        return f"{subject} {self.problem}. {self.remedy}".rstrip()


class MissingDataError(DataError):
    """Missing values or rows, which ``missing="mask"`` would allow.

    Parameters
    ----------
    problem, remedy : str, default=""
    **location
        As of :class:`DataError`.
    step : Any, optional
        Step of the time axis.

    See Also
    --------
    DataError : Its base, with the fields.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.data import MissingDataError
    >>> y = pd.Series([1.0, float("nan"), 3.0], pd.date_range("2024-01-01", periods=3))
    >>> try:
    ...     RNNForecaster().fit(y)
    ... except MissingDataError as error:
    ...     print(error.row)
    2024-01-02 00:00:00
    """

    def __init__(self, problem: str, remedy: str = "", *, step: Any = None, **location: Any):
        super().__init__(problem, remedy, **location)
        self.step = step


class MissingRowsError(MissingDataError):
    """Rows missing between known and new ones.

    Parameters
    ----------
    problem, remedy : str, default=""
    **location
        As of :class:`DataError`.
    first, last : Any, default=None
        Time stamps of the first and the last missing row.

    See Also
    --------
    IrregularTimesError : No frequency at all.
    DataError : Its base, with the fields.

    Examples
    --------
    >>> from tsrnn.data import MissingRowsError
    >>> MissingRowsError("has a gap", first=3, last=5).last
    5
    """

    def __init__(
        self,
        problem: str,
        remedy: str = "",
        *,
        first: Any = None,
        last: Any = None,
        **location: Any,
    ):
        super().__init__(problem, remedy, **location)
        self.first, self.last = first, last


class EmptySeriesError(DataError):
    """Series without a value.

    Parameters
    ----------
    problem, remedy : str, default=""
    **location
        As of :class:`DataError`.
    labels : sequence of Hashable, default=()
        Labels of these series.

    See Also
    --------
    DataError : Its base, with the fields.

    Examples
    --------
    >>> from tsrnn.data import EmptySeriesError
    >>> EmptySeriesError("have no value", labels=["shop 3"]).labels
    ['shop 3']
    """

    def __init__(
        self,
        problem: str,
        remedy: str = "",
        *,
        labels: Sequence[Hashable] = (),
        **location: Any,
    ):
        super().__init__(problem, remedy, **location)
        self.labels = labels


class RepeatedTimesError(DataError):
    """Several rows of one series and time stamp.

    Parameters
    ----------
    problem, remedy, argument, methods : str, default="", "", "y", ""
    series, column : Hashable, optional
    row : Any, optional
        As of :class:`DataError`.

    See Also
    --------
    DataError : Its base, with the fields.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.data import RepeatedTimesError
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-01", "2024-01-02"])
    >>> try:
    ...     RNNForecaster().fit(pd.Series([1.0, 2.0, 3.0], days))
    ... except RepeatedTimesError as error:
    ...     print(error.row)
    2024-01-01 00:00:00
    """


class IrregularTimesError(DataError):
    """Time stamps off the regular step, or that have none or several.

    Parameters
    ----------
    problem, remedy : str, default=""
    **location
        As of :class:`DataError`.
    step : Any, optional
        The regular step.
    grid : Any, optional
        The regular grid nearest to the time stamps.

    See Also
    --------
    MissingRowsError : A frequency with gaps.
    DataError : Its base, with the fields.

    Examples
    --------
    >>> from tsrnn.data import IrregularTimesError
    >>> IrregularTimesError("is irregular", step="1 day").step
    '1 day'
    """

    def __init__(
        self, problem: str, remedy: str = "", *, step: Any = None, grid: Any = None, **location: Any
    ):
        super().__init__(problem, remedy, **location)
        self.step, self.grid = step, grid


class UnknownCategoryError(DataError):
    """A category other than the known ones, which were learned in fitting.

    Parameters
    ----------
    problem, remedy : str, default=""
    **location
        As of :class:`DataError`.
    category : Hashable, optional
        The unknown one.
    known : sequence of Hashable, default=()
        Those of ``fit``.

    See Also
    --------
    DataError : Its base, with the fields.

    Examples
    --------
    >>> from tsrnn.data import UnknownCategoryError
    >>> UnknownCategoryError("is unknown", category="snow", known=["sun", "rain"]).category
    'snow'
    """

    def __init__(
        self,
        problem: str,
        remedy: str = "",
        *,
        category: Hashable = None,
        known: Sequence[Hashable] = (),
        **location: Any,
    ):
        super().__init__(problem, remedy, **location)
        self.category, self.known = category, known


class Location(NamedTuple):
    """Where data stand: an argument, and maybe a series and a column of it."""

    argument: str = "y"
    series: Hashable | None = None
    column: Hashable | None = None

    def __str__(self) -> str:
        of_argument = self.argument
        if self.series is not None:
            of_argument = f"series {self.series!r} of {self.argument}"
        if self.column is not None:
            return f"Column {self.column!r} of {of_argument}"
        return of_argument if self.series is None else f"S{of_argument[1:]}"

    def error(
        self,
        problem: str,
        remedy: str = "",
        row: Any = None,
        kind: type[DataError] = DataError,
        **facts: Any,
    ) -> DataError:
        """The error of a problem here."""
        return kind(problem, remedy, row=row, **facts, **self._asdict())


def listed(items: Iterable[Any], show: Callable[[Any], str] = repr, n: int = 5) -> str:
    """The first of many items, and the number of others: "'a', 'b' and 3 more"."""
    every = list(items)
    more = f" and {len(every) - n} more" if len(every) > n else ""
    return ", ".join(map(show, every[:n])) + more


def affected(labels: Sequence[Hashable]) -> str:
    """Words for the end of an error message: how many series have the problem, if several do."""
    if len(labels) < 2:
        return ""
    return f"; {len(labels)} series are affected: {listed(labels)}"
