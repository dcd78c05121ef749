"""The benchmark of networkx's backend: a row for each function and size, and no call beyond the limit."""

import networkx as nx
import pytest

from analysis.benchmarks.networkx_backend import CASES, measure

pytestmark = pytest.mark.skipif(
    "topolearn" not in nx.utils.backends.backends,
    reason="topolearn was installed before it was a backend of networkx: pip install -e . again",
)


def test_a_row_for_each_function_and_size(capsys):
    table = measure(limit=1e-9, repeats=1, sizes=(40, 60))
    assert table["function"].tolist() == [*CASES] * 2
    measured = table[["topolearn, s", "networkx, s", "times"]]
    assert (measured[: len(CASES)] > 0).all(axis=None)
    assert measured[len(CASES) :].isna().all(axis=None)
    assert len(capsys.readouterr().out.splitlines()) == 2 * len(CASES) + 1
