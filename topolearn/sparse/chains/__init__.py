"""Consecutive csr layers as one autograd node: their activations stay feature-major from the first to the last."""
