"""`Estimate`: a number estimated from a sample, with its standard error."""

from typing import Any


class Estimate(float):
    """A float with a standard error, usable wherever a float is.

    Parameters
    ----------
    value : float
    error : float
        The standard error; 0 for an exact value.

    Examples
    --------
    >>> length = Estimate(3.46, error=0.02)
    >>> length, length.error, length + 1
    (3.46 ± 0.02, 0.02, 4.46)
    >>> Estimate(3.46)
    3.46
    """

    error: float

    def __new__(cls, value: float, *, error: float = 0.0) -> "Estimate":
        """Create the float."""
        made = super().__new__(cls, value)
        made.error = float(error)
        return made

    def __repr__(self) -> str:
        return f"{float(self)!r} ± {self.error:.2g}" if self.error else float.__repr__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (float(self), self.error)


def _remade(value: float, error: float) -> Estimate:
    return Estimate(value, error=error)
