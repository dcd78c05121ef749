"""Ranks agree or stop: what they must have in common is compared before they train."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import torch.distributed as dist

from topolearn.errors import InvalidValueError

Facts = Mapping[str, str]
AT_MOST = 6  # differences that a message lists
LONGEST = 60  # characters of a value in it


@contextmanager
def agreement(group: dist.ProcessGroup | None, facts: Callable[[], Facts]) -> Iterator[None]:
    """Let the ranks of a group do something that must succeed, and come out alike, on all of them or none.

    Every rank of the group must come here; a rank that raises inside tells the others, so that none waits for it. A
    rank that never comes here keeps the others waiting until the timeout of the process group, or until its process
    ends. Without a group nothing is compared.

    Parameters
    ----------
    group : torch.distributed.ProcessGroup or None
    facts : callable
        Returns what must be the same on all ranks, as text by name; called when all is done.

    Raises
    ------
    InvalidValueError
        On every rank, when a fact differs; or when another rank has raised.

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
        with suppress(RuntimeError):  # when the others cannot be reached, what went wrong here is the news
            _gather(group, f"{type(error).__name__}: {error}")
        raise
    told = _gather(group, mine)
    ranks = [dist.get_global_rank(group, i) for i in range(len(told))]
    for rank, each in zip(ranks, told, strict=True):
        if isinstance(each, str):
            raise InvalidValueError(f"rank {rank} of the process group has failed, so the others stop: {each}")
    differing = differences([each for each in told if not isinstance(each, str)], ranks)
    if differing:
        more = f"; and {len(differing) - AT_MOST} more" if len(differing) > AT_MOST else ""
        raise InvalidValueError(
            f"the ranks of the process group do not agree: {'; '.join(differing[:AT_MOST])}{more}. Give all of them "
            "the same values, the same seed to sparsify too, or load the same state; ranks that do not share their "
            "layers give the process_group= of those that do"
        )


def differences(told: Sequence[Facts], ranks: Sequence[int]) -> list[str]:
    """Return in words in which facts some ranks differ, and which ranks.

    Examples
    --------
    >>> differences([{"seed": "0"}, {"seed": "1"}, {"seed": "0"}], [0, 1, 2])
    ['seed is 0 on ranks 0, 2 and 1 on rank 1']
    """
    names = list(dict.fromkeys(name for facts in told for name in facts))
    differing = []
    for name in names:
        owners: dict[str, list[int]] = {}
        for rank, facts in zip(ranks, told, strict=True):
            owners.setdefault(facts.get(name, "missing"), []).append(rank)
        if len(owners) > 1:
            differing.append(f"{name} is " + " and ".join(_on(value, where) for value, where in owners.items()))
    return differing


def _on(value: str, ranks: Sequence[int]) -> str:
    shown = value if len(value) <= LONGEST else f"{value[: LONGEST - 3]}..."
    return f"{shown} on rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"


def _gather(group: dist.ProcessGroup, mine: str | dict[str, str]) -> list[str | dict[str, str]]:
    """Return what all ranks of a group tell: their facts, or why they have none."""
    told: list[str | dict[str, str]] = [""] * dist.get_world_size(group)
    dist.all_gather_object(told, mine, group=group)
    return told
