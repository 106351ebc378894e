"""Tuning a base model by LoRA: data, batches, loss, the loop, and the adapter folder it leaves."""
