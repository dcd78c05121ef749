"""`Method`: what a method starts with, what it prunes, removes and regrows, and how fast."""

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
    """A method for training a sparse network, as a combination of named parts.

    Attributes
    ----------
    name, title, paper : str
        Its name in topolearn, its name in print, and its source.
    density : float
        Share of the cells that are links, in (0, 1]; the final one if the density falls.
    generator : str or None
        The generator of the initial topology, one of `topolearn.generators.names`, such as ``bsw`` or
        ``bsf+ep+resort``; None leaves all layers dense.
    generator_params : dict
        Parameters of that generator.
    input_generator : str or None
        Another generator, with its default parameters, for the first layer, whose inputs are the features; for example
        ``csti`` before ``bsw``. None uses ``generator`` for all layers.
    weight_scale : {"links", "cells"}
        Whether the standard deviation of new weights is scaled for the average number of links per neuron, so that
        activations keep their scale at any density, or for all cells, as in programs that mask a dense layer.
    distribution : str or dict of str to float
        How the links are distributed among the layers: ``uniform``, ``erk``, or densities by patterns of layer names.
        With a density that falls, ``global`` and ``erk+global`` start like ``uniform`` and ``erk``, and then rank the
        links of all layers together, so that layers keep the links they need.
    density_schedule : str
        How the density falls: ``constant``, ``cubic`` (eq. 6), ``sigmoid`` (eq. 7), ``em_s`` or ``one_shot``.
    start_density : float or None
        The initial density, if it falls; None is only allowed for ``em_s``, which starts 0.05 above the final density.
    decay_start, decay_end : float
        Shares of training at which the density decay starts and ends.
    match_flops : bool
        Move the end of the decay so that it costs as much as a cubic one: a sigmoid ends halfway.
    pruning : str
        The removal score by which density decay prunes links, or links are re-selected; always hard.
    removal : str or None
        A removal score; ``sign`` removes the links whose weight has left their fixed sign. With the suffix ``-soft``
        links are kept by sampling in proportion to the score (eq. 2); without it, those with the highest scores are
        kept. None removes no links beyond density decay.
    score_params : dict
        Parameters of the removal and pruning scores: ``alpha`` of ``importance`` (eq. 2), ``gradient_weight`` of
        ``mest``.
    regrowth : str or None
        A regrowth score: ``random``, ``gradient`` or a link predictor, optionally with ``-soft``, as for ``removal``.
    zeta : float or None
        Fraction of the links that an update removes, in (0, 1). None removes links down to the final density (MEST), or
        leaves the number to a test such as ``sign``.
    zeta_schedule : str
        How zeta changes during training: ``constant`` or ``cosine``.
    softness : (float, float)
        delta of eq. 2 at the start and at the end, each in [0, 1).
    softness_schedule : str
        What changes linearly between them: the ``exponent`` delta / (1 - delta), or ``delta``.
    interval : int or None
        Optimizer steps between two updates, if the method requires an interval; None leaves it to the scheduler.
    l1 : float
        alpha of DeepR: how much a step shrinks each link towards 0, times the learning rate. Like `noise` it requires
        signs (``removal="sign"``) and acts until the last update.
    noise : float
        The temperature T of DeepR: a step adds noise of variance 2 T, times the learning rate, to each link.
    percolation : bool
        Whether links to and from inactive neurons are removed at each update.
    percolation_unit : {"coordinate", "rotary_pair"}
        What percolation tests in heads with rotary positions: each coordinate of a head separately, as in the paper, or
        each pair of coordinates that the rotary positions mix. Only pairs leave the attention scores unchanged.
    per_head : bool
        Whether links are removed and regrown within each attention head, in the layers of queries, keys and values.
    allow_return : bool
        Whether a link can grow again in the update that removed it. If not, it still does when no other cell is left.
    regrown : {"zero", "history"}
        The initial value of a link that was removed in an earlier update: 0, or the last value of the link (cells that
        have never been links start at 0). The history needs memory: a value per cell in a masked layer, as much as its
        weight, or 8 bytes and a value per former link in a csr layer. Checkpoints contain only former links. It is not
        supported with dense storage, which restores values anyway, tests such as ``sign``, and sharded layers.
    theta : float
        Overlap of removed and regrown links at or above which a layer is in an epitopological local minimum (ELM).
    early_stop : bool
        Whether removal and regrowth stop permanently once every layer has been in such a minimum.
    stop_fraction : float
        Share of training in which the topology evolves, in (0, 1].
    skip_gradient_step : bool
        Whether an update replaces the gradient step, as in RigL.
    rewarmup_steps : int
        Number of steps after an update in which the learning rate rises again from 0, for new links under Adam.
    storage : {"links", "dense"}
        What is stored: the values of the links only, or the last value of every cell, so pruned weights can return
        (GMP).
    constant_fan_in : bool
        Whether all output neurons of a layer that have links have the same number of them (SRigL): the scheduled number
        of links divided by the number of these neurons, rounded down.
    ablation : float or None
        gamma of SRigL, in (0, 1]: a neuron whose number of salient cells is below this share of its fan-in loses all
        links at an update. None ablates no neurons.
    backward_ratio : float or None
        Number of trained cells, including the links, as a multiple of the number of links, at least 1; only with dense
        storage. Each update then re-selects the links among all cells by ``pruning``, and the next best cells are
        trained, too; after the last update only the links are (Top-KAST). None trains only the links.
    exploration_penalty : float
        lambda of the exploration loss (`topolearn.evolution.exploration_loss`), with a ``backward_ratio``.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For values of another type or out of range, and combinations that make no sense.
    UnknownNameError
        For names that are not registered.
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
    def reselects_links(self) -> bool:
        """Whether each update re-selects the links among all cells, and more cells than the links are trained."""
        return self.backward_ratio is not None

    @property
    def prunes(self) -> bool:
        """Whether updates rank the links, or all cells, by ``pruning``."""
        return self.decays or self.reselects_links

    @property
    def initial_density(self) -> float:
        """The initial density."""
        if not self.decays:
            return self.density
        if self.start_density is not None:
            return self.start_density
        return self.density + (DENSITY_SCHEDULES[self.density_schedule].surplus or 0.0)

    @property
    def end_of_decay(self) -> float:
        """Share of training at which the density decay ends, including the effect of ``match_flops``."""
        if not self.match_flops:
            return self.decay_end
        costs = DENSITY_SCHEDULES[COMPARED].area / DENSITY_SCHEDULES[self.density_schedule].area
        return self.decay_start + costs * (self.decay_end - self.decay_start)

    @property
    def mean_density(self) -> float:
        """The average density during training."""
        if not self.decays:
            return self.density
        area = DENSITY_SCHEDULES[self.density_schedule].area
        share = self.decay_start + area * (self.end_of_decay - self.decay_start)
        return self.density + share * (self.initial_density - self.density)

    @property
    def base_distribution(self) -> str | dict[str, float]:
        """How the links are distributed among the layers initially."""
        return split_pooled(self.distribution)[0]

    @property
    def is_pooled(self) -> bool:
        """Whether density decay ranks the links of all layers together."""
        return split_pooled(self.distribution)[1]

    @property
    def remembers_all(self) -> bool:
        """Whether the last value of every cell is stored, and not only those of the links."""
        return self.storage == DENSE

    @property
    def needs_link_gradient(self) -> bool:
        """Whether a score needs the gradient of the links."""
        scores = [split_soft(self.removal)[0]] if self.removal else []
        scores += [self.pruning] if self.prunes else []
        return any(REMOVAL_SCORES[score].needs_gradient for score in scores)

    @property
    def has_signs(self) -> bool:
        """Whether each link has a fixed sign."""
        return self.removal is not None and REMOVAL_SCORES[split_soft(self.removal)[0]].needs_signs

    @property
    def tests(self) -> bool:
        """Whether removal is a test, which determines how many links are removed."""
        return self.removal is not None and REMOVAL_SCORES[split_soft(self.removal)[0]].is_test

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values."""
        return asdict(self)

    def with_overrides(self, overrides: Mapping[str, Any]) -> "Method":
        """Return the method with other values for some fields.

        Changing the generator drops the parameters of the old one; a constant density drops all decay settings.

        Raises
        ------
        UnknownNameError, InvalidValueError
            For a field that does not exist, or an invalid value.
        """
        known = [f.name for f in fields(self) if f.name not in ("name", "title", "paper")]
        for word in overrides:
            if word not in known:
                raise InvalidValueError(f"methods have no field {word!r}: {suggest(word, known)}")
        values = dict(overrides)
        if values.get("generator", self.generator) != self.generator:
            values.setdefault("generator_params", {})
        schedule = values.get("density_schedule", self.density_schedule)
        if self.decays and not DENSITY_SCHEDULES[schedule].falls:
            values = {f.name: f.default for f in fields(self) if f.name in OF_DECAY} | values
        return replace(self, **values)
