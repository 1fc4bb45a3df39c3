"""Publishes how far this container's recent predictions are from the model's baseline, to CloudWatch, beside serving.

Metric `PredictionDistance` in the namespace of METRIC_NAMESPACE (nothing happens when that is not set), with the
dimensions of SageMaker's own endpoint metrics, so that two fleets can be told apart during a rollout. Never delays or
fails a request.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from distance import ScoreBaseline, prediction_distance

METRIC = "PredictionDistance"
WINDOW = 1000
LEAST_PREDICTIONS = 100
PERIOD_SECONDS = 60
# Dimension -> the variable that deploy sets on the Model.
DIMENSIONS = {
    "EndpointName": "ENDPOINT_NAME",
    "VariantName": "VARIANT_NAME",
    "EndpointConfigName": "ENDPOINT_CONFIG_NAME",
}

logger = logging.getLogger(__name__)


class CloudWatch(Protocol):
    """What is needed of boto3's `cloudwatch` client."""

    def put_metric_data(self, *args: Any, **request: Any) -> Any:
        """Store data points."""


class PredictionWindow:
    """The last WINDOW scores of this process, across requests."""

    def __init__(self, baseline: ScoreBaseline) -> None:
        self._baseline = baseline
        self._scores: deque[float] = deque(maxlen=WINDOW)
        self._lock = threading.Lock()

    def add(self, scores: Iterable[float]) -> None:
        """Remember the scores of one request."""
        with self._lock:
            self._scores.extend(scores)

    def distance(self) -> float | None:
        """The distance from the baseline, or None while there are fewer than LEAST_PREDICTIONS scores."""
        with self._lock:
            scores = np.fromiter(self._scores, np.float64, len(self._scores))
        return prediction_distance(scores, self._baseline) if len(scores) >= LEAST_PREDICTIONS else None


def metric_request(distance: float, environment: Mapping[str, str]) -> dict[str, Any]:
    """The PutMetricData request; it has no timestamp, so CloudWatch stamps it with its own time."""
    dimensions = [
        {"Name": name, "Value": environment[variable]}
        for name, variable in DIMENSIONS.items()
        if environment.get(variable)
    ]
    return {
        "Namespace": environment["METRIC_NAMESPACE"],
        "MetricData": [{"MetricName": METRIC, "Dimensions": dimensions, "Value": distance, "Unit": "None"}],
    }


class Publisher:
    """Publishes a window's distance, once a period; a failure is logged once and never raised."""

    def __init__(
        self, window: PredictionWindow, environment: Mapping[str, str], client: Callable[[], CloudWatch]
    ) -> None:
        self._window = window
        self._environment = environment
        self._make_client = client
        self._client: CloudWatch | None = None
        self._complained = False

    def publish(self) -> None:
        """Publish now, if there are predictions enough."""
        distance = self._window.distance()
        if distance is None:
            return
        try:
            self._client = self._client or self._make_client()
            self._client.put_metric_data(**metric_request(distance, self._environment))
            self._complained = False
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, serving goes on
            if not self._complained:
                logger.warning("%s cannot be published, serving goes on: %s: %s", METRIC, type(error).__name__, error)
            self._complained = True

    def run(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Publish every PERIOD_SECONDS of AWS time, for as long as the process lives."""
        speed = float(self._environment.get("AWS_CLOCK_SPEED") or 1)
        while True:
            sleep(PERIOD_SECONDS / speed)
            self.publish()


def _boto3_client() -> CloudWatch:
    import boto3

    region = os.environ.get("AWS_REGION") or os.environ.get("SAGEMAKER_REGION")  # boto3 itself reads neither
    client: CloudWatch = boto3.client("cloudwatch", region_name=region)
    return client


def start(window: PredictionWindow, environment: Mapping[str, str] = os.environ) -> None:
    """Publish from a thread that ends with the process; nothing happens without METRIC_NAMESPACE."""
    if environment.get("METRIC_NAMESPACE"):
        publisher = Publisher(window, environment, _boto3_client)
        threading.Thread(target=publisher.run, name="prediction-distance", daemon=True).start()
