"""Properties of every link predictor: invariants of the scores, kinds of input, and exact arithmetic."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tests.linkpred.layers import EACH, EACH_FORM, IN_ALL_FORMS, matrices
from tests.profiles import examples
from topolearn.errors import InvalidTypeError, InvalidValueError, TopolearnError, UnknownNameError
from topolearn.generators import erdos_renyi
from topolearn.graph import BipartiteGraph
from topolearn.linkpred import BASELINES, PREDICTORS, ch2_l3n, names, score
from topolearn.linkpred.dense import exact_products
from topolearn.linkpred.form_names import FORMS

FEW = examples(30)
ADJACENCIES = matrices(most=12)
HAS_BACKENDS = hasattr(torch.backends.cuda.matmul, "fp32_precision")  # torch 2.9 and later


@pytest.fixture(scope="module")
def graph():
    return erdos_renyi(60, 50, 0.12, seed=4)


@EACH
@FEW
@given(adjacency=ADJACENCIES)
def test_scores_are_at_non_links_that_a_path_of_length_three_joins(predictor, adjacency):
    scores = score(adjacency, predictor)
    links = adjacency.astype(np.int64)
    joined = links @ links.T @ links > 0
    assert scores.shape == adjacency.shape
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores > 0, joined & ~adjacency)
    assert (scores[adjacency] == 0).all()


@EACH
@FEW
@given(adjacency=ADJACENCIES)
def test_the_two_sides_are_equals(predictor, adjacency):
    np.testing.assert_allclose(score(adjacency.T, predictor), score(adjacency, predictor).T, rtol=1e-12)


@EACH
@FEW
@given(adjacency=ADJACENCIES, data=st.data())
def test_names_of_neurons_do_not_matter(predictor, adjacency, data):
    rows, columns = (data.draw(st.permutations(range(n))) for n in adjacency.shape)
    permuted = score(BipartiteGraph(adjacency[np.ix_(rows, columns)]), predictor)
    np.testing.assert_allclose(permuted, score(adjacency, predictor)[np.ix_(rows, columns)], rtol=1e-12)


@EACH
def test_components_of_a_graph_are_scored_apart(predictor):
    components = [erdos_renyi(9, 7, 0.4, seed=0).to_scipy(), erdos_renyi(5, 8, 0.4, seed=1).to_scipy()]
    together = score(sparse.block_diag(components, format="csr"), predictor)
    expected = sparse.block_diag([score(component, predictor) for component in components]).toarray()
    np.testing.assert_allclose(together, expected, rtol=1e-12)


@EACH
@pytest.mark.parametrize("density", [0.02, 0.12, 0.5, 0.95])
def test_single_and_double_precision_agree(predictor, density):
    graph = erdos_renyi(120, 90, density, seed=2)
    single, double = score(graph, predictor, dtype="float32"), score(graph, predictor)
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(single, double, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, np.float32, np.dtype("float32"), "float32"])
def test_spellings_of_a_dtype(graph, dtype):
    assert score(graph, "ch2_l3n", dtype=dtype).dtype == np.float32
    assert score(graph.to_torch(), "ch2_l3n", dtype=dtype).dtype == torch.float32


@EACH
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
def test_kinds_of_input_agree_and_a_tensor_gives_a_tensor(predictor, graph):
    dense, csr = graph.to_scipy().toarray(), graph.to_scipy()
    stored_zero = csr.astype(np.float64)
    stored_zero.data[:5] = 0
    expected = score(graph, predictor)
    mask = graph.to_torch()
    for adjacency in (dense, dense.astype(np.float32) * -2, csr, csr.tocoo(), stored_zero):
        scores = score(adjacency, predictor)
        assert isinstance(scores, np.ndarray)
        np.testing.assert_array_equal(scores, expected)
    transposed = mask.T.contiguous().T
    assert not transposed.is_contiguous()
    for adjacency in (mask, transposed, mask.float(), mask.int(), mask.to_sparse_csr(), mask.float().to_sparse()):
        scores = score(adjacency, predictor)
        assert isinstance(scores, torch.Tensor)
        assert scores.dtype == torch.float64
        torch.testing.assert_close(scores, torch.from_numpy(expected), rtol=1e-12, atol=0)


@EACH
def test_the_input_is_not_changed_and_the_scores_are_fresh(predictor, graph):
    mask = graph.to_torch()
    before = mask.clone()
    first = score(mask, predictor)
    first.zero_()
    assert torch.equal(mask, before)
    assert score(mask, predictor).any()


def test_a_device_may_be_named(graph):
    expected = score(graph, "ch2_l3n")
    np.testing.assert_array_equal(score(graph, "ch2_l3n", device="cpu"), expected)
    scores = score(graph.to_torch(), "ch2_l3n", device=torch.device("cpu"), form="dense")
    assert scores.device.type == "cpu"
    np.testing.assert_array_equal(scores.numpy(), expected)


def test_the_shortcut_is_the_predictor(graph):
    np.testing.assert_array_equal(ch2_l3n(graph), score(graph, "ch2_l3n"))
    assert names() == [*PREDICTORS, *BASELINES, "random"]
    assert isinstance(ch2_l3n(graph.to_torch()), torch.Tensor)


@EACH
def test_a_weight_that_requires_a_gradient_is_scored_as_its_links(predictor, graph):
    scores = score(torch.nn.Parameter(graph.to_torch().float()), predictor)
    assert not scores.requires_grad
    np.testing.assert_array_equal(scores.numpy(), score(graph, predictor))


@EACH
@EACH_FORM
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_autocast_does_not_reach_the_scores(predictor, form, graph, dtype):
    expected = score(graph, predictor, form=form, dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.ones(2, 2).matmul(torch.ones(2, 2)).dtype == torch.bfloat16
        scores = score(graph, predictor, form=form, dtype=dtype)
        assert torch.is_autocast_enabled("cpu")
    np.testing.assert_array_equal(scores, expected)


@pytest.fixture
def precision():
    """Set torch's precision of float32 products with either of its interfaces, and restore everything afterwards."""
    backends = [torch.backends.cuda.matmul, torch.backends.mkldnn.matmul] if HAS_BACKENDS else []
    precisions = [backend.fp32_precision for backend in backends]

    def settings_now():
        return [backend.fp32_precision for backend in backends]

    yield settings_now
    torch.set_float32_matmul_precision("highest")
    for backend, before in zip(backends, precisions, strict=True):
        backend.fp32_precision = before


