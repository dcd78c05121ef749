"""A method is a row of a table: what it starts with, what it prunes, removes and regrows, and how fast."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from topolearn.declared import settle_fields
from topolearn.errors import InvalidValueError
from topolearn.evolution.methods.consistency import DENSE, OF_DECAY, check_method
from topolearn.evolution.methods.suffixes import split_pooled, split_soft
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.evolution.schedules import COMPARED, DENSITY_SCHEDULES
from topolearn.generators import needs_data
from topolearn.registry import suggest


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to train a sparse network, as a combination of named parts.

    Attributes
    ----------
    name, title, paper : str
        Its name in topolearn, its name in print, and where it comes from.
    density : float
        Share of the cells that are links, in (0, 1]; where the density falls, that at the end.
    generator : str or None
        The model of the initial topology, one of `topolearn.generators.names`, such as ``bsw`` or ``bsf+ep+resort``;
        None leaves all layers dense.
    generator_params : dict
        Parameters of that model.
    input_generator : str or None
        Another model for the first layer, whose inputs are the features, such as ``csti`` before ``bsw``; with its
        default parameters. None makes all layers by ``generator``.
    weight_scale : {"links", "cells"}
        What the deviation of new weights is made for: the links that a neuron has on average, so that activations keep
        their scale at any density, or all its cells, as programs have it that mask a dense layer.
    distribution : str or dict of str to float
        How the links are shared out among the layers: ``uniform``, ``erk``, or densities by patterns of layer names.
        Where the density falls, ``global`` and ``erk+global`` begin as ``uniform`` and ``erk``, and then rank the links
        of all layers together, so that layers keep what they need.
    density_schedule : str
        How the density falls: ``constant``, ``cubic`` (eq. 6), ``sigmoid`` (eq. 7), ``em_s`` or ``one_shot``.
    start_density : float or None
        The density at the start, where it falls; None only for ``em_s``: .05 above the final one.
    decay_start, decay_end : float
        Shares of the training at which the fall of the density begins and ends.
    match_flops : bool
        Move the end of the decay so that it costs what a cubic one would: a sigmoid ends at half way.
    pruning : str
        The removal score by which the falling density prunes, or links are re-selected; always hard.
    removal : str or None
        A removal score; ``sign`` removes the links that have left the sign which the random field gave them for good.
        With the ending ``-soft`` links are kept by sampling in proportion to it (eq. 2), without it
        those with the highest scores are kept. None removes nothing but what the falling density does.
    score_params : dict
        Parameters of the removal and pruning scores: ``alpha`` of ``importance`` (eq. 2), ``gradient_weight`` of
        ``mest``.
    regrowth : str or None
        A regrowth score, soft or hard likewise: ``random``, ``gradient`` or a link predictor.
    zeta : float or None
        Fraction of the links that an update removes, in (0, 1); None removes down to the final density (MEST), or
        leaves it to a test such as ``sign``.
    zeta_schedule : str
        How zeta moves through training: ``constant`` or ``cosine``.
    softness : (float, float)
        delta of eq. 2 at the start and at the end, each in [0, 1).
    softness_schedule : str
        What moves linearly between them: the ``exponent`` delta / (1 - delta), or ``delta``.
    interval : int or None
        Optimizer steps between two updates, where the method itself demands it; None leaves it to the training.
    l1 : float
        alpha of DeepR: how much a step shrinks each link towards 0, times the learning rate. It needs signs
        (``removal="sign"``), as has `noise`; both act until the last update.
    noise : float
        The temperature T of DeepR: a step adds noise of variance 2 T, times the learning rate, to each link.
    percolation : bool
        Whether links to and from inactive neurons are removed at each update.
    percolation_unit : {"coordinate", "rotary_pair"}
        What percolation tests where rotary positions follow: each coordinate of a head by itself, as the paper does,
        or the two together that these positions mix, which alone leaves attention scores as they are.
    per_head : bool
        Whether the links of each attention head are removed and regrown apart, in the layers of queries, keys and
        values.
    allow_return : bool
        Whether a link may grow again in the update that removed it; if not, it does so only where no other cell is
        left.
    regrown : {"zero", "history"}
        The value with which a link begins that grows again in a later update than the one that took it: 0, or the one
        that it had last (cells that never were links begin at 0). The history costs memory: a value for each cell in a
        masked layer, as much as its weight; in a csr layer 8 bytes and a value for each former link. Checkpoints have
        former links alone. It is not for dense storage, which does so anyway, tests such as ``sign``, and layers that
        ranks shard.
    theta : float
        Overlap of removed and regrown links from which on a layer is in an epitopological local minimum (ELM).
    early_stop : bool
        Whether removal and regrowth end for good once every layer has been in such a minimum.
    stop_fraction : float
        Share of the training in which the topology evolves, in (0, 1].
    skip_gradient_step : bool
        Whether an update takes the place of the gradient step, as in RigL.
    rewarmup_steps : int
        Over how many steps after an update the learning rate rises again from 0, for new links under Adam.
    storage : {"links", "dense"}
        What is remembered: the links alone, or the last value of every cell, so that pruned weights may return (GMP).
    constant_fan_in : bool
        Whether all output neurons of a layer that have links have equally many (SRigL): the scheduled number of links
        over the number of these neurons, rounded down.
    ablation : float or None
        gamma of SRigL, in (0, 1]: a neuron with fewer than this share of its fan-in in salient cells loses all links at
        an update. None ablates no neuron.
    backward_ratio : float or None
        Cells that get gradients, the links among them, as a multiple of the number of links, at least 1; only with
        dense storage. At each update the links are then re-selected among all cells, by ``pruning``, and the other
        trained cells are those that come next; at the last one the links alone are left (Top-KAST). None trains the
        links alone.
    exploration_penalty : float
        lambda of the exploration loss (`topolearn.evolution.exploration_loss`), with a ``backward_ratio``.

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
    input_generator: str | None = None
    weight_scale: str = "links"
    distribution: str | dict[str, float] = "uniform"
    density_schedule: str = "constant"
    start_density: float | None = None
    decay_start: float = 0.0
    decay_end: float = 0.75
    match_flops: bool = False
    pruning: str = "weight_magnitude"
    removal: str | None = None
    score_params: dict[str, float] = field(default_factory=dict)
    regrowth: str | None = None
    zeta: float | None = 0.3
    zeta_schedule: str = "constant"
    softness: tuple[float, float] = (0.5, 0.75)
    softness_schedule: str = "exponent"
    interval: int | None = None
    l1: float = 0.0
    noise: float = 0.0
    percolation: bool = False
    percolation_unit: str = "coordinate"
    per_head: bool = False
    allow_return: bool = True
    regrown: str = "zero"
    theta: float = 0.9
    early_stop: bool = False
    stop_fraction: float = 1.0
    skip_gradient_step: bool = False
    rewarmup_steps: int = 0
    storage: str = "links"
    constant_fan_in: bool = False
    ablation: float | None = None
    backward_ratio: float | None = None
    exploration_penalty: float = 0.0

    def __post_init__(self) -> None:
        settle_fields(self)
        check_method(self)

    @property
    def is_dense(self) -> bool:
        """Whether the method leaves the layers dense."""
        return self.generator is None

    @property
    def needs_data(self) -> bool:
        """Whether a layer starts from data."""
        return any(needs_data(name) for name in (self.generator, self.input_generator) if name is not None)

    @property
    def decays(self) -> bool:
        """Whether the density falls during training."""
        return DENSITY_SCHEDULES[self.density_schedule].falls

    @property
    def evolves(self) -> bool:
        """Whether the method changes the topology during training."""
        return self.removal is not None or self.prunes

    @property
    def chooses_anew(self) -> bool:
        """Whether each update re-selects the links among all cells, which are trained beyond the links."""
        return self.backward_ratio is not None

    @property
    def prunes(self) -> bool:
        """Whether updates rank the links, or all cells, by ``pruning``."""
        return self.decays or self.chooses_anew

    @property
    def initial_density(self) -> float:
        """The density at the start."""
        if not self.decays:
            return self.density
        if self.start_density is not None:
            return self.start_density
        return self.density + (DENSITY_SCHEDULES[self.density_schedule].surplus or 0.0)

    @property
    def end_of_decay(self) -> float:
        """Share of the training at which the density has fallen, as ``match_flops`` has it."""
        if not self.match_flops:
            return self.decay_end
        costs = DENSITY_SCHEDULES[COMPARED].area / DENSITY_SCHEDULES[self.density_schedule].area
        return self.decay_start + costs * (self.decay_end - self.decay_start)

    @property
    def mean_density(self) -> float:
        """The density on average over the training."""
        if not self.decays:
            return self.density
        area = DENSITY_SCHEDULES[self.density_schedule].area
        share = self.decay_start + area * (self.end_of_decay - self.decay_start)
        return self.density + share * (self.initial_density - self.density)

    @property
    def base_distribution(self) -> str | dict[str, float]:
        """How the links are shared out at the start."""
        return split_pooled(self.distribution)[0]

    @property
    def is_pooled(self) -> bool:
        """Whether the falling density ranks the links of all layers together."""
        return split_pooled(self.distribution)[1]

    @property
    def remembers_all(self) -> bool:
        """Whether the last value of every cell is remembered, not of the links alone."""
        return self.storage == DENSE

    @property
    def needs_link_gradient(self) -> bool:
        """Whether a score asks for the gradient of the links."""
        scores = [split_soft(self.removal)[0]] if self.removal else []
        scores += [self.pruning] if self.prunes else []
        return any(REMOVAL_SCORES[score].needs_gradient for score in scores)

    @property
    def has_signs(self) -> bool:
        """Whether each link has a sign for good, from the start."""
        return self.removal is not None and REMOVAL_SCORES[split_soft(self.removal)[0]].needs_signs

    @property
    def tests(self) -> bool:
        """Whether removal is a test, which says by itself how many links go."""
        return self.removal is not None and REMOVAL_SCORES[split_soft(self.removal)[0]].is_test

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values."""
        return asdict(self)

    def with_overrides(self, overrides: Mapping[str, Any]) -> "Method":
        """Return the method with other values for some fields.

        Another generator drops the parameters of the former one, and a constant density all that is said of its fall.

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
        schedule = values.get("density_schedule", self.density_schedule)
        if self.decays and not DENSITY_SCHEDULES[schedule].falls:
            values = {f.name: f.default for f in fields(self) if f.name in OF_DECAY} | values
        return replace(self, **values)
