"""accelerate: the links of a plain loop, and training that resumes bit for bit from any step."""

import pickle

import pytest
import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

import topolearn as tl
from tests.integrations.small_loops import (
    EPOCHS,
    OFTEN,
    STEPS,
    assert_same_training,
    batches,
    links_of,
    loss_of,
    made,
    off_links,
    plain,
    scheduled,
)  # fmt: skip
from topolearn.errors import CheckpointError, InvalidTypeError, InvalidValueError, MissingFileError
from topolearn.integrations.accelerate import read_topology, register

accelerate = pytest.importorskip("accelerate")
CUT = 7  # in the midst of the second epoch, and between updates
EMA = get_ema_multi_avg_fn(0.9)


class Loop:
    """A training loop with accelerate."""

    def __init__(self, method, backend="masked", accumulate=1):
        self.accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=accumulate)
        model, optimizer, self.loader = self.accelerator.prepare(*made(method, backend), batches())
        self.model, self.optimizer = model, optimizer
        self.topology = scheduled(model, optimizer, method, STEPS // accumulate)
        self.average = tl.AveragedModel(self.accelerator.unwrap_model(model), multi_avg_fn=EMA)
        tl.attach(optimizer, self.topology)
        self.registration = register(self.accelerator, self.topology)
        self.accelerator.register_for_checkpointing(self.average)

    def run(self, start=0, stop=None, folder=None, save_at=None):
        """Train on some batches, save after one of them, and return the links after each update."""
        links, n = [], 0
        self.topology.register_update_hook(lambda topology, _: links.append(links_of(topology)))
        for _ in range(EPOCHS):
            for batch in self.loader:
                n += 1
                if n <= start or (stop is not None and n > stop):
                    continue
                with self.accelerator.accumulate(self.model):
                    self.accelerator.backward(loss_of(self.model, batch))
                    self.optimizer.step()
                    self.optimizer.zero_grad()
                self.average.update_parameters(self.accelerator.unwrap_model(self.model))
                if n == save_at:
                    self.accelerator.save_state(folder)
        return links


@pytest.mark.parametrize(("method", "backend"), OFTEN)
def test_a_training_resumes_bit_for_bit(method, backend, tmp_path):
    whole = Loop(method, backend)
    links = whole.run(folder=tmp_path, save_at=CUT)
    topology, expected = plain(method, backend)
    assert links == expected
    assert_same_training(whole.topology, topology)
    again = Loop(method, backend)
    again.accelerator.load_state(tmp_path)
    assert again.topology.n_steps == CUT
    later = again.run(start=CUT)
    assert later == links[len(links) - len(later) :]
    assert_same_training(again.topology, whole.topology)
    for one, other in zip(again.average.state_dict().values(), whole.average.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert off_links(whole.topology) == 0


@pytest.mark.parametrize(
    ("method", "backend"), [("chtss", "masked"), ("chtss", "csr"), ("rigl", "csr"), ("set", "masked")]
)
def test_it_continues_with_accumulated_gradients(method, backend, tmp_path):
    whole = Loop(method, backend, accumulate=2)
    links = whole.run(folder=tmp_path, save_at=10)
    topology, expected = plain(method, backend, accumulate=2)
    assert links == expected
    assert_same_training(whole.topology, topology)
    again = Loop(method, backend, accumulate=2)
    again.accelerator.load_state(tmp_path)
    again.run(start=10)
    assert_same_training(again.topology, whole.topology)


def test_nothing_of_the_topology_is_pickled(tmp_path):
    loop = Loop("chts")
    loop.run(folder=tmp_path, save_at=CUT, stop=CUT)
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads((tmp_path / "topology.safetensors").read_bytes())
    state, about = read_topology(tmp_path)
    assert about == {"method": "chts"}
    assert {name: cells.tolist() for name, cells in state["links"].items()} == links_of(loop.topology)


def test_a_registration_is_undone(tmp_path):
    loop = Loop("set")
    loop.registration.remove()
    loop.accelerator.save_state(tmp_path)
    assert not (tmp_path / "topology.safetensors").exists()


def test_a_folder_without_topology_or_of_another_method_is_rejected_and_nothing_is_loaded(tmp_path):
    loop = Loop("set")
    loop.run(stop=CUT)
    loop.accelerator.save_state(tmp_path)
    for method, prepare in (("mest", lambda: None), ("set", (tmp_path / "topology.safetensors").unlink)):
        prepare()
        other = Loop(method)
        before = {key: value.clone() for key, value in other.model.state_dict().items()}
        kind = CheckpointError if method == "mest" else MissingFileError
        with pytest.raises(kind, match=r"method 'set', and the|there is no topology\.safetensors in"):
            other.accelerator.load_state(tmp_path)
        assert all(torch.equal(value, before[key]) for key, value in other.model.state_dict().items())


def test_a_model_that_was_not_prepared_is_rejected(tmp_path):
    accelerator = accelerate.Accelerator(cpu=True)
    model, optimizer = made("set")
    register(accelerator, scheduled(model, optimizer, "set"))
    with pytest.raises(
        InvalidValueError, match="the layers '0', '2' are not both in the models prepared by the accelerator"
    ):
        accelerator.save_state(tmp_path)


@pytest.mark.parametrize(
    ("accelerator", "topology", "words"),
    [("cpu", None, "accelerator is a str"), (None, "set", "topology is a str: give the TopologyScheduler")],
)
def test_other_things_are_rejected(accelerator, topology, words):
    with pytest.raises(InvalidTypeError, match=words):
        register(accelerator or accelerate.Accelerator(cpu=True), topology)
