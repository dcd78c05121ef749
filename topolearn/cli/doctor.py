"""`topolearn doctor`: what is installed, what the machine has, and whether the installation computes correctly."""

import argparse
import platform
import re
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from topolearn.errors import reason_of
from topolearn.terminal import say
from topolearn.version import own_version

CORE = ("torch", "numpy", "scipy", "networkx", "igraph", "numba", "pandas", "matplotlib")
REQUIREMENT = re.compile(r"^([\w.-]+).*;.*extra == ['\"]([\w-]+)['\"]")
NOT_OPTIONS = {"dev", "all", "topolearn"}  # development extras, and the package named within its own extras


def add_parser(commands: Any) -> None:
    """Add ``topolearn doctor``."""
    parser = commands.add_parser(
        "doctor",
        help="show what is installed, and check that it computes correctly",
        description="Print versions, optional packages, the processor and its vector extensions, threads, devices, the "
        "folder of compiled kernels, and which data sets are available. Then check, in a few seconds, that sparse "
        "products, compiled training steps, link prediction, topology updates and runs on disk give the right results. "
        "The exit status is 1 if a check fails.",
    )
    parser.add_argument("--no-check", action="store_true", help="print the information, and skip the checks")
    parser.set_defaults(command=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    for heading, lines in (
        ("versions", _versions()),
        ("optional", _extras()),
        ("machine", _machine()),
        ("kernels", _kernels()),
        ("data", _data()),
    ):
        for line in lines:
            say(f"{heading:10} {line}")
            heading = ""  # noqa: PLW2901  # each heading once
    return 0 if args.no_check else _check()


def _versions() -> Iterator[str]:
    yield f"topolearn {own_version()}, Python {platform.python_version()}, {platform.platform(terse=True)}"
    yield ", ".join(f"{name} {version(name)}" for name in CORE)


def _extras() -> Iterator[str]:
    """Yield a line for each extra: its packages, or how to install them."""
    try:
        required = requires("topolearn") or []
    except PackageNotFoundError:
        yield "unknown, as topolearn is not installed: pip install -e ."
        return
    extras: dict[str, list[str]] = {}
    for package, extra in filter(None, map(extra_of, required)):
        extras.setdefault(extra, []).append(package)
    for extra, packages in extras.items():
        missing = [name for name in packages if _version_of(name) is None]
        if missing:
            yield f"{extra}: missing {', '.join(missing)}; pip install 'topolearn[{extra}]'"
        else:
            yield f"{extra}: {', '.join(f'{name} {_version_of(name)}' for name in packages)}"


def extra_of(requirement: str) -> tuple[str, str] | None:
    """Return the package and the extra of a requirement, or None if it belongs to every installation.

    Examples
    --------
    >>> extra_of("lm-eval>=0.4.10; extra == 'eval'"), extra_of("torch>=2.5")
    (('lm-eval', 'eval'), None)
    """
    match = REQUIREMENT.match(requirement)
    return None if match is None or NOT_OPTIONS & set(match.groups()) else (match[1], match[2])


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _machine() -> Iterator[str]:
    import torch

    from topolearn.devices import devices_here, model_of, processor

    yield f"{processor()}: {torch.backends.cpu.get_cpu_capability()} vectors, {torch.get_num_threads()} threads"
    for name in devices_here():
        if name != "cpu":
            yield f"{name}: {model_of(torch.device(name))}"
    if devices_here() == ["cpu"]:
        yield "no accelerator available to torch"


def _kernels() -> Iterator[str]:
    from topolearn.graph import kernels
    from topolearn.kernel_cache import KernelCache

    kept = kernels.places_among._cache
    if not isinstance(kept, KernelCache):
        yield "compiled again in each process, as no cache folder is writable: set NUMBA_CACHE_DIR to one that is"
        return
    home = Path(kept.cache_path)
    root = home.parents[1] if home.name == "__pycache__" else home.parent
    files = list(root.rglob("*.nbc"))
    yield f"{len(files)} compiled, {sum(file.stat().st_size for file in files) / 2**20:.1f} MiB, cached in {root}"


def _data() -> Iterator[str]:
    from topolearn.cli.choices import DOWNLOADS
    from topolearn.training.data import DATASETS, dataset_folder

    for name, source in DATASETS.items():
        folder = None if source.bundled else dataset_folder(name, None)
        if folder is None:
            yield f"{name}: comes with scikit-learn"
        elif folder.is_dir():
            yield f"{name}: in {folder}"
        else:
            yield f"{name}: not in {folder}" + (f"; topolearn download {name}" if name in DOWNLOADS else "")


def _check() -> int:
    """Run all self-checks and return the exit status."""
    from topolearn.self_check import SELF_CHECKS

    failed = 0
    for name, check in SELF_CHECKS.items():
        start = time.perf_counter()
        try:
            check()
        except Exception as error:
            failed += 1
            say(f"{'check':10} {name}: FAILED: {reason_of(error) or f'{type(error).__name__}: {error}'}")
        else:
            say(f"{'check':10} {name}: passed, {time.perf_counter() - start:.1f} s")
    summary = f"{failed} of {len(SELF_CHECKS)} checks failed: please report this output"
    say(summary if failed else "all checks passed")
    return int(failed > 0)
