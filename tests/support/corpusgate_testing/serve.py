"""A whole run of the DAG in a process of its own: a small corpus in a temporary place, run by Airflow's `dag.test()`.

`python -m corpusgate_testing.serve CORPUS` prints, as its last line, the states of run and tasks as JSON.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[3]
LICENCE = "SPDX-License-Identifier: CC0-1.0\n"
CORPUS = """
title: Small
intended_use: pre_training
commercial: true
languages: [zh]
service_type: general text generation
item_unit: document
home_country: CN
seed: small-1
sources: [{sources}]
policy:
  lexicon: starter
  personal_information: {{}}
"""
SOURCE = """
title: Small texts of {name}
kind: open_source
language: zh
country: CN
category: test
owner: data sourcing lead
provider: {provider}
description: made by a test
channel: {{type: folder, path: {folder}}}
reader: {{format: jsonl, include: ["*.jsonl"], key: id, text: text}}
licence:
{licence}
"""
STATED = """  - declared:
      expression: CC0-1.0
      read_from: LICENSE
      quote: "SPDX-License-Identifier: CC0-1.0"
      sha256: {sha256}
"""
UNSTATED = "  - finding: licence_missing\n"


@dataclass(frozen=True)
class Ended:
    """How a run ended: its state, and the state of each task (mapped ones as `task[source]`)."""

    run_id: str
    state: str
    tasks: Mapping[str, str]
    log: str


def small_corpus(folder: Path, providers: Mapping[str, str], *, unlicensed: str | None = None) -> Path:
    """Writes a `conf/` with the corpus `small` over sources of 30 harmless sentences each (id -> provider); the source
    `unlicensed` states no licence. Returns the folder of declarations."""
    conf = folder / "conf"
    for name in ("controls", "lexicons", "profiles"):
        shutil.copytree(HOME / "conf" / name, conf / name)
    for file in (HOME / "conf").glob("*.yaml"):
        shutil.copy(file, conf / file.name)
    (conf / "corpora").mkdir()
    (conf / "corpora" / "small.yaml").write_text(CORPUS.format(sources=", ".join(providers)), "utf-8")
    (conf / "sources").mkdir()
    for number, (name, provider) in enumerate(providers.items()):
        texts = folder / "texts" / name
        texts.mkdir(parents=True)
        (texts / "LICENSE").write_text(LICENCE, "utf-8")
        rows = [{"id": f"{name}-{n}", "text": sentence(number, n)} for n in range(30)]
        lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
        (texts / "part.jsonl").write_text(lines, "utf-8")
        stated = STATED.format(sha256=hashlib.sha256(LICENCE.encode()).hexdigest())
        licence = UNSTATED if name == unlicensed else stated
        declared = SOURCE.format(name=name, provider=provider, folder=texts, licence=licence)
        (conf / "sources" / f"{name}.yaml").write_text(declared, "utf-8")
    return conf


def sentence(series: int, n: int) -> str:
    """A harmless Chinese sentence; no two are near one another."""
    people = ["邮递员", "园丁", "老师", "木匠", "船长", "面包师"]
    places = ["山脚下的小村", "河边的旧桥", "城里的图书馆", "海边的灯塔", "路口的书店"]
    things = ["修好了一把椅子", "种下三棵苹果树", "读完一本地图集", "画了一张星空图", "数过往的帆船", "烤出一炉麦饼"]
    who, where, what = people[(n + series) % 6], places[(n // 6 + series) % 5], things[(n * 5 + series) % 6]
    return f"第{series * 30 + n + 1}天清晨，{who}来到{where}，{what}，然后把经过写进自己的第{n + 7}本日记。"


def run_dag(corpus: str, environment: Mapping[str, str], lake: Path, conf: Path, timeout: float) -> Ended:
    """Runs `corpus_rebuild` over the corpus with a lake and declarations of its own."""
    given = {**environment, "CORPUSGATE_LAKE": str(lake), "CORPUSGATE_CONF": str(conf)}
    given["PYTHONPATH"] = f"{Path(__file__).resolve().parents[1]}:{given['PYTHONPATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "corpusgate_testing.serve", corpus],
        env=given, capture_output=True, text=True, check=False, timeout=timeout,
    )  # fmt: skip
    log = done.stdout + done.stderr
    (lake.parent / "run.log").write_text(log, "utf-8")
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"run_id"')]
    if not lines:
        raise AssertionError(f"no result of the run (exit {done.returncode}):\n{log[-6000:]}")
    return Ended(**json.loads(lines[-1]), log=log)


def _main(corpus: str) -> None:
    from airflow.dag_processing.dagbag import BundleDagBag

    dags = HOME / "dags"
    dag = BundleDagBag(str(dags), bundle_path=dags).dags["corpus_rebuild"]
    run: Any = dag.test(run_conf={"corpus": corpus})
    tasks = {}
    for task in run.get_task_instances():
        label = task.rendered_map_index or task.map_index
        tasks[task.task_id if task.map_index < 0 else f"{task.task_id}[{label}]"] = str(task.state)
    print("\n" + json.dumps({"run_id": run.run_id, "state": str(run.state), "tasks": tasks}), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
