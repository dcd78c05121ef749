"""Translators are trained, recorded, stopped and resumed bit for bit, read again, and translate."""

import io
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from safetensors.torch import load_file

import topolearn as tl
from tests.tasks.same_run import assert_same
from tests.tasks.translation.small import config, corpus, text
from topolearn.cli import main
from topolearn.errors import ChangedRunError, CheckpointError, ExistingFileError, InvalidValueError, TrainingError
from topolearn.sparse import sparse_layers
from topolearn.task_registry import preset
from topolearn.tasks.translation import (
    ParallelText,
    TranslationConfig,
    Translator,
    Vocabulary,
    learn_vocabulary,
    resume,
    train,
    training,
)

transformers = pytest.importorskip("transformers")
pytest.importorskip("sacrebleu")
pytestmark = pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(config(tmp_path_factory.mktemp("translation") / "run", "chtss"), corpus=corpus(), quiet=True)


class Stopped(Exception):
    """Raised in the middle of an epoch."""


@pytest.fixture
def stop_at(monkeypatch):
    """Make training end before a step, as if it had been killed."""

    def at(step):
        from topolearn.tasks.trainer import StepCallback

        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == step:
                raise Stopped

        monkeypatch.setattr(StepCallback, "on_step_begin", on_step_begin)

    return at


@pytest.mark.parametrize(
    ("method", "backend"),
    [
        ("chtss", "csr"),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (
                ("gmp", "masked"),
                ("chts", "csr"),
                ("chtss", "masked"),
                ("rigl", "csr"),
                ("rigl", "masked"),
                ("topkast", "masked"),
            )
        ),
    ],
)
def test_a_training_that_was_stopped_resumes_bit_for_bit(method, backend, tmp_path, stop_at, monkeypatch):
    options = {"backend": backend, "accumulation": 2}
    whole = train(config(tmp_path / "whole", method, **options), corpus=corpus(), quiet=True)
    with pytest.raises(Stopped):
        stop_at(10)
        train(config(tmp_path / "stopped", method, **options), corpus=corpus(), quiet=True)
    monkeypatch.undo()
    stopped = tl.Run(tmp_path / "stopped")
    assert not stopped.is_complete
    assert_same(resume(stopped.path, corpus=corpus(), quiet=True), whole)


def test_a_run_has_all_that_runs_have(run):
    assert run.task.name == "translation"
    assert run.metrics["step"].tolist() == [4, 8, 12]
    assert run.metrics[["train_loss", "val_loss", "val_perplexity", "val_bleu", "lr", "density"]].notna().all().all()
    assert run.history.steps == [0, 3, 6, 9]
    assert run.is_complete
    summary = run.summary
    assert summary["best_bleu"] == run.metrics["val_bleu"].max()
    assert summary["last_bleu"] == run.metrics["val_bleu"].iloc[-1]
    assert summary["best_step"] in (4, 8, 12)
    assert {"test_bleu", "test_chrf", "test_bleu_signature"} <= summary.keys()
    assert len((run.path / "test.translated.txt").read_text().splitlines()) == 6
    assert run.environment["processes"] == "1"
    assert run.config.update_interval == 3
    assert repr(run).endswith(", 12 steps)")


def test_a_model_of_a_run_is_that_of_its_best_checkpoint(run):
    model = run.load_model("best")
    folder = run.path / "checkpoints" / f"checkpoint-{run.summary['best_step']}"
    weights = load_file(folder / "model.safetensors")
    for name, layer in sparse_layers(model).items():
        assert torch.equal(layer.dense_weight(), weights[f"{name}.weight"])
    plain = transformers.M2M100ForConditionalGeneration.from_pretrained(folder)
    tokens = torch.tensor([[5, 6, 7, 2]])
    ours, theirs = (each.eval()(input_ids=tokens, decoder_input_ids=tokens).logits for each in (model, plain))
    torch.testing.assert_close(ours, theirs)


