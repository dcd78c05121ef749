"""Which rows a rank holds, which layers it owns, and the state that it saves; without a process group."""

import itertools

import pytest
import torch

from topolearn.distributed import RowShard
from topolearn.distributed.row_shards import chunks
from topolearn.errors import CheckpointError
from topolearn.evolution import METHODS
from topolearn.evolution.sharded.owners import components_of, owner_by_layer
from topolearn.evolution.sharded.state import as_lists
from topolearn.graph import NeuronGroup
from topolearn.sparse.weights.packed_links import packed


@pytest.mark.parametrize("n_rows", [1, 3, 37, 41, 64])
@pytest.mark.parametrize("n_ranks", [1, 2, 3, 8])
def test_rows_are_cut_as_torch_cuts_them(n_rows, n_ranks):
    sizes = [len(piece) for piece in torch.arange(n_rows).chunk(n_ranks)]
    bounds = chunks(n_rows, n_ranks)
    assert [b - a for a, b in itertools.pairwise(bounds)] == sizes + [0] * (n_ranks - len(sizes))


@pytest.mark.parametrize("n_ranks", [1, 2, 3, 8])
def test_the_cells_of_all_ranks_are_those_of_the_layer(n_ranks):
    cells = torch.arange(0, 37 * 5, 3)
    shards = [RowShard((37, 5), chunks(37, n_ranks), rank) for rank in range(n_ranks)]
    assert torch.cat([shard.within(cells) for shard in shards]).equal(cells)
    for shard in shards:
        local = shard.local(shard.within(cells))
        assert ((local >= 0) & (local < (shard.last - shard.first) * 5)).all()


GROUPS = (NeuronGroup(("q", "k"), (), "all"), NeuronGroup(("v",), ("o",)), NeuronGroup(("o",), ("up",)))


@pytest.mark.parametrize(
    ("method", "overrides", "together"),
    [
        ("chts", {}, {"qk", "vou", "d"}),  # up is u, and down d, in these letters
        ("set", {}, {"q", "k", "v", "o", "u", "d"}),
        ("granet", {"distribution": "global"}, {"qkvoud"}),
    ],
)
def test_layers_that_need_each_other_have_one_owner_and_ranks_own_in_turn(method, overrides, together):
    names = ["q", "k", "v", "o", "up", "down"]
    components = components_of(names, GROUPS, METHODS[method].with_overrides(overrides), 2)
    assert {"".join(name[0] for name in each.names) for each in components} == together
    assert [each.owner for each in components] == [i % 2 for i in range(len(components))]
    assert set(owner_by_layer(components)) == set(names)


def test_a_state_without_some_of_its_matrices_is_rejected():
    bits = {"fc": packed(torch.ones(2, 3, dtype=torch.bool))}
    state = {"shapes": {"fc": (2, 3)}, "links_packed": bits, "explored_packed": bits, "born_at": {}}
    with pytest.raises(CheckpointError, match="lacks 'born_at' of some layers"):
        as_lists(state)
