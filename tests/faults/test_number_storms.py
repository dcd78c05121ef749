"""Every method and backend with extreme numbers: the result is right, or rejected in one line."""

import pytest
import torch

import topolearn as tl
from tests.evolution.loops import mlp
from tests.faults.storms import CASES, DOOR, REFUSED, RIGHT, STORMS, begin, weather
from topolearn.errors import InvalidTypeError, InvalidValueError, TopolearnError
from topolearn.evolution import METHODS
from topolearn.sparse import sparse_chain
from topolearn.sparse.products import form

QUICK = 9  # of so many storms of a method one is in the ordinary suite, each storm for some method

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def unwritten_memory_is_nan():
    """Fill uninitialised memory with NaN, so that a result that reads it is not right by chance."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(
    ("method", "backend", "storm"),
    [
        pytest.param(*case, storm, id=f"{'-'.join(case)}-{storm.name}", marks=() if is_quick else pytest.mark.slow)
        for i, case in enumerate(CASES)
        for j, storm in enumerate(STORMS)
        for is_quick in [(i + j) % QUICK == 0]
        if storm.expected(*case) is not None
    ],
)
def test_the_result_of_a_storm_is_right_or_rejected(method, backend, storm):
    outcome = RIGHT
    try:
        model, *others = begin(storm, method, backend)
    except TopolearnError as error:
        outcome, message = DOOR, str(error)
    else:
        try:
            weather(storm, model, *others)
        except TopolearnError as error:
            outcome, message = REFUSED, str(error)
    if outcome == RIGHT:
        assert all(bool(each.isfinite().all()) for each in model.state_dict().values() if each.is_floating_point())
    else:
        assert "\n" not in message
    assert outcome == storm.expected(method, backend)


def test_each_storm_is_in_the_ordinary_suite():
    quick = {storm.name for i in range(len(CASES)) for j, storm in enumerate(STORMS) if (i + j) % QUICK == 0}
    assert quick == {storm.name for storm in STORMS}


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("is_compiled", [True, False])
def test_no_batch_has_zeros_for_gradients_in_every_form_of_the_products(is_compiled, twice, relu, monkeypatch):
    monkeypatch.setattr(form, "COMPILED", is_compiled)
    graph = tl.generators.erdos_renyi(12, 20, 0.3, seed=0)
    layer = tl.SparseLinear(12, 20, graph=graph, backend="csr")
    x = torch.randn(0, 12, requires_grad=True)
    y = sparse_chain(x, [layer.stage(relu)])
    gradients = torch.autograd.grad(y.sum(), [x, layer.values, layer.bias], create_graph=twice)
    assert y.shape == (0, 20)
    assert [each.shape for each in gradients] == [(0, 12), (graph.n_links,), (20,)]
    assert not any(bool(each.any()) for each in gradients)


DATA = torch.rand(10, 12, generator=torch.Generator().manual_seed(0))
CALIBRATIONS = {
    "NaN": DATA.clone().index_put_((torch.tensor(3), torch.tensor(4)), torch.tensor(torch.nan)),
    "Inf": DATA.clone().index_put_((torch.tensor(3), torch.tensor(4)), torch.tensor(torch.inf)),
    "no rows": DATA[:0],
    "one row": DATA[:1],
    "equal": torch.ones(10, 12),
    "complex": DATA.to(torch.complex64),
}


@pytest.mark.parametrize("data", CALIBRATIONS)
def test_uninformative_calibration_is_rejected(data):
    model = mlp(12, 20, 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises((InvalidValueError, InvalidTypeError), match="data") as raised:
        tl.sparsify(model, tl.method("cht", density=0.3, generator="csti"), calibration=CALIBRATIONS[data])
    assert "\n" not in str(raised.value)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64])
def test_calibration_of_any_real_dtype_is_accepted(dtype):
    model = tl.sparsify(
        mlp(12, 20, 3), tl.method("cht", density=0.3, generator="csti"), calibration=(100 * DATA).to(dtype)
    )
    assert model[0].n_links == 72


@pytest.mark.parametrize("backend", ["masked", "csr"])
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.int32, torch.bool, torch.float8_e4m3fn])
def test_a_layer_whose_weights_cannot_be_ranked_or_trained_is_rejected_by_its_dtype(dtype, backend):
    graph = tl.generators.erdos_renyi(4, 3, 0.5, seed=0)
    with pytest.raises(InvalidTypeError, match=f"weights cannot be {dtype}") as raised:
        tl.SparseLinear(4, 3, graph=graph, backend=backend, dtype=dtype)
    assert "\n" not in str(raised.value)


def test_a_model_that_became_complex_is_rejected_by_the_scheduler():
    method = tl.method("set", density=0.3)
    model = tl.sparsify(mlp(12, 20, 3), method, backend="masked").to(torch.complex64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(InvalidTypeError, match=r"layer '0': weights cannot be torch.complex64"):
        tl.TopologyScheduler(model, optimizer, method, total_steps=4, interval=2)


@pytest.mark.parametrize("method", ["dense", "static"])
def test_a_method_that_never_updates_refuses_weights_that_are_not_finite(method):
    row = tl.method(method) if METHODS[method].is_dense else tl.method(method, density=0.3)
    model = tl.sparsify(mlp(12, 20, 3), row)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    topology = tl.TopologyScheduler(model, optimizer, row, total_steps=3, interval=2)
    with pytest.raises(InvalidValueError, match=r"0.* is not finite at step 3: lower the learning rate.*empty batches"):
        for step in (1, 2, 3):
            model(torch.randn(8, 12)).mean().mul(torch.nan if step == 3 else 1).backward()
            optimizer.step()
            topology.step()
