"""What a diagnosis finds, in numbers and in words."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    cause : str
        Its name.
    layer : str or None
        Where, as the network's views name it.
    values : dict
        The numbers behind it.
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
    """A share in words."""
    return f"{100 * share:.{digits}f} %"


class Diagnosis(tuple):
    """What was found: a tuple of findings, the likeliest root cause first.

    True only if something was found; prints a line for each. A finding has ``cause``, ``layer``
    (or None), ``values``, the numbers behind it by name, ``wrong`` and ``advice``, in words.
    """

    __slots__ = ()

    @property
    def causes(self) -> tuple[str, ...]:
        """The causes' names, in their order."""
        return tuple(finding.cause for finding in self)

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "Nothing was found to be wrong."

    __str__ = __repr__
