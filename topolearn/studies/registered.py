"""Entries that the user registered, which are sent to the workers of a study."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cloudpickle

from topolearn.diagnostics import MEASURES
from topolearn.errors import StudyError
from topolearn.evolution import METHODS, REGROWTHS, REMOVAL_SCORES
from topolearn.evolution.schedules import DENSITY_SCHEDULES, SOFTNESS_SCHEDULES, ZETA_SCHEDULES
from topolearn.evolution.starting.initial_weights import INITS
from topolearn.generators import DISTRIBUTIONS, GENERATORS
from topolearn.linkpred import BASELINES, PREDICTORS
from topolearn.registry import Registry
from topolearn.sparse import BACKENDS
from topolearn.task_registry import TASKS, imported

OF_ALL_TASKS: tuple[Registry[Any], ...] = (
    TASKS,
    BACKENDS,
    GENERATORS,
    DISTRIBUTIONS,
    PREDICTORS,
    BASELINES,
    REMOVAL_SCORES,
    REGROWTHS,
    ZETA_SCHEDULES,
    DENSITY_SCHEDULES,
    SOFTNESS_SCHEDULES,
    METHODS,
    INITS,
    MEASURES,
)


def registries() -> dict[str, Registry[Any]]:
    """Return all registries that a configuration can refer to, by the kind of their entries."""
    of_tasks = [imported(reference) for task in TASKS.values() for reference in task.registries]
    return {each.kind: each for each in (*OF_ALL_TASKS, *of_tasks)}


class RegisteredEntry(NamedTuple):
    """A pickled entry that the user registered: by value, or by reference if its module can be imported."""

    kind: str
    name: str
    pickled: bytes


def packed() -> tuple[RegisteredEntry, ...]:
    """Return all entries that were registered in this process, so that another process can `unpack` them.

    They are pickles, which can execute arbitrary code when loaded. They are sent from process to process through pipes,
    connections, or a directory that an executor creates for this session, and are never stored in a study's directory.

    Raises
    ------
    StudyError
        When an entry cannot be sent.
    """
    return tuple(
        RegisteredEntry(kind, name, _pickled(kind, name, entry))
        for kind, registry in registries().items()
        for name, entry in registry.own.items()
    )


def unpack(entries: Sequence[RegisteredEntry]) -> None:
    """Register the entries of another process in this one."""
    known = registries() if entries else {}
    for kind, name, pickled in entries:
        known[kind].register(name, cloudpickle.loads(pickled))


def _pickled(kind: str, name: str, entry: Any) -> bytes:
    try:
        pickled: bytes = cloudpickle.dumps(entry)
    except Exception as error:  # pickling user code can raise anything
        raise StudyError(
            f"the {kind} {name!r}, which you registered, cannot be sent to workers ({error}): make it picklable, or "
            "run the study with jobs=1 and executor='processes'"
        ) from None
    return pickled
