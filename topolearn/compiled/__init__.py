"""Training in compiled code: many steps of a chain of sparse layers per call, without autograd."""

from topolearn.compiled.steps import CompiledSteps, StepsTaken, refusal_of

__all__ = ["CompiledSteps", "StepsTaken", "refusal_of"]
