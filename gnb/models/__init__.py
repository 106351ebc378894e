"""Local language models: finding, converting and loading them. Shared by rewriters, metrics and training."""
