"""Which page of the reference documents a name that several packages export: one, so that links have one target."""

import importlib
import inspect
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

import topolearn

PAGE = Path(__file__).resolve().parents[1] / "reference" / "index.md"
PACKAGES = re.findall(r"^   (topolearn[\w.]*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def documented_at(package: str, name: str) -> str | None:
    """Return the full name under which a name of a package is documented; None for packages and private names.

    Names at the top level are documented there, others where they are defined, if that package exports them.
    """
    thing = getattr(importlib.import_module(package), name)
    if name.startswith("_") or inspect.ismodule(thing):
        return None
    if name in topolearn.__all__:
        return f"topolearn.{name}"
    module = f"{getattr(thing, '__module__', package)}."
    homes = [home for home in PACKAGES[1:] if module.startswith(f"{home}.") and hasattr(_loaded(home), name)]
    return f"{max(homes, key=len, default=package)}.{name}"


def _loaded(package: str) -> object:
    return importlib.import_module(package)


def prepare(app: Sphinx, config: Config) -> None:
    """Let Sphinx see `__all__` of lazy packages, whose dir() leaves it out; give the templates `documented_at`."""
    for package in map(importlib.import_module, ("topolearn", "topolearn.training")):
        package.__dir__ = [*package.__all__, "__all__"].copy  # type: ignore[method-assign]
    config.autosummary_context = {"documented_at": documented_at}


def setup(app: Sphinx) -> dict[str, bool]:
    """Prepare the reference before the first page is read."""
    app.connect("config-inited", prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
