"""Ranks for tests: forked from one server that has already imported what they need, so that they start quickly."""

import multiprocessing
from pathlib import PurePosixPath

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

IMPORTED = ["topolearn.training", "topolearn.recording", "torch.distributed.fsdp", "torch.distributed.checkpoint"]

FILES = {"test_ddp", "test_disturbed_shards", "test_ranks", "test_shards", "test_torchrun"}  # their tests run ranks
NEED_GLOO = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="torch was built without gloo"
)


def run_ranks(n, function, *args):
    """Call a module-level function in several processes, with the process index followed by the arguments."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(IMPORTED)
    mp.start_processes(function, args=args, nprocs=n, start_method="forkserver")


def told_by_ranks(n, rank, folder):
    """Run ``rank(index, store, folder)`` in several processes; return what each saved to ``folder/index.pt``."""
    run_ranks(n, rank, folder / "store", folder)
    return [torch.load(folder / f"{index}.pt", weights_only=False) for index in range(n)]


def scope_of(test):
    """Return the scope of a test, given its id: tests that run ranks share one scope, and so one worker.

    Examples
    --------
    >>> scope_of("tests/evolution/test_ranks.py::test_links[set]"), scope_of("tests/test_registry.py::test_names")
    ('ranks', 'tests/test_registry.py::test_names')
    """
    return "ranks" if PurePosixPath(test.partition("::")[0]).stem in FILES else test
