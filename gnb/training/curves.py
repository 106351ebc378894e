"""The plot of a run's losses."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gnb.training.data import Task

_SMOOTHING = 0.95
"""Weight of the past in the drawn training loss, an exponential mean: single steps are too noisy to read."""

_LOSSES = {"rewrite": "weighted loss a token (nats)", "detect": "loss a text (nats)"}


def draw_curves(history: Mapping[str, Sequence[Mapping[str, float]]], path: Path, *, task: Task) -> None:
    """Draw training and validation loss over the epochs into a file; its ending chooses the format."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    train, validation = history["train"], history["validation"]
    epochs = [entry["epoch"] for entry in train]
    losses = [entry["loss"] for entry in train]
    axes.plot(epochs, losses, color="tab:blue", alpha=0.2, linewidth=0.8)
    axes.plot(epochs, _smooth(losses), color="tab:blue", label="training (exponential mean)")
    if validation:
        points = [entry["epoch"] for entry in validation], [entry["loss"] for entry in validation]
        axes.plot(*points, color="tab:orange", marker="o", label="validation")
    axes.set(xlabel="epoch", ylabel=_LOSSES[task], ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    # without a date, so that the same history gives the same file
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def _smooth(values: Sequence[float]) -> list[float]:
    """Return the exponential mean, corrected for its start (Kingma & Ba 2015, section 3)."""
    mean, smoothed = 0.0, []
    for count, value in enumerate(values, start=1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * value
        smoothed.append(mean / (1 - _SMOOTHING**count))
    return smoothed
