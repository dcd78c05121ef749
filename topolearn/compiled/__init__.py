"""Training in compiled code: the steps of a chain of sparse layers, many in one call, without autograd."""

from topolearn.compiled.steps import CompiledSteps, StepsTaken, refusal_of

__all__ = ["CompiledSteps", "StepsTaken", "refusal_of"]
