"""Power-law fits of the layers of a run, at the steps where exponents were measured."""

from collections.abc import Callable
from typing import Any

from topolearn.diagnostics import MEASURES, PowerLawFit
from topolearn.diagnostics.degree_laws import N_BOOTSTRAPS
from topolearn.errors import UndefinedMeasureError
from topolearn.plotting.run_data import RunLike


def fit_at(run: RunLike, name: str, layer: str, step: int) -> PowerLawFit | None:
    """Return the tested fit of an exponent that a run measured; None for other measures and for lost graphs."""
    if not MEASURES[name].is_fit or layer not in run.history.layers or step not in run.history.graph_steps:
        return None
    fitted: Callable[..., Any] = MEASURES[name].function
    try:
        exponent = fitted(run.history.at(step)[layer], n_bootstraps=N_BOOTSTRAPS)
    except UndefinedMeasureError:
        return None
    fit: PowerLawFit = exponent.fit
    return fit


def holds(run: RunLike, name: str, layer: str, step: int) -> bool:
    """Return whether a measure is meaningful: an exponent requires a plausible power law."""
    if not MEASURES[name].is_fit:
        return True
    fit = fit_at(run, name, layer, step)
    return fit is not None and bool(fit.is_plausible)
