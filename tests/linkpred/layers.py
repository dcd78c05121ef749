"""Layers shared by the tests of link predictors."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from topolearn.linkpred import PREDICTORS

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "ch_scores.json"
NEEDS_REFERENCE = pytest.mark.skipif(not REFERENCE.exists(), reason=f"no reference scores at {REFERENCE}")
AUTHORS = ["CH3_L3p", "CH2_L3p", "CH3_L3n", "CH2_L3n"]

IN_ALL_FORMS = [*PREDICTORS, "random"]
EACH = pytest.mark.parametrize("predictor", list(PREDICTORS))
COMPILED = ["stream", "community"]
FORMS = ["auto", "dense", "sparse", *COMPILED]
EACH_FORM = pytest.mark.parametrize("form", FORMS)


def reference_cases():
    """The graphs that the code of the authors scored, with its scores."""
    cases = json.loads(REFERENCE.read_text())["cases"]
    assert len(cases) >= 8
    return cases


@st.composite
def layers(draw, most=40):
    """Any shape up to ``most`` neurons per side, any density, from no links to all; but none that may be one-mode."""
    shape = draw(st.tuples(st.integers(1, most), st.integers(1, most)))
    density = draw(st.sampled_from([0, 0.03, 0.1, 0.2, 0.4, 0.7, 0.95, 1]))
    links = np.random.default_rng(draw(st.integers(0, 10**6))).random(shape) < density
    assume(not may_be_one_mode(links))
    return links


def matrices(most):
    """Any matrix of links up to ``most`` neurons per side, shrinkable cell by cell; but none that may be one-mode."""
    cells = arrays.arrays(bool, st.tuples(st.integers(1, most), st.integers(1, most)))
    return cells.filter(lambda links: not may_be_one_mode(links))


def may_be_one_mode(links):
    """Whether a matrix could be the adjacency of a graph with one kind of node: predictors reject it."""
    is_square = links.shape[0] == links.shape[1]
    return bool(is_square and links.any() and not links.diagonal().any() and (links == links.T).all())


def with_hubs(n_out, n_in, density, seed=0):
    """A layer with a neuron on each side that is linked to nearly all others."""
    rng = np.random.default_rng(seed)
    links = rng.random((n_out, n_in)) < density
    links[n_out // 2] = rng.random(n_in) < 0.9
    links[:, n_in // 3] = rng.random(n_out) < 0.9
    return links
