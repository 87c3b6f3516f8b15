"""Finding and Diagnosis: what ``diagnose`` reports, in numbers and in words."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """One problem of a fitted network, with the numbers behind it.

    Attributes
    ----------
    cause : str
        Name of the problem.
    layer : str or None
        Layer that has it.
    values : dict of float
        The numbers behind it.
    wrong, advice : str
        What is wrong, and what to do.

    See Also
    --------
    diagnose : Makes them.
    Diagnosis : All findings of a network.

    Examples
    --------
    >>> from tsrnn.inspection import Finding
    >>> print(Finding("flat", None, {"loss": 1.0}, "the loss did not fall", "Train for longer."))
    flat: the loss did not fall. Train for longer.
    """

    cause: str
    layer: str | None
    values: dict[str, float]
    wrong: str
    advice: str

    def __str__(self) -> str:
        return f"{self.cause}: {self.wrong}. {self.advice}"


def percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


class Diagnosis(tuple):
    """Tuple of Finding, the likeliest root cause first, printed one per line; False where empty.

    See Also
    --------
    diagnose : Makes it.
    Finding : One of its findings.

    Examples
    --------
    >>> from tsrnn.inspection import Diagnosis
    >>> Diagnosis()
    Nothing was found to be wrong.
    """

    __slots__ = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """Names of the findings' causes, in their order."""
        return tuple(finding.cause for finding in self)

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "Nothing was found to be wrong."

    __str__ = __repr__
