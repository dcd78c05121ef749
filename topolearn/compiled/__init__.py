"""Training in compiled code: many steps of a chain of sparse layers per call, without autograd."""

from topolearn.compiled.steps import CompiledSteps, StepsTaken, why_not_compiled

__all__ = ["CompiledSteps", "StepsTaken", "why_not_compiled"]
