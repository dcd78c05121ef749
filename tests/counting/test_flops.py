"""FLOPs, compared with hand counts and with torch's FLOP counter on real products."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import topolearn as tl
from tests.counting.counted import BATCH, STEPS, costs
from tests.tasks.translation.small import config as translation
from topolearn.counting import Workload, count, count_config
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.sparse import topology_of
from topolearn.tasks.parameters import n_parameters
from topolearn.tasks.translation.model import IDLE, dense_model
from topolearn.training import TrainConfig

transformers = pytest.importorskip("transformers")

CELLS, HEAD = (24 * 40, 40 * 32), 32 * 3


def test_a_constant_density_by_hand():
    counted = costs(tl.method("set", density=0.25)).total
    assert counted.dense_flops == 6 * BATCH * STEPS * (sum(CELLS) + HEAD)
    assert counted.flops == 6 * BATCH * STEPS * (sum(CELLS) // 4 + HEAD)


def test_a_falling_density_by_hand():
    method = tl.method("gmp", density=0.25, start_density=0.5, density_schedule="one_shot", decay_end=0.5)
    half = 6 * BATCH * STEPS // 2
    counted = costs(method, interval=10)
    assert counted.total.flops == half * (sum(CELLS) // 2 + sum(CELLS) // 4 + 2 * HEAD)
    assert counted.total.links == 2 * counted.total.last_links == sum(CELLS) // 2


def test_regrowth_by_gradient_pays_for_all_cells_at_updates():
    method = tl.method("rigl", density=0.25)
    counted = costs(method, interval=10)
    assert counted.update_flops == 2 * BATCH * 2 * (sum(CELLS) * 3 // 4)  # at steps 10 and 20 of 30
    assert counted.total.flops == costs(tl.method("set", density=0.25)).total.flops + counted.update_flops


def test_what_topkast_trains_beyond_the_links_costs_a_gradient():
    counted = costs(tl.method("topkast", density=0.25), interval=10)
    explored, links = 20, sum(CELLS) // 4  # of the 40 steps, those up to the last update
    assert counted.total.flops == 2 * BATCH * (STEPS * (3 * links + 3 * HEAD) + explored * links)


def test_batches_of_a_step_add_up():
    one, three = (costs(tl.method("rigl"), accumulation=n) for n in (1, 3))
    assert three.total.flops == 3 * one.total.flops
    assert three.memory == one.memory


def test_a_translator_counts_as_a_real_one(tmp_path):
    config = translation(tmp_path, "chtss", batch_tokens=64)
    counted = count_config(config)
    model = dense_model(config, config.vocabulary_size)
    tokens = torch.ones(2, 32, dtype=torch.int64)
    with FlopCounterMode(display=False) as real, torch.no_grad():
        model(input_ids=tokens, decoder_input_ids=tokens)
    assert counted.total.dense_flops == 3 * config.steps * real.get_total_flops()
    assert counted.total.parameters == n_parameters(model, IDLE)
    with pytest.warns(UserWarning, match="leaves dense"):
        graphs = topology_of(tl.sparsify(model, config.build_method())).graphs
    assert {name: graph.n_links for name, graph in graphs.items()} == counted.links
    assert counted.interval == config.update_interval
    assert sum(each.n_steps for each in counted.schedule) == config.steps


@pytest.mark.parametrize(
    ("width", "hidden", "n_layers", "n_heads"), [(768, 2048, 12, 12), (2048, 5461, 24, 32)], ids=["130M", "1B"]
)
def test_llama_of_the_paper_by_hand(width, hidden, n_layers, n_heads):
    settings = {"hidden_size": width, "intermediate_size": hidden, "num_hidden_layers": n_layers}
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(
            transformers.LlamaConfig(vocab_size=32000, num_attention_heads=n_heads, **settings)
        )
        tokens = torch.empty(8, 256, dtype=torch.int64)
    method = tl.method("chts", density=0.3)
    counted = count(Workload(model=model, inputs=[tokens], method=method, steps=1000, interval=100))
    cells = n_layers * (4 * width**2 + 3 * width * hidden)
    assert counted.total.cells == cells
    assert counted.total.links == sum(counted.links.values()) == pytest.approx(0.3 * cells, rel=1e-6)
    assert counted.total.parameters == cells + 2 * 32000 * width + (2 * n_layers + 1) * width
    attention = 2 * 2 * 8 * 256**2 * width * n_layers
    assert counted.other_flops == 3 * attention * 1000
    assert counted.total.flops == 6 * 2048 * 1000 * (counted.total.links + 32000 * width) + counted.other_flops
    assert counted.memory["dense"].total == 4 * 4 * counted.total.parameters
    names = {each.kind.rpartition(".")[2]: each.n_modules for each in counted.kinds}
    assert names["gate_proj"] == n_layers
    assert names["lm_head"] == 1


def test_shared_weights_count_once_and_layers_used_twice_compute_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.mix, self.head = nn.Embedding(50, 8), nn.Linear(8, 8), nn.Linear(8, 50, bias=False)
            self.head.weight = self.tokens.weight

        def forward(self, x):
            return self.head(self.mix(self.mix(self.tokens(x))))

    with torch.device("meta"):
        model, x = Twice(), torch.empty(3, 5, dtype=torch.int64)
    counted = count(Workload(model=model, inputs={"x": x}, method="set", steps=10, interval=2))
    assert counted.total.parameters == 50 * 8 + 8 * 8 + 8
    assert counted.total.dense_flops == 6 * 15 * 10 * (2 * 64 + 400)


def test_classification_counts_its_own_training():
    config = TrainConfig(method="chts", density=0.1, hidden=(50, 40), epochs=3, batch_size=64, device="cuda:7")
    counted = count_config(config)
    assert counted.links == {"hidden1": 320, "hidden2": 200}
    assert counted.workload.steps == 3 * counted.interval  # an update an epoch
    assert counted.workload.optimizer == "sgd+momentum"


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"method": "rigll"}, UnknownNameError, "did you mean 'rigl'"),
        ({"optimizer": "adma"}, UnknownNameError, "did you mean 'adam'"),
        ({"steps": 0}, InvalidValueError, "steps=0 must be at least 1"),
        ({"interval": None}, InvalidValueError, "does not define an interval: pass interval="),
        ({"inputs": [torch.zeros(2, 4)]}, InvalidValueError, "an input is on cpu, where it takes memory"),
        ({"inputs": [3]}, InvalidTypeError, "an input is of type int, not a tensor"),
        ({"model": nn.Sequential(nn.Linear(4, 4))}, InvalidValueError, "0.weight is on cpu"),
        ({"model": "mlp"}, InvalidTypeError, "must be a torch.nn.Module, not str"),
        ({"inputs": [torch.empty(2, 5, device="meta")]}, InvalidValueError, "cannot run on the meta device"),
        ({"exclude": ["head"]}, InvalidValueError, "'head' matches none of the linear layers: 0, 2"),
        ({"method": tl.method("set", density=1e-9)}, InvalidValueError, "density=1e-09 leaves no link"),
        ({"method": "chtss", "steps": 10, "interval": 9}, InvalidValueError, "no update while the density falls"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_what_cannot_be_counted_is_rejected(values, error, words):
    with torch.device("meta"):
        model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), torch.empty(2, 4)
    given = {"model": model, "inputs": [x], "method": "set", "steps": 100, "interval": 10}
    with pytest.raises(error, match=words):
        count(Workload(**given | values))
    hooks = [module._forward_hooks for module in model.modules()]
    assert not any(hooks)
