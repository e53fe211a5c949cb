"""The machine: the device as the libraries and `nvidia-smi` report it, its bandwidth, its float32 rate."""

from __future__ import annotations

import subprocess

from gpu_sections.bench import Bench

FIELDS = (
    "name",
    "driver_version",
    "pstate",
    "clocks.sm",
    "clocks.max.sm",
    "clocks.mem",
    "temperature.gpu",
    "power.draw",
    "memory.total",
    "memory.used",
    "utilization.gpu",
)


def smi() -> dict[str, str]:
    """Return what `nvidia-smi` reports of the first GPU; it is asked, and told nothing."""
    command = ["nvidia-smi", "--query-gpu=" + ",".join(FIELDS), "--format=csv,noheader", "--id=0"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return {"problem": f"nvidia-smi: {error}"}
    return dict(zip(FIELDS, (value.strip() for value in done.stdout.split(",")), strict=False))


def run(bench: Bench) -> None:
    """Record the device, the rate of a copy, and of products of random matrices."""
    bench.record("data", name=bench.named_data[0], samples=len(bench.data.x), features=bench.data.x.shape[1])
    bench.record("nvidia-smi", when="before", **smi())
    xp = bench.device.xp
    device = xp.cuda.Device()
    properties = xp.cuda.runtime.getDeviceProperties(device.id)
    bench.record(
        "device",
        name=properties["name"].decode(),
        multiprocessors=device.attributes["MultiProcessorCount"],
        l2_bytes=device.attributes["L2CacheSize"],
        compute_capability=str(device.compute_capability),
        memory_bytes=device.mem_info[1],
        cuda_runtime=xp.cuda.runtime.runtimeGetVersion(),
        cuda_driver=xp.cuda.runtime.driverGetVersion(),
    )
    with bench.attempt("copy"):
        copy(bench)
    for side in bench.plan.sides:
        with bench.attempt("sgemm", side=side):
            sgemm(bench, side)
    bench.record("nvidia-smi", when="after", **smi())


def copy(bench: Bench) -> None:
    """Record copies from the device to itself; a byte copied is one read and one written."""
    xp, count = bench.device.xp, bench.plan.copied // 4
    source = bench.device.random(count)
    target = xp.empty_like(source)
    taken = bench.device.samples(lambda: xp.copyto(target, source), bench.plan.repeats)
    bench.record("copy", bytes_moved=2 * source.nbytes, **taken)


def sgemm(bench: Bench, side: int) -> None:
    """Record float32 products by CuPy, whose default takes no TF32."""
    xp = bench.device.xp
    a, b = bench.device.random(side, side), bench.device.random(side, side)
    out = xp.empty_like(a)
    taken = bench.device.samples(lambda: xp.matmul(a, b, out=out), bench.plan.repeats)
    bench.record("sgemm", side=side, flop=2 * side**3, **taken)
