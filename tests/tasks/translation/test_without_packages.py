"""Without the packages of the extra, translation can be imported and read text; anything else names the extra."""

import subprocess
import sys

CODE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"transformers", "tokenizers", "sacrebleu", "accelerate"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
from topolearn.errors import MissingPackageError
from topolearn.tasks import translation
from tests.tasks.translation.texts import TEXT

assert translation.sentences_of(b"a\\n", "text") == ["a"]
assert len(translation.TokenBatches([3, 4])) == 1
for use in USES:
    try:
        use(translation, TEXT)
    except MissingPackageError as error:
        print(error)
"""
USES = {
    "tokenizers": "lambda translation, text: translation.learn_vocabulary(text)",
    "transformers": "lambda translation, text: translation.translate(None, None, ['a'])",
    "sacrebleu": "lambda translation, text: translation.scores(['a'], ['b'])",
}


def test_what_needs_a_package_names_the_extra():
    uses = f"USES = [{', '.join(USES.values())}]\n"
    done = subprocess.run([sys.executable, "-c", uses + CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = [f"No module named {name!r}: pip install 'topolearn[hf]'" for name in USES]
    assert done.stdout.splitlines() == said
