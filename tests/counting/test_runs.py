"""Counts before a training agree with what its run records, for each task."""

from dataclasses import replace

import pytest
import torch

from tests.tasks.language import small as language
from tests.tasks.translation import small as translation
from topolearn.counting import Workload, count_config
from topolearn.errors import UnknownNameError
from topolearn.recording import train
from topolearn.tasks.checkpoints import last_checkpoint
from topolearn.tasks.parameters import n_parameters
from topolearn.training import TrainConfig

pytest.importorskip("transformers")
pytest.importorskip("sacrebleu")
pytestmark = pytest.mark.filterwarnings("ignore:sparsify leaves dense", "ignore:no neuron groups")


def classifier(folder, **values):
    sizes = {"hidden": (16, 16), "epochs": 1, "density": 0.2, "threads": 1, "measures": ("none",)}
    sizes |= {"backend": "masked", "update_interval": 10}
    return TrainConfig(method="chts", run_dir=str(folder / "run"), **sizes, **values)


def language_model(folder, **values):
    language.write_corpus(folder)
    return language.config(folder, "run", backend="masked", steps=4, **values)


def translator(folder, **values):
    translation.write_corpus(folder)
    return translation.config(folder / "run", dataset=str(folder), backend="masked", steps=4, **values)


@pytest.mark.parametrize(
    ("of_task", "values"),
    [
        (classifier, {}),
        (language_model, {}),
        (language_model, {"precision": "bf16-true"}),
        (translator, {}),
        (translator, {"method": "dense"}),
    ],
)
def test_a_run_has_the_parameters_and_bytes_that_were_counted(of_task, values, tmp_path):
    config = of_task(tmp_path, **values)
    run = train(config, quiet=True)
    model = run.load_model("last")
    if config.task != "classification":
        config = replace(config, vocabulary_size=model.config.vocab_size)  # the text has too few words for the maximum
    counted = count_config(config)
    assert counted.total.last_parameters == run.summary.get("n_parameters", n_parameters(model))
    memory = counted.memory["dense" if config.method == "dense" else "masked"]
    weights = sum(each.numel() * each.itemsize for each in model.parameters())
    assert memory.weights == weights
    if config.task == "classification":
        return
    state = torch.load(last_checkpoint(run.path) / "optimizer.pt", weights_only=True)["state"]
    kept = [value for each in state.values() for value in each.values() if torch.is_tensor(value) and value.ndim]
    assert memory.optimizer == 2 * memory.gradients == sum(each.nbytes for each in kept)


def test_an_idle_parameter_must_exist():
    with torch.device("meta"):
        model, x = torch.nn.Linear(4, 4), torch.empty(2, 4)
    with pytest.raises(UnknownNameError, match=r"no parameter 'wieght', named as idle: did you mean 'weight'"):
        Workload(model=model, inputs=[x], method="set", steps=9, idle=["wieght"])
