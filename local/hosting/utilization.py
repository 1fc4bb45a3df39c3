"""CPU, memory and disk of the processes behind an endpoint, as SageMaker publishes them once a minute.

Sources: the developer guide, "Monitor SageMaker with CloudWatch" (endpoint instance metrics: percent, and CPU up to 100
for each core). An instance's memory and disk are this machine's. It must never slow a request down.
"""

from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

import psutil

from local.cloudwatch import CloudWatch
from local.hosting.fleet import Fleet, Variant
from local.serving import Instance

NAMESPACE = "/aws/sagemaker/Endpoints"
METRICS = ("CPUUtilization", "MemoryUtilization", "DiskUtilization")


class Utilization:
    """Publishes what every living instance of `fleets` used, from the second minute on that it is seen."""

    def __init__(self, cloudwatch: CloudWatch, fleets: Callable[[], Iterable[Fleet]]) -> None:
        self._cloudwatch = cloudwatch
        self._fleets = fleets
        self._processes: WeakKeyDictionary[Instance, psutil.Process] = WeakKeyDictionary()

    def measure(self, end: int) -> None:
        """Publish one sample for each instance at the end of a minute; CPU is over the real time since the last."""
        for fleet in self._fleets():
            for variant in fleet.variants.values():
                for instance in variant.instances:
                    if instance.alive:
                        self._measure(variant, instance)

    def _measure(self, variant: Variant, instance: Instance) -> None:
        process = self._processes.get(instance)
        try:
            if process is None:
                process = self._processes[instance] = psutil.Process(instance.pid)
                process.cpu_percent()
                return
            disk = psutil.disk_usage(str(instance.spec.folder)).percent
            values = (process.cpu_percent(), process.memory_percent(), disk)
        except (psutil.Error, OSError):
            return
        both, _ = variant.dimensions
        for metric, value in zip(METRICS, values, strict=True):
            self._cloudwatch.record(NAMESPACE, metric, both, value, "Percent")
