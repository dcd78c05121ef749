"""The topology in a Hugging Face trainer: the same links as in a custom loop, what is logged, and all options."""

import json

import pytest
import torch

import topolearn as tl
from tests.integrations.hugging_face import (
    OPTIONS,
    SEED,
    Sentences,
    assert_same,
    attached,
    llama,
    rule_of,
    trainer_of,
)
from topolearn.integrations import huggingface
from topolearn.sparse import sparse_layers

pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")


class Batches(transformers.TrainerCallback):
    """Records the links after each step."""

    def __init__(self):
        self.links = []

    def on_step_end(self, args, state, control, *, model, **kwargs):
        self.links.append({name: layer.cells().clone() for name, layer in sparse_layers(model).items()})


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize("method", ["rigl", "chtss"])
def test_links_are_those_of_a_loop_by_hand(method, backend, tmp_path):
    """Two batches per step, clipped gradients, a falling learning rate; the batches are those drawn by the trainer."""
    rule, seen = rule_of(method), Batches()
    options = {"gradient_accumulation_steps": 2, "max_grad_norm": 0.5}
    trainer = trainer_of(llama(rule, backend, torch.float64), tmp_path, callbacks=[seen], **options)
    batches = []
    trainer.model.register_forward_pre_hook(
        lambda _, args, kwargs: batches.append(kwargs["input_ids"]) or None, with_kwargs=True
    )
    huggingface.attach(trainer, rule, interval=2, seed=SEED)
    trainer.train()

    model = llama(rule, backend, torch.float64)
    decaying = trainer.get_decay_parameter_names(model)
    optimizer = torch.optim.AdamW([p for name, p in model.named_parameters() if name in decaying], lr=1e-2)
    optimizer.param_groups[0]["weight_decay"] = 0.0
    optimizer.add_param_group({"params": [p for name, p in model.named_parameters() if name not in decaying]})
    rates = transformers.get_linear_schedule_with_warmup(optimizer, 0, OPTIONS["max_steps"])
    topology = tl.TopologyScheduler(model, optimizer, rule, total_steps=OPTIONS["max_steps"], interval=2, seed=SEED)
    assert len(batches) == 2 * OPTIONS["max_steps"]
    for step in range(OPTIONS["max_steps"]):
        for tokens in batches[2 * step : 2 * step + 2]:
            (model(tokens, labels=tokens).loss / 2).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        rates.step()
        topology.step()
        optimizer.zero_grad()
        for name, layer in sparse_layers(model).items():
            assert torch.equal(layer.cells(), seen.links[step][name]), (step, name)
    assert topology.n_updates >= 3


def rows(history, name):
    return {row["step"]: row[name] for row in history if name in row}


def test_numbers_reach_the_log_and_whatever_the_trainer_reports_to(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = {"report_to": ["tensorboard"], "logging_steps": 2}
    trainer, attachment = attached("chtss", tmp_path / "out", record=tmp_path / "run", **options)
    trainer.train()
    history, updates = trainer.state.log_history, [0, 2, 4, 6, 8]
    density = rows(history, "topology/density")
    assert list(density) == updates
    assert density[0] == pytest.approx(0.5, abs=0.01)
    assert density[6] == pytest.approx(0.25, abs=0.01)
    assert list(rows(history, "topology/overlap")) == list(rows(history, "topology/removed")) == updates[1:]
    assert list(rows(history, "topology/active_neurons")) == list(rows(history, "topology/fan_in_gini")) == updates
    assert list(rows(history, "loss")) == [2, 4, 6, 8, 10], "the trainer logs at steps with updates too"

    files = list(tmp_path.rglob("events.out.*"))
    events = EventAccumulator(str(files[0].parent)).Reload()
    name = next(tag for tag in events.Tags()["scalars"] if tag.endswith("topology/density"))
    assert [event.step for event in events.Scalars(name)] == updates

    run = tl.Run(tmp_path / "run")
    assert run.history.steps == updates
    assert run.summary["complete"]
    assert list(run.metrics["loss"].dropna()) == list(rows(history, "loss").values())
    assert run.config["max_steps"] == 10
    network = run.layers[run.layers["step"] == 6]
    assert network["removed"].sum() == rows(history, "topology/removed")[6]
    assert attachment.topology.n_updates == 4


def test_a_recording_continues_with_its_training(tmp_path):
    trainer, _ = attached("set", tmp_path / "out", record=tmp_path / "run")
    trainer.train()
    links = tl.Run(tmp_path / "run").history.at(8)
    trainer, _ = attached("set", tmp_path / "out", record=tmp_path / "run")
    trainer.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-4"))
    run = tl.Run(tmp_path / "run")
    assert run.history.steps == [0, 2, 4, 6, 8]
    assert all(graph == links[name] for name, graph in run.history.at(8).items())


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("masked", {"bf16": True}),
        ("csr", {"bf16": True}),
        ("csr", {"activation_checkpointing": True}),
        ("masked", {"sizes": {"tie_word_embeddings": True}, "max_grad_norm": 0.1}),
        ("csr", {"kind": "Seq2SeqTrainer", "eval_strategy": "steps", "eval_steps": 5}),
        ("masked", {"optim": "sgd", "neftune_noise_alpha": 1.0}),
    ],
    ids=str,
)
def test_options_of_the_trainer(backend, options, tmp_path):
    """Each trains, changes its links, stays zero off them, and resumes from a checkpoint as if it had never stopped."""
    whole = attached("rigl", tmp_path, backend, **options)
    whole[0].train()
    assert whole[1].topology.n_updates == 3
    for layer in sparse_layers(whole[0].model).values():
        assert int((layer.dense_weight() != 0).sum()) <= layer.n_links
    resumed = attached("rigl", tmp_path, backend, **options)
    resumed[0].train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert_same(whole, resumed)
    plain = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "checkpoint-10", output_loading_info=True)[1]
    assert not any(plain.values())


