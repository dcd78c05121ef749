"""Benchmarks: each program also measures a peer, in the same way on the same machine."""
