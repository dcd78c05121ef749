"""``DistributedDataParallel``: the same links with all of its options, and no links in what it sends."""

import pytest
import torch

from tests.distributed.ddp_ranks import BRANCHING, cases, rank, trained, trained_in_branches
from tests.processes import NEED_GLOO, told_by_ranks

pytestmark = NEED_GLOO


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return told_by_ranks(2, rank, tmp_path_factory.mktemp("ddp"))


def assert_trained_alike(result, expected):
    links, weights, off = result
    assert len(links) > 1
    assert links == expected[0]
    assert off == 0
    for name, weight in expected[1].items():
        torch.testing.assert_close(weights[name], weight)


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_ranks_train_as_one_process_whatever_the_options(results, case):
    method, backend, _, accumulate = case
    expected = trained(method, backend, 1, 0, accumulate=accumulate)
    for result in results:
        assert_trained_alike(result[case], expected)


@pytest.mark.filterwarnings("ignore:layers branch have no gradient")
@pytest.mark.parametrize(("method", "backend"), BRANCHING)
def test_a_rank_may_not_use_a_layer(results, method, backend):
    expected = trained_in_branches(method, backend, [0, 1])
    assert expected[0]["branch"] == expected[1]["branch"] != expected[2]["branch"]
    for result in results:
        assert result["branches", method, backend] == expected


@pytest.mark.parametrize("method", ["rigl", "topkast"])
def test_a_model_may_be_wrapped_after_its_scheduler_is_made(results, method):
    expected = trained(method, "masked", 1, 0)
    for result in results:
        assert_trained_alike(result["early", method], expected)


@pytest.mark.parametrize(("method", "backend"), [("set", "masked"), ("set", "csr"), ("topkast", "masked")])
def test_a_step_sends_no_links(results, method, backend):
    for result in results:
        before, after = result["bytes", method, backend]
        assert before > 0
        assert after == 0


def test_buffers_of_other_layers_are_sent_as_before(results):
    of_norm = 2 * 12 * 8 + 8  # mean and variance of 12 inputs, and how many batches there were
    for result in results:
        before, after = result["bytes of norm"]
        assert before > after == of_norm


def test_a_model_wrapped_later_sends_what_ranks_may_differ_in_alone(results):
    of_cells = 8 * (12 * 20 + 20 * 16)
    for result in results:
        assert result["bytes early"] == [0, of_cells]


def test_ranks_that_begin_with_other_links_are_rejected_or_synchronized_by_the_wrapper(results):
    for result in results:
        assert "links of layer '0'" in result["different"][0]
    first, second = (result["different"][1] for result in results)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
