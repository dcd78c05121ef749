"""Link prediction: Cannistraci-Hebb predictors on paths of length three, and baselines.

Each predictor scores all non-links of a graph; links score 0. The graph may be a `BipartiteGraph`, a scipy or numpy
matrix or a torch mask of shape (n_out, n_in), or a networkx or igraph graph, with two sides or one. `select` chooses
new links without storing all scores, and `evaluate` measures how well hidden links are predicted.

The equations are in `topolearn.linkpred.cannistraci_hebb` and `topolearn.linkpred.ra_l3`. `topolearn.linkpred.dense`
computes them as written, and `topolearn.linkpred.compiled` computes the same scores faster on a CPU. The usual
baselines, on paths of length two or degrees, are in `topolearn.linkpred.baseline`.
"""

from topolearn.graph.one_mode.graph import Graph
from topolearn.linkpred.adamic_adar import adamic_adar
from topolearn.linkpred.baseline import Baseline
from topolearn.linkpred.cannistraci_hebb import ch1_l3, ch2_l3n, ch2_l3p, ch3_l3n, ch3_l3p, ch31_l3n
from topolearn.linkpred.catalogue import BASELINES, PREDICTORS, names, score
from topolearn.linkpred.common_neighbours import common_neighbours
from topolearn.linkpred.evaluation import evaluate
from topolearn.linkpred.layers import layer_scores
from topolearn.linkpred.predict import predict
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.preferential_attachment import preferential_attachment
from topolearn.linkpred.ra_l3 import ra_l3
from topolearn.linkpred.random import random
from topolearn.linkpred.resource_allocation import resource_allocation
from topolearn.linkpred.select import select, select_cells

__all__ = [
    "BASELINES",
    "PREDICTORS",
    "Baseline",
    "Graph",
    "LinkPredictor",
    "adamic_adar",
    "ch1_l3",
    "ch2_l3n",
    "ch2_l3p",
    "ch3_l3n",
    "ch3_l3p",
    "ch31_l3n",
    "common_neighbours",
    "evaluate",
    "layer_scores",
    "names",
    "predict",
    "preferential_attachment",
    "ra_l3",
    "random",
    "resource_allocation",
    "score",
    "select",
    "select_cells",
]
