"""A task file for lm-evaluation-harness: the same test split, the same question, scored by BLEU and chrF.

Its format: https://github.com/EleutherAI/lm-evaluation-harness/blob/main/docs/task_guide.md
"""

from collections.abc import Collection
from importlib import resources
from pathlib import Path

from gnb.publishing.files import parquet_name

FOLDER = "harness"
"""Not `lm_eval`: a folder of that name would hide the package from a Python that is started beside it."""
TASK = "gnb_neutralise"


def write_task(folder: Path, repository: str | None, splits: Collection[str]) -> None:
    """Write the task and a page that says how to run it.

    Args:
        folder: of the publication.
        repository: its name on the hub; None for a task that reads the tables of the folder.
        splits: the splits there are; of the training split the examples of few-shot prompts are taken.
    """
    (folder / FOLDER).mkdir()
    files = "".join(f"    {split}: {parquet_name(split)}\n" for split in splits)
    local = f"dataset_path: parquet\ndataset_kwargs:\n  data_files:\n{files}"
    values = {
        "@TASK@": TASK,
        "@DATASET@\n": f"dataset_path: {repository}\n" if repository else local,
        "@SHOTS@\n": "training_split: train\nfewshot_split: train\n" if "train" in splits else "",
    }
    for source, name in (("task.yaml", f"{TASK}.yaml"), ("task.md", "README.md")):
        text = resources.files("gnb.publishing").joinpath(source).read_text("utf-8")
        for mark, value in values.items():
            text = text.replace(mark, value)
        (folder / FOLDER / name).write_text(text, "utf-8", newline="\n")
