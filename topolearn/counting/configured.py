"""`count_config`: the cost of the training that a configuration describes."""

from typing import Any

from topolearn.counting.count import TrainingCount, count
from topolearn.errors import InvalidValueError
from topolearn.task_registry import TASKS, imported


def count_config(config: Any) -> TrainingCount:
    """Count what training with a configuration costs, for any task, without training or allocating a model.

    Parameters
    ----------
    config : TaskConfig
        For example a `topolearn.TrainConfig`.

    Raises
    ------
    InvalidValueError
        When the task defines no workload to count, or the training could not start.

    Examples
    --------
    >>> import topolearn as tl
    >>> costs = count_config(tl.TrainConfig(method="set", density=0.1, hidden=(100,), epochs=2))
    >>> costs.links, costs.workload.step
    ({'hidden1': 640}, '32 examples')
    """
    task = TASKS[config.task]
    if not task.workload:
        known = ", ".join(name for name, each in TASKS.items() if each.workload)
        raise InvalidValueError(
            f"task {task.name!r} defines no workload to count: add one to its registry row, as {known} do, or call "
            "tl.counting.count(tl.counting.Workload(...))"
        )
    return count(imported(task.workload)(config))
