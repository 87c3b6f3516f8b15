"""Errors about data, with fields that say what is wrong, where, and what to do about it."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple


class DataError(ValueError):
    """Data that cannot be used.

    Parameters
    ----------
    problem, remedy : str
        What is wrong, a predicate without a subject: "has a gap"; what to do, in whole sentences.
    argument : str, default="y"
        The argument that holds the data.
    series, column : Hashable, optional
        Label of the series, None for a single one or where all are concerned; name of the column.
    row : Any, optional
        Time stamp or number of the first bad row.

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
    ):
        super().__init__(problem, remedy)
        self.problem, self.remedy = problem, remedy
        self.argument, self.series, self.column, self.row = argument, series, column, row

    def __str__(self) -> str:
        subject = Location(self.argument, self.series, self.column)
        return f"{subject} {self.problem}. {self.remedy}".rstrip()


class MissingDataError(DataError):
    """Missing values or rows, which ``missing="mask"`` would allow."""


class UnknownCategoryError(DataError):
    """A ``category`` other than the ``known`` ones, which were learned in fitting."""

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
        self, problem: str, remedy: str = "", row: Any = None, kind: type[DataError] = DataError
    ) -> DataError:
        """The error of a problem here."""
        return kind(problem, remedy, row=row, **self._asdict())
