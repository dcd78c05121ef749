"""Executors for the runs of a study: processes on this machine, a Dask cluster, or Slurm.

An executor is a generator ``execute(work, items, plan)`` that yields each item with the outcome of ``work(item)`` as
soon as it is available, in any order. An item whose worker died is yielded as lost. When the generator is closed, all
work in progress is stopped.
"""

from topolearn.registry import Registry
from topolearn.studies.executors.dask import on_dask
from topolearn.studies.executors.plan import Executor, Plan
from topolearn.studies.executors.processes import in_processes
from topolearn.studies.executors.slurm import on_slurm

EXECUTORS: Registry[Executor] = Registry("executor", {"processes": in_processes, "dask": on_dask, "slurm": on_slurm})

__all__ = ["EXECUTORS", "Executor", "Plan"]
