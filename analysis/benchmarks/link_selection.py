"""Seconds and peak memory of choosing new links in large layers, and of the first call of a compiled predictor.

Run it with ``python -m analysis.benchmarks.link_selection``; it writes figures/benchmark_link_selection.csv. Each case
runs in its own process; its memory is the peak of the whole process, including imports and the graph. The peer, at the
only size where it is feasible, scores all non-links and then chooses.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from analysis.program import Program
from analysis.tables import write_table

FIGURES = Path("figures")
# name: neurons per side, links, links to choose, generator, soft
CASES: dict[str, tuple[int, int, int, str, bool]] = {
    "10^4, the best": (10**4, 10**5, 3 * 10**4, "er", False),
    "10^4, all scores first": (10**4, 10**5, 3 * 10**4, "er", False),
    "10^5, the best": (10**5, 10**6, 3 * 10**5, "er", False),
    "10^5, soft": (10**5, 10**6, 3 * 10**5, "er", True),
    "10^5, small world, the best": (10**5, 10**6, 3 * 10**5, "bsw", False),
    "10^6, the best": (10**6, 10**7, 3 * 10**6, "er", False),
    "10^6, soft": (10**6, 10**7, 3 * 10**6, "er", True),
}


def measure(case: str, threads: int) -> dict[str, float]:
    """Return the seconds of one case in this process, and its peak resident memory in MiB."""
    import numpy as np
    import torch

    from topolearn import generators
    from topolearn.linkpred import score, select

    torch.set_num_threads(threads)
    n, n_links, k, generator, soft = CASES[case]
    select(generators.make(generator, 70, 70, 0.05, seed=0), "ch3_l3p", 5, seed=0, form="stream")  # compiled, loaded
    graph = generators.make(generator, n, n, n_links / n**2, seed=0)
    start = time.perf_counter()
    if "all scores" in case:
        scores = score(graph, "ch3_l3p", form="stream").ravel()
        chosen = np.argpartition(scores, -k)[-k:]
    else:
        chosen = select(graph, "ch3_l3p", k, soft=soft, seed=0, progress=True)
    seconds = time.perf_counter() - start
    assert len(chosen) == k
    return {"seconds": seconds, "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def first_calls() -> dict[str, float]:
    """Return the seconds of a predictor's first call in a process, with and without compilation."""
    code = (
        "import time, numpy as np; from topolearn.linkpred import score; start = time.perf_counter();"
        "score(np.eye(100), 'ch3_l3p', form={form!r}, dtype='float32'); print(time.perf_counter() - start)"
    )
    seconds = {}
    for form in ("stream", "community"):
        with tempfile.TemporaryDirectory() as folder:
            for words in ("compiling", "compiled before"):
                done = subprocess.run(
                    [sys.executable, "-c", code.format(form=form)],
                    env={**os.environ, "NUMBA_CACHE_DIR": folder},
                    check=True,
                    capture_output=True,
                    text=True,
                )
                seconds[f"first call, {form}, {words}"] = float(done.stdout)
    return seconds


def _in_process(case: str, threads: int) -> dict[str, float]:
    command = [sys.executable, "-m", "analysis.benchmarks.link_selection", "--case", case, "--threads", str(threads)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def program() -> Program:
    """Return the command line."""
    parser = Program(__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--case", choices=CASES, help="measure one case, in this process")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure all cases, and write the table."""
    if args.case:
        print(json.dumps(measure(args.case, args.threads)))
        return
    rows: list[dict[str, object]] = []
    for case, (n, n_links, k, generator, _) in CASES.items():
        numbers = {"case": case, "generator": generator, "neurons a side": n, "links": n_links, "chosen": k}
        rows.append({**numbers, **_in_process(case, args.threads)})
        print(rows[-1], flush=True)
    rows += [{"case": case, "seconds": seconds} for case, seconds in first_calls().items()]
    table = pd.DataFrame(rows).round({"seconds": 2, "MiB": 0})
    write_table(FIGURES / "benchmark_link_selection.csv", table)
    print(table.to_string(index=False))


if __name__ == "__main__":
    program().run(main)
