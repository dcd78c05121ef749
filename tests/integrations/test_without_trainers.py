"""Without lightning and accelerate their integrations are imported, and say at use what to install."""

import subprocess
import sys

import pytest

from topolearn.errors import MissingPackageError
from topolearn.integrations import accelerate, lightning


class Callback(lightning.TopologyCallback):
    """A class that has not met Lightning's yet."""


def test_lightning_is_asked_for_at_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'topolearn\[lightning\]'"):
        Callback("set", interval=2)


def test_accelerate_is_asked_for_at_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'topolearn\[accelerate\]'"):
        accelerate.register(None, None)


def test_they_are_imported_without_their_packages():
    code = (
        "import sys, topolearn.integrations as i; print({'lightning', 'accelerate', 'transformers'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
