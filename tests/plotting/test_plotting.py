"""Every plot: a common signature, the right data, and no side effects."""

import inspect
import io
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import same_color
from matplotlib.figure import Figure

from tests.plotting.every_picture import FUNCTIONS, every_function
from topolearn import plotting
from topolearn.errors import InvalidTypeError, InvalidValueError, TopolearnError
from topolearn.generators import make
from topolearn.graph import BipartiteGraph
from topolearn.plotting.degrees import ccdf
from topolearn.plotting.drawing.cells import pooled
from topolearn.plotting.drawing.style import axes_or_new, legend, percent_ticks


@pytest.fixture
def graph():
    rng = np.random.default_rng(0)
    return BipartiteGraph(rng.random((7, 5)) < 0.3)


@pytest.fixture(scope="module")
def functions(run):
    return every_function(run)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_contract(name, functions):
    parameters = inspect.signature(getattr(plotting, name)).parameters
    if "ax" in parameters:
        assert parameters["ax"].default is None
        given = Figure().add_subplot()
        assert functions[name](ax=given) is given
        assert pyplot.get_fignums() == []
        assert isinstance(functions[name](), Axes)
    else:
        assert parameters["figure"].default is None
        given = Figure(figsize=(12, 7), layout="constrained")
        assert functions[name](figure=given) is given
        assert given.get_axes() or given.subfigs
        assert pyplot.get_fignums() == []
        assert isinstance(functions[name](), Figure)
    assert len(pyplot.get_fignums()) == 1, "a new figure must be a pyplot figure"
    pyplot.close()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_is_left_behind(name, functions, capsys):
    before = dict(mpl.rcParams)
    drawn = functions[name]()
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    figure.canvas.draw()
    pyplot.close(figure)
    assert dict(mpl.rcParams) == before
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["evolution", "adjacency_change", "degree_change"])
def test_panels_fit_into_a_subfigure(name, functions):
    part = Figure(figsize=(14, 7), layout="constrained").subfigures(1, 2)[0]
    assert functions[name](figure=part) is part


def test_adjacency_shows_each_link_of_a_small_layer(graph):
    ax = plotting.adjacency(graph, title="fc1")
    shown = np.asarray(ax.images[0].get_array())
    assert shown.shape == (graph.n_out, graph.n_in)
    np.testing.assert_array_equal(np.argwhere(shown.T), graph.edges())
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # output neuron 0 on top, as in the matrix
    assert ax.get_title(loc="left") == f"fc1\n{graph.n_links} links, density {100 * graph.density:.3g} %"


@pytest.mark.parametrize("shape", [(1500, 900), (30, 2000), (1201, 7)])
def test_adjacency_keeps_every_link_of_a_large_layer(shape):
    g = BipartiteGraph(np.random.default_rng(1).random(shape) < 0.02)
    ax = plotting.adjacency(g)
    (mesh,) = (c for c in ax.collections if isinstance(c, QuadMesh))
    corners = mesh.get_coordinates()
    cells = np.outer(np.diff(corners[:, 0, 1]), np.diff(corners[0, :, 0]))
    links = np.asarray(mesh.get_array()).reshape(cells.shape) * cells
    assert links.sum() == pytest.approx(g.n_links)
    assert cells.sum() == g.n_in * g.n_out
    top = round(cells[0, 0] / np.diff(corners[0, :, 0])[0]), round(np.diff(corners[0, :, 0])[0])
    assert links[0, 0] == pytest.approx(g.to_scipy().toarray()[: top[0], : top[1]].sum())


@pytest.mark.parametrize("dpi", [50, 100])
def test_adjacency_shows_each_link_although_a_pixel_covers_several_cells(dpi):
    """A layout shrinks the axes after the cells were found to fit, and a file may have fewer pixels."""
    figure = pyplot.figure(figsize=(3.35, 2.7))
    ax = plotting.adjacency(BipartiteGraph(np.eye(190)), figure.subplots())
    figure.savefig(io.BytesIO(), dpi=dpi)
    figure.set_dpi(dpi)
    (image,) = ax.images
    pixels = image.make_image(RendererAgg(335, 270, dpi))[0][..., 0]
    assert max(pixels.shape) < 205
    assert (pixels < 128).any(axis=0).all()
    assert (pixels < 128).any(axis=1).all()


