"""The prompted base model, untuned: what a model knows of the task without training."""

from gnb.models.loading import LoadedModel, load_model
from gnb.rewriters.local.options import LocalOptions
from gnb.rewriters.local.rewriter import LocalRewriter


class BaseRewriter(LocalRewriter):
    """Asks the base model with the prompt."""

    options_model = LocalOptions

    def load(self) -> LoadedModel:
        """Load the base model."""
        return load_model(self.options, stored_embeddings=True)
