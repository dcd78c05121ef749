"""Training of a translator that is killed in the middle of an epoch resumes bit for bit with the command."""

import pytest

from tests.tasks.killed import assert_resumes_bit_for_bit
from tests.tasks.translation.small import config, write_corpus
from topolearn.tasks.translation import train

pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")]


@pytest.mark.parametrize("method", ["chts", "chtss", "rigl", "gmp"])
def test_a_killed_training_resumes_bit_for_bit(method, tmp_path):
    write_corpus(tmp_path)
    assert_resumes_bit_for_bit(config(tmp_path / "x", method, dataset=str(tmp_path)), train, tmp_path)
