"""Writing a run while it is in progress: by one process, into its own directory, beside other loggers."""
