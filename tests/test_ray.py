"""Preparation on a Ray cluster: the same bytes as on this machine, also when a node is killed midway."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gnb.core.components import Source
from gnb.core.options import Options
from gnb.core.preparation import Input, Plan, prepare
from gnb.core.records import Example, Report

pytest.importorskip("ray")
WORDS = ["کتاب", "مدرسه", "شهر", "كارگر", "پزشک", "خانه", "ها", "بازار", "معلم", "راننده", "سفر", "می", "روند"]


class Sentences(Source):
    """Yields random sentences, enough for a dozen chunks."""

    def read(self, report: Report) -> Iterator[Example]:
        chosen = random.Random(0)
        for number in range(12_000):
            text = " ".join(chosen.choices(WORDS, k=12))
            yield Example(str(number), text, (text,), False, "none")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def inputs() -> list[Input]:
    return [Input("sentences", Sentences(Options()))]


def test_an_address_where_nobody_answers_is_refused_at_once(tmp_path: Path) -> None:
    from gnb.core.errors import GnbError
    from gnb.scaling.ray_cleaning import clean_on_ray

    plan = Plan(target=tmp_path / "ray", clean=partial(clean_on_ray, address="127.0.0.1:1"))
    with pytest.raises(GnbError, match=r"Ray at 127\.0\.0\.1:1 cannot be reached"):
        prepare(inputs(), plan)


def test_an_error_of_ray_without_a_word_is_told_by_its_name() -> None:
    from ray.exceptions import RayError

    from gnb.core.errors import GnbError
    from gnb.scaling.ray_cleaning import _translated

    with pytest.raises(GnbError, match="Ray gave up: RayError "), _translated():
        raise RayError


def test_a_node_killed_midway_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # 15 by default: beside other work it would starve
    from ray.cluster_utils import Cluster

    from gnb.scaling.ray_cleaning import clean_on_ray

    prepare(inputs(), Plan(target=tmp_path / "local"))
    head = {"num_cpus": 0, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, connect=False, head_node_args=head)
    killed = []
    try:
        nodes = [cluster.add_node(num_cpus=1, object_store_memory=100_000_000) for _ in range(2)]

        def kill_one(what: str, done: int, total: int) -> None:
            if what == "cleaning" and not killed:
                killed.append(nodes[0])
                cluster.remove_node(nodes[0], allow_graceful=False)

        plan = Plan(target=tmp_path / "ray", clean=partial(clean_on_ray, address=cluster.address))
        prepare(inputs(), plan, kill_one)
    finally:
        cluster.shutdown()
    assert killed
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
