"""Two ranks with half of each batch train as one process with the whole."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from tests.evolution.ranks import CASES, rank, trained

pytestmark = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="torch was built without gloo"
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    mp.spawn(rank, args=(folder / "store", folder), nprocs=2)
    return [torch.load(folder / f"{i}.pt") for i in range(2)]


@pytest.mark.parametrize(("method", "backend"), CASES)
def test_ranks_choose_the_links_of_the_whole_batch(results, method, backend):
    links, weights = trained(method, backend, 1, [0])
    assert len(links) > 1
    for result in results:
        found, found_weights = result[method, backend]
        assert found == links
        for name, weight in weights.items():
            torch.testing.assert_close(found_weights[name], weight)


def test_a_parameter_that_shrinks_is_refused_under_ddp(results):
    for result in results:
        assert "layer '0' is on the csr backend, and its parameter shrinks" in result["refused"]
