"""A method is a row of a table: what it starts with, what it removes and regrows, and how fast."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from topolearn.declared import settle_fields
from topolearn.errors import InvalidValueError
from topolearn.evolution.regrowth import REGROWTHS
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.evolution.schedules import ZETA_SCHEDULES
from topolearn.generators import DISTRIBUTIONS, check_params, check_share
from topolearn.registry import suggest

SOFT = "-soft"


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to train a sparse network, as a combination of named parts.

    Attributes
    ----------
    name, title, paper : str
        Its name in topolearn, its name in print, and where it comes from.
    density : float
        Share of the cells that are links, in (0, 1].
    generator : str or None
        The model of the initial topology, one of `topolearn.generators.names`, such as ``bsw`` or ``bsf+ep+resort``;
        None leaves all layers dense.
    generator_params : dict
        Parameters of that model.
    distribution : str or dict of str to float
        How the links are shared out among the layers: ``uniform``, ``erk``, or densities by patterns of layer names.
    removal : str or None
        A removal score; with the ending ``-soft`` links are kept by sampling in proportion to it (eq. 2), without it
        those with the highest scores are kept. None never changes the topology.
    regrowth : str or None
        A regrowth score, soft or hard likewise.
    zeta : float
        Fraction of the links that an update removes, in (0, 1).
    zeta_schedule : str
        How zeta moves through training: ``constant`` or ``cosine``.
    softness : (float, float)
        delta of eq. 2 at the start and at the end, each in [0, 1).
    percolation : bool
        Whether links to and from inactive neurons are removed at each update.
    stop_fraction : float
        Share of the training in which the topology evolves, in (0, 1].

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For values of another type or out of range, and combinations without a meaning.
    UnknownNameError
        For names of no registered part.
    """

    name: str
    title: str
    paper: str
    density: float = 0.05
    generator: str | None = "er"
    generator_params: dict[str, Any] = field(default_factory=dict)
    distribution: str | dict[str, float] = "uniform"
    removal: str | None = None
    regrowth: str | None = None
    zeta: float = 0.3
    zeta_schedule: str = "constant"
    softness: tuple[float, float] = (0.5, 0.75)
    percolation: bool = False
    stop_fraction: float = 1.0

    def __post_init__(self) -> None:
        settle_fields(self)
        _check_start(self)
        _check_parts(self)
        if not 0 < self.zeta < 1:
            raise InvalidValueError(f"zeta={self.zeta} must lie strictly between 0 and 1")
        if not 0 < self.stop_fraction <= 1:
            raise InvalidValueError(f"stop_fraction={self.stop_fraction} must lie in (0, 1]")
        if len(self.softness) != 2 or not all(0 <= delta < 1 for delta in self.softness):
            raise InvalidValueError(f"softness={self.softness} must be two deltas in [0, 1), such as (0.5, 0.75)")

    @property
    def is_dense(self) -> bool:
        """Whether the method leaves the layers dense."""
        return self.generator is None

    @property
    def evolves(self) -> bool:
        """Whether the method changes the topology during training."""
        return self.removal is not None

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values."""
        return asdict(self)

    def with_overrides(self, overrides: Mapping[str, Any]) -> "Method":
        """Return the method with other values for some fields.

        Another generator drops the parameters of the former one.

        Raises
        ------
        UnknownNameError, InvalidValueError
            For a field that does not exist, or a value that is refused.
        """
        known = [f.name for f in fields(self) if f.name not in ("name", "title", "paper")]
        for word in overrides:
            if word not in known:
                raise InvalidValueError(f"a method has no field {word!r}: {suggest(word, known)}")
        values = dict(overrides)
        if values.get("generator", self.generator) != self.generator:
            values.setdefault("generator_params", {})
        return replace(self, **values)


def split_soft(part: str) -> tuple[str, bool]:
    """Return the name of a score and whether the selection by it is soft.

    Examples
    --------
    >>> split_soft("ch2_l3n-soft")
    ('ch2_l3n', True)
    """
    return part.removesuffix(SOFT), part.endswith(SOFT)


def _check_start(method: Method) -> None:
    if check_share("density", method.density) == 0:
        raise InvalidValueError("density=0 leaves no link: use a density in (0, 1]")
    if method.generator is None:
        if method.density != 1 or method.evolves or method.generator_params:
            raise InvalidValueError(
                f"method {method.name!r} has no generator, so all layers are dense: its density must be 1 "
                f"(not {method.density}), without removal, regrowth and generator_params"
            )
        return
    if isinstance(method.distribution, str):
        DISTRIBUTIONS[method.distribution]
    check_params(method.generator, method.generator_params)


def _check_parts(method: Method) -> None:
    if (method.removal is None) != (method.regrowth is None):
        raise InvalidValueError(
            f"removal={method.removal!r} and regrowth={method.regrowth!r}: an evolution step needs both, or neither"
        )
    ZETA_SCHEDULES[method.zeta_schedule]
    if method.removal is None or method.regrowth is None:
        if method.percolation:
            raise InvalidValueError("percolation=True needs removal and regrowth: it is part of an evolution step")
        return
    REMOVAL_SCORES[split_soft(method.removal)[0]]
    REGROWTHS[split_soft(method.regrowth)[0]]
