"""Tasks beyond classification: each has its own folder and an entry in the task registry."""

__all__: list[str] = []
