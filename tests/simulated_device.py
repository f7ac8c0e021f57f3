"""A second device, simulated on the CPU: it refuses what an Apple GPU or a CUDA device refuses, and computes as the CPU does.

Tensors are known by their storage. Mixing the two devices in one operation is an error, except for numbers without axes and for
indices, and so is a float64 there where the device has none.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

DOUBLE = (torch.float64, torch.complex128)
INDEXING = ("__getitem__", "__setitem__")
MIXING = (*INDEXING, "__set__", "_has_compatible_shallow_copy_type")  # may meet tensors of both devices


class SimulatedDevice(TorchFunctionMode):
    """While entered, `device` can be computed on, although this machine has none."""

    def __init__(self, device: torch.device, *, has_float64: bool) -> None:
        super().__init__()
        self.device, self.has_float64 = device, has_float64
        self.there: dict[int, Tensor] = {}  # kept alive, so that no address is used twice

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        there = [each for each in tensors if self.is_there(each)]
        if name == "__get__" and getattr(func, "__self__", None) is Tensor.device:
            return self.device if there else func(*args, **kwargs)
        if name == "cpu":
            return args[0].clone()
        if name == "to":
            return self._moved(func, args, kwargs, bool(there))
        if self._is_device(kwargs.get("device")):
            kwargs["device"] = "cpu"
            return self._put(func(*args, **kwargs), name)
        here = [each for each in tensors if each.dim() and each.numel() and not self.is_there(each)]
        if there and here and name not in MIXING:
            raise RuntimeError(f"{name}: expected all tensors on one device; found {self.device.type} and cpu")
        result = func(*args, **kwargs)
        return self._put(result, name) if there and not self._only_indices(name, args) else result

    def is_there(self, tensor: Tensor) -> bool:
        return tensor.numel() > 0 and tensor.untyped_storage().data_ptr() in self.there

    def _only_indices(self, name: str, args: Any) -> bool:
        return name in INDEXING and not self.is_there(args[0])

    def _is_device(self, wanted: Any) -> bool:
        return isinstance(wanted, torch.device | str) and torch.device(wanted).type == self.device.type

    def _moved(self, func: Callable[..., Any], args: Any, kwargs: dict[str, Any], was_there: bool) -> Tensor:
        tensor, *rest = args
        wanted = [*rest, *kwargs.values()]
        target = any(map(self._is_device, wanted))
        for each in wanted:
            if isinstance(each, Tensor):
                target, was_there = self.is_there(each), False
            elif isinstance(each, torch.device | str) and not self._is_device(each):
                was_there = False
        rest = ["cpu" if self._is_device(each) else each for each in rest]
        kwargs = {key: "cpu" if self._is_device(each) else each for key, each in kwargs.items()}
        moved: Tensor = func(tensor, *rest, **kwargs)
        if not (target or was_there):
            return moved.clone() if self.is_there(moved) else moved
        return self._put(moved if self.is_there(moved) else moved.clone(), "to")

    def _put(self, result: Any, name: str) -> Any:
        for each in self._tensors(result):
            if each.dtype in DOUBLE and not self.has_float64:
                raise TypeError(f"{name}: {self.device.type} has no {str(each.dtype).removeprefix('torch.')}")
            if each.numel():
                self.there[each.untyped_storage().data_ptr()] = each
        return result

    def _tensors(self, result: Any) -> Iterator[Tensor]:
        return (each for each in tree_leaves(result) if isinstance(each, Tensor))
