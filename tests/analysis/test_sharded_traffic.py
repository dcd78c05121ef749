"""What the benchmark of sharded layers computes is what ranks count."""

import pytest

from analysis.benchmarks.sharded_traffic import METHODS, SMALL, memory, traffic
from tests.processes import NEED_GLOO


@pytest.mark.slow
@NEED_GLOO
def test_ranks_receive_what_is_computed_and_a_little_of_numbers_besides():
    table = traffic([2, 8], [2], METHODS, SMALL)
    both = table[table["ranks"] == 2]
    surplus = both["MB of an update, counted"] - both["MB of an update, computed"]
    assert (surplus >= -0.02 * both["MB of an update, computed"]).all()
    assert (surplus < 0.02).all()
    assert table[table["ranks"] == 8]["MB of an update, counted"].isna().all()


def test_a_rank_of_eight_holds_an_eighth_of_what_is_sharded():
    one, eight = memory([1, 8], SMALL).to_dict("records")
    for what in ("MB of FSDP2, dense", "MB of masks", "MB of the ages of links"):
        assert eight[what] == pytest.approx(one[what] / 8)
    on_host = "MB on the host: links and explored cells"
    assert eight[on_host] == one[on_host]
