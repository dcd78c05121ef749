"""`TopologyScheduler`: evolves the topology of a model between optimizer steps."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from topolearn.checks import check_seed, check_size
from topolearn.distributed import agreement, keep_links_local, mean_over, shared_group
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.evolution.finite import check_finite
from topolearn.evolution.kinds import kind_of
from topolearn.evolution.methods import Method
from topolearn.evolution.methods import method as find_method
from topolearn.evolution.per_link.optimizer_state import check_optimizer, unwrapped
from topolearn.evolution.plan import DensityPlan, settle_interval
from topolearn.evolution.scheduling.copies import InProgress, check_copied
from topolearn.evolution.scheduling.decisions import decisions
from topolearn.evolution.scheduling.gradients import Gradients
from topolearn.evolution.scheduling.optimizer_watch import OptimizerWatch
from topolearn.evolution.scheduling.outcome import Outcome, outcome_of
from topolearn.evolution.scheduling.replay import check_captured, check_replayed, check_within, is_capturing
from topolearn.evolution.scheduling.state import DENSITY, OF_RUN, check_state, state_of
from topolearn.evolution.scheduling.timetable import Timetable
from topolearn.evolution.sharded.state import as_lists
from topolearn.evolution.starting.admission import check_model, check_shrinking, groups_of
from topolearn.evolution.step.stages import Step
from topolearn.evolution.step.update import TopologyUpdate
from topolearn.graph import LayeredNetwork
from topolearn.sparse import StoredLinear, graphs_of, sparse_layers
from topolearn.waiting import Readings

UpdateHook = Callable[["TopologyScheduler", TopologyUpdate], None]


class TopologyScheduler(Timetable):
    """Evolves the sparse layers of a model: every ``interval`` steps links are pruned, removed and regrown.

    Call `step` after each ``optimizer.step()``, or `topolearn.attach` the scheduler to the optimizer. After an update
    each layer has its scheduled number of links. Links that stay, or are removed and regrown in the same update, keep
    their weight and optimizer state; new links start at zero in both, and nothing remains of removed ones. With dense
    storage all values are kept and new links start with theirs; with ``regrown="history"``, with their last value.
    Layers whose weight is frozen (``requires_grad=False``) stay unchanged.

    Gradients can be accumulated over several backward passes, or computed in a closure; backward passes whose gradients
    never reach the optimizer have no effect. A step that a ``GradScaler`` skips does not count. The model can be
    compiled or wrapped in ``DistributedDataParallel``: all ranks then choose the same links without communicating them.
    A CUDA graph can replay most steps (`topolearn.evolution.scheduling.replay`). With a fused optimizer, a
    ``GradScaler`` makes the host wait for the device at each step.

    To replace the optimizer during a run, create the new one and a new scheduler with the ``state`` of the old one.
    Model, optimizer and scheduler can be copied or pickled together, and continue identically except for update hooks.

    Parameters
    ----------
    model : torch.nn.Module
        A model that `topolearn.sparsify` made sparse with the same method.
    optimizer : torch.optim.Optimizer
        SGD, Adam, AdamW, NAdam, RAdam, RMSprop, Adagrad, Adadelta or ASGD, a subclass without further state per weight,
        or a wrapper that holds one in its attribute ``optimizer``, as those of accelerate and Lightning do. It must
        train the weights of all sparse layers that are not frozen, in any of its param groups.
    method : Method or str
        The method that determines what to prune, remove and regrow.
    total_steps : int
        Length of training, in optimizer steps; schedules are scaled to it.
    interval : int, optional
        Optimizer steps between two updates; by default the interval of the method, which few methods define. There is
        no update at the last step, as new links need training.
    seed : int
        Seed of all random draws.
    state : Mapping, optional
        The `state_dict` of a scheduler of this method to continue from; the links of the model can then differ from
        the initial ones.
    process_group : torch.distributed.ProcessGroup, optional
        The ranks that share the layers, over which gradients for regrowth are averaged; by default those of the model's
        ``DistributedDataParallel`` wrapper, or else all. All of them must create the scheduler, with the same arguments
        and links; if a rank does not, the others wait until the group's timeout.

    Attributes
    ----------
    model : torch.nn.Module
    n_steps, n_updates, last_update_step : int
        Number of steps counted, number of updates, and the step of the last update (-1 before the first one).
    last_update : TopologyUpdate or None
    converged : dict of str to bool
        Whether each layer has been in an epitopological local minimum; with ``early_stop``, links are no longer
        removed and regrown once all layers have.
    attachment : torch.utils.hooks.RemovableHandle or None
        The handle that `topolearn.attach` returned.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When the model does not have the links that the method starts with, the optimizer is not supported, or the
        interval is missing or contradicts the method; on every rank, if ranks differ or one of them raises.

    Examples
    --------
    >>> import torch, topolearn as tl
    >>> model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    >>> method = tl.method("chts", density=0.2)
    >>> model = tl.sparsify(model, method)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> topology = tl.TopologyScheduler(model, optimizer, method, total_steps=10, interval=5)
    >>> for _ in range(10):
    ...     loss = model(torch.ones(4, 16)).square().mean()
    ...     loss.backward()
    ...     optimizer.step()
    ...     update = topology.step()  # a TopologyUpdate when the topology changed, else None
    ...     optimizer.zero_grad()
    >>> topology.last_update
    TopologyUpdate(1 at step 5: 30 removed, 30 regrown)
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        method: Method | str,
        *,
        total_steps: int,
        interval: int | None = None,
        seed: int = 0,
        state: Mapping[str, Any] | None = None,
        process_group: "dist.ProcessGroup | None" = None,
    ) -> None:
        self.process_group = shared_group(model, process_group)
        self._is_group_given = process_group is not None
        with agreement(self.process_group, lambda: decisions(self)):
            self._prepare(model, optimizer, method, total_steps, interval, seed, state)
        keep_links_local(model, self.process_group)

    def _prepare(
        self, model: nn.Module, optimizer: Optimizer, method: Method | str,
        total_steps: int, interval: int | None, seed: int, state: Mapping[str, Any] | None,
    ) -> None:  # fmt: skip
        self.method = find_method(method) if isinstance(method, str) else method
        if not isinstance(self.method, Method):
            raise InvalidTypeError(f"method must be a Method or the name of one, not {type(method).__name__}")
        self.total_steps = check_size("total_steps", total_steps)
        self.interval = settle_interval(interval, self.method)
        self.seed = check_seed(seed if state is None else state.get("seed", seed))
        self.model, self.optimizer = model, unwrapped(optimizer)
        self.layers = sparse_layers(model)
        self._kind = kind_of(self.method)
        check_model(self.layers, self._kind, self.interval, begins=state is None)
        check_shrinking(model, self.layers, self.method, is_shared=self.process_group is not None)
        check_optimizer(self.optimizer, self.layers)
        sizes = {name: (layer.in_features, layer.out_features) for name, layer in self.layers.items()}
        self.plan = None if self.method.is_dense else DensityPlan(sizes, self.method, self.total_steps, self.interval)
        self.groups = groups_of(model, self.layers, self.method)
        self.n_steps, self.n_updates, self.last_update_step = 0, 0, -1
        self.last_update: TopologyUpdate | None = None
        self.converged = dict.fromkeys(self.layers, False)
        self.attachment: RemovableHandle | None = None
        self._links = self._kind.model_links(model, self.layers, self.optimizer, self.seed)
        self._listen()
        if state is not None:
            self.load_state_dict(state)

    def _listen(self) -> None:
        """Start watching the optimizer, and record gradients if an update is due at the next step."""
        self._update_hooks: OrderedDict[int, UpdateHook] = OrderedDict()
        self._gradients = Gradients(self.layers, self.method, mean_over(self.process_group))
        self._watch = OptimizerWatch(self.optimizer, self._before_optimizer)
        self._gradients.expect(self._is_due(self.n_steps + 1))

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of a copy or pickle: everything except hooks and the process group, which it recreates."""
        check_copied(self.layers, is_group_given=self._is_group_given)
        own = dict.fromkeys(("process_group", "attachment", "_update_hooks", "_gradients", "_watch"))
        return self.__dict__ | own | {"in_progress": InProgress.of(self, self._watch, self._gradients)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        in_progress = state.pop("in_progress")
        self.__dict__.update(state)
        self.process_group = shared_group(self.model)
        self._listen()
        in_progress.resume(self, self._watch, self._gradients)

    def step(self, *, replayed: int = 0) -> TopologyUpdate | None:
        """Count one optimizer step, or several replayed ones; update the topology if an update is due.

        A call without an optimizer step since the last call, such as after a ``GradScaler`` skipped it, does nothing.

        Parameters
        ----------
        replayed : int
            How many steps a CUDA graph replayed or `topolearn.CompiledSteps` took, which call no hooks; True counts
            as one.

        Returns
        -------
        TopologyUpdate or None
            What changed, or None if no update was due.

        Raises
        ------
        InvalidValueError
            When a weight is not finite at a multiple of the interval (without sparse layers, at the last step), a
            gradient is not finite at an update, a parameter has changed its shape or left the optimizer, or a step was
            replayed that had to run. The model stays unchanged.
        """
        if replayed:
            check_within(self.n_steps, replayed, 1 if self._kind.acts_each_step else self.interval)
            check_replayed(self.n_steps, replayed, self._reason_to_run(replayed), took_step=self._watch.took_step)
            self._links.expect(1.0)
        elif not self._watch.took_step:
            self._watch.warn_of_no_step(self.optimizer)
            return None
        self._watch.took_step = False
        self.n_steps += int(replayed) or 1
        self._links.move(self.n_steps, moves=self._rewires_until(self.n_steps))
        if not self.is_due:
            self._links.write()
            self._gradients.expect(self._is_due(self.n_steps + 1))
            if self.n_steps == self.total_steps or (self.layers and self.n_steps % self.interval == 0):
                with self._links.together():
                    check_finite(self.model, self.layers, self.n_steps)
            return None
        self.last_update = self._update()
        for hook in tuple(self._update_hooks.values()):
            hook(self, self.last_update)
        return self.last_update

    def register_update_hook(self, hook: UpdateHook) -> RemovableHandle:
        """Register a function to call after each topology update, when the model has its new links.

        Parameters
        ----------
        hook : callable
            Called as ``hook(topology, update)``. Its exceptions propagate from `step`, after the update.

        Returns
        -------
        torch.utils.hooks.RemovableHandle
            ``handle.remove()`` removes the hook.

        Examples
        --------
        ``topology.register_update_hook(lambda topology, update: print(update.step, update.overlap))``
        """
        handle = RemovableHandle(self._update_hooks)
        self._update_hooks[handle.id] = hook
        return handle

    def network(self) -> LayeredNetwork:
        """Return the current topology: the graph of each sparse layer, and the neuron groups between them.

        Raises
        ------
        InvalidValueError
            When the model is dense.
        """
        if not self.layers:
            raise InvalidValueError(f"method {self.method.name!r} is dense and has no topology: use a sparse method")
        return LayeredNetwork(graphs_of(self.layers), groups=self.groups)

    def itop_rate(self) -> dict[str, float]:
        """Return, for each layer, the share of its cells that have ever been a link (ITOP)."""
        return self._links.itop_rate()

    def link_ages(self) -> dict[str, Tensor]:
        """Return, for each layer, how many steps ago each of its links grew, in the order of ``layer.cells()``."""
        return {name: self.n_steps - ages.born() for name, ages in self._links.ages.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return the state: counters, seed, links of each layer as flat positions, ages, values off the links.

        For sharded layers it contains sharded matrices, for ``torch.distributed.checkpoint``.
        """
        of_run = {key: copy(getattr(self, key)) for key in OF_RUN}
        return of_run | {DENSITY: self.method.density} | state_of(self.layers, self._links.ages, self._kind)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state. Model, optimizer and scheduler can be loaded in any order if the model's state has its links.

        Raises
        ------
        CheckpointError
            When a key or layer is missing, a layer is unknown or of another shape, or the state is that of another
            density; nothing is changed then.
        """
        check_state(state := as_lists(state), self.layers, self._kind)
        self._links.set(state["links"], state["trained"] if self._kind.reselects else {})
        for name, layer in self.layers.items():
            ages = self._links.ages[name]
            ages.restore(*(state[key][name] for key in ("links", "born", "explored")))
            ages.share(layer.link_list())
            if ages.former is not None:
                ages.former.restore(state["former"][name], state["former_values"][name])
            if isinstance(layer, StoredLinear):
                layer.set_stored(state["stored"][name].to(layer.stored))
        for key in OF_RUN:
            setattr(self, key, copy(state[key]))
        self._links.reseed(self.seed)
        self._watch.took_step = False
        self._gradients.expect(self._is_due(self.n_steps + 1))

    def _before_optimizer(self, scale: float | Tensor) -> float | None:
        """Prepare for an update after this step; return the factor of its learning rate, or None to skip the step."""
        if is_capturing():
            check_captured(self.n_steps + 1, self._reason_to_run())
        factor = self._rate_factor(self.n_steps + 1)
        self._links.expect(factor)
        counted_with_last = self._watch.took_step  # topology.step() counts this step and the last as one
        if counted_with_last and self.plan is not None and self.method.evolves and self.n_steps < self.plan.last_update:
            self._watch.warn_of_uncounted_steps(self.n_steps)
        if self._is_due(self.n_steps + 1):
            self._gradients.take(scale)
            if self.method.skip_gradient_step and not counted_with_last:
                return None
        self._kind.before_optimizer(self.layers.values(), scale)
        return factor

    def _update(self) -> TopologyUpdate:
        """Evolve the topology; nothing changes before the whole update is computed."""
        index = self.n_updates + 1
        cells, trained, updates = self._outcome(index)
        update = TopologyUpdate(self.n_steps, index, updates, self.method.theta)
        self._links.take(cells, trained, updates, self.n_steps)
        self.n_updates, self.last_update_step = index, self.n_steps
        for name, in_minimum in update.elm.items():
            self.converged[name] |= in_minimum
        self._gradients.expect(self._is_due(self.n_steps + 1))
        return update

    def _outcome(self, index: int) -> Outcome:
        """Compute the next update."""
        assert self.plan is not None
        rewire = self._rewires_until(self.n_steps)
        with self._links.together():
            layers = self._links.read(self.n_steps, readings := Readings())
            if rewire:
                self._gradients.check(self.n_steps, readings)
        layers = self._gradients.added_to(layers, grows=rewire)
        counts = self._links.counts(layers)
        present = {name: n for name, n in counts.items() if not layers[name].frozen}
        progress = self.n_steps / (self.method.stop_fraction * self.total_steps)
        return outcome_of(
            self._links, layers, self.groups, Step(self.method, progress, self.seed, index, readings),
            self.plan.targets(self.n_steps, present, sum(counts.values()) - sum(present.values())), rewire=rewire,
            explores=self.n_steps < self.plan.last_update,
        )  # fmt: skip
