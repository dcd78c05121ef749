"""`write_report`: writes the report page."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2

from topolearn import plotting
from topolearn.confined import check_confined
from topolearn.errors import CorruptFileError, InvalidValueError
from topolearn.files import written_aside
from topolearn.plotting.curves import curve_groups
from topolearn.plotting.run_data import nothing_yet, runs_of
from topolearn.recording.report.frames import chosen, frames
from topolearn.recording.report.graph_pictures import as_graph
from topolearn.recording.report.pictures import Pictures, layer_pictures, learning, over_time
from topolearn.recording.report.snapshot import ReportedRun, Snapshot
from topolearn.recording.report.tables import comparison, flat, layer_table, measure_table
from topolearn.recording.report.words import changes, odd_numbers, sentence
from topolearn.recording.tables.growing import LAYERS, NETWORKS

MOST_LAYERS = 8  # with pictures; keeps the file below a few megabytes


def write_report(
    run: ReportedRun, *, compare: ReportedRun | Iterable[ReportedRun] = (), path: str | Path | None = None
) -> Path:
    """Write the report of a run, and its pictures as PNG files into ``run.path / "figures"``.

    Parameters
    ----------
    run : Run
        A run with recorded data; a run of a task needs at least one score.
    compare : Run or iterable of Run
        Runs to compare it with, such as a dense one.
    path : path, optional
        The HTML file; default ``run.path / "report.html"``.

    Returns
    -------
    Path
        The HTML file, which is self-contained.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When one of the runs is not a run, or has nothing to show, or `path` is a directory.
    UnsafePathError
        When a symbolic link in the run directory points outside it.

    Examples
    --------
    >>> write_report(run, compare=[dense]).name
    'report.html'
    """
    several = runs_of([run, *runs_of(compare)])
    check_confined(run.path)
    for each in several:
        if each.metrics.empty and (each.task is not None or each.network.empty):
            what = f"finish an {each.task.clock}" if each.task else "continue"
            raise InvalidValueError(
                f"run {each.name!r} {nothing_yet(each)}, so there is nothing to report; let it {what}, or resume it"
            )
        check_rows(each)
    run, *others = runs = [Snapshot(each) for each in several]
    target = run.path / "report.html" if path is None else Path(path)
    pictures = Pictures(run.path / "figures")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("topolearn.recording.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    shown = topology(run, pictures)  # before the curves, whose names the run chose: the names of these stay
    html = environment.get_template("page.html.j2").render(
        name=run.name,
        sentence=sentence(run, others),
        comparison=comparison(runs),
        learning=learning(runs, pictures),
        n_curves=len(curve_groups(run.metrics)) if run.task is None else 0,
        odd=odd_numbers(run),
        **shown,
        configuration=flat(run.config if run.task is None else run.config.to_dict()),
        environment=run.environment,
    )
    with written_aside(target) as aside:
        aside.write_text(html, encoding="utf-8")
    return target


def check_rows(run: ReportedRun) -> None:
    """Raise if a run has a history of links but empty tables, which means that it is damaged.

    Raises
    ------
    CorruptFileError
    """
    for name, table in ((NETWORKS, run.network), (LAYERS, run.layers)) if run.history.layers else ():
        if table.empty:
            raise CorruptFileError(f"{run.path / name} is empty or missing: restore the original file")


def topology(run: ReportedRun, pictures: Pictures) -> dict[str, Any]:
    """Draw and describe the topology of a sparse run, as far as it was recorded."""
    if not run.history.layers:
        return {"layers": [], "over_time": [], "as_graph": [], "measure_table": []}
    always = {
        "over_time": over_time(run, pictures),
        "as_graph": as_graph(run, pictures),
        "measure_table": measure_table(run),
    }
    if not run.history.graph_steps:
        return {"layers": [], **always}
    first, last = (run.history.at(run.history.graph_steps[i]) for i in (0, -1))
    names = list(first)
    shown = chosen(names, MOST_LAYERS)
    if len(run.metrics):
        pictures.save(plotting.evolution(run), "evolution", "")
    task = run.task
    after = f"{task.clock} {task.progress(run.metrics)}" if task else f"step {run.summary['n_steps']:,}"
    return {
        "layers": [layer_pictures(run, name, names.index(name), last[name], pictures) for name in shown],
        "frames": frames(run, shown),
        "n_layers": len(names),
        "after": after,
        "changes": changes(run, first, last),
        "layer_table": layer_table(run, last),
        **always,
    }
