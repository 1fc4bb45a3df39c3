"""The endpoint's CloudWatch dashboard: both fleets side by side, and the limits of the guardrails. Pure.

Source: CloudWatch API reference, PutDashboard and "Dashboard body structure and syntax".
"""

import json
from typing import Any

from deploy.calls import Call
from deploy.guardrails import guardrails
from deploy.policy import Policy

WIDTH, HEIGHT = 12, 6


def call(policy: Policy, region: str, configs: tuple[str, ...]) -> Call:
    """The request that draws it, for the endpoint configs that serve or have just served."""
    name = policy.endpoint.name
    rails = {rail.metric: rail.threshold for rail in guardrails(policy)}
    widgets = [
        _widget(0, 0, region, "Requests a minute", _series(policy, configs, "Invocations", "Sum")),
        _widget(
            WIDTH,
            0,
            region,
            "Share that fails (5xx)",
            _series(policy, configs, "Invocation5XXErrors", "Average"),
            limit=rails.get("Invocation5XXErrors"),
        ),
        _widget(
            0,
            HEIGHT,
            region,
            "p99 latency, microseconds",
            _series(policy, configs, "ModelLatency", "p99"),
            limit=rails.get("ModelLatency"),
        ),
        _widget(
            WIDTH,
            HEIGHT,
            region,
            "Distance of the predictions from the training data's",
            _series(policy, configs, "PredictionDistance", "Maximum", policy.endpoint.metric_namespace),
            limit=rails.get("PredictionDistance"),
        ),
    ]
    body = json.dumps({"widgets": widgets}, sort_keys=True)
    parameters = {"DashboardName": name, "DashboardBody": body}
    return Call(
        "cloudwatch", "PutDashboard", parameters, name, "both fleets, and the guardrails' limits", optional=True
    )


def _series(
    policy: Policy, configs: tuple[str, ...], metric: str, statistic: str, namespace: str = "AWS/SageMaker"
) -> list[list[Any]]:
    both = ["EndpointName", policy.endpoint.name, "VariantName", policy.endpoint.variant]
    return [
        [namespace, metric, *both, "EndpointConfigName", config, {"stat": statistic, "label": config}]
        for config in configs
    ]


def _widget(
    x: int, y: int, region: str, title: str, metrics: list[list[Any]], limit: float | None = None
) -> dict[str, Any]:
    marks = {"annotations": {"horizontal": [{"label": "limit", "value": limit}]}} if limit is not None else {}
    properties = {"region": region, "title": title, "view": "timeSeries", "period": 60, "metrics": metrics, **marks}
    return {"type": "metric", "x": x, "y": y, "width": WIDTH, "height": HEIGHT, "properties": properties}
