"""A tiny LLaMA, its data and its trainer, shared by the tests of the Hugging Face integration."""

import importlib
import warnings
from importlib.util import find_spec

import torch

import topolearn as tl
from topolearn.integrations import huggingface

# Tests that import this skip themselves where it is not installed.
transformers = importlib.import_module("transformers") if find_spec("transformers") else None

SIZES = {
    "vocab_size": 20, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 1, "max_position_embeddings": 16, "tie_word_embeddings": False,
}  # fmt: skip
OPTIONS = {
    "per_device_train_batch_size": 4, "per_device_eval_batch_size": 10, "max_steps": 10, "save_strategy": "steps",
    "save_steps": 4, "logging_steps": 5, "report_to": [], "use_cpu": True, "seed": 1, "disable_tqdm": True,
    "learning_rate": 1e-2,
}  # fmt: skip
INTERVAL, SEED = 2, 3


class Sentences(torch.utils.data.Dataset):
    """Forty sentences of eight tokens, by number."""

    def __len__(self):
        return 40

    def __getitem__(self, i):
        tokens = torch.randint(0, SIZES["vocab_size"], (8,), generator=torch.Generator().manual_seed(i))
        return {"input_ids": tokens, "labels": tokens}


def rule_of(method):
    return tl.method(method) if tl.method(method).is_dense else tl.method(method, density=0.25)


def interval_of(rule):
    return INTERVAL if rule.interval is None else rule.interval


def llama(rule, backend="masked", dtype=torch.float32, **sizes):
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**SIZES, **sizes})).to(dtype)
    data = torch.rand(32, SIZES["hidden_size"]) if rule.needs_data else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "sparsify leaves dense")  # the embedding
        return tl.sparsify(model, rule, backend=backend, calibration=data, seed=SEED)


def trainer_of(model, folder, kind="Trainer", callbacks=(), optimizers=(None, None), **options):
    of_kind = getattr(transformers, f"{'Seq2Seq' if kind.startswith('Seq2Seq') else ''}TrainingArguments")
    return getattr(transformers, kind)(
        model,
        of_kind(str(folder), **{**OPTIONS, **options}),
        train_dataset=Sentences(),
        eval_dataset=Sentences(),
        callbacks=list(callbacks),
        optimizers=optimizers,
    )


def attached(method, folder, backend="masked", *, record=None, **options):
    """A trainer of a tiny model, and the Attachment of topolearn to it."""
    rule = rule_of(method)
    sizes = options.pop("sizes", {})
    trainer = trainer_of(llama(rule, backend, **sizes), folder, **options)
    return trainer, huggingface.attach(trainer, rule, interval=interval_of(rule), seed=SEED, record=record)


def state_of(trainer):
    return {key: value.clone() for key, value in trainer.model.state_dict().items()}


def moments_of(trainer):
    """The state of the optimizer, in the order of its parameters."""
    optimizer = trainer.optimizer.optimizer
    return [
        {key: value for key, value in optimizer.state[p].items() if torch.is_tensor(value)}
        for group in optimizer.param_groups
        for p in group["params"]
    ]


def assert_same(one, other):
    """Two training runs are the same, bit for bit: weights, links, moments and the scheduler's state."""
    a, b = state_of(one[0]), state_of(other[0])
    assert list(a) == list(b)
    assert [key for key in a if not torch.equal(a[key], b[key])] == []
    for first, second in zip(moments_of(one[0]), moments_of(other[0]), strict=True):
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)
    first, second = (each[1].topology.state_dict() for each in (one, other))
    for key, value in first.items():
        if isinstance(value, dict) and any(torch.is_tensor(each) for each in value.values()):
            assert all(torch.equal(each, second[key][name]) for name, each in value.items()), key
        else:
            assert value == second[key], key
