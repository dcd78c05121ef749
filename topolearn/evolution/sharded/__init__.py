"""Evolving the topology of layers whose weights are sharded across ranks (FSDP2)."""
