"""
How a topology evolves
======================

CHTs trains a network on handwritten digits with a tenth of its links. The picture shows each layer before and after
training, accuracy, the overlap of removed and regrown links, and how many neurons stay active.
"""

import tempfile

from matplotlib import pyplot as plt

import topolearn as tl

config = tl.TrainConfig(method="chts", density=0.1, hidden=(128, 128), epochs=15, run_dir=tempfile.mkdtemp() + "/run")
run = tl.train(config, quiet=True)
tl.plotting.evolution(run)
plt.show()
