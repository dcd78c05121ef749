"""What else can be trained: a folder for each task, and a row in the registry of tasks."""

__all__: list[str] = []
