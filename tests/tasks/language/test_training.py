"""Language models are trained as with a plain trainer, recorded, resumed bit for bit, and evaluated."""

import math
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import topolearn as tl
from tests.tasks.language.small import config, write_corpus
from tests.tasks.same_run import assert_same
from topolearn.errors import ChangedRunError, CheckpointError, InvalidValueError, TopolearnError
from topolearn.files import read_json
from topolearn.recording.report.words import progress
from topolearn.task_registry import preset
from topolearn.tasks.language import (
    LanguageConfig,
    Text,
    Tokenizer,
    TokenShards,
    TokenWindows,
    WindowBatches,
    collate,
    learn_tokenizer,
    perplexity,
    resume,
    train,
    write_shards,
)
from topolearn.tasks.language.model import build_model, dense_model
from topolearn.tasks.language.schedule import warmup_cosine
from topolearn.tasks.stream import BatchStream
from topolearn.tasks.trainer import StepCallback

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")


@pytest.fixture
def folder(tmp_path):
    write_corpus(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language")
    write_corpus(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(config(folder, "run", "chtss"), quiet=True)


def shards_of(run, split):
    """Return the tokens of a split of a run, which are in the cache."""
    key = read_json(run.path / "tokens.json")[split]["key"]
    kept = [TokenShards(each.parent) for each in Path(run.config.cache_dir).glob("*/index.json")]
    return next(shards for shards in kept if shards.key == key)


class Stopped(Exception):
    """Raised in the middle of an epoch."""


@pytest.mark.parametrize(
    ("method", "backend", "precision"),
    [
        ("chtss", "csr", "float32"),
        ("rigl", "masked", "bf16-true"),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in (
            ("chts", "csr", "float32"), ("rigl", "masked", "float32"), ("gmp", "masked", "float32"),
            ("granet", "csr", "float32"), ("mest", "masked", "float32"), ("chts", "masked", "bf16"),
            ("chtss", "masked", "bf16-true"),
        )),
    ],
)  # fmt: skip
def test_a_training_that_was_stopped_resumes_bit_for_bit(method, backend, precision, folder, monkeypatch):
    from topolearn.tasks.trainer import StepCallback

    options = {"backend": backend, "accumulation": 2, "windows": "document" if method == "rigl" else "packed"}
    options |= {"precision": precision}
    whole = train(config(folder, "whole", method, **options), quiet=True)

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == 10:
            raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(StepCallback, "on_step_begin", on_step_begin)
        train(config(folder, "stopped", method, **options), quiet=True)
    stopped = tl.Run(folder / "stopped")
    assert not stopped.is_complete
    assert_same(resume(stopped.path, quiet=True), whole)


def test_a_run_has_all_that_runs_have(run):
    assert run.task.name == "language"
    assert run.metrics["step"].tolist() == [4, 8, 12]
    names = ["train_loss", "val_loss", "val_perplexity", "val_word_perplexity", "val_byte_perplexity", "lr", "density"]
    assert run.metrics[names].notna().all().all()
    assert run.history.steps == [0, 3, 6, 9]
    assert run.is_complete
    assert run.summary["best_perplexity"] == run.metrics["val_perplexity"].min()
    assert {"test_perplexity", "test_word_perplexity", "n_parameters"} <= run.summary.keys()
    assert set(read_json(run.path / "tokens.json")) == {"train", "val", "test"}
    assert repr(run).endswith(", 12 steps)")


def test_a_report_counts_steps_and_not_evaluations(run, tmp_path):
    assert progress(run) == ": 12 of 12 steps are done"
    assert "After step 12" in run.report(path=tmp_path / "report.html").read_text()


def test_an_interrupt_says_how_to_continue(folder, monkeypatch):
    def interrupted(self, args, state, control, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(StepCallback, "on_step_begin", interrupted)
    with pytest.raises(KeyboardInterrupt) as stop:
        train(config(folder, "run"), quiet=True)
    assert stop.value.__notes__ == [f"continue the run with topolearn.resume({str(folder / 'run')!r})"]


def test_a_mistake_leaves_the_earlier_run_alone(folder):
    made = train(config(folder, "run", steps=4), quiet=True)
    mistakes = [
        (None, {"batch_windows": 4000}, {}, "fewer than a batch"),
        (None, {}, {"loggers": [print]}, "not a logger"),
        ("val.jsonl", {}, {}, "has no text 'text'"),
    ]
    for name, values, options, said in mistakes:
        if name is not None:
            (folder / name).write_text('{"body": "a dog runs"}\n')
        with pytest.raises(TopolearnError, match=said):
            train(config(folder, "run", **values), overwrite=True, quiet=True, **options)
        assert tl.Run(made.path).is_complete
    (folder / "val.jsonl").unlink()
    assert train(config(folder, "run", evaluate_every=6), overwrite=True, quiet=True).history.steps == [0, 3, 6, 9]
    assert {each.name for each in (made.path / "checkpoints").iterdir()} == {"checkpoint-6", "checkpoint-12"}


def test_perplexities_are_those_of_their_definition(run):
    model, shards = run.load_model("last"), shards_of(run, "val")
    tokens, total = torch.from_numpy(shards.read(0, len(shards))), 0.0
    for begin in range(0, len(tokens) - 1, 16):
        window = tokens[begin : begin + 17]
        logits = model(input_ids=window[None, :-1]).logits[0].double()
        total += float(F.cross_entropy(logits, window[1:], reduction="sum").detach())
    content = (run.path.parent / "val.txt").read_text()
    words = len(content.split()) + content.count("\n")
    got = perplexity(model, shards, 16, 4)
    assert got["loss"] == pytest.approx(total / (len(tokens) - 1), rel=1e-5)
    assert got["perplexity"] == pytest.approx(math.exp(total / (len(tokens) - 1)), rel=1e-4)
    assert got["word_perplexity"] == pytest.approx(math.exp(total / words), rel=1e-4)
    assert got["byte_perplexity"] == pytest.approx(math.exp(total / len(content.encode())), rel=1e-4)
    assert got["perplexity"] == pytest.approx(run.metrics["val_perplexity"].iloc[-1], rel=1e-5)


def test_tokens_of_another_tokenizer_are_rejected(run, tmp_path):
    shards, model = shards_of(run, "val"), dense_model(run.config, 270)
    other = write_shards(Text((run.path.parent / "val.txt",)), learn_tokenizer(["a dog"], 262), tmp_path / "tokens")
    with pytest.raises(InvalidValueError, match="has the tokens of another tokenizer"):
        perplexity(run.load_model("last"), other, 16, 4)
    with pytest.raises(InvalidValueError, match=r"has the token 2\d\d, but the model only 270 tokens"):
        perplexity(model, shards, 16, 4)
    for n in (0, -1):
        with pytest.raises(InvalidValueError, match=f"batch_windows={n} must be at least 1"):
            perplexity(model, other, 16, n)


def test_a_dense_training_is_that_of_a_plain_trainer(folder):
    run = train(config(folder, "run", "dense", steps=50, evaluate_every=10), quiet=True)
    tokenizer, shards = Tokenizer.load(run.path / "tokenizer.json"), shards_of(run, "train")
    windows = TokenWindows(shards, 16)
    stream = BatchStream(WindowBatches(len(windows), 4, seed=0), 50)
    model = build_model(run.config, tokenizer)
    optimizer = torch.optim.Adam(model.parameters(), run.config.lr, (0.9, 0.999), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step + 1, 4, 50))
    losses = []

    class Note(transformers.TrainerCallback):
        def on_log(self, args, state, control, logs, **kwargs):
            losses.extend([logs["loss"]] if "loss" in logs else [])

    trainer = transformers.Trainer(
        model,
        transformers.TrainingArguments(
            str(folder / "plain"), max_steps=50, per_device_train_batch_size=1, train_sampling_strategy="sequential",
            max_grad_norm=0.0, logging_steps=10, save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True,
            remove_unused_columns=False,
        ),
        train_dataset=stream,
        data_collator=lambda batches: collate([windows[i] for i in batches[0]]),
        compute_loss_func=lambda outputs, labels, num_items_in_batch=None: F.cross_entropy(
            outputs.logits.flatten(0, 1), labels.flatten(), ignore_index=-100
        ),
        optimizers=(optimizer, schedule),
        callbacks=[Note()],
    )  # fmt: skip
    trainer.train()
    assert run.metrics["train_loss"].tolist() == pytest.approx(losses, rel=1e-5)
    assert len(losses) == 5


def test_true_bf16_is_in_weights_moments_and_checkpoints_and_perplexity_is_of_these_weights(folder):
    run = train(config(folder, "run", "rigl", precision="bf16-true"), quiet=True)
    model = run.load_model("last")
    assert {each.dtype for each in model.parameters()} == {torch.bfloat16}
    state = torch.load(run.path / "checkpoints" / "checkpoint-12" / "optimizer.pt", weights_only=True)["state"]
    assert {each["exp_avg"].dtype for each in state.values()} == {torch.bfloat16}
    for change in (model.eval, model.float):
        got = perplexity(change(), shards_of(run, "val"), 16, 4)
        assert got["perplexity"] == pytest.approx(run.metrics["val_perplexity"].iloc[-1], rel=1e-6)
    with pytest.raises(InvalidValueError, match="'bf16-true' is for masked layers, not for backend='csr': omit"):
        config(folder, "other", "rigl", precision="bf16-true", backend="csr")


def test_a_training_with_autocast_is_validated_without(folder):
    run = train(config(folder, "run", "dense", precision="bf16", steps=4), quiet=True)
    got = perplexity(run.load_model("last"), shards_of(run, "val"), 16, 4)
    assert got["perplexity"] == pytest.approx(run.metrics["val_perplexity"].iloc[-1], rel=1e-6)


def test_the_model_is_the_llama_of_its_configuration(run):
    tokenizer = Tokenizer.load(run.path / "tokenizer.json")
    model = dense_model(run.config, tokenizer.n_tokens)
    sizes = model.config.hidden_size, model.config.intermediate_size, model.config.num_hidden_layers
    assert sizes == (16, 24, 2)
    assert not model.config.tie_word_embeddings
    weights = build_model(config(run.path.parent, "x", "dense", width=64, hidden=128, heads=2), tokenizer)
    drawn = torch.cat([each.detach().flatten() for each in weights.parameters() if each.dim() > 1])
    assert drawn.std().item() == pytest.approx(0.02, rel=0.02)
    groups = tl.topology_of(run.load_model("best")).groups
    assert [group.combine for group in groups[:3]].count("all") >= 1


def test_a_run_of_other_text_or_another_tokenizer_is_rejected(run, tmp_path):
    other = tmp_path / "copy"
    shutil.copytree(run.path.parent, other)
    moved = tl.Run(other / "run")
    values = moved.config.with_values({"dataset": str(other), "cache_dir": str(other / "cache")})
    values.save(other / "run" / "config.toml")
    (other / "val.txt").write_text("a dog.\n")
    with pytest.raises(ChangedRunError, match=r"the val text of .*copy has changed since the run began"):
        resume(other / "run", quiet=True)
    learn_tokenizer(["other text"], 270).save(other / "run" / "tokenizer.json")
    with pytest.raises(CheckpointError, match="was trained with another tokenizer"):
        tl.Run(other / "run").load_model("best")


def test_a_tokenizer_that_is_given_is_used_or_rejected(folder):
    learn_tokenizer(["a dog and a cat"], 270).save(folder / "tokenizer.json")
    n_tokens = Tokenizer.load(folder).n_tokens
    rejected = config(folder, "run", tokenizer=str(folder), vocabulary_size=n_tokens - 1)
    with pytest.raises(InvalidValueError, match=f"{n_tokens} tokens, more than vocabulary_size={n_tokens - 1}: raise"):
        train(rejected, quiet=True)
    assert not (folder / "run").exists()
    made = train(config(folder, "run", tokenizer=str(folder), steps=4), quiet=True)
    assert Tokenizer.load(made.path / "tokenizer.json").n_tokens == n_tokens


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": 18, "heads": 4}, "width=18 must be a multiple of heads=4, with an even width per head"),
        ({"width": 12, "heads": 4}, "width=12 must be a multiple of heads=4, with an even width per head"),
        ({"kv_heads": 3}, "heads=4 must be a multiple of kv_heads=3"),
        ({"windows": "pakced"}, "windows='pakced' is unknown: did you mean 'packed'"),
        ({"lr": -1.0}, "lr=-1.0 must be a positive number"),
        ({"final_lr": 1.5}, r"final_lr=1.5 must lie in \[0, 1\]"),
        ({"window": 0}, "window=0 must be at least 1"),
        ({"rewarmup": -1}, "rewarmup=-1 must be at least 0"),
        ({"update_interval": 5}, "rewarmup=10 must be less than update_interval=5, .*: raise the interval, or shorten"),
        ({"rewarmup": 100}, "rewarmup=100 must be less than update_interval=100, or the learning rate never recovers"),
        ({"update_interval": 5, "overrides": {"rewarmup_steps": 5}}, "rewarmup_steps=5 must be less than"),
        ({"cache_dir": "a\0b"}, r"cache_dir='a\\x00b' has a NUL character, which no path can have: remove it"),
        ({"tokenizer": "a\0b"}, r"tokenizer='a\\x00b' has a NUL character"),
        ({"init": "he", "method": "dense"}, "init='he' is for sparse layers, and method 'dense' has none"),
    ],
)
def test_configurations_out_of_range(values, words):
    with pytest.raises(InvalidValueError, match=words):
        LanguageConfig(**values)


