"""CH2-L3n against the scores of the authors, and against its definition with explicit loops."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given

from tests.linkpred.layers import NEEDS_REFERENCE, matrices, reference_cases
from tests.profiles import examples
from topolearn.generators import bipartite_small_world
from topolearn.linkpred import ch2_l3n

SMALL = matrices(most=8)

# Some of the reference cases, to test them where the file is missing.
KNOWN = {
    "path4: single L3 path, 2x2": (["10", "11"], [[0, 4], [0, 0]]),
    "hand 3x3": (["110", "101", "011"], [[0, 0, 8], [0, 8, 0], [8, 0, 0]]),
    "hand 3x4 with hub": (["1110", "0101", "1001"], [[0, 0, 0, 8], [7, 0, 3, 0], [0, 7, 3, 0]]),
    "isolated row and column": (["1100", "0110", "0000"], [[0, 0, 4, 0], [4, 0, 0, 0], [0, 0, 0, 0]]),
}


def read(rows):
    return np.array([[int(cell) for cell in row] for row in rows])


def ch2_l3n_by_hand(adjacency):
    """The paths of each non-link, their community, and the links of each member by kind."""
    n_out, n_in = adjacency.shape
    outputs, inputs = [("out", i) for i in range(n_out)], [("in", j) for j in range(n_in)]
    neighbours = {
        **{("out", i): {("in", j) for j in range(n_in) if adjacency[i, j]} for i in range(n_out)},
        **{("in", j): {("out", i) for i in range(n_out) if adjacency[i, j]} for j in range(n_in)},
    }
    scores = np.zeros(adjacency.shape)
    for u in outputs:
        for v in inputs:
            if v in neighbours[u]:
                continue
            community = set()
            for z2 in neighbours[u]:
                for z1 in neighbours[v]:
                    if z1 in neighbours[z2]:
                        community |= {z1, z2}
            total = Fraction(0)
            for z in community:
                internal = sum(other in community for other in neighbours[z])
                external = sum(other not in community and other not in (u, v) for other in neighbours[z])
                total += Fraction(1 + internal, 1 + external)
            scores[u[1], v[1]] = total
    return scores


@pytest.mark.parametrize("name", KNOWN)
def test_known_scores(name):
    rows, expected = KNOWN[name]
    np.testing.assert_allclose(ch2_l3n(read(rows)), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ch2_l3n_by_hand(read(rows)), expected, rtol=0, atol=1e-9)


@NEEDS_REFERENCE
def test_all_scores_by_the_authors():
    cases = reference_cases()
    for case in cases:
        scores = ch2_l3n(np.array(case["adjacency"]))
        np.testing.assert_allclose(scores, case["CH2_L3n"], rtol=0, atol=1e-9, err_msg=case["name"])
        np.testing.assert_allclose(
            scores, case["CH2_L3n_official_float32"], rtol=1e-4, atol=1e-4, err_msg=f"{case['name']}, official"
        )
    assert all(any(np.array_equal(read(rows), case["adjacency"]) for case in cases) for rows, _ in KNOWN.values())


@examples(80)
@given(adjacency=SMALL)
@example(adjacency=np.zeros((3, 2), dtype=bool))
@example(adjacency=np.ones((3, 4), dtype=bool))
@example(adjacency=~np.eye(8, 9, dtype=bool))
@example(adjacency=np.tri(8, dtype=bool))
def test_the_definition_by_explicit_loops(adjacency):
    np.testing.assert_allclose(ch2_l3n(adjacency), ch2_l3n_by_hand(adjacency), rtol=1e-12)


@pytest.mark.parametrize("beta", [0, 0.25, 1])
def test_the_definition_on_layers_of_a_generator(beta):
    graph = bipartite_small_world(30, 20, 0.12, beta=beta, seed=1)
    np.testing.assert_allclose(ch2_l3n(graph), ch2_l3n_by_hand(graph.to_scipy().toarray()), rtol=1e-12)
