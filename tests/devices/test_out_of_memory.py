"""When an accelerator runs out of memory during an update, the model stays as it was, wherever that happens."""

import pytest
import torch
from torch import nn

import topolearn as tl
from topolearn.evolution import METHODS

EVOLVING = [name for name, method in METHODS.items() if method.evolves]
KINDS = ("set", "rigl", "chts", "srigl", "topkast", "deepr")  # these prepare different things
LAST = 8  # tensors at the end of an update that are tried one by one, since writing begins there
INTERVAL = 2
PLENTY = 10**6


def setup(pretend, name, **parts):
    torch.manual_seed(0)
    x = torch.randn(16, 12)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))
    method = tl.method(name, density=0.3, interval=None, **parts)
    calibration = x if method.needs_data else None
    model = tl.sparsify(model, method, backend="masked", calibration=calibration).to(pretend.device)
    trainer = torch.optim.AdamW(model.parameters(), lr=0.05, amsgrad=True)
    topology = tl.TopologyScheduler(model, trainer, method, total_steps=40, interval=INTERVAL)
    return model, trainer, topology, x.to(pretend.device)


def run(model, trainer, topology, x):
    trainer.zero_grad()
    model(x).square().mean().backward()
    trainer.step()


def state(model, trainer, topology, x):
    """Return everything that an update changes, on the CPU."""
    tensors = {f"topology, {key}, {name}": each for key, of in topology.state_dict().items() if isinstance(of, dict)
               for name, each in of.items() if isinstance(each, torch.Tensor)}  # fmt: skip
    tensors |= {key: each.cpu() for key, each in model.state_dict().items()}
    for layer in tl.sparse.sparse_layers(model).values():
        own = {"weight": layer.weight, "bits": layer._kept, "trained": layer.trained_mask}
        moments = {key: each for key, each in trainer.state[layer.weight].items() if each.shape == layer.weight.shape}
        for key, each in {**own, **moments}.items():
            tensors[f"{layer.layer_name}, {key}"] = each.detach().cpu().clone()
            assert not each.detach().cpu()[~layer.trained_mask.cpu()].any()
        assert layer.n_links == int(layer.mask.cpu().sum())
    counts = topology.n_updates, topology.last_update_step, dict(topology.converged)
    return tensors, counts


def is_same(one, other):
    return one[1] == other[1] and all(torch.equal(each, other[0][key]) for key, each in one[0].items())


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        *(pytest.param(name, {}, marks=() if name in KINDS else pytest.mark.slow) for name in EVOLVING),
        ("set", {"regrown": "history"}),
    ],
)
def test_an_update_happens_as_a_whole_or_not_at_all(pretend, name, parts):
    one, other = setup(pretend, name, **parts), setup(pretend, name, **parts)
    for each in (one, other):
        for _ in range(INTERVAL - 1):
            run(*each)
            each[2].step()
        run(*each)
    before = state(*one)
    state(*other)  # reads the same as for the first
    with pretend.out_of_memory(after=PLENTY):
        other[2].step()
        n_made = PLENTY - pretend._left
    assert n_made > 20
    for after in [*range(0, n_made - LAST, n_made // 8), *range(n_made - LAST, n_made + 1)]:
        try:
            with pretend.out_of_memory(after):
                one[2].step()
            break
        except torch.OutOfMemoryError:
            assert is_same(state(*one), before), f"after {after} of {n_made} tensors"
        one[2]._watch.took_step, one[2].n_steps = True, one[2].n_steps - 1  # as if the step had not been counted
    assert n_made - LAST < after <= n_made
    assert is_same(state(*one), state(*other))


@pytest.mark.parametrize(("name", "parts"), [*((name, {}) for name in EVOLVING), ("chts", {"regrown": "history"})])
def test_training_continues_after_an_update_ran_out_of_memory(pretend, name, parts):
    everything = setup(pretend, name, **parts)
    topology = everything[2]
    for step in range(4 * INTERVAL):
        run(*everything)
        if step == INTERVAL - 1:
            with pytest.raises(torch.OutOfMemoryError), pretend.out_of_memory(after=10):
                topology.step()
        else:
            topology.step()
    assert topology.n_steps == 4 * INTERVAL
    assert topology.n_updates == 3
    state(*everything)