def test_a_translator_translates_lines_and_leaves_empty_ones(run, capsys, monkeypatch):
    translator = Translator.load(run.path)
    sentences = list(corpus().test.source)
    translated = translator(sentences)
    assert (run.path / "test.translated.txt").read_text(encoding="utf-8").splitlines() == translated
    assert translator(["", sentences[0], ""]) == ["", translated[0], ""]

    class Standard:
        class buffer:
            @staticmethod
            def read():
                return f"{sentences[0]}\n\n{sentences[1]}\n".encode()

    monkeypatch.setattr("sys.stdin", Standard)
    assert main(["translate", str(run.path)]) == 0
    assert capsys.readouterr().out.splitlines() == [translated[0], "", translated[1]]


def test_what_cannot_be_trained_is_rejected_and_leaves_no_directory(tmp_path):
    with pytest.raises(InvalidValueError, match="has no update while the density falls"):
        train(config(tmp_path / "run", "chtss", update_interval=11), corpus=corpus(), quiet=True)
    assert not (tmp_path / "run").exists()


def test_an_existing_directory_is_rejected(run):
    with pytest.raises(ExistingFileError, match=r"exists: continue it with topolearn\.resume"):
        train(config(run.path), corpus=corpus(), quiet=True)


def test_a_vocabulary_of_another_run_is_rejected_even_where_it_has_as_many_tokens(run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(run.path, other)
    own = Vocabulary.load(other / "vocabulary.json")
    made = learn_vocabulary(text(60, 7), size=own.n_source)
    made.save(other / "vocabulary.json")
    assert (made.n_source, made.hash != own.hash) == (own.n_source, True)
    with pytest.raises(CheckpointError, match="was trained with another vocabulary"):
        tl.Run(other).load_model("best")
    with pytest.raises(CheckpointError, match="was trained with another vocabulary"):
        resume(other, corpus=corpus(), accept_changes=True, quiet=True)
    with pytest.raises(ChangedRunError, match=r"vocabulary\.json has"):
        resume(other, corpus=corpus(), quiet=True)


def test_no_beam_is_rejected(run):
    with pytest.raises(InvalidValueError, match="beams=0"):
        Translator.load(run.path)(["a dog"], beams=0)


@pytest.mark.parametrize("penalty", ["nan", "inf", "-11.0"])
def test_a_length_penalty_out_of_range_is_rejected(run, penalty, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a dog\n")))
    assert main(["translate", str(run.path), f"--length-penalty={penalty}"]) == 2
    assert capsys.readouterr().err == f"topolearn: error: --length-penalty {penalty} must lie in [-10, 10]\n"


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path):
    with pytest.raises(TrainingError, match=r"the loss is not finite at step 4: lower lr=1e\+30"):
        train(config(tmp_path / "run", "dense", lr=1e30), corpus=corpus(), quiet=True)
    left = tl.Run(tmp_path / "run")
    assert left.metrics.empty
    assert not left.is_complete


def test_patience_ends_a_training_and_is_kept_by_checkpoints(tmp_path, stop_at, monkeypatch):
    options = {"evaluate_every": 2, "patience": 2, "lr": 1e-9}  # BLEU does not change
    whole = train(config(tmp_path / "whole", **options), corpus=corpus(), quiet=True)
    assert whole.metrics["step"].tolist() == [2, 4, 6]
    assert whole.is_complete
    with pytest.raises(Stopped):
        stop_at(5)
        train(config(tmp_path / "stopped", **options), corpus=corpus(), quiet=True)
    monkeypatch.undo()
    again = resume(tmp_path / "stopped", corpus=corpus(), quiet=True)
    assert again.metrics["step"].tolist() == [2, 4, 6]


@pytest.mark.parametrize("values", [{"steps": 4}, {"evaluate_every": 2, "patience": 1, "lr": 1e-9}])
def test_a_run_whose_last_test_was_interrupted_only_repeats_that(values, tmp_path, monkeypatch):
    whole = train(config(tmp_path / "whole", **values), corpus=corpus(), quiet=True)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "_test", Mock(side_effect=KeyboardInterrupt))
        train(config(tmp_path / "stopped", **values), corpus=corpus(), quiet=True)
    assert not tl.Run(tmp_path / "stopped").is_complete
    again = resume(tmp_path / "stopped", corpus=corpus(), quiet=True)
    assert again.metrics["step"].tolist() == whole.metrics["step"].tolist()
    assert again.is_complete