@given(st.data())
def test_pooled_cells_lose_no_link(data):
    size, pixels = (data.draw(st.tuples(st.integers(1, 30), st.integers(1, 30))) for _ in range(2))
    links = np.array(data.draw(st.lists(st.booleans(), min_size=size[0] * size[1], max_size=size[0] * size[1])))
    small = pooled(links.reshape(size), *pixels)
    assert small.shape == tuple(map(min, size, pixels))
    expected = np.zeros_like(small)
    for i, j in np.argwhere(links.reshape(size)):
        expected[i * small.shape[0] // size[0], j * small.shape[1] // size[1]] = True
    np.testing.assert_array_equal(small, expected)


def test_adjacency_of_no_links():
    for shape in ((4, 3), (900, 900)):
        ax = plotting.adjacency(BipartiteGraph(np.zeros(shape, dtype=bool)))
        ax.figure.canvas.draw()
        assert ax.get_title(loc="left") == "0 links, density 0 %"


def test_ccdf():
    degrees, share = ccdf(np.array([0, 0, 1, 2, 2, 5]))
    np.testing.assert_array_equal(degrees, [1, 2, 5])
    np.testing.assert_allclose(share, [4 / 6, 3 / 6, 1 / 6])


def test_degree_distribution_counts_neurons_without_links():
    adjacency = np.zeros((4, 3), dtype=bool)
    adjacency[0, :] = True
    adjacency[1, 0] = True
    ax = plotting.degree_distribution(BipartiteGraph(adjacency))
    fan_in, fan_out = ax.lines
    np.testing.assert_array_equal(fan_in.get_xdata(), [1, 3])
    np.testing.assert_allclose(fan_in.get_ydata(), [0.5, 0.25])
    np.testing.assert_allclose(fan_out.get_ydata(), [1, 1 / 3])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["fan-in of outputs: mean 1, max 3, 2 without links", "fan-out of inputs: mean 1.33, max 2"]


def test_metrics_and_loss(run):
    ax = plotting.metrics(run, ["train_accuracy", "density"])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), run.metrics["train_accuracy"])
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), run.metrics["epoch"])
    train, test = plotting.loss(run).lines
    np.testing.assert_array_equal(train.get_ydata(), run.metrics["train_loss"])
    np.testing.assert_array_equal(test.get_ydata(), run.metrics["test_loss"])


def test_accuracy_marks_the_best_epoch_of_each_run(run, dense):
    ax = plotting.accuracy([run, dense])
    assert len(ax.lines) == 4
    for each, line, best in zip((run, dense), ax.lines[::2], ax.lines[1::2], strict=True):
        np.testing.assert_array_equal(line.get_ydata(), each.metrics["test_accuracy"])
        assert best.get_ydata() == [each.metrics["test_accuracy"].max()]
        assert best.get_xdata() == [each.summary["best_epoch"]]
        assert same_color(line.get_color(), best.get_color())


def test_overlap_shows_every_update_and_theta(run):
    *lines, theta = plotting.overlap(run, theta=0.8).lines
    for line, (name, rows) in zip(lines, run.history.updates.groupby("layer", sort=False), strict=True):
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_xdata(), rows["step"])
        np.testing.assert_array_equal(line.get_ydata(), rows["overlap"])
    assert list(theta.get_ydata()) == [0.8, 0.8]
    assert theta.get_linestyle() == "--"


def test_the_line_of_an_elm_is_that_of_the_run(run, monkeypatch):
    for theta in (0.75, None):
        monkeypatch.setattr(run, "theta", theta)
        labels = [line.get_label() for line in plotting.overlap(run).lines]
        assert labels == ["fc1", "fc2", *(["ELM (θ = 0.75)"] if theta else [])]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_equal_shares_have_no_impossible_ticks(share):
    ax = Figure().subplots()
    ax.plot([0, 1], [share, share])
    percent_ticks(ax.yaxis)
    low, high = ax.get_ylim()
    ticks = [tick for tick in ax.get_yticks() if low <= tick <= high]
    assert ticks
    assert 0 <= min(ticks) <= max(ticks) <= 1


def test_one_name_is_not_a_list_of_letters(run):
    for draw in (plotting.metrics, plotting.active_neurons, plotting.survival):
        name = {"metrics": "lr", "active_neurons": "hidden", "survival": "fc1"}[draw.__name__]
        assert len(draw(run, name).lines) == 1


def test_a_fit_does_not_stretch_the_limits():
    g = make("bsf", 300, 300, 0.02, seed=0)
    limits = [
        (ax.get_xlim(), ax.get_ylim()) for ax in (plotting.degree_distribution(g, fit=fit) for fit in (False, True))
    ]
    assert limits[0] == limits[1]


def test_a_measure_that_is_never_defined_is_not_drawn(run, monkeypatch):
    monkeypatch.setattr(run, "measures", run.measures.assign(gamma=np.nan))
    with pytest.raises(InvalidValueError, match=r"'gamma' is undefined at every step .*diagnostics.gamma of a graph"):
        plotting.measure(run, "gamma")


@pytest.mark.parametrize("layer", [None, "fc2"])
def test_link_flow_balances(run, layer):
    table = run.history.updates
    sums = (table if layer is None else table[table["layer"] == layer]).groupby("step").sum(numeric_only=True)
    ax = plotting.link_flow(run, layer)
    drawn = {patch.get_label(): patch.get_data() for patch in ax.patches}
    np.testing.assert_array_equal(drawn["regrown"].values[::2], sums["regrown"])
    np.testing.assert_array_equal(-drawn["removed"].values[::2], sums["removed"])
    if "percolated" in drawn:
        depth = drawn["percolated"].baseline[::2] - drawn["percolated"].values[::2]
        np.testing.assert_array_equal(depth, sums["percolated"])
    assert "decayed" not in drawn
    np.testing.assert_allclose((drawn["regrown"].edges[::2] + drawn["regrown"].edges[1::2]) / 2, sums.index)


