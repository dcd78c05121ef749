"""Compiled loops over links; each module is loaded when it is first used, as numba takes a second."""

__all__: list[str] = []
