"""A translator's training that is killed in the middle of an epoch is resumed by the command, bit for bit."""

import pytest

from tests.tasks.killed import assert_resumes_bit_for_bit
from tests.tasks.translation.small import config, corpus
from topolearn.tasks.translation import train

pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")]


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the made-up text as files."""
    made = corpus()
    for split in ("train", "val", "test"):
        text = getattr(made, split)
        for language, sentences in (("en", text.source), ("de", text.target)):
            (tmp_path / f"{split}.{language}").write_text("".join(f"{each}\n" for each in sentences))
    return tmp_path


@pytest.mark.parametrize("method", ["chts", "chtss", "rigl", "gmp"])
def test_a_killed_training_goes_on_bit_for_bit(method, folder):
    assert_resumes_bit_for_bit(config(folder / "x", method, dataset=str(folder), density=0.3), train, folder)
