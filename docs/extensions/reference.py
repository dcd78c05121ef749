"""Which page of the reference documents a name that several packages export: one, so that links have one target."""

import importlib
import inspect
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

PAGE = Path(__file__).resolve().parents[1] / "reference" / "index.md"
PACKAGES = re.findall(r"^   (topolearn[\w.]*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def documented_at(package: str, name: str) -> str | None:
    """Return the full name under which a name of a package is documented; None for packages and private names.

    Names at the top level are documented there, others where they are defined, if that package exports them.
    """
    thing = getattr(importlib.import_module(package), name)
    if name.startswith("_") or inspect.ismodule(thing):
        return None
    module = f"{getattr(thing, '__module__', package)}."
    homes = [home for home in PACKAGES if module.startswith(f"{home}.") and _exports(home, name, thing)]
    home = "topolearn" if _exports("topolearn", name, thing) else max(homes, key=len, default=package)
    return f"{home}.{name}"


def pages() -> dict[str, str | None]:
    """Return `documented_at` for every name of every package, by the full name there."""
    return {f"{package}.{name}": documented_at(package, name) for package in PACKAGES for name in _names(package)}


def _names(package: str) -> list[str]:
    module = importlib.import_module(package)
    return getattr(module, "__all__", dir(module))


def _exports(package: str, name: str, thing: object) -> bool:
    return name in _names(package) and getattr(importlib.import_module(package), name) is thing


def prepare(app: Sphinx, config: Config) -> None:
    """Let Sphinx see `__all__` of lazy packages, whose dir() leaves it out; give the templates `pages`."""
    for package in map(importlib.import_module, ("topolearn", "topolearn.training")):
        package.__dir__ = [*package.__all__, "__all__"].copy  # type: ignore[method-assign]
    config.autosummary_context = {"pages": pages()}


def setup(app: Sphinx) -> dict[str, bool]:
    """Prepare the reference before the first page is read."""
    app.connect("config-inited", prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
