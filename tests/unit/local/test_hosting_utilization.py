"""CPU, memory and disk of the real processes behind an endpoint."""

import asyncio
import subprocess
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_hosting_rig import World, until, world

from local.hosting.utilization import METRICS, NAMESPACE, Utilization

BUSY = """
import threading
def spin():
    while True:
        pass
def model_fn(model_dir):
    threading.Thread(target=spin, daemon=True).start()
def transform_fn(*a):
    return "1", "text/csv"
"""


def utilization(w: World, stat: str = "Maximum") -> dict[str, list[float]]:
    """The values of each metric so far, under exactly the endpoint's and the variant's name."""
    answer = w.cloudwatch.get_metric_data(
        {
            "MetricDataQueries": [
                {
                    "Id": metric.lower(),
                    "MetricStat": {
                        "Metric": {
                            "Namespace": NAMESPACE,
                            "MetricName": metric,
                            "Dimensions": [
                                {"Name": "EndpointName", "Value": "e"},
                                {"Name": "VariantName", "Value": "AllTraffic"},
                            ],
                        },
                        "Period": 60,
                        "Stat": stat,
                        "Unit": "Percent",
                    },
                }
                for metric in METRICS
            ],
            "StartTime": w.clock.now() - timedelta(hours=12),
            "EndTime": w.clock.now() + timedelta(minutes=1),
        }
    )
    return {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}


@pytest.mark.aws(
    "Metrics",
    "CPUUtilization, MemoryUtilization and DiskUtilization are published in percent, once a minute for each instance",
    "Developer guide: Monitor SageMaker with CloudWatch",
)
def test_each_minute_has_what_every_instance_used(tmp_path):
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.serve(count=2, code=BUSY)
            await until(lambda: any(utilization(w)["cpuutilization"]))
            used = utilization(w)
            assert all(0 < value < 100 for value in used["memoryutilization"] + used["diskutilization"])
            await until(lambda: 2 in utilization(w, "SampleCount")["cpuutilization"])

    asyncio.run(go())


class _Living:
    """An instance whose process has ended, which nobody has noticed yet."""

    alive = True

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid = pid
        self.spec = SimpleNamespace(folder=folder)


def test_a_process_that_is_gone_has_no_sample(tmp_path):
    recorded: list[str] = []
    cloudwatch = SimpleNamespace(record=lambda namespace, metric, *rest: recorded.append(metric))
    with subprocess.Popen(["sleep", "60"]) as process:
        instance = _Living(process.pid, tmp_path)
        variant = SimpleNamespace(instances=[instance], dimensions=((), ()))
        measured = Utilization(cloudwatch, lambda: [SimpleNamespace(variants={"AllTraffic": variant})])
        measured.measure(60)
        measured.measure(120)
        assert recorded == list(METRICS)
        process.kill()
    measured.measure(180)
    assert recorded == list(METRICS)
