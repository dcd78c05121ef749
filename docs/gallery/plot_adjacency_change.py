"""
What one layer lost and gained
==============================

The links of the second hidden layer that went, stayed and came over the whole training, and the degrees of its neurons
before and after.
"""

import tempfile

from matplotlib import pyplot as plt

import topolearn as tl

config = tl.TrainConfig(method="chts", density=0.1, hidden=(128, 128), epochs=15, run_dir=tempfile.mkdtemp() + "/run")
run = tl.train(config, quiet=True)
tl.plotting.adjacency_change(run, "hidden2")
tl.plotting.degree_change(run, "hidden2")
plt.show()
