"""Airflow's view of a rebuild: which step waits for which. What a step does stands in `corpusgate.flow`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Asset, CronTriggerTimetable, Param, TaskGroup, TriggerRule, task_group

from corpusgate import flow
from corpusgate.settings.model import ID_PATTERN
from corpusgate_airflow import steps
from corpusgate_airflow.defaults import default_args

DOC = """
Builds a corpus from its declared sources and publishes it to the channel `trial`.

- **source**: one row a source. *Red*: a control holds it; the log says which clause, figure, bound and what to do.
  *Skipped*: it cannot be had on this machine. A held source goes no further; the run goes on with the others.
- **source_verdict** red: the source gate held that source. **release_gate** red: nothing was published.
- The run is green when a release was published, or nothing changed since the last one, though sources may be held.

The verdicts of a run stand in its tab **Evidence**, and as tables in `corpusgate sql`.
"""

SPARK_JOB = str(Path(__file__).resolve().parents[1] / "jobs" / "run.py")
RELEASE = Asset(name="corpusgate-release-trial", uri="x-corpusgate://release/trial")
#: A judge is not asked twice: a verdict stands until the data or the declarations change.
JUDGE: dict[str, Any] = {"retries": 0, "execution_timeout": timedelta(minutes=30)}
BY_SOURCE: dict[str, Any] = {"map_index_template": "{{ task.op_kwargs['source'] }}"}


def spark(name: str) -> SparkSubmitOperator:
    """A step as a Spark job. The connection `spark_default` says where: this machine, YARN, Kubernetes."""
    return SparkSubmitOperator(
        task_id=name,
        application=SPARK_JOB,
        application_args=flow.arguments(name, corpus=steps.CORPUS, run_id=steps.RUN_ID, at=steps.AT),
        name=f"corpusgate {name}",
        execution_timeout=timedelta(hours=2),
    )


def here(name: str, call: Any = None, /, *, kwargs: dict[str, Any] | None = None, **options: Any) -> PythonOperator:
    """A step in the worker's own process: the flow's step of this name, or `call`."""
    given = {**({} if call else {"step": name}), **(kwargs or {})}
    return PythonOperator(task_id=name, python_callable=call or steps.run_step, op_kwargs=given, **options)


with DAG(
    dag_id=Path(__file__).stem,
    dag_display_name="Rebuild a corpus",
    description="fetch, judge, screen, gate and publish a corpus to the channel trial",
    doc_md=DOC,
    tags=["corpusgate", "GB/T 45654-2025"],
    # Nights are quiet. A first start waits for the next night instead of running at once beside the hand-started run.
    schedule=CronTriggerTimetable("30 2 * * *", timezone="Asia/Shanghai", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,  # one writer a lake
    dagrun_timeout=timedelta(hours=8),
    params={  # ty: ignore[invalid-argument-type]
        "corpus": Param(
            "demo", type="string", pattern=ID_PATTERN, title="Corpus", description="stem of a file in conf/corpora"
        )
    },
    default_args=default_args(timedelta(minutes=30)),
) as dag:

    @task_group(group_id="source", prefix_group_id=False)
    def of_source(source: str) -> None:
        """What happens to each source on its own."""
        of = {"kwargs": {"source": source}, **BY_SOURCE}
        # A source held by its licence is assessed all the same: who concludes the licence wants to know what is in it.
        admission = here("admission", trigger_rule=TriggerRule.ALL_DONE, **of)
        here("fetch", **of) >> here("licence", **of) >> admission

    plan = here("plan", steps.plan, do_xcom_push=True, retries=0)
    sources = of_source.expand(source=plan.output)
    admitted = here("admitted", steps.admitted, trigger_rule=TriggerRule.ALL_DONE, do_xcom_push=True, **JUDGE)

    intake = spark("intake")

    with TaskGroup("judgement_of_sources", prefix_group_id=False):
        source_gate = here("source_gate", **JUDGE)
        source_verdict = PythonOperator.partial(
            task_id="source_verdict", python_callable=steps.source_verdict, **JUDGE, **BY_SOURCE
        ).expand(op_kwargs=admitted.output.map(lambda source: {"source": source}))

    with TaskGroup("release", prefix_group_id=False):
        hosts = here("hosts")
        decide = spark("decide")
        release_gate = here("release_gate", steps.release_gate, **JUDGE)
        publish = spark("publish")

    # The accounts of a run that failed are wanted most of all.
    evidence = here("evidence", trigger_rule=TriggerRule.ALL_DONE)
    # The only leaf, so the run is as green as what is published: red verdicts of sources do not stop it.
    announce = here("announce", steps.announce, outlets=[RELEASE])

    sources >> admitted >> intake >> source_gate >> hosts >> decide >> release_gate >> publish
    source_gate >> source_verdict >> evidence
    publish >> evidence >> announce
    publish >> announce
