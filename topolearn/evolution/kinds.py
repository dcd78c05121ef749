"""Choosing the kind of a method: what it does beyond its scores and schedules."""

from topolearn.evolution.deepr import Signed
from topolearn.evolution.methods import Method
from topolearn.evolution.ordinary import Ordinary
from topolearn.evolution.srigl import ConstantFanIn
from topolearn.evolution.topkast import Reselecting


def kind_of(method: Method) -> Ordinary:
    """Return the kind of a method.

    Examples
    --------
    >>> from topolearn.evolution import METHODS
    >>> {name: type(kind_of(row)).__name__ for name, row in METHODS.items() if type(kind_of(row)) is not Ordinary}
    {'srigl': 'ConstantFanIn', 'deepr': 'Signed', 'topkast': 'Reselecting'}
    """
    if method.constant_fan_in:
        return ConstantFanIn(method)
    if method.reselects_links:
        return Reselecting(method)
    if method.has_signs:
        return Signed(method)
    return Ordinary(method)
