"""Ranks agree or stop: everything that must be the same on all ranks is compared before they train."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import torch.distributed as dist

from topolearn.errors import InvalidValueError

Facts = Mapping[str, str]
AT_MOST = 6  # differences listed in a message
LONGEST = 60  # characters of a value in a message


@contextmanager
def agreement(group: dist.ProcessGroup | None, facts: Callable[[], Facts]) -> Iterator[None]:
    """Run a block on all ranks of a group that must succeed, with the same result, on all of them or none.

    Every rank of the group must enter the block. If a rank raises inside, the others are notified, so that none waits
    for it. If a rank never enters, the others wait until the timeout of the process group, or until its process ends.
    Without a group nothing is compared.

    Parameters
    ----------
    group : torch.distributed.ProcessGroup or None
    facts : callable
        Returns everything that must be the same on all ranks, as text by name; called at the end of the block.

    Raises
    ------
    InvalidValueError
        On every rank, if a fact differs or another rank has raised.

    Examples
    --------
    >>> with agreement(None, lambda: {"seed": "0"}):
    ...     pass
    """
    if group is None:
        yield
        return
    try:
        yield
        mine = dict(facts())
    except Exception as error:
        with suppress(RuntimeError):  # if the others cannot be reached, this rank's own error matters
            _gather(group, f"{type(error).__name__}: {error}")
        raise
    reports = _gather(group, mine)
    ranks = [dist.get_global_rank(group, i) for i in range(len(reports))]
    for rank, each in zip(ranks, reports, strict=True):
        if isinstance(each, str):
            raise InvalidValueError(f"rank {rank} of the process group has failed, so the others stop: {each}")
    differing = differences([each for each in reports if not isinstance(each, str)], ranks)
    if differing:
        more = f"; and {len(differing) - AT_MOST} more" if len(differing) > AT_MOST else ""
        raise InvalidValueError(
            f"the ranks of the process group do not agree: {'; '.join(differing[:AT_MOST])}{more}. Give all of them "
            "the same values, including the seed of sparsify, or load the same state; if only some ranks share their "
            "layers, pass their group as process_group="
        )


def differences(reports: Sequence[Facts], ranks: Sequence[int]) -> list[str]:
    """Describe the facts in which ranks differ, and on which ranks.

    Examples
    --------
    >>> differences([{"seed": "0"}, {"seed": "1"}, {"seed": "0"}], [0, 1, 2])
    ['seed is 0 on ranks 0, 2 and 1 on rank 1']
    """
    names = list(dict.fromkeys(name for facts in reports for name in facts))
    differing = []
    for name in names:
        owners: dict[str, list[int]] = {}
        for rank, facts in zip(ranks, reports, strict=True):
            owners.setdefault(facts.get(name, "missing"), []).append(rank)
        if len(owners) > 1:
            differing.append(f"{name} is " + " and ".join(_on(value, where) for value, where in owners.items()))
    return differing


def _on(value: str, ranks: Sequence[int]) -> str:
    shown = value if len(value) <= LONGEST else f"{value[: LONGEST - 3]}..."
    return f"{shown} on rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"


def _gather(group: dist.ProcessGroup, mine: str | dict[str, str]) -> list[str | dict[str, str]]:
    """Return, for all ranks of a group, their facts or their error."""
    reports: list[str | dict[str, str]] = [""] * dist.get_world_size(group)
    dist.all_gather_object(reports, mine, group=group)
    return reports
