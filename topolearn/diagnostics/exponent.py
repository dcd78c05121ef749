"""`Exponent`: the exponent of a fitted power law, together with its fit."""

from typing import Any

from topolearn.diagnostics.power_law import PowerLawFit


class Exponent(float):
    """A float with the fit that it comes from, usable wherever a float is.

    Parameters
    ----------
    fit : PowerLawFit

    Examples
    --------
    >>> from topolearn.diagnostics import power_law
    >>> gamma = Exponent(power_law([1, 1, 1, 2, 3], n_bootstraps=0))
    >>> gamma, round(gamma + 1, 2)
    (2.328 (no power law: only 5 in the tail), 3.33)
    """

    fit: PowerLawFit

    def __new__(cls, fit: PowerLawFit) -> "Exponent":
        """Create the float."""
        made = super().__new__(cls, fit.gamma)
        made.fit = fit
        return made

    def __repr__(self) -> str:
        return f"{float(self):.4g} ({self.fit.verdict})" if self.fit.is_plausible is False else f"{float(self):.4g}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Exponent, (self.fit,)
