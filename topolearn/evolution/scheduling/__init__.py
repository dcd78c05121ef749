"""The scheduler: when the topology changes, the optimizer steps around an update, and the state that it saves."""
