"""How the topology changes of layers whose weights several ranks share out (FSDP2)."""
