"""`own_version`: the version of topolearn, also in a checkout that is not installed."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Return the version of the installed package, or say that there is none.

    Examples
    --------
    >>> own_version()[0].isdigit()
    True
    """
    try:
        return version("topolearn")
    except PackageNotFoundError:
        return "a checkout that is not installed"
