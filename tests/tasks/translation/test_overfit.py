"""A translator can memorize its training text, and learns more than the surface of sentences."""

from pathlib import Path

import pytest

from tests.tasks.translation.small import config, text
from topolearn.tasks.translation import Corpus, read_corpus, train

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")
MULTI30K = Path(__file__).parents[4] / "shared" / "data"
PLAIN = {"dropout": 0.0, "label_smoothing": 0.0, "lr": 3e-3, "evaluate_every": 1000}


def test_made_up_text(tmp_path):
    known = text(12, 0)
    sizes = {"width": 32, "density": 0.5, "batch_tokens": 256, "update_interval": 20}
    run = train(
        config(tmp_path / "run", steps=120, warmup=20, **sizes, **PLAIN | {"lr": 5e-3}),
        corpus=Corpus("made", ("en", "de"), known, known, known), quiet=True,
    )  # fmt: skip
    assert run.history.steps == [0, 20, 40, 60, 80, 100]
    assert run.summary["test_bleu"] > 95


@pytest.mark.slow
@pytest.mark.skipif(not MULTI30K.is_dir(), reason="needs the data sets")
def test_two_hundred_captions(tmp_path):
    known = read_corpus("multi30k", data_dir=str(MULTI30K)).train.first(200)
    sizes = {"width": 64, "heads": 4, "feed_forward": 128, "encoder_layers": 2, "decoder_layers": 2}
    sizes |= {"vocabulary_size": 1000, "batch_tokens": 1024, "update_interval": 100, "density": 0.2}
    run = train(
        config(tmp_path / "run", steps=600, warmup=100, **sizes, **PLAIN),
        corpus=Corpus("captions", ("en", "de"), known, known, known), quiet=True,
    )  # fmt: skip
    assert run.history.steps == [0, 100, 200, 300, 400, 500]
    assert run.summary["test_bleu"] > 95
