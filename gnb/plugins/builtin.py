"""gnb's own components, announced exactly as a stranger's are."""

from gnb.core.registry import Register
from gnb.plugins.hookspecs import hookimpl

LOCAL = "pip install 'gnb[local]'"


@hookimpl
def register_sources(register: Register) -> None:
    """Announce the bundled corpus, the formats of the published study, tables, plain text, the hub, and X."""
    register("bundled", "gnb.sources.bundled:BundledSource", "The corpus that ships with gnb.")
    register("chatgpt", "gnb.sources.chatgpt:ChatGptSource", "Folders of Bias*.txt and NoBias*.txt files.")
    register("tweets", "gnb.sources.tweets:TweetsSource", "A file of texts and neutral forms on alternating lines.")
    register("prepared", "gnb.sources.prepared:PreparedSource", "A folder that `gnb prepare` wrote.")
    register("csv", "gnb.sources.csv_files:CsvSource", "Tables of text: comma, tab or semicolon between the cells.")
    register("jsonl", "gnb.sources.jsonl_files:JsonLinesSource", "JSON objects, one a line or in an array.")
    register("parquet", "gnb.sources.parquet_files:ParquetSource", "Parquet tables.")
    register("text", "gnb.sources.text_files:TextSource", "Plain text, a line or a paragraph a text.")
    register(
        "hub",
        "gnb.sources.hub:HubSource",
        "A dataset of the Hugging Face hub.",
        requires=("datasets",),
        install="pip install 'gnb[hub]'",
    )
    register("x-export", "gnb.sources.x_export.source:XExportSource", "Posts of X: API, account archive, CSV.")
    register("twitter", "gnb.sources.twitter.source:TwitterSource", "A file that `gnb collect twitter` wrote.")


@hookimpl
def register_rewriters(register: Register) -> None:
    """Announce the copy baseline, the local language models and the served ones."""
    register("copy", "gnb.rewriters.copy:CopyRewriter", "Leaves every text as it is; the baseline.")
    local = ("torch", "transformers", "safetensors", "threadpoolctl")
    register(
        "base",
        "gnb.rewriters.base:BaseRewriter",
        "The prompted base model, untuned.",
        requires=local,
        install=LOCAL,
    )
    register(
        "lora",
        "gnb.rewriters.lora:LoraRewriter",
        "The base model with a LoRA adapter.",
        requires=(*local, "peft"),
        install=LOCAL,
    )
    register(
        "gpt",
        "gnb.rewriters.gpt.rewriter:GptRewriter",
        "A chat model behind an OpenAI-compatible endpoint.",
        requires=("openai",),
        install="pip install 'gnb[gpt]'",
    )


@hookimpl
def register_metrics(register: Register) -> None:
    """Announce the metrics."""
    register("bleu", "gnb.metrics.bleu:BleuMetric", "Corpus BLEU over hazm tokens.")
    register(
        "bertscore",
        "gnb.metrics.bertscore:BertScoreMetric",
        "BERTScore: similarity of contextual embeddings.",
        requires=("torch", "transformers", "bert_score"),
        install=LOCAL,
    )
    register("edit", "gnb.metrics.edit:EditMetric", "Edits made against edits wanted: precision, recall, F0.5.")
    register(
        "preservation", "gnb.metrics.preservation:PreservationMetric", "Names, numbers, links, emoji that survive."
    )
    register("detection", "gnb.metrics.detection:DetectionMetric", "Biased texts changed, unbiased texts left alone.")
    register("cost", "gnb.metrics.cost:CostMetric", "Texts a second, tokens, peak memory, money.")
