"""The machine: Python, processors, memory, GPUs, and the folders that gnb and the hub write to."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

import psutil

from gnb.core.paths import cache_dir
from gnb.core.wording import counted
from gnb.doctor.checks import Case, Check, gigabytes
from gnb.models.embedded import NAME as EMBEDDED
from gnb.models.placing import pick_device, placement

_CGROUP = Path("/sys/fs/cgroup")
_CONVERSION = int(1.2e9)
"""Bytes that converting the embedded model takes for a while."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a memory: all of it, and what is free."""

    total: int
    free: int


def check_python(case: Case) -> Iterator[Check]:
    """Is Python of a version that gnb supports?"""
    found, wanted = ".".join(map(str, sys.version_info[:3])), metadata("gnb")["Requires-Python"]
    if all(_satisfies(sys.version_info[:2], bound) for bound in wanted.split(",")):
        yield Check("Python", "ok", found)
    else:
        yield Check("Python", "fails", f"{found}, but gnb needs {wanted}", "Install gnb with Python 3.12 or 3.13.")


def _satisfies(version: tuple[int, ...], bound: str) -> bool:
    least = bound.startswith(">=")
    limit = tuple(int(part) for part in bound.strip("<>=").split("."))
    return version >= limit if least else version < limit


def check_processors(case: Case) -> Iterator[Check]:
    """How many cores, and how much memory?"""
    memory = main_memory()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    free = f"{gigabytes(memory.free)} of {gigabytes(memory.total)} memory free"
    yield Check("machine", "ok", f"{counted(cores, 'core')}, {free}")


def main_memory() -> Memory:
    """Return the memory that this process may use: the machine's, or a container's where that is less."""
    machine = psutil.virtual_memory()
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):  # no container, no limit, or another system than Linux
        return Memory(machine.total, machine.available)
    return Memory(min(limit, machine.total), min(max(limit - used, 0), machine.available))


def has_driver() -> bool:
    """Tell whether there is a sign of a GPU: the driver of NVIDIA or of AMD."""
    return any(shutil.which(tool) for tool in ("nvidia-smi", "rocm-smi")) or Path("/dev/nvidiactl").exists()


def computes_in_bfloat16() -> bool:
    """Tell whether the processor has the instructions for which `dtype` auto takes bfloat16."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def gpus(case: Case) -> list[tuple[str, Memory]]:
    """Return name and memory of each GPU that torch can use; torch is imported where there may be one."""
    if not (case.needs_torch() or has_driver()):
        return []
    import torch

    found = []
    for number in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(number)
        found.append((torch.cuda.get_device_name(number), Memory(total, free)))
    return found


def check_gpu(case: Case) -> Iterator[Check]:
    """Is there a GPU that torch can use, and is it wanted?"""
    found = gpus(case)
    for name, memory in found:
        yield Check("GPU", "ok", f"{name}, {gigabytes(memory.free)} of {gigabytes(memory.total)} free")
    if found:
        return
    wants = [label for label, options in case.local.items() if options.device.startswith("cuda")]
    if has_driver():
        yield Check(
            "GPU",
            "fails" if wants else "warning",
            "there is a driver, but this torch finds no GPU to use",
            "Install a torch for your driver (https://pytorch.org/get-started/locally), or update the driver.",
        )
    elif wants:
        yield Check("GPU", "fails", f"none, but {', '.join(wants)} is to run on one", "Set device to auto or cpu.")
    elif case.needs_torch():
        advice = "A model of billions of parameters is slow there: use a machine with a GPU, or --profile embedded."
        yield Check("GPU", "warning", "none: models run on the processor", advice)
    else:
        yield Check("GPU", "ok", "none, and none is needed")


def check_devices(case: Case) -> Iterator[Check]:
    """Is there every device that an option names?"""
    for options in case.local.values():
        untold = not options.device.startswith("cuda") or gpus(case)  # where there is no GPU, `check_gpu` tells
        named = options.device != "auto" and untold
        if named or options.device_map or options.max_memory:
            placement(options)
            if named:
                pick_device(options.device)
    yield from ()


def check_folders(case: Case) -> Iterator[Check]:
    """Can the caches be written to, and is there room?"""
    needed = {cache_dir(): 0}
    if any(options.base_model == EMBEDDED for options in case.local.values()) and not _is_converted():
        needed[cache_dir()] = _CONVERSION
    if case.hub_models():
        from huggingface_hub.constants import HF_HUB_CACHE

        needed[Path(HF_HUB_CACHE)] = sum(case.sizes.get(model, 0) for model in case.hub_models())
    for folder, size in needed.items():
        yield _folder(folder, size)


def _is_converted() -> bool:
    return any(cache_dir().glob(f"{EMBEDDED}-*/model.safetensors"))


def _folder(folder: Path, needed: int) -> Check:
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    variable = "GNB_CACHE" if folder == cache_dir() else "HF_HOME"
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        advice = f"Make it writable, or name another one in the environment variable {variable}."
        return Check("cache", "fails", f"{folder} cannot be written to", advice)
    free = shutil.disk_usage(existing).free
    if free < needed:
        found = f"{folder}: {gigabytes(free)} free, {gigabytes(needed)} needed"
        return Check("cache", "fails", found, f"Make room, or name a folder on another disk in {variable}.")
    return Check("cache", "ok", f"{folder}, {gigabytes(free)} free")
