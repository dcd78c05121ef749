"""Hugging Face training that is resumed equals training that never stopped; its folders have two readers."""

import pytest
import torch

from tests.evolution.loops import backends_of
from tests.integrations.hugging_face import (
    SEED,
    assert_same,
    attached,
    llama,
    rule_of,
    state_of,
    trainer_of,
)
from topolearn.evolution import METHODS
from topolearn.integrations import huggingface
from topolearn.sparse import sparse_layers

pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")

CASES = [(method, backend) for method in METHODS for backend in backends_of(method)]
CASES = [(method, backend) for method, backend in CASES if (method, backend) != ("dense", "csr")]
TOKENS = torch.arange(16).reshape(2, 8)


def logits(model):
    with torch.no_grad():
        return model.eval()(TOKENS).logits


def assert_plain_reader(folder, model):
    """``from_pretrained`` of the dense class loads a folder strictly, and computes the same as the sparse model."""
    plain, report = transformers.LlamaForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert {key: value for key, value in report.items() if value} == {}
    torch.testing.assert_close(logits(plain), logits(model), rtol=1e-5, atol=1e-6)
    state = plain.state_dict()
    for name, layer in sparse_layers(model).items():
        assert torch.equal(state[f"{name}.weight"], layer.dense_weight())


@pytest.mark.parametrize(("method", "backend"), CASES)
def test_any_method_resumes_bit_for_bit_and_writes_plain_weights(method, backend, tmp_path):
    """From the fourth of five batches of an epoch, at an update, into the second epoch."""
    options = {"max_steps": 8, "per_device_train_batch_size": 8}
    whole = attached(method, tmp_path, backend, **options)
    whole[0].train()
    resumed = attached(method, tmp_path, backend, **options)
    resumed[0].train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert_same(whole, resumed)
    assert_plain_reader(tmp_path / "checkpoint-8", whole[0].model)
    for layer in sparse_layers(resumed[0].model).values():
        assert int((layer.dense_weight() != 0).sum()) <= layer.n_links


@pytest.mark.parametrize(("step", "backend"), [(3, "csr"), (5, "masked"), (9, "csr")])
def test_any_step_will_do_and_the_last_checkpoint_is_looked_for(step, backend, tmp_path):
    whole = attached("chtss", tmp_path / "whole", backend, gradient_accumulation_steps=2)
    whole[0].train()
    args = {"gradient_accumulation_steps": 2, "save_steps": step}
    stopped = attached("chtss", tmp_path / "stopped", backend, callbacks=[stop_at(step)], **args)
    stopped[0].train()
    assert stopped[1].topology.n_steps == step
    resumed = attached("chtss", tmp_path / "stopped", backend, **args)
    resumed[0].train(resume_from_checkpoint=True)
    assert_same(whole, resumed)
    resumed[0].save_model(str(tmp_path / "final"))
    assert_plain_reader(tmp_path / "final", whole[0].model)


def stop_at(step):
    class Stop(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_training_stop |= state.global_step == step

    return Stop()


class Losses:
    """Returns evaluation losses that make one checkpoint the best."""

    def __init__(self, best):
        self.losses = {step: float(step != best) for step in (4, 8, 10)}

    def __call__(self, prediction):
        return {"chosen": self.losses[self.trainer.state.global_step]}


@pytest.mark.parametrize(
    ("method", "backend"),
    [("chtss", "masked"), ("chtss", "csr"), ("rigl", "csr"), ("gmp", "masked"), ("topkast", "masked"), ("set", "csr")],
)
def test_the_best_model_is_restored_with_its_links(method, backend, tmp_path):
    losses = Losses(best=4)
    options = {
        "eval_strategy": "steps", "eval_steps": 4, "load_best_model_at_end": True, "greater_is_better": False,
        "metric_for_best_model": "chosen",
    }  # fmt: skip
    rule = rule_of(method)
    trainer = trainer_of(llama(rule, backend), tmp_path, **options)
    trainer.compute_metrics, losses.trainer = losses, trainer
    attachment = huggingface.attach(trainer, rule, interval=2, seed=SEED)
    trainer.train()
    assert trainer.state.best_model_checkpoint.endswith("checkpoint-4")
    other = attached(method, tmp_path / "other", backend, max_steps=10, callbacks=[stop_at(4)])
    other[0].train()
    expected, state = state_of(other[0]), state_of(trainer)
    assert [key for key in expected if not torch.equal(expected[key], state[key])] == []
    assert attachment.topology.n_steps == 4
    trainer.save_model(str(tmp_path / "best"))
    assert_plain_reader(tmp_path / "best", other[0].model)
    assert huggingface.read_topology(tmp_path / "best")[0]["n_steps"] == 4


def test_a_model_that_is_saved_before_it_trains_has_its_links_next_to_it(tmp_path):
    trainer, _ = attached("set", tmp_path, "csr")
    trainer.save_model()
    assert_plain_reader(tmp_path, trainer.model)
    links = huggingface.read_topology(tmp_path)[0]["links"]
    assert all(torch.equal(links[name], layer.cells()) for name, layer in sparse_layers(trainer.model).items())


def test_weights_in_several_files_are_read_as_well(tmp_path):
    whole = attached("chtss", tmp_path, "csr")
    whole[0].train()
    folder = tmp_path / "checkpoint-4"
    plain = transformers.LlamaForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    plain.save_pretrained(folder, max_shard_size="2KB")
    assert (folder / "model.safetensors.index.json").is_file()
    resumed = attached("chtss", tmp_path, "csr")
    resumed[0].train(resume_from_checkpoint=str(folder))
    assert_same(whole, resumed)
