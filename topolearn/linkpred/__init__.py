"""How a missing link is scored: Cannistraci-Hebb predictors on the paths of length three of a graph.

Each predictor scores all non-links of a graph; links score 0. The graph may be a `BipartiteGraph`, a scipy or numpy
matrix or a torch mask of shape (n_out, n_in), or a networkx or igraph graph, with two sides or one. `select` chooses
new links without the scores of all, and `evaluate` tells how well hidden links are found.

Paths of length three go from an output neuron u over an input neuron z2 and an output neuron z1 to an input neuron v.
For a neuron z between, d is its degree, di its links to other neurons between, de its links to all others, u and v
not counted; a star adds one.
"""

from topolearn.graph.one_mode import OneModeGraph
from topolearn.linkpred.catalogue import PREDICTORS, names, score
from topolearn.linkpred.ch1_l3 import ch1_l3
from topolearn.linkpred.ch2_l3n import ch2_l3n
from topolearn.linkpred.ch2_l3p import ch2_l3p
from topolearn.linkpred.ch3_l3n import ch3_l3n
from topolearn.linkpred.ch3_l3p import ch3_l3p
from topolearn.linkpred.ch31_l3n import ch31_l3n
from topolearn.linkpred.evaluation import evaluate
from topolearn.linkpred.predict import predict
from topolearn.linkpred.predictor import LinkPredictor
from topolearn.linkpred.ra_l3 import ra_l3
from topolearn.linkpred.random import random
from topolearn.linkpred.select import select, select_cells

__all__ = [
    "PREDICTORS",
    "LinkPredictor",
    "OneModeGraph",
    "ch1_l3",
    "ch2_l3n",
    "ch2_l3p",
    "ch3_l3n",
    "ch3_l3p",
    "ch31_l3n",
    "evaluate",
    "names",
    "predict",
    "ra_l3",
    "random",
    "score",
    "select",
    "select_cells",
]
