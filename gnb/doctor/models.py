"""The models of the run: are they there, do they fit into memory, and do adapter and detector belong to them?"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

from gnb.core.errors import GnbError, ModelError
from gnb.doctor.checks import Case, Check, Level, gigabytes, is_on_hub
from gnb.doctor.hub import cached_folder, is_cached
from gnb.doctor.machine import Memory, computes_in_bfloat16, gpus, main_memory
from gnb.doctor.sizes import Size, read_object, size_of
from gnb.models.adapters import adapter_card, check_base, resolve_adapter
from gnb.models.embedded import NAME as EMBEDDED
from gnb.models.embedded import embedded_identity
from gnb.models.explaining import check_settings
from gnb.models.gguf import is_gguf
from gnb.models.hub import TOKENIZERS, has_all_weights
from gnb.models.loading import check_name, is_hub_id
from gnb.models.options import ModelOptions
from gnb.models.placing import context_length
from gnb.rewriters.local.asking import ChatAsking, PlainAsking
from gnb.rewriters.local.options import LocalOptions, LoraOptions

_EMBEDDED_SIZE = Size(268_098_176, 167_772_160, 18_432)
"""Gemma 3 270M: read from its file by `size_of`, noted here for before it is converted."""


def check_models(case: Case) -> Iterator[Check]:
    """Is each base model there?"""
    for options in case.base_models():
        if options.base_model == EMBEDDED:
            yield Check("model", "ok", f"embedded: {embedded_identity()['package']}")
        elif is_hub_id(options.base_model):
            yield _hub_model(case, options)
        elif is_gguf(options.base_model):
            yield Check("model", "ok", f"{options.base_model}, which is converted once, at first use")
        else:
            yield _model_folder(Path(options.base_model))


def _hub_model(case: Case, options: ModelOptions) -> Check:
    name = options.base_model
    check_name(name)
    if is_cached(name, options.revision):
        return Check("model", "ok", f"{name} is in the cache")
    fetch = f"hf download {name}" + (f" --revision {options.revision}" if options.revision else "")
    if name in case.sizes:  # the hub said that it may be fetched
        size = f" {gigabytes(case.sizes[name])}" if case.sizes[name] else " it"
        found = f"{name} is not in the cache; the first run fetches{size}"
        return Check("model", "warning", found, f"To have it before: {fetch}")
    if case.online:
        return Check("model", "fails", f"{name} is not in the cache", "See what is said about the hub.")
    advice = f"gnb doctor --online {case.settings.profile} asks the hub whether you may fetch it; then: {fetch}"
    return Check("model", "fails", f"{name} is not in the cache", advice)


def _model_folder(folder: Path) -> Check:
    if not (folder / "config.json").is_file():
        advice = "Name a folder in the layout of transformers: config.json, *.safetensors, the tokenizer's files."
        return Check("model", "fails", f"{folder} holds no config.json", advice)
    if not has_all_weights(folder):
        pickled = ", ".join(file.name for file in folder.glob("*.bin"))
        advice = f"{pickled} is pickled, which is refused: convert it to safetensors." if pickled else "Copy them anew."
        return Check("model", "fails", f"{folder} lacks weights: not all of its .safetensors are there", advice)
    if not any((folder / name).is_file() for name in TOKENIZERS):
        return Check("model", "fails", f"{folder} holds no tokenizer", f"Copy it there: {' or '.join(TOKENIZERS[:2])}")
    check_settings(str(folder), folder)
    return Check("model", "ok", str(folder))


def check_memory(case: Case) -> Iterator[Check]:
    """Does each base model fit into the memory of the GPU, or of the machine?"""
    found = gpus(case)
    for options in case.base_models():
        on_gpu = bool(found) and options.device != "cpu"
        memory = _gpu_memory(options.device, found) if on_gpu else main_memory()
        size = _size(options)
        if size is None:
            yield Check("memory", "warning", f"how much {options.base_model} takes is not known before it is there")
            continue
        width = _width(options, on_gpu=on_gpu)
        tokens = getattr(options, "batch_tokens", 0) + context_length(options)
        needed = size.needed(options, tokens=tokens, width=width)
        place = "the GPU" if on_gpu else "the machine"
        text = f"about {gigabytes(needed)} for {size.parameters / 1e9:.2f} billion parameters; "
        text += f"{place} has {gigabytes(memory.free)} of {gigabytes(memory.total)} free"
        if needed <= memory.free:
            yield Check("memory", "ok", text)
        elif needed <= memory.total:
            yield Check("memory", "warning", text, f"End what else runs there, or {_smaller(options)}")
        else:
            # what does not fit goes to the memory of the machine, which is slow
            spread = options.quantisation != "none" or options.device_map or options.max_memory
            rest = main_memory().free if on_gpu and spread else 0
            level: Level = "warning" if needed <= memory.total + rest else "fails"
            yield Check("memory", level, text, _smaller(options).capitalize())


def _gpu_memory(device: str, found: list[tuple[str, Memory]]) -> Memory:
    """Return the memory of the GPU that a device names, of the first one where it names none that is there."""
    number = device.partition(":")[2]
    return found[int(number) if number.isdecimal() and int(number) < len(found) else 0][1]


def _smaller(options: ModelOptions) -> str:
    if options.quantisation == "none":
        return 'set quantisation to "8bit" or "4bit" in the profile, or take a smaller model.'
    if options.quantisation == "8bit":
        return 'set quantisation to "4bit" in the profile, or take a smaller model.'
    return "take a smaller model."


def _size(options: ModelOptions) -> Size | None:
    if options.base_model == EMBEDDED:
        return _EMBEDDED_SIZE
    folder = _folder(options)
    return size_of(folder) if folder else None


def _folder(options: ModelOptions) -> Path | None:
    """Return the folder that holds a model, None if it is not there yet."""
    name = options.base_model
    if is_on_hub(name):
        return cached_folder(name, options.revision)
    return Path(name) if Path(name).is_dir() else None


def _width(options: ModelOptions, *, on_gpu: bool) -> int:
    """Return the bytes of an element that is not quantised."""
    if options.dtype == "auto":
        return 2 if on_gpu or computes_in_bfloat16() else 4
    return 4 if options.dtype == "float32" else 2


def check_adapters(case: Case) -> Iterator[Check]:
    """Are adapter and detector there, and made for the base model?"""
    for label, options in case.local.items():
        if not isinstance(options, LoraOptions):
            continue
        checks: list[Callable[[], Check]] = [partial(_adapter, case, label, options)]
        if options.detector != "none":
            checks.append(partial(_detector, options))
        for check in checks:
            try:
                yield check()
            except GnbError as error:  # it hides neither the detector nor another rewriter's adapter
                yield Check("adapter", "fails", str(error))


def _adapter(case: Case, label: str, options: LoraOptions) -> Check:
    folder, base = resolve_adapter(options.adapter), _base_name(options)
    made_for = _made_for(folder)
    if made_for in (None, base):
        if options.base_model == EMBEDDED or _folder(options):  # else nobody knows its weights yet
            check_base(folder, options)
        return Check("adapter", "ok", f"{label}: {options.adapter}")
    found = f"{label}: {options.adapter!r} was made for {made_for}, not for {base}"
    profile = case.settings.profile
    advice = f"Make one: gnb train --profile {profile} --to my-adapter; then: -o {label}.adapter=my-adapter"
    # nobody named it: the profile has no adapter yet, and the other rewriters run without
    chosen = "adapter" in case.choices[label].values
    return Check("adapter", "fails" if chosen else "warning", found, advice)


def _detector(options: LoraOptions) -> Check:
    folder = resolve_adapter(options.detector, kind="detector")
    if adapter_card(folder).get("task") != "detect":
        raise ModelError(f"{folder} holds no detector; `gnb train --task detect --to FOLDER` makes one.")
    made_for = _made_for(folder)
    if made_for in (None, EMBEDDED, _base_name(options)):  # that of the embedded model stands in front of any other
        return Check("detector", "ok", options.detector)
    found = f"{options.detector!r} was made for {made_for}, not for {_base_name(options)}"
    return Check("detector", "fails", found, "Train one for it (gnb train --task detect), or set detector to none.")


def _made_for(folder: Path) -> str | None:
    """Return the name of the base model that an adapter notes; a stranger's may name its maker's folder."""
    return cast(str | None, adapter_card(folder).get("base_model"))


def _base_name(options: ModelOptions) -> str:
    name = options.base_model
    return Path(name).resolve().name if name != EMBEDDED and not is_hub_id(name) else name


def check_templates(case: Case) -> Iterator[Check]:
    """Can each model be asked: is its prompt one, and has it a chat template where it is asked by that?"""
    for label, options in case.local.items():
        if isinstance(options, LocalOptions) and (fault := _asking_fault(label, options)):
            yield fault


def _asking_fault(label: str, options: LocalOptions) -> Check | None:
    folder, is_chat = _folder(options), options.template == "chat"
    if is_chat and folder and not _has_template(folder):
        found = f"{label}: {options.base_model} has no chat template, so it is no chat model"
        return Check("template", "fails", found, "Set template to plain, or name an instruction-tuned model.")
    try:
        if is_chat:
            asking = ChatAsking(options)
            if folder:
                asking.fingerprint()  # which renders the template
        elif options.template == "plain" and options.prompt:
            PlainAsking(options.prompt)
    except GnbError as error:
        return Check("template", "fails", f"{label}: {error}")
    return None


def _has_template(folder: Path) -> bool:
    return (
        bool(read_object(folder / "tokenizer_config.json").get("chat_template"))
        or (folder / "chat_template.jinja").is_file()
    )


def check_metric(case: Case) -> Iterator[Check]:
    """Is the model of BERTScore there?"""
    component = case.plugins.registry.components["metric"].get("bertscore")
    if component is None or component.missing():
        return
    choice = case.settings.choose("metric", "bertscore", case.plugins.registry)
    options = case.options(choice)
    name, revision = str(getattr(options, "model", EMBEDDED)), getattr(options, "revision", None)
    try:
        check_name(name) if name != EMBEDDED else embedded_identity()
    except GnbError as error:
        yield Check("metric", "warning", f"bertscore: {error}")
        return
    if is_hub_id(name) and cached_folder(name, revision) is None:
        advice = f"To have it: hf download {name}; or leave the metric out: gnb compare -m bleu,edit,detection"
        yield Check("metric", "warning", f"bertscore: {name} is not in the cache", advice)
    else:
        yield Check("metric", "ok", f"bertscore: {name}")
