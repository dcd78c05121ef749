"""Defaults that training and recording share."""

AUTO = "auto"  # the device and the backend of sparse layers are chosen when training begins
MEASURES = ("closure", "path_length", "gamma", "fan_in_gini", "fan_out_gini", "credit_paths", "hub_share")
