"""Ranks for tests: forked from one server, which has imported what they need, so that they start at once."""

import multiprocessing

import torch.multiprocessing as mp

IMPORTED = ["topolearn.training", "topolearn.recording", "torch.distributed.fsdp", "torch.distributed.checkpoint"]


def run_ranks(n, function, *args):
    """Call a function of a module in several processes, with the number of each and then the arguments."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(IMPORTED)
    mp.start_processes(function, args=args, nprocs=n, start_method="forkserver")
