"""Studies: train every combination of settings and seeds on any executor, and analyze the results."""

from topolearn.studies.engine import run_study
from topolearn.studies.executors import EXECUTORS
from topolearn.studies.identity import config_hash
from topolearn.studies.results import finished_runs, results
from topolearn.studies.statistics import Comparison, Spread, compare, spread, wilcoxon_p_value, win_rates
from topolearn.studies.study import PlannedRun, Study
from topolearn.studies.tables import summary_table, to_latex, to_markdown

__all__ = [
    "EXECUTORS",
    "Comparison",
    "PlannedRun",
    "Spread",
    "Study",
    "compare",
    "config_hash",
    "finished_runs",
    "results",
    "run_study",
    "spread",
    "summary_table",
    "to_latex",
    "to_markdown",
    "wilcoxon_p_value",
    "win_rates",
]
