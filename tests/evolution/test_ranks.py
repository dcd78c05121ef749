"""Two ranks with half of each batch train like one process with the whole batch."""

import pytest
import torch

from tests.evolution.ranks import CASES, DIFFERENT, rank, rank_of_four, trained
from tests.processes import NEED_GLOO, told_by_ranks

pytestmark = NEED_GLOO


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return told_by_ranks(2, rank, tmp_path_factory.mktemp("ranks"))


@pytest.mark.parametrize(("method", "backend"), CASES)
def test_ranks_choose_the_links_of_the_whole_batch(results, method, backend):
    links, weights = trained(method, backend, 1, [0])
    assert len(links) > 1
    for result in results:
        links_of_rank, weights_of_rank = result[method, backend]
        assert links_of_rank == links
        for name, weight in weights.items():
            torch.testing.assert_close(weights_of_rank[name], weight)


def test_a_parameter_that_shrinks_is_rejected_under_ddp(results):
    for result in results:
        assert "layer '0' uses the csr backend, so its parameter shrinks" in result["csr under ddp"][1]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("seed", ["seed is 0 on rank 0 and 1 on rank 1", "Give all of them the same values"]),
        ("interval", ["interval is 2 on rank 0 and 3 on rank 1"]),
        ("total_steps", ["total_steps is 12 on rank 0 and 13 on rank 1"]),
        ("method", ["method is 'set' on rank 0 and 'rigl' on rank 1", "method.title is"]),
        ("override", ["method.zeta is 0.3 on rank 0 and 0.2 on rank 1"]),
        ("links", ["links of layer '0' is 48 with hash", "links of layer '2' is"]),
        ("shape", ["shape of layer '2' is (16, 20) on rank 0 and (18, 20) on rank 1"]),
        ("layers", ["layers is 0, 2 on rank 0 and 0 on rank 1"]),
    ],
)
def test_errors_name_what_differs_between_ranks(results, case, words):
    for result in results:
        kind, message = result["told"][case]
        assert kind == "InvalidValueError"
        for each in words:
            assert each in message
    assert results[0]["told"][case] == results[1]["told"][case]


def test_an_error_on_one_rank_stops_the_others(results):
    (kind, message), (own_kind, own) = (result["told"]["optimizer"] for result in results)
    assert (kind, own_kind) == ("InvalidValueError", "InvalidTypeError")
    assert message.startswith("rank 1 of the process group has failed, so the others stop: InvalidTypeError: optimizer")
    assert own.startswith("optimizer Rprop is not supported")


def test_each_rank_raises_its_own_error_first(results):
    assert "interval=0 must be at least 1" in results[0]["told"]["both"][1]
    assert "optimizer Rprop is not supported" in results[1]["told"]["both"][1]


def test_a_parameter_that_shrinks_is_rejected_for_the_unwrapped_model_too(results):
    for result in results:
        kind, message = result["told"]["csr"]
        assert kind == "InvalidValueError"
        assert "layer '0' uses the csr backend, so its parameter shrinks" in message
        assert "use sparsify(model, method, backend='masked')" in message


@pytest.mark.parametrize("case", ["alike", "csr of constant density", "masked"])
def test_ranks_that_agree_continue(results, case):
    assert case in DIFFERENT
    assert [result["told"][case] for result in results] == [None, None]


@pytest.mark.parametrize("case", ["alone", "wrapped alone"])
def test_ranks_with_separate_groups_train_separately(results, case):
    """One uses process_group=, the other the group of its wrapper, each with its own seed."""
    for index, result in enumerate(results):
        links, weights = trained("rigl", "masked", 2, [index], seed=index)
        assert result[case][0] == links
        for name, weight in weights.items():
            torch.testing.assert_close(result[case][1][name], weight)
    assert results[0][case][0] != results[1][case][0]


def test_a_rank_alone_in_its_group_can_have_parameters_that_shrink(results):
    assert [result["csr alone"] for result in results] == [None, None]


def test_a_group_without_this_rank_is_rejected(results):
    for result in results:
        kind, message = result["not a member"]
        assert kind == "InvalidTypeError"
        assert "must be a torch.distributed.ProcessGroup that contains this rank" in message


def test_copies_have_the_group_of_the_original_or_are_rejected(results):
    for result in results:
        error, are_of_the_world = result["copied"]
        assert "created with process_group= cannot be copied or pickled" in error
        assert are_of_the_world == [True, True]


@pytest.mark.slow
def test_two_models_on_four_ranks_have_their_own_groups(tmp_path):
    results = told_by_ranks(4, rank_of_four, tmp_path)
    for index, result in enumerate(results):
        links, weights = trained("rigl", "masked", 1, [0], seed=index % 2)
        assert result["wrapped"][0] == links
        for name, weight in weights.items():
            torch.testing.assert_close(result["wrapped"][1][name], weight)
        assert f"seed is 0 on rank {index % 2} and 1 on rank {index % 2 + 2}" in result["told"][1]
