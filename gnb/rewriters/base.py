"""The prompted base model, untuned: what a model knows of the task without training."""

from gnb.models.light import load_light
from gnb.models.loading import LoadedModel, load_model
from gnb.models.quick import load_quick
from gnb.models.vllm import load_vllm
from gnb.rewriters.local.options import LocalOptions
from gnb.rewriters.local.rewriter import LocalRewriter


class BaseRewriter(LocalRewriter):
    """Asks the base model with the prompt."""

    options_model = LocalOptions

    def load(self, *, generates: bool = False, few: bool = False) -> LoadedModel:
        """Load the base model."""
        if self.options.engine == "vllm":
            return load_vllm(self.options, self.options.speculative_tokens)
        if few and not generates and (quick := load_quick(self.options)):
            return quick
        light = None if generates else load_light(self.options)
        return light or load_model(self.options, stored_embeddings=True)