@pytest.mark.parametrize("level", ["highest", "high", "medium"])
def test_tf32_is_off_within_and_restored(graph, precision, level):
    expected = score(graph, "ch2_l3n", form="dense", dtype="float32")
    torch.set_float32_matmul_precision(level)
    allowed, before = torch.backends.cuda.matmul.allow_tf32, precision()
    assert allowed is (level != "highest")
    np.testing.assert_array_equal(score(graph, "ch2_l3n", form="dense", dtype="float32"), expected)
    with pytest.raises(KeyboardInterrupt), exact_products(torch.device("cpu")):
        if HAS_BACKENDS:
            assert precision() == ["ieee", "ieee"]
        else:
            assert torch.get_float32_matmul_precision() == "highest"
        raise KeyboardInterrupt
    assert torch.get_float32_matmul_precision() == level
    assert torch.backends.cuda.matmul.allow_tf32 is allowed
    assert precision() == before


def test_the_older_tf32_flag_is_restored(graph, precision):
    torch.backends.cuda.matmul.allow_tf32 = True
    score(graph, "ch2_l3n", form="dense")
    assert torch.backends.cuda.matmul.allow_tf32 is True


@pytest.mark.skipif(not HAS_BACKENDS, reason="torch before 2.9 has one setting only")
@pytest.mark.parametrize("backend", ["cuda", "mkldnn"])
def test_the_newer_tf32_setting_is_restored(graph, precision, backend):
    """The older flags cannot even be read once this one is used."""
    before = precision()
    setting = getattr(torch.backends, backend).matmul
    setting.fp32_precision = "tf32"
    with exact_products(torch.device("cpu")):
        assert precision() == ["ieee", "ieee"]
    score(graph, "ch2_l3n", form="dense")
    assert setting.fp32_precision == "tf32"
    setting.fp32_precision = before[backend == "mkldnn"]
    assert precision() == before


