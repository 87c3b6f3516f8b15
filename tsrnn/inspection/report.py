"""Finding and Diagnosis: what ``diagnose`` reports, in numbers and in words."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """One problem of a fitted network.

    Attributes
    ----------
    cause : str
        Name of the problem.
    layer : str or None
        The layer that has it, as the network's views name it.
    values : dict
        The numbers behind it, by name.
    wrong, advice : str
        What is wrong, and what to change.
    """

    cause: str
    layer: str | None
    values: dict[str, float]
    wrong: str
    advice: str

    def __str__(self) -> str:
        return f"{self.cause}: {self.wrong}. {self.advice}"


def percent(share: float, digits: int = 0) -> str:
    """A share as text, in percent."""
    return f"{100 * share:.{digits}f} %"


class Diagnosis(tuple):
    """Tuple of findings, the likeliest root cause first; printed as one line for each.

    False where nothing was found. A finding has ``cause``, ``layer`` (or None), ``values``, the
    numbers behind it by name, ``wrong`` and ``advice``, both as text.
    """

    __slots__ = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """Names of the findings' causes, in their order."""
        return tuple(finding.cause for finding in self)

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "Nothing was found to be wrong."

    __str__ = __repr__
