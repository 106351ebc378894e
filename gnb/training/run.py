"""A training run from examples to an adapter folder."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from transformers import PrinterCallback, TrainingArguments, set_seed

from gnb.core.errors import ModelError, SettingsError
from gnb.models.adapters import adapter_card, adapts_vocabulary, lay_adapter
from gnb.models.classifier import load_classifier
from gnb.models.loading import LoadedModel, load_model
from gnb.models.placing import pick_dtype
from gnb.models.prompt import Prompt
from gnb.models.quantising import prepare_for_training
from gnb.models.vocabulary import OutputLayer, task_token_ids
from gnb.training.callbacks import Checkpointer, EarlyStopping, Interruption, Watch, Watcher
from gnb.training.checkpoints import latest_checkpoint
from gnb.training.data import TrainingData
from gnb.training.detecting import DetectTrainer, categories_of, describe_detector
from gnb.training.options import TrainingOptions
from gnb.training.processes import count as process_count
from gnb.training.processes import is_sharded, local_device
from gnb.training.rewriting import RewriteTrainer
from gnb.training.rows import Rows, count, make_rows
from gnb.training.trainer import AdapterTrainer


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run.

    Attributes:
        model: the tuned model, its adapter rounded as it will be stored.
        weights: those of the adapter by peft's names; in the main process alone, where FSDP has spread them.
        history: what the loop logged: step, epoch and losses.
        counts: texts, items and tokens, and what was left out.
        parameters: how many numbers were trained.
        vocabulary: how many tokens the model's embeddings have.
        validation_loss: of the model as it is now; None without validation items.
        detector: categories and calibration of a detector; empty for a rewriter.
    """

    model: PeftModel
    weights: dict[str, torch.Tensor]
    history: list[dict[str, Any]]
    counts: dict[str, int]
    parameters: int
    vocabulary: int
    validation_loss: float | None
    detector: dict[str, Any]


def train(data: TrainingData, options: TrainingOptions, checkpoints: Path, watch: Watch | None = None) -> Trained:
    """Train an adapter, going on from the newest whole checkpoint of the folder if there is one.

    Args:
        data: what to learn.
        options: how.
        checkpoints: the folder for checkpoints.
        watch: is told how far the run is.

    Raises:
        ModelError, MissingDependencyError: as `load_model`.
        InputError: as `make_rows`.
        SettingsError: if no layer goes by the names of the target modules.
        KeyboardInterrupt: after Ctrl-C; the checkpoint is written then.
    """
    set_seed(options.seed)  # a classifier's layer is drawn when the model is loaded
    loaded = load_base(data, options)
    rows = make_rows(data, options, loaded.tokenizer)
    set_seed(options.seed)
    model = attach_adapter(loaded, options)
    parameters = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    vocabulary = loaded.model.get_input_embeddings().weight.shape[0]
    with Interruption() as interruption:
        trainer = make_trainer(model, loaded, rows, options, checkpoints)
        trainer.add_callback(interruption)
        trainer.add_callback(Checkpointer())
        if watch:
            trainer.add_callback(Watcher(watch))
        trainer.remove_callback(PrinterCallback)
        latest = latest_checkpoint(checkpoints)
        trainer.train(resume_from_checkpoint=str(latest) if latest else None)
    if interruption.requested:
        raise KeyboardInterrupt
    round_adapter(model)
    loss = trainer.mean_loss(rows.validation) if rows.validation else None
    return Trained(
        model,
        adapter_weights(trainer, model),
        trainer.state.log_history,
        count(data, rows),
        parameters,
        vocabulary,
        loss,
        describe_detector(trainer, data) if isinstance(trainer, DetectTrainer) else {},
    )


def load_base(data: TrainingData, options: TrainingOptions) -> LoadedModel:
    """Load the base model as the task needs it.

    Raises:
        ModelError, MissingDependencyError: as `load_model`.
    """
    options = options.model_copy(update={"device": local_device(options.device)})
    if options.task == "detect":
        return load_classifier(options, len(categories_of(data.train)))
    return load_model(options, stored_embeddings=not _adapts_vocabulary(options))


def _adapts_vocabulary(options: TrainingOptions) -> bool:
    if start := options.start_folder():
        return adapts_vocabulary(start)
    return any(layer in options.target_modules for layer in ("embed", "lm_head"))


def attach_adapter(loaded: LoadedModel, options: TrainingOptions) -> PeftModel:
    """Put LoRA matrices into a model, fresh or those of the adapter to go on from; the base model's are frozen.

    Raises:
        SettingsError: if no layer goes by the names of the target modules.
        ModelError: if the adapter to go on from is not there or does not fit the model.
    """
    model = _adapted(loaded, options)
    for weight in model.parameters():
        if weight.requires_grad:  # peft sees to the matrices alone; a classifier's small steps vanish in bfloat16
            weight.data = weight.data.float()
    return model


