"""Timings: each program prints its peer beside it, measured in the same way on the same machine."""
