"""The benchmark of the checks compares layers that check with such that do not, and train alike."""

import torch

from analysis.benchmarks.loop_checks import Training, Unchecked, block, mlp, table, uncheck


def test_both_ways_train_alike_and_the_peer_does_not_look():
    for make, width in ((mlp, 24), (block, 16)):
        checked, unchecked = (Training(make, width, 0.2) for _ in range(2))
        uncheck(unchecked.model)
        assert any(type(module) is Unchecked for module in unchecked.model.modules())
        for clips in (False, True):
            for each in (checked, unchecked):
                each.step(clips)
        assert all(map(torch.equal, checked.model.parameters(), unchecked.model.parameters()))
        layer = next(module for module in unchecked.model.modules() if type(module) is Unchecked)
        with torch.no_grad():
            layer.weight.add_(1)
        layer(torch.ones(2, layer.in_features))
        assert bool(layer.weight[~layer.mask].all())


def test_the_table_has_a_row_for_each_model_and_way():
    rows = table((24, 16), density=0.2, rounds=3)
    assert rows[["model", "clips"]].values.tolist() == [
        ["mlp", False], ["mlp", True], ["block", False], ["block", True],
    ]  # fmt: skip
    assert (rows[["checked_ms", "unchecked_ms", "ratio"]] > 0).all(axis=None)
