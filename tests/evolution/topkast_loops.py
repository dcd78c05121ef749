"""What tests of Top-KAST share."""

ALWAYS = {"stop_fraction": 1.0}  # re-select until the end, not only for three quarters of training


def trained(layer):
    """Return the cells of a layer that are trained, sorted."""
    return layer.trained.flatten().nonzero().squeeze(1).tolist()
