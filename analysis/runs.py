"""The runs of a study: trained once, continued when they were interrupted, and never taken for others."""

from pathlib import Path

from topolearn.errors import InvalidValueError
from topolearn.training import Run, TrainConfig, resume, train


def finished_run(config: TrainConfig) -> Run:
    """Return the finished run of a configuration, from its ``run_dir`` if it is there already.

    Parameters
    ----------
    config : TrainConfig
        With a ``run_dir``; what it leaves open is not compared.

    Raises
    ------
    InvalidValueError
        When the directory holds a run that was made with other values.
    """
    path = Path(str(config.run_dir))
    if not path.exists():
        return train(config)
    run = Run(path)
    given, found = _values(config), _values(run.config)
    for name, value in given.items():
        is_open = value in (None, "auto") or name in ("data_dir", "run_dir")
        if not is_open and found.get(name) != value:
            raise InvalidValueError(
                f"the run in {path} was made with {name}={found.get(name)!r}, not {value!r}: "
                "choose another --runs folder"
            )
    return run if run.is_complete else resume(path)


def _values(config: TrainConfig) -> dict[str, object]:
    """Return all values of a configuration on one level, parts of the method among them."""
    values = config.to_dict()
    return values.pop("overrides") | values
