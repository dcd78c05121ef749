"""Devices: checks that torch has them on this machine, and their names."""

import platform
from pathlib import Path

import torch

from topolearn.defaults import AUTO
from topolearn.errors import InvalidValueError
from topolearn.registry import suggest
from topolearn.terminal import warn_user

CPUINFO = Path("/proc/cpuinfo")
WITHOUT_BF16 = "AVX2"  # what torch calls the vectors of x86 processors without AVX-512
COUNTED = ("cpu", "cuda", "xpu", "mps", "mtia")  # kinds with a module in torch; a package may register one more


def devices_here() -> list[str]:
    """Return the names of the devices that torch can compute on here, numbered if there are several of a kind.

    Examples
    --------
    >>> devices_here()[0]
    'cpu'
    """
    names = []
    for kind in dict.fromkeys((*COUNTED, torch._C._get_privateuse1_backend_name())):
        n = _count(kind)
        names += [kind] if n == 1 else [f"{kind}:{i}" for i in range(n)]
    return names


def device_named(name: str, value: object, *others: str) -> torch.device:
    """Return the device with a given name, whether torch has it here or not.

    Parameters
    ----------
    name : str
        The parameter's name, for the message.
    value : str or torch.device
    *others : str
        Other values that the parameter accepts, for the message.

    Raises
    ------
    InvalidValueError
        When torch knows no such device.

    Examples
    --------
    >>> device_named("device", "cuda:1")
    device(type='cuda', index=1)
    """
    try:
        return torch.device(value)  # type: ignore[call-overload]
    except (RuntimeError, TypeError):
        raise InvalidValueError(
            f"{name}={str(value)!r} is unknown: {suggest(str(value), [*others, *devices_here()])}; if a package "
            "provides the device, import it first"
        ) from None


def device_here(name: str, value: object) -> torch.device:
    """Return a device that torch has here.

    Raises
    ------
    InvalidValueError
        When torch has no device of this kind, or fewer.

    Examples
    --------
    >>> device_here("device", "cpu:3")
    Traceback (most recent call last):
    topolearn.errors.InvalidValueError: device='cpu:3', but torch sees 1 CPU device here: use one of cpu...
    """
    device = device_named(name, value)
    n, kind = _count(device.type), device.type.upper()
    if n and (device.index or 0) >= n:
        raise InvalidValueError(
            f"{name}={str(value)!r}, but torch sees {n} {kind} device{'s'[: n - 1]} here: use one of "
            f"{', '.join(devices_here())}"
        )
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:
        raise InvalidValueError(
            f"{name}={str(value)!r}, but torch sees no {kind} device here ({_first_line(error)}): use one of "
            f"{', '.join(devices_here())}"
        ) from None
    return device


def settled_device(name: str, value: str) -> str:
    """Return the name of an available device: ``auto`` is CUDA if available, else the CPU.

    Raises
    ------
    InvalidValueError
        When torch does not have the device here.

    Examples
    --------
    >>> settled_device("device", "cpu")
    'cpu'
    """
    if value == AUTO:
        value = "cuda" if torch.cuda.is_available() else "cpu"
    device_here(name, value)
    return value


def warn_of_slow_bf16(precision: str, device: str) -> None:
    """Warn if a precision is slower than float32, as bf16 is on a processor that must convert each number.

    Examples
    --------
    >>> warn_of_slow_bf16("float32", "cpu")
    """
    if precision.startswith("bf16") and device == "cpu" and torch.backends.cpu.get_cpu_capability() == WITHOUT_BF16:
        warn_user(
            f"precision={precision!r}: this processor has no AVX-512, so dense and masked layers take about ten times "
            "as long in bf16 as in float32: train in float32, or on another machine"
        )


def is_here(value: str) -> bool:
    """Return whether torch has a device here.

    Examples
    --------
    >>> is_here("cpu"), is_here("cpu:3")
    (True, False)
    """
    try:
        device_here("device", value)
    except InvalidValueError:
        return False
    return True


def check_float64(subject: str, device: torch.device) -> None:
    """Reject a device without float64, the precision in which links are drawn and scored.

    Parameters
    ----------
    subject : str
        The beginning of the message, such as "device='mps'".
    device : torch.device

    Raises
    ------
    InvalidValueError
    """
    try:
        float(torch.ones((), dtype=torch.float64, device=device) + 1)
    except (RuntimeError, TypeError) as error:
        raise InvalidValueError(
            f"{subject} cannot compute in float64, in which links are drawn and scored "
            f"({_first_line(error)}): use one of {', '.join(each for each in devices_here() if each != device.type)}"
        ) from None


def model_of(device: torch.device) -> str:
    """Return the model of an accelerator, or the architecture of a CPU.

    Examples
    --------
    >>> model_of(torch.device("cpu")) == platform.machine()
    True
    """
    if device.type == "cpu":
        return platform.machine()
    try:
        return str(torch.get_device_module(device).get_device_name(device))
    except (RuntimeError, AttributeError):  # kinds without a module, and modules without names
        return str(device)


def processor() -> str:
    """Return the name of the processor, as far as the system reports it.

    A virtual machine may report no more than "AMD EPYC". Family and model number are added to a name without a number.
    """
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    pairs = [line.split(":", 1) for line in reversed(lines) if ":" in line]  # reversed: those of the first core stay
    told = {key.strip(): value.strip() for key, value in pairs}
    name = told.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in told and not any(letter.isdigit() for letter in name):
        name += f", family {told['cpu family']}, model {told['model']}"
    return name


def _count(kind: str) -> int:
    """Return the number of devices of a kind; 0 if torch has no module for it."""
    try:
        return int(torch.get_device_module(kind).device_count())
    except RuntimeError:
        return 0


def _first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0].rstrip(".")
