"""Checking that the parts of a method fit together: meaningless or ignored values are rejected."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING

from topolearn.checks import check_share
from topolearn.errors import InvalidValueError
from topolearn.evolution.methods.suffixes import split_pooled, split_soft
from topolearn.evolution.regrowth import REGROWTHS
from topolearn.evolution.removal import REMOVAL_SCORES
from topolearn.evolution.schedules import DENSITY_SCHEDULES, SOFTNESS_SCHEDULES, ZETA_SCHEDULES
from topolearn.generators import DISTRIBUTIONS, check_params, split_name
from topolearn.graph import check_unit
from topolearn.registry import suggest
from topolearn.sparse import has_links_alone

if TYPE_CHECKING:  # methods call these checks, so importing Method at run time would be circular
    from topolearn.evolution.methods.method import Method

DENSE = "dense"
STORAGES = ("links", DENSE)
SCALES = ("links", "cells")
HISTORY = "history"
BEGINNINGS = ("zero", HISTORY)
OF_DECAY = ("start_density", "decay_start", "decay_end", "match_flops", "pruning")
OF_REMOVAL = ("zeta_schedule", "percolation", "per_head", "allow_return", "theta", "early_stop")
OF_PERCOLATION = ("percolation_unit",)
OF_SOFT_REMOVAL = ("softness", "softness_schedule")
OF_SIGNS = ("l1", "noise")
WITH_FAN_IN = {  # the only rule that supports constant fan-in
    "density_schedule": "constant", "removal": "weight_magnitude", "regrowth": "gradient", "percolation": False,
    "per_head": False, "storage": "links",
}  # fmt: skip
OF_UPDATES = ("skip_gradient_step", "rewarmup_steps", "interval")


def check_method(method: Method) -> None:
    """Check ranges, names and combinations of the fields of a method.

    Raises
    ------
    InvalidValueError, UnknownNameError
    """
    _check_ranges(method)
    _check_start(method)
    _check_names(method)
    _check_decay(method)
    _check_regrown(method)
    _check_tests(method)
    _check_removal(method)
    _check_scores(method)
    _check_storage(method)
    _check_fan_in(method)


def check_backend(method: Method, backend: str, *, layer: str | None = None) -> None:
    """Check that the layers of a backend can store all values that a method needs.

    Parameters
    ----------
    method : Method
    backend : str
    layer : str, optional
        The layer that uses this backend, for the message.

    Raises
    ------
    InvalidValueError
    """
    if method.remembers_all and has_links_alone(backend):
        where = f"the {backend} backend" if layer is None else f"layer {layer!r}, on the {backend} backend,"
        raise InvalidValueError(
            f"method {method.name!r} has storage='dense', but {where} stores only links: use backend='masked'"
        )


def _check_ranges(method: Method) -> None:
    if check_share("density", method.density) == 0:
        raise InvalidValueError("density=0 leaves no links: use a density in (0, 1]")
    if method.zeta is not None and not 0 < method.zeta < 1:
        raise InvalidValueError(f"zeta={method.zeta} must lie strictly between 0 and 1")
    if not 0 < method.stop_fraction <= 1:
        raise InvalidValueError(f"stop_fraction={method.stop_fraction} must lie in (0, 1]")
    if not 0 < method.theta <= 1:
        raise InvalidValueError(f"theta={method.theta} must lie in (0, 1]")
    if method.rewarmup_steps < 0:
        raise InvalidValueError(f"rewarmup_steps={method.rewarmup_steps} must be at least 0")
    if method.interval is not None and method.interval < 1:
        raise InvalidValueError(f"interval={method.interval} must be at least 1")
    for name in OF_SIGNS:
        if not 0 <= getattr(method, name) < math.inf:
            raise InvalidValueError(f"{name}={getattr(method, name)} must be finite and at least 0")
    if len(method.softness) != 2 or not all(0 <= delta < 1 for delta in method.softness):
        raise InvalidValueError(f"softness={method.softness} must be two deltas in [0, 1), such as (0.5, 0.75)")


def _check_start(method: Method) -> None:
    if method.weight_scale not in SCALES:
        raise InvalidValueError(
            f"weight_scale={method.weight_scale!r} is unknown: {suggest(method.weight_scale, list(SCALES))}"
        )
    if method.is_dense or method.reselects_links:
        reason = "keeps torch's weights" if method.is_dense else "draws weights for all cells"
        _reject_idle(method, ("weight_scale",), f"has no effect: method {method.name!r} {reason}; drop weight_scale")
    if method.generator is None:
        if method.density != 1 or method.evolves or method.generator_params or method.input_generator is not None:
            raise InvalidValueError(
                f"method {method.name!r} has no generator, so all layers are dense: its density must be 1 "
                f"(not {method.density}), without removal, regrowth, density schedule, generator_params or "
                "input_generator"
            )
        return
    base, is_pooled = split_pooled(method.distribution)
    if isinstance(base, str):
        DISTRIBUTIONS[base]
    if is_pooled and not method.decays:
        raise InvalidValueError(
            f"distribution={method.distribution!r} ranks the links of all layers together as the density falls, but "
            f"the density is constant: set a density_schedule, or use distribution={base!r}"
        )
    check_params(method.generator, method.generator_params)
    _check_input_generator(method.generator, method.input_generator)


def _check_input_generator(generator: str, first: str | None) -> None:
    """Check that the generator of the first layer has no steps, and that no other step applies to that layer."""
    if first is None:
        return
    if split_name(first)[1]:
        raise InvalidValueError(
            f"input_generator={first!r} must not have steps, as it creates a single layer: use {split_name(first)[0]!r}"
        )
    if "ep" in split_name(generator)[1]:
        raise InvalidValueError(
            f"generator={generator!r} equalizes the fan-outs of the first layer, which input_generator={first!r} "
            "creates: drop one of them"
        )


def _check_names(method: Method) -> None:
    ZETA_SCHEDULES[method.zeta_schedule]
    SOFTNESS_SCHEDULES[method.softness_schedule]
    DENSITY_SCHEDULES[method.density_schedule]
    REMOVAL_SCORES[method.pruning]
    if method.removal is not None:
        REMOVAL_SCORES[split_soft(method.removal)[0]]
    if method.regrowth is not None:
        REGROWTHS[split_soft(method.regrowth)[0]]
    check_unit(method.percolation_unit)
    if method.storage not in STORAGES:
        raise InvalidValueError(f"storage={method.storage!r} is unknown: {suggest(method.storage, list(STORAGES))}")


def _check_decay(method: Method) -> None:
    if not method.decays:
        idle = tuple(word for word in OF_DECAY if not (word == "pruning" and method.reselects_links))
        _reject_idle(method, idle, "needs a density that falls: set density_schedule='cubic', or drop it")
        return
    start, schedule = method.start_density, method.density_schedule
    if start is None and DENSITY_SCHEDULES[schedule].surplus is None:
        raise InvalidValueError(f"density_schedule={schedule!r} needs an initial density: set start_density=0.5")
    if not method.density < method.initial_density <= 1:
        raise InvalidValueError(
            f"the density falls from start_density={method.initial_density:g} to density={method.density:g}: "
            "start_density must be larger than density and at most 1"
        )
    if not 0 <= method.decay_start < method.decay_end <= method.stop_fraction:
        raise InvalidValueError(
            f"decay_start={method.decay_start} and decay_end={method.decay_end} must satisfy 0 <= decay_start < "
            f"decay_end <= stop_fraction={method.stop_fraction}"
        )


def _check_regrown(method: Method) -> None:
    """Check that the method can use the values of former links if it remembers them."""
    if method.regrown not in BEGINNINGS:
        raise InvalidValueError(f"regrown={method.regrown!r} is unknown: {suggest(method.regrown, list(BEGINNINGS))}")
    if method.regrown != HISTORY:
        return
    if method.remembers_all:
        raise InvalidValueError(
            f"regrown={HISTORY!r} is redundant, as storage='dense' already restores the last values of links: drop it"
        )
    if method.tests:
        raise InvalidValueError(
            f"regrown={HISTORY!r} restores the values with which links failed the test removal={method.removal!r}, so "
            "they would be removed again: drop it"
        )
    if method.removal is None:
        _reject_idle(method, ("regrown",), "needs removal and regrowth: otherwise no link grows again")


def _check_removal(method: Method) -> None:
    if (method.removal is None) != (method.regrowth is None):
        raise InvalidValueError(
            f"removal={method.removal!r} and regrowth={method.regrowth!r} must be given together, or both be None"
        )
    if method.removal is None:
        _reject_idle(method, OF_REMOVAL, "only applies with removal and regrowth: set both, or drop it")
    elif method.zeta is None and not method.decays and not method.tests:
        raise InvalidValueError("zeta=None removes down to the final density, but the density does not fall: set zeta")
    if method.zeta is None and split_pooled(method.distribution)[1] and not method.tests:
        raise InvalidValueError(
            "zeta=None removes links of each layer down to its final number, which is undefined with "
            f"distribution={method.distribution!r}: set zeta"
        )
    if not method.percolation:
        _reject_idle(method, OF_PERCOLATION, "needs percolation=True")
    if method.removal is None or not split_soft(method.removal)[1]:
        _reject_idle(method, OF_SOFT_REMOVAL, "needs a soft removal, such as removal='weight_magnitude-soft'")
    if not method.has_signs:
        _reject_idle(method, OF_SIGNS, "needs links with fixed signs: set removal='sign'")
    if not method.evolves:
        _reject_idle(method, OF_UPDATES, "needs a topology that evolves: set removal and regrowth, or drop it")


def _check_tests(method: Method) -> None:
    if method.prunes and REMOVAL_SCORES[method.pruning].is_test:
        raise InvalidValueError(
            f"pruning={method.pruning!r} is a test and cannot rank links: use a score such as 'weight_magnitude'"
        )
    if not method.tests:
        return
    name, soft = split_soft(str(method.removal))
    if soft:
        raise InvalidValueError(f"removal={method.removal!r}: the test {name!r} cannot be soft: use removal={name!r}")
    if method.zeta is not None:
        raise InvalidValueError(
            f"zeta={method.zeta:g} sets how many links to remove, but the test removal={name!r} decides this: set "
            "zeta=None"
        )
    _reject_idle(method, ("zeta_schedule",), f"needs a zeta, but removal={name!r} does not use one")
    if method.remembers_all:
        raise InvalidValueError(
            f"storage='dense' restores the weights with which links were pruned, and removal={name!r} would remove "
            "these links again: use storage='links'"
        )


def _check_scores(method: Method) -> None:
    used = [split_soft(method.removal)[0]] if method.removal else []
    used += [method.pruning] if method.prunes else []
    params = {name: limits for score in used for name, limits in REMOVAL_SCORES[score].params.items()}
    for name, value in method.score_params.items():
        if name not in params:
            raise InvalidValueError(
                f"score_params: the removal and pruning scores of this method have no parameter {name!r}; available: "
                f"{', '.join(params) or 'none'}"
            )
        _, least, greatest = params[name]
        if not least <= value <= greatest:
            raise InvalidValueError(f"score_params: {name}={value} must lie in [{least:g}, {greatest:g}]")


def _check_storage(method: Method) -> None:
    _check_backward(method)
    if not method.remembers_all:
        return
    if not method.evolves:
        raise InvalidValueError("storage='dense' needs a topology that evolves: otherwise no pruned link can return")
    if method.needs_link_gradient:
        raise InvalidValueError(
            "storage='dense' ranks cells that are not links and have no gradient: use a score other than 'mest'"
        )


def _check_fan_in(method: Method) -> None:
    if not method.constant_fan_in:
        _reject_idle(method, ("ablation",), "needs constant_fan_in=True")
        return
    if method.generator is None or split_name(method.generator)[0] != "fixed_fan_in":
        raise InvalidValueError(
            f"generator={method.generator!r} creates unequal fan-ins, but constant_fan_in=True requires equal ones: "
            "set generator='fixed_fan_in'"
        )
    if method.input_generator not in (None, "fixed_fan_in"):
        raise InvalidValueError(
            f"input_generator={method.input_generator!r} creates unequal fan-ins, but constant_fan_in=True requires "
            "equal ones: drop input_generator"
        )
    wanted = WITH_FAN_IN if method.evolves else {}
    for name, value in wanted.items():
        if getattr(method, name) != value:
            raise InvalidValueError(
                f"{name}={getattr(method, name)!r} is not supported with constant_fan_in=True: set {name}={value!r}"
            )
    if method.ablation is None:
        return
    if not method.evolves:
        _reject_idle(method, ("ablation",), "needs removal and regrowth: evolution steps ablate neurons")
    if not 0 < method.ablation <= 1:
        raise InvalidValueError(f"ablation={method.ablation} must lie in (0, 1], or be None")


def _check_backward(method: Method) -> None:
    ratio, penalty = method.backward_ratio, method.exploration_penalty
    if not 0 <= penalty < float("inf"):
        raise InvalidValueError(f"exploration_penalty={penalty} must be finite and at least 0")
    if ratio is None:
        _reject_idle(method, ("exploration_penalty",), "needs trained cells other than the links: set backward_ratio=2")
    elif not 1 <= ratio < float("inf"):
        raise InvalidValueError(
            f"backward_ratio={ratio} must be finite and at least 1: the trained cells include the links"
        )
    elif not method.remembers_all:
        raise InvalidValueError(f"backward_ratio={ratio} trains cells that are not links: set storage='dense'")


def _reject_idle(method: Method, names: tuple[str, ...], needs: str) -> None:
    """Reject fields with a non-default value that would be ignored."""
    defaults = {f.name: f.default for f in fields(method)}
    for name in names:
        if getattr(method, name) != defaults[name]:
            raise InvalidValueError(f"{name}={getattr(method, name)!r} {needs}")
