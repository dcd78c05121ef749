"""Links that grow again start with their last value, if the method asks for it."""

import copy
import itertools
import re

import pytest
import torch

import topolearn as tl
from tests.evolution.loops import advance, link_state, on_links, setup, train_step
from topolearn.errors import CheckpointError, InvalidValueError
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.per_link.former_values import FormerList, FormerMatrix
from topolearn.integrations.checkpoints.topology_file import read_topology, save_topology
from topolearn.studies.identity import config_hash, identity
from topolearn.training.checkpoint import load_checkpoint, save_checkpoint

BACKENDS = ("masked", "csr")
HISTORY = {"regrown": "history"}


def started(method="chts", backend="masked", optimizer="adam", **options):
    return setup(method, optimizer, backend=backend, **{"sizes": (8, 12, 10, 3), "total": 24, **HISTORY, **options})


def values_of(topology):
    return {
        name: dict(zip(layer.cells().tolist(), layer.link_values().tolist(), strict=True))
        for name, layer in topology.layers.items()
    }


def remembered(optimizer, layer):
    return {key: state.clone() for key, state in on_links(layer, link_state(optimizer, layer)).items()}


# --- Against a dictionary of last values ---------------------------------------------------------------------------
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("method", "overrides"),
    [
        ("set", {}), ("srigl", {}), ("mest", {}), ("chts", {}), ("chtss", {"distribution": "erk+global"}),
        *(pytest.param(name, {}, marks=pytest.mark.slow) for name in ("rigl", "granet", "chtss", "chts-gmp")),
        pytest.param("set", {"allow_return": False}, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_a_link_starts_with_its_last_value(method, overrides, backend):
    model, optimizer, topology = started(method, backend, **overrides)
    known = {name: {} for name in topology.layers}
    n_again, n_new = 0, 0
    for _ in range(24):
        train_step(model, optimizer)
        before = values_of(topology)
        memory = {name: remembered(optimizer, layer) for name, layer in topology.layers.items()}
        update, after = topology.step(), values_of(topology)
        optimizer.zero_grad()
        if update is None:
            assert after == before
            continue
        for name, layer in topology.layers.items():
            known[name] |= before[name]
            assert after[name] == {cell: known[name].get(cell, 0.0) for cell in after[name]}
            stays = torch.tensor([cell in before[name] for cell in after[name]])
            for key, state in remembered(optimizer, layer).items():
                assert not state[~stays].any()
                kept = [i for i, cell in enumerate(before[name]) if cell in after[name]]
                assert torch.equal(state[stays], memory[name][key][kept])
            come = [cell for cell in after[name] if cell not in before[name]]
            n_again += sum(known[name].get(cell, 0.0) != 0 for cell in come)
            n_new += sum(cell not in known[name] for cell in come)
            if backend == "masked":
                assert not layer.weight.detach()[~layer.mask].any()
    assert n_again
    assert n_new


@pytest.mark.parametrize("kind", [FormerList, lambda values: FormerMatrix(30, values)])
def test_random_updates_agree_with_a_dictionary(kind):
    generator = torch.Generator().manual_seed(0)
    for dtype in (torch.float64, torch.bfloat16):
        former, known = kind(torch.empty(0, dtype=dtype)), {}
        before = torch.arange(0, 30, 3)
        for n_after in (*torch.randint(1, 31, (60,), generator=generator).tolist(), 30, 1, 30):
            values = torch.randn(before.numel(), generator=generator, dtype=dtype)
            after = torch.randperm(30, generator=generator)[:n_after].sort().values
            known |= dict(zip(before.tolist(), values.tolist(), strict=True))
            begin, commit = former.prepare(before, values, after)
            others = former.of_others(before)
            assert begin.dtype == dtype
            assert begin.tolist() == [known.get(cell, 0.0) for cell in after.tolist()]
            assert all(map(torch.equal, former.of_others(before), others)), "nothing changes before the commit"
            commit()
            cells, last = former.of_others(after)
            assert cells.tolist() == sorted(known.keys() - set(after.tolist()))
            assert last.tolist() == [known[cell] for cell in cells.tolist()]
            twin = kind(torch.empty(0, dtype=dtype))
            twin.restore(cells, last)
            former, before = twin, after


def test_links_changed_by_other_code_are_handled():
    model, optimizer, topology = started("set")
    advance(model, optimizer, topology, 7)
    layer = topology.layers["0"]
    layer.set_links(torch.arange(layer.n_links))
    saved = copy.deepcopy(topology.state_dict())
    assert not torch.isin(saved["former"]["0"], saved["links"]["0"]).any()
    advance(model, optimizer, topology, 4)
    topology.load_state_dict(saved)


def test_masked_and_csr_layers_agree():
    one, other = (started("chtss", backend, dtype=torch.float64) for backend in BACKENDS)
    for each in (one, other):
        torch.manual_seed(1)
        advance(*each, 20)
    states = [each[2].state_dict() for each in (one, other)]
    for name, layer in one[2].layers.items():
        torch.testing.assert_close(layer.dense_weight(), other[2].layers[name].dense_weight(), rtol=1e-9, atol=1e-9)
        assert torch.equal(states[0]["former"][name], states[1]["former"][name])
        assert len(states[0]["former"][name]) > 0
        torch.testing.assert_close(*(state["former_values"][name] for state in states), rtol=1e-9, atol=1e-9)


def test_a_frozen_layer_stays_unchanged():
    model, optimizer, topology = started("set")
    model[0].weight.requires_grad_(False)
    before = model[0].weight.clone()
    advance(model, optimizer, topology, 9)
    assert torch.equal(model[0].weight, before)
    assert [len(cells) > 0 for cells in topology.state_dict()["former"].values()] == [False, True]


# --- Checkpoints ---------------------------------------------------------------------------------------------------
def is_same(one, other):
    assert [repr(update) for update in one[1]] == [repr(update) for update in other[1]]
    states = [each[0].state_dict() for each in (one[0], other[0])]
    return all(torch.equal(value, states[1][key]) for key, value in states[0].items())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n_before", [1, 11])  # before the first update there is no history
def test_training_continues_bit_for_bit(backend, n_before, tmp_path):
    training = started("chtss", backend)
    advance(*training, n_before)
    saved, rng = copy.deepcopy([each.state_dict() for each in training]), torch.get_rng_state()
    save_checkpoint(tmp_path / "checkpoint", *training, {})
    save_topology(tmp_path, saved[2], {})
    twin = copy.deepcopy(training)
    expected = (training, advance(*training, 12))

    def goes_on(again):
        torch.set_rng_state(rng)
        return is_same((again, advance(*again, 12)), expected)

    assert goes_on(twin)
    for order in itertools.permutations((0, 1, 2)):
        again = started("chtss", backend, seed=5)
        for i in order:
            again[i].load_state_dict(copy.deepcopy(saved[i]))
        assert goes_on(again), order
    again = started("chtss", backend, seed=6)
    advance(*again, 9)  # this history is replaced
    load_checkpoint(tmp_path / "checkpoint", *again)
    assert goes_on(again)
    again = started("chtss", backend, seed=7)
    again[2].load_state_dict({**saved[2], **read_topology(tmp_path)[0]})
    for i in (0, 1):
        again[i].load_state_dict(copy.deepcopy(saved[i]))
    assert goes_on(again)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state["former"].update({"0": state["links"]["0"][:1]}), "contains current links"),
        (lambda state: state["former"].update({"0": torch.tensor([5, 4])}), "'former' of layer '0'"),
        (lambda state: state["former"].update({"0": torch.tensor([96])}), "'former' of layer '0'"),
        (lambda state: state["former_values"].update({"0": torch.zeros(1)}), "'former_values' of layer '0'"),
        (lambda state: state.pop("former"), "has no 'former'"),
    ],
)
def test_an_invalid_history_is_rejected(change, message):
    training = started("set")
    advance(*training, 9)
    before = copy.deepcopy(training[2].state_dict())
    state = copy.deepcopy(before)
    change(state)
    with pytest.raises(CheckpointError, match=re.escape(message)):
        training[2].load_state_dict(state)
    for key in ("links", "former", "former_values"):
        assert all(torch.equal(value, before[key][name]) for name, value in training[2].state_dict()[key].items())