def _adapted(loaded: LoadedModel, options: TrainingOptions) -> PeftModel:
    loaded.model = prepare_for_training(loaded.model, checkpointing=options.gradient_checkpointing)
    if folder := options.start_folder():
        learnt = adapter_card(folder).get("task", options.task)
        if learnt != options.task:
            raise ModelError(
                f"{folder} has learnt the task {learnt!r}, so a run of {options.task!r} cannot go on from it."
            )
        return lay_adapter(loaded, folder, trainable=True)
    dropout: dict[str, Any] = {} if options.dropout == "library" else {"lora_dropout": options.dropout}
    names = options.target_modules
    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        target_modules=names if names == "all-linear" else [name.strip() for name in names.split(",")],
        task_type="SEQ_CLS" if options.task == "detect" else "CAUSAL_LM",
        **dropout,
    )
    try:
        return get_peft_model(loaded.model, config)
    except ValueError as error:
        raise SettingsError(f"The adapter does not fit the model: {error}") from None


def round_adapter(model: PeftModel) -> None:
    """Round the adapter's weights to what the stored file holds (float16), in place."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data.copy_(weight.data.half())


def adapter_weights(trainer: AdapterTrainer, model: PeftModel) -> dict[str, torch.Tensor]:
    """Return the adapter's weights by peft's names, gathered where FSDP has spread them: there in the main process."""
    # without embedding layers: peft would ask the hub about the base model's vocabulary
    gathered = trainer.accelerator.get_state_dict(trainer.model_wrapped) if trainer.is_fsdp_enabled else None
    return dict(get_peft_model_state_dict(model, gathered, save_embedding_layers=False)) if gathered != {} else {}


def make_trainer(
    model: PeftModel, loaded: LoadedModel, rows: Rows, options: TrainingOptions, folder: Path
) -> AdapterTrainer:
    """Return the loop that trains a model's adapter, ready to start.

    Args:
        model: the base model with its adapter.
        loaded: the base model and its tokenizer.
        rows: what it learns and is evaluated on.
        options: how.
        folder: for the checkpoints.

    Raises:
        ModelError: if the tokenizer pads with its end token.
    """
    pad = loaded.tokenizer.pad_token_id
    if pad == loaded.tokenizer.eos_token_id:
        raise ModelError("The tokenizer pads with its end token; a model trained so would never learn to stop.")
    shared: dict[str, Any] = {
        "model": model,
        "args": _arguments(rows, options, folder),
        "settings": options,
        "pad": pad,
        "rows": rows.train,
        "validation": rows.validation,
    }
    trainer: AdapterTrainer
    if options.task == "detect":
        trainer = DetectTrainer(**shared)
    else:
        # What is computed once for all rows is kept, which checkpointing forbids. Its gradients come through the cache,
        # where FSDP does not see them, and so does not gather the weights that they need.
        shared_start = not (options.packing or options.gradient_checkpointing or is_sharded())
        start = len(Prompt(options.prompt, loaded.tokenizer).before) if shared_start else 0
        trainer = RewriteTrainer(output=_output_layer(loaded, rows, options), instruction_length=start, **shared)
    if rows.validation:
        trainer.add_callback(EarlyStopping(options.patience))
    return trainer


def _output_layer(loaded: LoadedModel, rows: Rows, options: TrainingOptions) -> OutputLayer:
    if options.output_layer == "full":
        return OutputLayer(loaded.model, range(loaded.model.get_output_embeddings().weight.shape[0]))
    learnt = {
        token for row in (*rows.train, *rows.validation) for item in row for token in item.tokens[item.prompt_length :]
    }
    return OutputLayer(loaded.model, {*task_token_ids(loaded.tokenizer), *learnt})


def needs_scaling(options: TrainingOptions) -> bool:
    """Tell whether gradients are computed in float16 on a GPU, where small ones vanish unless the loss is scaled."""
    return torch.cuda.is_available() and options.device != "cpu" and pick_dtype(options.dtype) == torch.float16


def _arguments(rows: Rows, options: TrainingOptions, folder: Path) -> TrainingArguments:
    steps = math.ceil(len(rows.train) / (options.batch_size * options.accumulation))
    every = max(1, steps // options.evaluations)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=options.epochs,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        max_grad_norm=options.max_grad_norm,
        fp16=needs_scaling(options),
        gradient_accumulation_steps=math.ceil(options.accumulation / process_count()),
        per_device_train_batch_size=options.batch_size,
        optim="adamw_torch",
        eval_strategy="steps" if rows.validation else "no",
        eval_steps=every,
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=bool(rows.validation) and options.keep == "best",
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=1,  # a resumed run then logs exactly what an unbroken one does
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        seed=options.seed,
        ddp_find_unused_parameters=False,
        log_level_replica="error",
        use_cpu=not torch.cuda.is_available() or options.device == "cpu",
        remove_unused_columns=False,
        restore_callback_states_from_checkpoint=True,  # or the patience starts anew
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    # one process trains on one GPU; on all that it sees, transformers would wrap the model in torch's DataParallel
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments
