"""Runs that are being written, empty or incomplete; invalid axes and figures; many figures; vector files."""

import warnings

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot
from matplotlib.figure import Figure

import topolearn as tl
from tests.plotting.every_picture import FUNCTIONS, HEIGHTS, every_function, few
from topolearn import plotting
from topolearn.errors import InvalidTypeError, InvalidValueError, TopolearnError
from topolearn.generators import make
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork
from topolearn.plotting.drawing.canvas import MOST_OPEN
from topolearn.plotting.order import MOST_NODES

NEEDS_LOG = {"accuracy", "evolution", "loss", "metrics", "score"}
NEEDS_UPDATE = {"link_flow", "overlap", "survival"}
NEEDS_GRAPH = {"adjacency_change", "degree_change", "evolution", "small_world_plane", "survival"}
NEEDS_TASK = {"accuracy", "score"}
# The plots that fail for a run of a custom loop with one measure, by the state of the run.
REFUSED = {
    "nothing yet": NEEDS_LOG | NEEDS_UPDATE,
    "an update, no log": NEEDS_LOG,
    "updates and logs": NEEDS_TASK,
    "updates, no graphs": NEEDS_TASK | NEEDS_GRAPH,
}


def loop(path, n_steps, *, log, history="full"):
    """Yield a run that a custom loop is still writing."""
    model = torch.nn.Sequential(torch.nn.Linear(20, 30), torch.nn.ReLU(), torch.nn.Linear(30, 30), torch.nn.ReLU())
    model = tl.sparsify(model, tl.method("chts", density=0.2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    topology = tl.TopologyScheduler(
        model, optimizer, tl.method("chts", density=0.2), total_steps=100, interval=5, seed=0
    )
    with tl.record(path, topology, measures=("closure",), history=history) as recorder:
        for _ in range(n_steps):
            loss = model(torch.randn(8, 20)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            topology.step()
            if log:
                recorder.log(loss=loss.detach())
        yield tl.Run(path)


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    torch.manual_seed(0)
    asked = {"nothing yet": (0, False), "an update, no log": (7, False), "updates and logs": (12, True)}
    loops = {name: loop(folder / name, n, log=log) for name, (n, log) in asked.items()}
    loops["updates, no graphs"] = loop(folder / "summary", 12, log=True, history="summary")
    runs = {name: next(each) for name, each in loops.items()}
    yield runs
    for each in loops.values():
        next(each, None)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("state", REFUSED)
def test_a_run_that_is_being_written_is_drawn_or_the_error_gives_a_solution(state, name, states):
    draw = every_function(states[state])[name]
    if name not in REFUSED[state]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            draw()
        return
    with pytest.raises(TopolearnError) as caught:
        draw()
    assert any(
        way in str(caught.value)
        for way in ("continue it", "train with", "plotting.", "has not reached", "was never tested")
    )


def closed():
    figure, ax = pyplot.subplots()
    pyplot.close(figure)
    return ax


def removed():
    ax = pyplot.figure().subplots()
    ax.remove()
    return ax


def cleared():
    figure = pyplot.figure()
    ax = figure.subplots()
    figure.clear()
    return ax


PLACES = {
    "a figure": (pyplot.figure, InvalidTypeError, "pass axes in it, figure.subplots"),
    "several axes": (lambda: pyplot.subplots(1, 2)[1], InvalidTypeError, "ndarray is not an axes: pass one"),
    "a number": (lambda: 3, InvalidTypeError, "int is not an axes"),
    "removed axes": (removed, InvalidValueError, "has been removed from its figure"),
    "axes of a cleared figure": (cleared, InvalidValueError, "has been removed from its figure"),
}


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in HEIGHTS])
def test_invalid_axes_are_rejected(name, states):
    draw = every_function(states["updates and logs"])[name]
    if name in NEEDS_TASK:
        pytest.skip("this run has none")
    for place, error, message in PLACES.values():
        with pytest.raises(error, match=message):
            draw(ax=place())


@pytest.mark.parametrize("name", HEIGHTS)
def test_invalid_figures_are_rejected(name, states):
    draw = every_function(states["updates and logs"])[name]
    with pytest.raises(InvalidTypeError, match=r"is not a figure: pass plt\.figure"):
        draw(figure=pyplot.figure().subplots())
    with pytest.raises(InvalidValueError, match="already has axes or subfigures"):
        draw(figure=pyplot.subplots(figsize=(9, 8))[0])


def test_a_figure_that_is_not_tall_enough_is_rejected(states):
    for size in ((3.35, 4), (9, 3)):
        with pytest.raises(InvalidValueError, match=r"not tall enough.*draw adjacency_change"):
            plotting.evolution(states["updates and logs"], figure=Figure(figsize=size))


def test_axes_of_a_closed_figure_can_be_drawn_into(tmp_path):
    ax = plotting.adjacency(make("er", 20, 20, 0.2, seed=0), closed())
    ax.figure.savefig(tmp_path / "still.png")
    assert (tmp_path / "still.png").stat().st_size > 1000


def test_inset_axes_and_twins_are_axes():
    ax = pyplot.figure().subplots()
    for place in (ax.inset_axes([0.5, 0.5, 0.4, 0.4]), ax.twinx()):
        assert plotting.degree_distribution(make("er", 20, 20, 0.2, seed=0), place) is place


def test_many_plots_give_no_warning_and_do_not_stay_open(recwarn):
    g = make("er", 10, 10, 0.3, seed=0)
    for _ in range(40):
        plotting.adjacency(g)
    pyplot.figure()
    assert len(pyplot.get_fignums()) <= MOST_OPEN + 1
    assert not [str(each.message) for each in recwarn]


@pytest.mark.parametrize("name", few(FUNCTIONS, "adjacency_change", "hubs"))
def test_vector_files_keep_text_as_text(name, states, tmp_path):
    run = states["updates and logs"]
    if name in NEEDS_TASK:
        pytest.skip("this run has none")
    drawn = every_function(run)[name]()
    figure = getattr(drawn, "figure", None) or drawn
    with mpl.rc_context({"pdf.compression": 0}):
        figure.savefig(tmp_path / "a.pdf")
    figure.savefig(tmp_path / "a.svg")
    pdf, svg = (tmp_path / "a.pdf").read_bytes(), (tmp_path / "a.svg").read_text()
    assert b"/CIDFontType2" in pdf or b"/Type42" in pdf
    assert b"/Type3" not in pdf
    assert svg.count("<text") >= 3


def test_cells_of_an_adjacency_are_a_bitmap_in_vector_files(tmp_path):
    for n in (60, 1500):
        file = tmp_path / f"{n}.svg"
        plotting.adjacency(make("er", n, n, 0.05, seed=0)).figure.savefig(file)
        assert "<image" in file.read_text()
        assert file.stat().st_size < 400_000


def large(n):
    """Return a layer and a one-mode graph, each with n neurons and about as many links."""
    rng = np.random.default_rng(0)
    ends = np.unique(rng.integers(0, n, (n, 2)), axis=0)
    from scipy import sparse

    layer = BipartiteGraph(sparse.csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n)))
    once = np.unique(np.sort(ends, axis=1), axis=0)
    return layer, Graph(once[once[:, 0] != once[:, 1]], n)


@pytest.mark.parametrize("n", [30_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_large_layers_are_drawn_in_blocks_or_rejected_with_a_solution(n, tmp_path):
    layer, graph = large(n)
    weights = layer.to_scipy().astype(float)
    drawn = [
        plotting.adjacency(layer), plotting.adjacency(graph), plotting.adjacency(layer, order="degree"),
        plotting.degree_distribution(layer), plotting.degree_distribution(graph, fit=True),
        plotting.hubs(LayeredNetwork({"a": layer, "b": layer})), plotting.strongest_paths([weights, weights]),
    ]  # fmt: skip
    for i, ax in enumerate(drawn):
        file = tmp_path / f"{i}.pdf"
        ax.figure.savefig(file)
        assert file.stat().st_size < 300_000, "the file contains each neuron or link"
    with pytest.raises(InvalidValueError, match=rf"limit {MOST_NODES:,}.*use order='degree'"):
        plotting.adjacency(layer, order="community")
    if n >= 1_000_000:
        for each, cure in ((layer, "closure"), (graph, "clustering")):
            with pytest.raises(InvalidValueError, match=rf"diagnostics.{cure}\(g\).*path_length"):
                plotting.small_world_plane({"large": each})
