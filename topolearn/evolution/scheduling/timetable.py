"""`Timetable`: the steps at which the topology changes, and what they require of the optimizer steps."""

from __future__ import annotations

from topolearn.evolution.methods import Method
from topolearn.evolution.ordinary import Layers, Ordinary
from topolearn.evolution.plan import DensityPlan
from topolearn.evolution.scheduling.gradients import Gradients
from topolearn.evolution.scheduling.replay import reason_to_run


class Timetable:
    """The part of `topolearn.TopologyScheduler` that looks ahead at coming steps."""

    method: Method
    plan: DensityPlan | None
    interval: int
    total_steps: int
    layers: Layers
    converged: dict[str, bool]
    n_steps: int
    last_update_step: int
    _kind: Ordinary
    _gradients: Gradients

    @property
    def is_due(self) -> bool:
        """Whether the topology changes at the last counted step."""
        return self._is_due(self.n_steps)

    @property
    def is_stopped(self) -> bool:
        """Whether links are no longer removed and regrown because all layers have converged."""
        trained = (name for name, layer in self.layers.items() if layer.link_parameter.requires_grad)
        return self.method.early_stop and all(self.converged[name] for name in trained)

    @property
    def can_replay(self) -> bool:
        """Whether a CUDA graph may replay the next step; if not, run it, as `scheduling.replay` describes."""
        return self._reason_to_run() is None

    @property
    def n_replayable(self) -> int:
        """How many of the next steps may run in one call without hooks, such as `topolearn.CompiledSteps`.

        They end at the next multiple of the interval, or one step before it if that step needs hooks; 0 if the next
        step needs hooks. Count them with ``step(replayed=n)``.
        """
        if self._rate_factor(self.n_steps + 1) != 1 or self._kind.acts_each_step:
            return 0
        n = min(self.interval - self.n_steps % self.interval, max(self.total_steps - self.n_steps, 0))
        return n if n == 0 or self._reason_to_run(n) is None else n - 1

    def _rewires_until(self, step: int) -> bool:
        """Return whether links are still removed and regrown at an update at this step or later."""
        return (
            self.plan is not None
            and self.method.removal is not None
            and 0 < step <= self.plan.last_update
            and not self.is_stopped
        )

    def _is_due(self, step: int) -> bool:
        if self.plan is None or step % self.interval or not 0 < step <= self.plan.last_update:
            return False
        return self._rewires_until(step) or self._kind.reselects or self.plan.falls_at(step)

    def _rate_factor(self, step: int) -> float:
        warms_up = self.last_update_step >= 0 and self.method.rewarmup_steps
        return min(1.0, (step - self.last_update_step) / self.method.rewarmup_steps) if warms_up else 1.0

    def _reason_to_run(self, n: int = 1) -> str | None:
        """Return why the next n steps, within one interval, cannot all be replayed, or None if they can."""
        due, factor = self._is_due(self.n_steps + n), self._rate_factor(self.n_steps + 1)
        return reason_to_run(self.method, due=due, needs_gradients=self._gradients.are_needed, factor=factor)