def test_layers_keep_their_colour(run):
    first = {line.get_label(): line.get_color() for line in plotting.overlap(run).lines}
    for column in ("n_links", "active_outputs", "fan_in_max"):
        ax = plotting.layer_metric(run, column)
        for line in ax.lines:
            rows = run.layers[run.layers["layer"] == line.get_label()]
            np.testing.assert_array_equal(line.get_ydata(), rows[column])
            assert first[line.get_label()] == line.get_color()


def test_evolution_shows_first_and_last(run):
    above, below = plotting.evolution(run).subfigs
    shown = [ax.images[0].get_array() for part in above.subfigs for ax in part.axes]
    last = run.history.at(run.history.steps[-1])
    expected = [g for name in last for g in (run.history.at(0)[name], last[name])]
    for image, g in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(image, g.to_scipy().toarray())
    assert len(below.axes) == 3


def test_evolution_has_no_overlap_if_nothing_regrew(run, monkeypatch):
    monkeypatch.setattr(run.history, "updates", run.history.updates.assign(regrown=0))
    below = plotting.evolution(run).subfigs[1]
    assert [ax.get_ylabel() for ax in below.axes] == ["test accuracy", "linked on both sides"]


def test_a_static_topology_is_drawn_once(static):
    above, below = plotting.evolution(static).subfigs
    assert [len(part.axes) for part in above.subfigs] == [1, 1]
    assert len(below.axes) == 2
    assert len(plotting.adjacency_change(static, "fc1").axes) == 1
    for function in (plotting.overlap, plotting.link_flow):
        with pytest.raises(InvalidValueError, match="no topology updates"):
            function(static)


def test_one_colour_scale_for_first_and_last(run):
    figure = Figure(figsize=(0.3, 0.2))  # so small that even these layers need blocks
    plotting.adjacency_change(run, "fc2", figure=figure)
    limits = [mesh.get_clim() for ax in figure.axes[:2] for mesh in ax.collections]
    assert len(limits) == 2
    assert limits[0] == limits[1]


def test_names_are_shown_literally(run, monkeypatch):
    monkeypatch.setattr(run, "name", "_$a_b$")
    ax = plotting.accuracy(run)
    ax.figure.canvas.draw()
    assert r"_\$a_b\$" in ax.get_legend().get_texts()[0].get_text()


@pytest.mark.parametrize(
    "draw",
    [plotting.score, plotting.loss, plotting.metrics, plotting.overlap, plotting.evolution, plotting.active_neurons],
)
@pytest.mark.parametrize("path", ["runs/b", Path("runs/b")])
def test_a_path_is_not_a_run(draw, path):
    with pytest.raises(InvalidTypeError, match=r"'runs/b'\)? is not a run: pass tl.Run\('runs/b'\)"):
        draw(path)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda run, dense, new: plotting.metrics(run, ["acuracy"]), "known columns: .*test_accuracy"),
        (lambda run, dense, new: plotting.metrics(run, []), "at least one"),
        (lambda run, dense, new: plotting.layer_metric(run, "layer"), "known columns: .*itop"),
        (lambda run, dense, new: plotting.link_flow(run, "fc9"), "its layers: fc1, fc2"),
        (lambda run, dense, new: plotting.adjacency_change(run, "fc9"), "its layers: fc1, fc2"),
        (lambda run, dense, new: plotting.degree_change(run, "fc9"), "its layers: fc1, fc2"),
        (lambda run, dense, new: plotting.overlap(run, theta=1.5), "theta=1.5"),
        (lambda run, dense, new: plotting.accuracy([]), "at least one run"),
        (lambda run, dense, new: plotting.overlap(dense), "no sparse layers"),
        (lambda run, dense, new: plotting.link_flow(dense), "no sparse layers"),
        (lambda run, dense, new: plotting.evolution(dense), "no sparse layers"),
        (lambda run, dense, new: plotting.layer_metric(dense, "itop"), "no sparse layers"),
        (lambda run, dense, new: plotting.accuracy([run, new]), "no finished epoch"),
        (lambda run, dense, new: plotting.evolution(new), "no finished epoch"),
    ],
)
def test_errors(draw, words, run, dense, unfinished):
    with pytest.raises(InvalidValueError, match=words) as caught:
        draw(run, dense, unfinished)
    assert isinstance(caught.value, TopolearnError)


def test_long_names_of_many_layers_fit_next_to_the_axes():
    """Like those of a Transformer: nothing is cut off, and the layout of the figure is applied."""
    names = [f"model.decoder.layers.{i}.encoder_attn.out_proj" for i in range(40)]
    with plotting.style(), warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = axes_or_new(None)
        for name in names:
            ax.plot([0, 1], [0, 1], label=name)
        legend(ax)
        for _ in range(2):  # the second time with the positions of the first
            ax.figure.canvas.draw()
        whole, shown = ax.figure.bbox, ax.get_legend().get_window_extent()
    assert whole.x0 <= shown.x0 < shown.x1 <= whole.x1
    assert whole.y0 <= shown.y0 < shown.y1 <= whole.y1
    assert ax.get_window_extent().width > 0.2 * whole.width
