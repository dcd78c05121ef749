"""The integrations can be imported without their packages; on use, the error says what to install."""

import subprocess
import sys

import pytest

from topolearn.errors import MissingPackageError
from topolearn.integrations import accelerate, huggingface, lightning


class Callback(lightning.TopologyCallback):
    """A class that is not combined with Lightning's yet."""


USES = [
    ("transformers", "hf", lambda: huggingface.attach(object(), "set", interval=1)),
    ("lightning.pytorch", "lightning", lambda: Callback("set", interval=2)),
    ("accelerate", "accelerate", lambda: accelerate.register(None, None)),
]


@pytest.mark.parametrize(("package", "extra", "use"), USES, ids=[extra for _, extra, _ in USES])
def test_the_package_is_asked_for_at_use(package, extra, use, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=rf"pip install 'topolearn\[{extra}\]'"):
        use()


def test_they_are_imported_without_their_packages():
    code = (
        "import sys, topolearn.integrations as i; print({'lightning', 'accelerate', 'transformers'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
