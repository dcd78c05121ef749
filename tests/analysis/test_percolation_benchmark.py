"""The benchmark of percolation: its peer finds what percolation finds."""

from analysis.benchmarks.percolation import measure


def test_a_row_of_the_small_model():
    row = measure("small", 0.2, 32, 1)  # it compares every mask of the peer with the links that are left
    assert row["layers"] == 14
    assert 0 < row["percolated"] < 0.5 * row["links"]
    assert all(row[name] > 0 for name in row if str(name).startswith("ms"))
