"""Whether a module may be bypassed: it has no hooks, and its forward is that of its class."""

from torch import nn
from torch.nn.modules import module as all_modules

GLOBAL_HOOKS = tuple(
    getattr(all_modules, f"_global_{name}")
    for name in ("forward_hooks", "forward_pre_hooks", "backward_hooks", "backward_pre_hooks")
)


def is_plain(module: nn.Module) -> bool:
    """Return whether a module has no hooks, and neither a forward nor a compiled call of its own.

    Other libraries replace ``module.forward``, as accelerate does to move the inputs of a module.
    """
    return not (
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or "forward" in module.__dict__
        or module._compiled_call_impl is not None
    )


def is_hooked_globally() -> bool:
    """Return whether hooks are registered that every module calls."""
    return any(map(bool, GLOBAL_HOOKS))