@pytest.mark.parametrize(("at", "backend"), [(1, "csr"), (5, "masked")])
def test_smaller_batches_begin_from_the_first_links(at, backend, tmp_path):
    """Memory runs out at a step; the trainer starts again with half the batch size until it fits."""
    whole = attached("chtss", tmp_path / "whole", backend, per_device_train_batch_size=2)
    trainer, attachment = attached("chtss", tmp_path, backend, auto_find_batch_size=True, record=tmp_path / "run")
    first = {name: layer.cells().clone() for name, layer in sparse_layers(trainer.model).items()}
    sizes, begun = [], []

    def run_out(_, args, kwargs):
        sizes.append(len(kwargs["input_ids"]))
        if sizes[-1] == 4 and len(sizes) == at:
            raise RuntimeError("CUDA out of memory.")

    class Begun(transformers.TrainerCallback):
        def on_train_begin(self, args, state, control, **kwargs):
            begun.append({name: layer.cells() for name, layer in attachment.topology.layers.items()})

    trainer.add_callback(Begun())
    trainer.model.register_forward_pre_hook(run_out, with_kwargs=True)
    trainer.train()
    assert sizes[at:] == [trainer._train_batch_size] * 10
    assert len(begun) == 2
    assert all(torch.equal(begun[1][name], cells) for name, cells in first.items())
    assert attachment.topology.n_steps == 10
    whole[0].train()
    for name, layer in sparse_layers(whole[0].model).items():
        assert layer.n_links == attachment.topology.layers[name].n_links
    assert tl.Run(tmp_path / "run").history.steps == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_an_average_of_weights_follows_the_links(backend, tmp_path):
    trainer, _ = attached("set", tmp_path, backend)
    average = tl.AveragedModel(trainer.model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    by_hand = {}

    class Averaging(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, *, model, **kwargs):
            average.update_parameters(model)
            for name, layer in sparse_layers(model).items():
                weight = layer.dense_weight()
                by_hand[name] = weight if name not in by_hand else 0.9 * by_hand[name] + 0.1 * weight

    trainer.add_callback(Averaging())
    trainer.train()
    for name, layer in sparse_layers(average.module).items():
        torch.testing.assert_close(layer.dense_weight(), by_hand[name])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["masked", "csr"])
def test_a_compiled_model_has_the_same_links(backend, tmp_path):
    trainer, attachment = attached("set", tmp_path / "compiled", backend, torch_compile=True)
    trainer.train()
    other, _ = attached("set", tmp_path / "plain", backend)
    other.train()
    layers = sparse_layers(other.model)
    assert all(torch.equal(layer.cells(), layers[name].cells()) for name, layer in attachment.topology.layers.items())


def test_a_model_card_says_what_is_sparse(tmp_path):
    trainer, attachment = attached("set", tmp_path, "csr")
    trainer.train()
    trainer.create_model_card(model_name="tiny")
    card = (tmp_path / "README.md").read_text()
    assert card.startswith("---")
    assert card.endswith(attachment.model_card())
    for text in ("## Sparse topology", "method `set`, 4 topology updates", "7 layers are sparse", "(25.00%)"):
        assert text in card
    assert "| model.layers.0.self_attn.k_proj | 16 | 8 | 32 | 25.00% |" in card
    trainer.create_model_card(model_name="tiny")
    assert (tmp_path / "README.md").read_text() == card


def test_what_is_uploaded_has_its_topology(tmp_path):
    """Before a push from a checkpoint, the trainer only copies the weights into the folder that it uploads."""
    trainer, _ = attached("set", tmp_path)
    trainer.train()
    trainer.callback_handler.on_push_begin(trainer.args, trainer.state, trainer.control)
    assert huggingface.read_topology(tmp_path)[0]["n_steps"] == 10


def test_nothing_of_the_topology_is_pickled(tmp_path):
    trainer, _ = attached("topkast", tmp_path)
    trainer.train()
    path = tmp_path / "checkpoint-4" / "topology.safetensors"
    length = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + length])
    assert json.loads(header["__metadata__"]["topolearn"])["state"]["n_steps"] == 4
    assert {key.partition("/")[0] for key in header} == {
        "__metadata__",
        "links",
        "born",
        "explored",
        "stored",
        "trained",
    }
    assert header["links/model.layers.0.mlp.up_proj"]["shape"] == [24, 2], "a bit for each cell"


def test_the_trainer_is_as_it_was_when_the_attachment_is_removed(tmp_path):
    trainer, attachment = attached("set", tmp_path)
    trainer.train()
    links = [layer.cells().clone() for layer in sparse_layers(trainer.model).values()]
    attachment.remove()
    assert not {"train", "save_model", "create_model_card"} & set(vars(trainer))
    trainer.train()
    assert all(map(torch.equal, links, [layer.cells() for layer in sparse_layers(trainer.model).values()]))
    assert len(Sentences()) == 40
