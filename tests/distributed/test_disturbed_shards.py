"""Whatever else loops do, sharded layers keep the links of one process; unsupported setups are rejected."""

import pytest
import torch

from tests.distributed.disturbed_shards import CASES, case, disturbed, language_model
from tests.distributed.shards import on_ranks
from tests.processes import NEED_GLOO

pytestmark = NEED_GLOO

WORDS = {
    "another seed": ["InvalidValueError: the ranks of the process group do not agree: links of layer '0' is 89 with"],
    "another model": ["shape of layer '2' is (41, 37) on rank 0 and (42, 37) on rank 1"],
    "hsdp": ["mesh has 2 dimensions, as with hybrid sharding (HSDP)", "over a mesh of one dimension"],
    "columns": ["the weight of layer '0' is a DTensor, but its links are not sharded", "tl.distributed.shard_topology"],
    "csr": ["layer '0' is on the csr backend", "sparsify(model, method, backend='masked')"],
    "no links": ["the weight of layer '0' is a DTensor", "after fully_shard(model, mesh=mesh), call tl.distributed"],
    "before sparsify": ["layer '0' has a weight that is a DTensor", "sparsify before sharding"],
    "not sharded": ["the weight of layer '0' is not sharded", "fully_shard(module, mesh=mesh)"],
    "not sparse": ["the model has no sparse layer", "before fully_shard"],
    "twice": ["layer '0' is sharded already: call shard_topology once"],
    "old optimizer": ["the weight of sparse layer '0' is in no param group"],
    "deepr": ["method 'deepr' moves all links at every step", "train with DistributedDataParallel"],
    "srigl": ["method 'srigl' distributes links among the neurons of all ranks", "train with DistributedDataParallel"],
    "not finite": ["its gradient is not finite: lower the learning rate"],
    "mesh": ["InvalidTypeError: mesh='cpu' must be a DeviceMesh"],
}


OF_THREE = [("few rows", 3), ("frozen", 3)]


@pytest.fixture(scope="module")
def of_two(tmp_path_factory):
    return on_ranks(2, tmp_path_factory.mktemp("two"), disturbed)


@pytest.fixture(scope="module")
def of_three(tmp_path_factory):
    return on_ranks(3, tmp_path_factory.mktemp("three"), disturbed)


@pytest.fixture
def results(request, world):
    return request.getfixturevalue({2: "of_two", 3: "of_three"}[world])


@pytest.mark.parametrize(
    ("name", "world"),
    [*((name, 2) for name in CASES), *(pytest.param(*each, marks=pytest.mark.slow) for each in OF_THREE)],
)
def test_ranks_choose_the_links_of_one_process(results, name, world):
    torch.set_num_threads(1)
    links, state, _ = case(name)
    assert links
    for result in results:
        links_of_rank, state_of_rank, n_off = result["cases"][name]
        assert links_of_rank == links
        assert n_off == 0
        for key, tensor in state.items():
            torch.testing.assert_close(state_of_rank[key], tensor, rtol=0, atol=1e-6)


@pytest.mark.parametrize("world", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_heads_and_gates_of_a_language_model_evolve_as_in_one_process(results, world):
    links = language_model()
    assert len(links) == 2
    for result in results:
        assert result["language"] == links


def test_gathered_weights_in_low_precision_leave_all_ranks_with_the_same_links(of_two):
    (links, final, _), (other_links, _, _) = (result["low precision"] for result in of_two)
    assert links == other_links
    assert {name: len(cells) for name, cells in links.items()} == final
    assert [result["low precision"][2] for result in of_two] == [0, 0]


def test_what_others_write_into_a_shard_is_zero_at_the_next_forward_and_warned_of(of_two):
    for result in of_two:
        off, messages = result["written"]
        assert off == 0
        assert [message for message in messages if "weights of layer '0' off its 89 links were written" in message]


@pytest.mark.parametrize("what", WORDS)
def test_unsupported_setups_are_rejected_on_every_rank(of_two, what):
    for result in of_two:
        assert result["rejected"][what] is not None
        for words in WORDS[what]:
            assert words in result["rejected"][what]
