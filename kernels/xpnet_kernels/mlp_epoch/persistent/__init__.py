"""An epoch in one kernel that stays on the GPU: Affine, ReLU, Affine, softmax cross-entropy, plain SGD.

Every block keeps a part of W1 in registers for the whole epoch, where it also multiplies and updates it. A
step has one point at which all blocks wait for each other: between the first layer, whose z1 they exchange
through the device's memory, and the second, which each computes for itself.

Only its limits are here; `epoch.py` launches the kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xpnet_kernels._arrays import Array
from xpnet_kernels.mlp_epoch.persistent.plan import plan_of_call


def obstacle(*arrays: Array, **options: Any) -> str | None:
    """Return why the kernel cannot train this net on these data, in words, or None if it can.

    It looks at shapes, dtypes and options only; see `mlp_epoch` for what they are.
    """
    x, _, _, *parameters = arrays
    if tuple(options["activations"]) != ("relu",):
        return "the net is not Affine, ReLU, Affine"
    if options["update"] != "sgd":
        return f"the optimizer is {options['update']}, not plain sgd"
    if options.get("weight_decay"):
        return "there is weight decay"
    if parameters[0].dtype != np.float32:
        return f"the parameters are {parameters[0].dtype}, not float32"
    if x.ndim != 2 or x.dtype not in (np.uint8, np.float32):
        return f"the samples are {x.dtype} with {x.ndim} axes, not uint8 or float32 with two"
    plan = plan_of_call(arrays, options["batch_size"], False)
    return plan if isinstance(plan, str) else None