# --- What it costs, and where it is rejected -----------------------------------------------------------------------
def test_links_start_at_zero_by_default_and_nothing_is_stored():
    training = setup("set", "adam", total=40)
    advance(*training, 9)
    assert not {"former", "former_values"} & training[2].state_dict().keys()
    assert tl.method("chts").regrown == "zero"


def test_csr_layers_store_only_former_links():
    training = started("set", "csr")
    advance(*training, 20)
    former = training[2]._links.ages["0"].former
    held = [each for each in vars(former).values() if isinstance(each, torch.Tensor)]
    n_former = len(training[2].state_dict()["former"]["0"])
    assert sorted(each.numel() for each in held) == [n_former, n_former]


@pytest.mark.parametrize(
    ("name", "parts", "message"),
    [
        ("set", {"regrown": "histroy"}, "regrown='histroy' is unknown: did you mean 'history'?"),
        ("static", HISTORY, "regrown='history' needs removal and regrowth"),
        ("dense", HISTORY, "regrown='history' needs removal and regrowth"),
        ("gmp", HISTORY, "storage='dense' already restores the last values of links"),
        ("topkast", HISTORY, "storage='dense' already restores the last values of links"),
        ("deepr", HISTORY, "restores the values with which links failed the test removal='sign'"),
    ],
)
def test_history_is_rejected_where_it_has_no_effect(name, parts, message):
    with pytest.raises(InvalidValueError, match=re.escape(message)):
        tl.method(name, **parts)


def test_shards_are_rejected_by_name():
    assert kind_of(tl.method("chts")).why_not_shards() is None
    raised = kind_of(tl.method("chts", **HISTORY)).why_not_shards()
    assert raised == "remembers the values of former links (regrown='history')"


def test_the_configuration_hash_depends_on_history_only_if_requested():
    usual, same, other = (tl.TrainConfig(overrides=parts) for parts in ({}, {"regrown": "zero"}, HISTORY))
    assert config_hash(usual) == config_hash(same)
    assert identity(other)["method"] == {**identity(usual)["method"], **HISTORY}
