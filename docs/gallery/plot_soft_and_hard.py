"""
Why soft selection
==================

When the best-scored links are always chosen, most of what is removed grows back at once, and the topology stops
exploring. Sampling in proportion to the score keeps it moving.
"""

import tempfile

from matplotlib import pyplot as plt

import topolearn as tl

rules = {
    "hard": {"removal": "weight_magnitude", "regrowth": "ch3_l3p"},
    "soft": {"removal": "weight_magnitude-soft", "regrowth": "ch3_l3p-soft"},
}
figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for ax, (name, overrides) in zip(axes, rules.items(), strict=True):
    config = tl.TrainConfig(
        method="chts",
        density=0.1,
        hidden=(128, 128),
        epochs=12,
        overrides=overrides,
        run_dir=tempfile.mkdtemp() + "/run",
    )
    tl.plotting.overlap(tl.train(config, quiet=True), ax=ax)
    ax.set_title(f"Overlap, {name} selection", loc="left")
plt.show()