@pytest.mark.parametrize("name", ["ch2l3n", "CH2_L3n", "ch2-l3n"])
def test_unknown_predictors_are_rejected_with_a_suggestion(graph, name):
    with pytest.raises(UnknownNameError, match=f"unknown link predictor '{name}': did you mean 'ch2_l3n'"):
        score(graph, name)


@pytest.mark.parametrize(
    ("adjacency", "keywords", "error", "message"),
    [
        (np.eye(3), {"form": "dnese"}, InvalidValueError, f"form='dnese'.*{', '.join(map(repr, FORMS))}"),
        (np.eye(3), {"form": None}, InvalidValueError, "form=None"),
        (np.array([[1, np.nan]]), {}, InvalidValueError, "nan"),
        (torch.tensor([[1, float("nan")]]), {}, InvalidValueError, "nan"),
        (torch.tensor([True, False]), {}, InvalidValueError, r"shape \(2,\): pass an array of two dimensions"),
        (torch.tensor([True, False]), {"form": "dense"}, InvalidValueError, r"2-D.*\(2,\)"),
        (torch.ones(1, 2, 2, 3, dtype=torch.bool), {}, InvalidValueError, r"\(1, 2, 2, 3\)"),
        (np.ones((1, 2, 3)), {}, InvalidValueError, "adjacency"),
        (np.ones(3), {}, InvalidValueError, "adjacency"),
        (torch.ones(3), {}, InvalidValueError, "adjacency"),
        ("a graph", {}, InvalidTypeError, "adjacency is a str"),
        (None, {}, InvalidTypeError, "adjacency is a NoneType"),
        (np.eye(3), {"dtype": "float16"}, InvalidValueError, "float16"),
        (np.eye(3), {"dtype": torch.bfloat16}, InvalidValueError, "bfloat16"),
        (np.eye(3), {"dtype": "int64"}, InvalidValueError, "int64"),
        (np.eye(3), {"dtype": "flaot32"}, InvalidTypeError, "flaot32"),
    ],
)
def test_invalid_graphs_are_rejected(adjacency, keywords, error, message):
    with pytest.raises(error, match=message) as caught:
        score(adjacency, "ch2_l3n", **keywords)
    assert isinstance(caught.value, TopolearnError)


@EACH
@pytest.mark.parametrize("edges", [[], [(0, 0)], [(0, 0), (1, 0), (2, 0)]])
def test_graphs_without_paths_of_length_three(predictor, edges):
    assert not score(BipartiteGraph.from_edges(edges, n_in=3, n_out=2), predictor).any()


@pytest.mark.parametrize("predictor", IN_ALL_FORMS)
@pytest.mark.parametrize("form", ["auto", "dense"])
def test_no_layer_at_all_is_rejected(predictor, form):
    with pytest.raises(InvalidValueError, match=r"\(0, 3, 4\): pass at least one layer"):
        score(torch.zeros(0, 3, 4, dtype=torch.bool), predictor, form=form)


@pytest.mark.parametrize("predictor", names())
def test_forms_of_the_cpu_are_rejected_elsewhere(predictor):
    with pytest.raises(InvalidValueError, match="form='community' runs on the CPU, not on meta"):
        score(np.eye(3), predictor, form="community", device="meta")
