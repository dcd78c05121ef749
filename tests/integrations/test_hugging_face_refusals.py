"""What cannot be attached or resumed is rejected with a reason, before anything changes."""

import shutil

import pytest
import torch

import topolearn as tl
from tests.integrations.hugging_face import SEED, SIZES, attached, llama, rule_of, state_of, trainer_of
from topolearn.errors import (
    CheckpointError,
    CorruptFileError,
    ExistingFileError,
    InvalidTypeError,
    InvalidValueError,
    MissingFileError,
)
from topolearn.integrations import huggingface

pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")

SET = rule_of("set")


def dense_llama():
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))


def attach(trainer, rule=SET, interval=2, **options):
    return huggingface.attach(trainer, rule, interval=interval, **options)


def test_a_model_that_was_not_made_sparse(tmp_path):
    with pytest.raises(InvalidValueError, match=r"no sparse layers for method 'set': call sparsify\(model, method\)"):
        attach(trainer_of(dense_llama(), tmp_path))


def test_a_model_of_another_method(tmp_path):
    with pytest.raises(InvalidValueError, match="stores the values of its links only, but method 'gmp'"):
        attach(trainer_of(llama(SET), tmp_path), rule_of("gmp"))
    with pytest.raises(InvalidValueError, match="'dense' is dense, but the model has sparse layers"):
        attach(trainer_of(llama(SET), tmp_path), "dense")


def test_an_optimizer_made_before_the_model_was_sparse(tmp_path):
    model = dense_llama()
    optimizer = torch.optim.AdamW(model.parameters())
    with pytest.warns(UserWarning, match="leaves dense"):
        tl.sparsify(model, SET)
    trainer = trainer_of(model, tmp_path, optimizers=(optimizer, None))
    with pytest.raises(InvalidValueError, match=r"in no param group of the optimizer: create the optimizer after"):
        attach(trainer)


def test_an_optimizer_that_cannot_follow_links(tmp_path):
    trainer, _ = attached("set", tmp_path, optim="adafactor")
    with pytest.raises(InvalidTypeError, match="optimizer Adafactor is not supported: use one of SGD"):
        trainer.train()
    assert trainer.state.global_step == 0


def test_a_trainer_that_is_attached_to_or_has_trained(tmp_path):
    trainer, attachment = attached("set", tmp_path)
    with pytest.raises(InvalidValueError, match="is attached to this trainer already"):
        attach(trainer)
    with pytest.raises(InvalidValueError, match="seed=-1 must be at least 0"):
        attach(trainer_of(llama(SET), tmp_path), seed=-1)
    attachment.remove()
    attachment = attach(trainer, seed=SEED)
    trainer.train()
    attachment.remove()
    with pytest.raises(InvalidValueError, match="has trained 10 steps already: attach to a new Trainer"):
        attach(trainer)


def test_a_patch_of_the_users_own_is_back_once_detached(tmp_path):
    trainer = trainer_of(llama(SET), tmp_path)
    trainer.save_model = patch = lambda *_, **__: None
    attach(trainer).remove()
    assert trainer.save_model is patch
    assert "train" not in vars(trainer)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"method": "sett"}, ValueError, "did you mean"),
        ({"method": 7}, InvalidTypeError, "must be a Method or the name of one, not int"),
        ({"interval": 0}, InvalidValueError, "interval=0"),
        ({"interval": None}, InvalidValueError, "'set' does not define an interval"),
        ({"trainer": "trainer"}, InvalidTypeError, r"trainer is a str: give a transformers\.Trainer"),
    ],
)
def test_arguments(options, error, said, tmp_path):
    given = {"trainer": trainer_of(llama(SET), tmp_path), "method": SET, "interval": 2, **options}
    with pytest.raises(error, match=said):
        huggingface.attach(given["trainer"], given["method"], interval=given["interval"])


def test_a_trainer_that_makes_its_model(tmp_path):
    trainer = transformers.Trainer(
        args=transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to=[]), model_init=lambda: llama(SET)
    )
    with pytest.raises(InvalidValueError, match=r"creates another model with model_init.*give it a model="):
        attach(trainer)


@pytest.mark.parametrize(
    ("name", "said"), [("is_fsdp_enabled", "with FSDP"), ("is_deepspeed_enabled", "with DeepSpeed")]
)
def test_a_trainer_that_shards_its_model(name, said, tmp_path):
    trainer = trainer_of(llama(SET), tmp_path)
    setattr(trainer, name, True)
    with pytest.raises(InvalidValueError, match=rf"{said}, which evolving links do not support.*torchrun"):
        attach(trainer)


@pytest.fixture
def trained(tmp_path):
    trainer, _ = attached("set", tmp_path / "out")
    trainer.train()
    return tmp_path / "out" / "checkpoint-4"


def rejected(trainer, folder, error, said):
    before = state_of(trainer)
    with pytest.raises(error, match=said):
        trainer.train(resume_from_checkpoint=str(folder))
    after = state_of(trainer)
    assert all(torch.equal(value, after[key]) for key, value in before.items())


def test_a_checkpoint_without_topology(trained, tmp_path):
    (trained / "topology.safetensors").unlink()
    rejected(attached("set", tmp_path)[0], trained, MissingFileError, r"no topology\.safetensors in .*checkpoint-4")


def test_a_topology_that_is_cut_off(trained, tmp_path):
    path = trained / "topology.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    rejected(attached("set", tmp_path)[0], trained, CorruptFileError, "is not whole, or was not written by topolearn")


def test_a_checkpoint_of_another_method_or_model(trained, tmp_path):
    rejected(attached("rigl", tmp_path)[0], trained, CheckpointError, "with method 'set', .*attached with 'rigl'")
    other, _ = attached("set", tmp_path, sizes={"intermediate_size": 32})
    rejected(other, trained, CheckpointError, r"has shape \(24, 16\) in the topology state but \(32, 16\) in the model")


def test_links_that_were_saved_before_the_training(trained, tmp_path):
    trainer, _ = attached("set", tmp_path)
    trainer.save_model(str(tmp_path / "begun"))
    shutil.copy(tmp_path / "begun" / "topology.safetensors", trained)
    rejected(trainer, trained, CheckpointError, "has no 'n_steps'")


def test_a_folder_that_is_not_a_checkpoint_is_left_to_the_trainer(tmp_path):
    trainer, _ = attached("set", tmp_path)
    with pytest.raises(ValueError, match="No valid checkpoint found in output directory"):
        trainer.train(resume_from_checkpoint=True)
    with pytest.raises((ValueError, OSError), match="nowhere"):
        trainer.train(resume_from_checkpoint=str(tmp_path / "nowhere"))


def test_a_run_directory_that_exists(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    trainer, _ = attached("set", tmp_path, record=tmp_path / "run")
    with pytest.raises(ExistingFileError, match="already exists: remove it, choose another directory, or continue"):
        trainer.train()
    assert trainer.state.global_step == 0


def test_a_training_that_fails_leaves_its_recording_whole(tmp_path):
    trainer, _ = attached("set", tmp_path, record=tmp_path / "run")

    class Fails(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 5:
                raise KeyboardInterrupt

    trainer.add_callback(Fails())
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    run = tl.Run(tmp_path / "run")
    assert not run.is_complete
    assert run.history.steps == [0, 2, 4]
