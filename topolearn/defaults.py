"""What trainings and recordings take where nothing is said."""

AUTO = "auto"  # the device, and how sparse layers compute: decided when training begins
MEASURES = ("closure", "path_length", "gamma", "fan_in_gini", "fan_out_gini", "credit_paths", "hub_share")
