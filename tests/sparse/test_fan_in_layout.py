"""Constant fan-in as two small matrices: the same outputs; and the largest gradients of each row."""

import pytest
import torch

import topolearn as tl
from topolearn.errors import InvalidValueError
from topolearn.sampling import RandomField
from topolearn.sparse import fan_in_layout, largest_in_rows, recorded

BACKENDS = pytest.mark.parametrize("backend", ["masked", "csr"])


@BACKENDS
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7,), (5, 7), (2, 3, 7)])
def test_the_outputs_are_those_of_the_layer(backend, bias, shape):
    cells = torch.tensor([0, 3, 6, 14, 15, 20, 29, 30, 32])  # outputs 1 and 3 are ablated
    graph = tl.BipartiteGraph.from_cells(cells.numpy(), 7, 5)
    layer = tl.SparseLinear(7, 5, graph=graph, bias=bias, backend=backend).double()
    layout = fan_in_layout(layer)
    assert (layout.outputs.tolist(), layout.fan_in) == ([0, 2, 4], 3)
    assert layout.inputs.tolist() == [[0, 3, 6], [0, 1, 6], [1, 2, 4]]
    x = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(layout.forward(x), layer(x), rtol=1e-12, atol=1e-12)
    before = layout.values.clone()
    layer.set_link_values(torch.zeros(9))
    assert torch.equal(layout.values, before)


@BACKENDS
def test_fan_ins_that_differ_have_no_layout(backend):
    graph = tl.BipartiteGraph(torch.tensor([[1, 1, 0], [0, 0, 1]]))
    with pytest.raises(InvalidValueError, match=r"neurons of 1 to 2 inputs.*'srigl'"):
        fan_in_layout(tl.SparseLinear(3, 2, graph=graph, backend=backend))


def test_inputs_of_another_size_are_refused():
    layout = fan_in_layout(tl.SparseLinear(3, 2, graph=tl.BipartiteGraph(torch.eye(2, 3))))
    with pytest.raises(InvalidValueError, match=r"shape \(2, 4\).*the layer's 3 inputs"):
        layout.forward(torch.ones(2, 4))


@BACKENDS
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
        found = largest_in_rows(layer.record, quota, RandomField(0), excluded=links, last=links[:0], block=block)
        none = largest_in_rows(layer.record, 0 * quota, RandomField(0), excluded=links, last=links[:0])
        with pytest.raises(InvalidValueError, match=r"9 cells asked for in row 2, but \d are free"):
            largest_in_rows(layer.record, torch.tensor([0, 0, 9, 0, 0, 0]), RandomField(0), excluded=links, last=links)
    sizes = (dy.t() @ x).abs()
    sizes.view(-1)[links] = -1
    for i in range(6):
        mine = found[found // 8 == i]
        assert mine.numel() == quota[i]
        if i != 4:  # where there is no gradient, chance chooses
            assert torch.equal(mine - 8 * i, sizes[i].topk(int(quota[i])).indices.sort().values)
    assert not set(found.tolist()) & set(links.tolist())
    assert none.numel() == 0


def test_a_mean_over_ranks_is_taken_anew_at_each_reading():
    layer = tl.SparseLinear(3, 2, graph=tl.BipartiteGraph(torch.eye(2, 3)))
    layer.start_recording(average=lambda block: block.div_(4))
    layer(torch.tensor([[1.0, 2.0, 3.0]])).sum().backward()
    for _ in range(2):
        tl.sparse.largest_gradients(layer, 2, RandomField(0))
    assert tl.sparse.largest_gradients(layer, 4, RandomField(0))[1].tolist() == [0.5, 0.75, 0.25, 0.75]
