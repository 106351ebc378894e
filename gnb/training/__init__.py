"""Tuning a base model by LoRA: data, batches, loss, the loop, and the adapter folder it leaves."""

from gnb.models.quiet import refuse_kernels

refuse_kernels()  # before a module of this package imports peft
