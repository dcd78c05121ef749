"""The pictures of a report that show the topology as a graph: measures, small-world plane, hubs."""

from itertools import pairwise

from topolearn import plotting
from topolearn.diagnostics import MEASURES
from topolearn.recording.report.pictures import DPI, Picture, Pictures
from topolearn.recording.report.snapshot import ReportedRun
from topolearn.recording.report.words import number, taken_measures

MOST_LINKS = 300_000  # maximum links of all layers for path searches, which then take 1-2 seconds per state


def as_graph(run: ReportedRun, pictures: Pictures) -> list[Picture]:
    """Draw the small-world plane and the hubs, and each measure that the run took."""
    return [*_graphs(run, pictures), *(_measure(run, name, pictures) for name in taken_measures(run))]


def _measure(run: ReportedRun, name: str, pictures: Pictures) -> Picture:
    table = run.measures.dropna(subset=[name]).groupby("layer", sort=False)[name]
    ends = ", ".join(f"{layer} {number(each.iloc[0])} to {number(each.iloc[-1])}" for layer, each in table)
    title = MEASURES[name].title
    return pictures.save(plotting.measure(run, name), f"measure-{name}", f"{title} at each measurement: {ends}.")


def _graphs(run: ReportedRun, pictures: Pictures) -> list[Picture]:
    """Draw the small-world plane and the hubs, if the graphs were kept, are not too large, and have links."""
    steps = run.history.graph_steps
    if not steps:
        return []
    last = run.history.at(steps[-1])
    if sum(g.n_links for g in last.values()) > MOST_LINKS or not all(g.n_links for g in last.values()):
        return []
    drawn = [
        pictures.save(
            plotting.small_world_plane(run), "small-world-plane",
            f"Closure against path length of {', '.join(last)}, from start to end.",
            "Small-world networks are at the upper left. A ring marks the start, a dot the end.",
        )
    ]  # fmt: skip
    network = run.topology_at(steps[-1])
    if len(last) > 1 and [group.layers for group in network.groups] == [*pairwise(last)]:  # hubs of a chain
        drawn.append(
            pictures.save(
                plotting.hubs(network), "hubs", f"Hubs of {', '.join(last)} at the end, and the links between them.",
                "Orange neurons are hubs; blue links connect two hubs.", dpi=DPI // 2,  # a megabyte less
            )
        )  # fmt: skip
    return drawn
