"""The largest gradients of each output neuron."""

import pytest
import torch

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField
from topolearn.sparse import largest_in_rows, recorded


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize("block", [1, 9, 10**6])
def test_the_largest_in_rows_are_those_of_each_row(backend, block):
    torch.manual_seed(0)
    layer = tl.SparseLinear(8, 6, graph=tl.generators.erdos_renyi(8, 6, 0.4, seed=0), backend=backend).double()
    links, x, dy = layer.cells(), torch.randn(5, 8, dtype=torch.float64), torch.randn(5, 6, dtype=torch.float64)
    dy[:, 4] = 0
    free = 8 - torch.tensor(layer.graph.fan_in)
    quota = torch.minimum(torch.tensor([0, 1, 2, 3, 2, 0]), free)
    with recorded([layer]):
        (layer(x) * dy).sum().backward()
        chosen = largest_in_rows(layer.record, quota, RandomField(0), excluded=links, last=links[:0], block=block)
        none = largest_in_rows(layer.record, 0 * quota, RandomField(0), excluded=links, last=links[:0])
        with pytest.raises(InvalidValueError, match=r"row 2 needs 9 cells, but only \d are free"):
            largest_in_rows(layer.record, torch.tensor([0, 0, 9, 0, 0, 0]), RandomField(0), excluded=links, last=links)
    sizes = (dy.t() @ x).abs()
    sizes.view(-1)[links] = -1
    for i in range(6):
        mine = chosen[chosen // 8 == i]
        assert mine.numel() == quota[i]
        if i != 4:  # this row has no gradient, so its cells are drawn at random
            assert torch.equal(mine - 8 * i, sizes[i].topk(int(quota[i])).indices.sort().values)
    assert not set(chosen.tolist()) & set(links.tolist())
    assert none.numel() == 0
