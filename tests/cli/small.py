"""Words of commands that train a small network quickly."""

SMALL = ["--hidden", "16", "16", "--epochs", "1", "--density", "0.2", "--threads", "1", "--quiet"]
NEW = ["train", *SMALL, "--run-dir", "new"]
