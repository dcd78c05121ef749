"""How many steps lie between two updates: what a training says, or what a method demands."""

from topolearn.checks import check_size
from topolearn.errors import InvalidValueError
from topolearn.evolution.method import Method


def check_interval(word: str, given: int | None, method: Method) -> None:
    """Refuse steps between updates, under the name that they have there, which contradict those of a method.

    Raises
    ------
    InvalidValueError
    """
    if None not in (given, method.interval) and given != method.interval:
        raise InvalidValueError(
            f"{word}={given}, but method {method.name!r} demands {method.interval}: leave it out, or override that "
            f"part of the method, as by tl.method({method.name!r}, interval={given})"
        )


def settle_interval(given: int | None, method: Method) -> int:
    """Return the steps between two updates: those given, or those that the method demands.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When neither is there, or they differ.
    """
    if given is not None:
        given = check_size("interval", given)
    check_interval("interval", given, method)
    interval = given or method.interval
    if interval is None:
        raise InvalidValueError(
            f"method {method.name!r} has no interval of its own: give interval=..., the optimizer steps between two "
            "updates"
        )
    return interval