def test_a_mistake_leaves_the_earlier_run_alone(tmp_path):
    made = train(config(tmp_path / "run", steps=4), corpus=corpus(), quiet=True)
    with pytest.raises(InvalidValueError, match=r"more than tokens=2 allows .*: raise batch_tokens, shorten"):
        train(config(tmp_path / "run", batch_tokens=2), corpus=corpus(), quiet=True, overwrite=True)
    assert tl.Run(made.path).is_complete


def test_sentences_that_cannot_be_translated_at_the_end_are_rejected_before_training(tmp_path):
    short = corpus()
    long = ParallelText(("dog " * 1100,), ("Hund",), short.test.files)
    with pytest.raises(InvalidValueError, match=r"made\.en, line 1: .* more than .*=1024"):
        train(config(tmp_path / "run"), corpus=replace(short, test=long), quiet=True)
    assert not (tmp_path / "run").exists()


def test_dropped_pairs_and_a_warmup_without_end_are_told(tmp_path):
    values = {"too_long": "drop", "batch_tokens": 8, "steps": 4, "warmup": 400}
    with pytest.warns(UserWarning) as warned:
        made = train(config(tmp_path / "run", **values), corpus=corpus(), quiet=True)
    said = [str(each.message) for each in warned]
    n = made.summary["n_dropped_train"]
    assert 0 < n < 60
    assert f"{n} of 60 pairs of train are too long and are dropped (too_long='drop')" in said
    assert any(each.startswith("warmup=400 and steps=4: the learning rate rises until the end") for each in said)


def test_a_device_that_the_trainer_would_not_take_is_rejected(tmp_path, pretend):
    with pytest.raises(InvalidValueError, match="device='pretend', but this task is trained on 'cpu', or on 'cuda'"):
        train(config(tmp_path / "run", device="pretend"), corpus=corpus(), quiet=True)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": 18, "heads": 4}, "width=18 must be a multiple of heads=4"),
        ({"schedule": "cosine"}, "schedule='cosine' is unknown"),
        ({"lr": 0.0}, "lr=0.0 must be a positive number"),
        ({"source": "de"}, "must be two different languages"),
        ({"dropout": 1.5}, r"dropout=1.5 must lie in \[0, 1\]"),
        ({"steps": 0}, "steps=0 must be at least 1"),
        ({"beta2": 1.0}, "beta2=1.0 must be below 1"),
        ({"init": "hee"}, "init='hee' is unknown: did you mean 'he'"),
        ({"init": "he", "method": "dense"}, "init='he' is for sparse layers, and method 'dense' has none"),
        (
            {"update_interval": 5},
            "the 20 warm-up steps of schedule='inoam' must be fewer than update_interval=5, .*choose schedule='noam'",
        ),
        ({"update_interval": 5, "overrides": {"rewarmup_steps": 5}}, "rewarmup_steps=5 must be less than"),
        ({"init": "he", "gain": 0.5}, "gain=0.5 scales the weights that are kept, but init='he' replaces them"),
    ],
)
def test_configurations_out_of_range(values, words):
    with pytest.raises(InvalidValueError, match=words):
        TranslationConfig(**values)


@pytest.mark.parametrize("name", ["small", "multi30k", "iwslt14", "wmt17"])
def test_presets(name):
    config = TranslationConfig.load(preset(Path(f"translation-{name}")))
    assert config.build_method().rewarmup_steps == 20
    assert config.width == (256 if name == "small" else 512)


def test_a_dense_model_is_trained_by_the_same_rules(tmp_path):
    run = train(config(tmp_path / "run", "dense", steps=4), corpus=corpus(), quiet=True)
    assert run.is_complete
    assert run.metrics["step"].tolist() == [4]
    model = run.load_model("last")
    used = {name: each for name, each in model.named_parameters() if name != "model.shared.weight"}
    assert run.summary["n_parameters"] == sum(each.numel() for each in used.values())
    tokens = torch.tensor([[5, 6, 2]])
    model(input_ids=tokens, decoder_input_ids=tokens, labels=tokens).loss.backward()
    assert {name for name, each in model.named_parameters() if each.grad is None} == {"model.shared.weight"}
