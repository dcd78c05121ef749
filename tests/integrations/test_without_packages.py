"""The integrations can be imported without the packages that they are for."""

import subprocess
import sys


def test_without_the_package_the_error_comes_at_use():
    code = (
        "import sys; sys.modules['transformers'] = None\n"
        "from topolearn.integrations import huggingface\n"
        "try: huggingface.attach(object(), 'set', interval=1)\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("MissingPackageError")
    assert "pip install 'topolearn[hf]'" in done.stdout