@pytest.mark.parametrize(
    ("name", "millions"), [("small", 1.3), ("9m", 9), ("60m", 58), ("130m", 134), ("350m", 368), ("1b", 1339)]
)
def test_presets_have_the_size_of_their_name(name, millions):
    config = LanguageConfig.load(preset(Path(f"language-{name}")))
    with torch.device("meta"):
        model = dense_model(config, config.vocabulary_size)
    assert sum(each.numel() for each in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)
    assert config.build_method().rewarmup_steps == 10


def test_the_learning_rate_rises_falls_and_stays_above_its_end():
    rates = np.array([warmup_cosine(step, 10, 100, 0.2) for step in range(1, 101)])
    assert rates.argmax() == 9
    assert rates[9] == 1
    assert (np.diff(rates[:10]) > 0).all()
    assert (np.diff(rates[9:]) < 0).all()
    assert rates[-1] == pytest.approx(0.2)


def test_a_count_before_training_is_what_is_trained(folder):
    from topolearn.counting import count_config

    given = config(folder, "run", vocabulary_size=258, steps=4)
    counted, made = count_config(given), train(given, quiet=True)
    assert counted.total.links == made.summary["n_links"]
    sparse = counted.total.parameters - counted.total.cells + counted.total.links
    assert sparse == made.summary["n_parameters"]
