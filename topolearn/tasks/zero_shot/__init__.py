"""Zero-shot tasks: evaluate language models on tasks they were not trained for, with lm-evaluation-harness."""

from topolearn.tasks.zero_shot.documents import read_documents
from topolearn.tasks.zero_shot.evaluation import CONSTANT, UNTRAINED, Candidate, evaluate, evaluate_all
from topolearn.tasks.zero_shot.runs import as_it_began, evaluate_runs, trained
from topolearn.tasks.zero_shot.scores import Answers
from topolearn.tasks.zero_shot.tasks import LOCAL, ZERO_SHOT, LocalDocuments, ZeroShotTask

__all__ = [
    "Answers",
    "CONSTANT",
    "Candidate",
    "LOCAL",
    "LocalDocuments",
    "UNTRAINED",
    "ZERO_SHOT",
    "ZeroShotTask",
    "as_it_began",
    "evaluate",
    "evaluate_all",
    "evaluate_runs",
    "read_documents",
    "trained",
]
