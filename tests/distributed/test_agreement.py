"""Messages when ranks differ; tests with two real ranks are in tests/evolution/test_ranks.py."""

import pytest
import torch
from torch import nn

from topolearn.distributed import agreement, mean_over, shared_group
from topolearn.distributed.agreement import LONGEST, differences
from topolearn.errors import InvalidTypeError


@pytest.mark.parametrize(
    ("told", "ranks", "words"),
    [
        ([{"a": "1", "b": "x"}, {"a": "1", "b": "x"}], [0, 1], []),
        ([{"a": "1"}, {"a": "2"}], [0, 1], ["a is 1 on rank 0 and 2 on rank 1"]),
        ([{"a": "1"}, {"a": "2"}, {"a": "1"}], [4, 2, 7], ["a is 1 on ranks 4, 7 and 2 on rank 2"]),
        ([{"a": "1"}, {}], [0, 1], ["a is 1 on rank 0 and missing on rank 1"]),
        ([{}, {"a": "1"}, {"b": "2"}], [0, 1, 2], [
            "a is missing on ranks 0, 2 and 1 on rank 1", "b is missing on ranks 0, 1 and 2 on rank 2"]),
    ],
)  # fmt: skip
def test_differences_name_the_fact_and_the_ranks(told, ranks, words):
    assert differences(told, ranks) == words


def test_long_values_are_cut():
    (words,) = differences([{"a": "x" * 1000}, {"a": "y" * 1000}], [0, 1])
    assert words.count("x") == words.count("y") == LONGEST - 3


def test_one_process_is_never_asked():
    asked = []
    with agreement(None, lambda: asked.append(1) or {}):
        pass
    assert asked == []
    assert shared_group(nn.Linear(2, 2)) is mean_over(None) is None


def test_exceptions_inside_propagate():
    with pytest.raises(ZeroDivisionError), agreement(None, dict):
        1 / 0  # noqa: B018


@pytest.mark.parametrize("wrong", ["gloo", 0, torch.nn.Linear(2, 2)])
def test_a_process_group_of_another_type_is_rejected(wrong):
    with pytest.raises(InvalidTypeError, match=r"must be a torch.distributed.ProcessGroup that contains this rank"):
        shared_group(nn.Linear(2, 2), wrong)
