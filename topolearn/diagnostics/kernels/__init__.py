"""Compiled loops over links; each module is imported on first use, because numba takes a second to import."""

__all__: list[str] = []
