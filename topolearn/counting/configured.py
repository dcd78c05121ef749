"""`count_config`: what the training of a configuration costs."""

from typing import Any

from topolearn.counting.count import TrainingCount, count
from topolearn.errors import InvalidValueError
from topolearn.task_registry import TASKS, imported


def count_config(config: Any) -> TrainingCount:
    """Count what the training of a configuration costs, whatever its task; it does not train, and builds no model.

    Parameters
    ----------
    config : TaskConfig
        Such as a `topolearn.TrainConfig`.

    Raises
    ------
    InvalidValueError
        When the task does not say how to count, or the training could not begin.

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
            f"task {task.name!r} does not say how to count: give its row a workload, as {known} have, or call "
            "tl.counting.count(tl.counting.Workload(...))"
        )
    return count(imported(task.workload)(config))
