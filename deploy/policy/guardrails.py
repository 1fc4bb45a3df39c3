"""The section `guardrails` of a stage's file: what must hold on the new fleet while it bakes."""

from typing import Literal

from deploy.settings import Settings, setting


class Datapoints(Settings):
    """An alarm fires when `datapoints` of the last `of` periods are above its limit."""

    datapoints: int = setting("periods above the limit that fire the alarm", example=2, limit="at least 1", ge=1, le=60)
    of: int = setting("periods that are looked at", example=3, limit="1 to 60", ge=1, le=60)


class ErrorRate(Datapoints):
    """Share of requests that the container answered with 5xx."""

    above: float = setting(
        "share of a period's requests that may fail, as a fraction",
        example=0.05,
        limit="Invocation5XXErrors is 0 or 1 a request, so its average is never above 1 and a limit of 1 cannot fire",
        ge=0,
        lt=1,
    )


class Latency(Datapoints):
    """99th percentile of the time the model takes to answer."""

    above_ms: float = setting(
        "milliseconds that the slowest 1 % of a period's requests may take",
        example=500,
        limit="SageMaker gives up on a request after 60000 ms",
        gt=0,
        lt=60_000,
    )


class PredictionDistance(Datapoints):
    """How far the predictions are from those of the training data, as the served model itself measures it."""

    above: float = setting("distance that a period's predictions may have", example=0.5, limit="above 0", gt=0)
    statistic: Literal["Average", "Maximum"] = setting(
        "of the distances published in a period, the one that counts",
        example="Maximum",
        limit="Average or Maximum",
        default="Maximum",
    )


class Guardrails(Settings):
    """What must hold on the new fleet while it bakes; a key left out, or null, makes no alarm."""

    minimum_requests: int = setting(
        "requests the new fleet must have answered; with fewer the verdict is inconclusive (0: no evidence is needed)",
        example=50,
        limit="0 or more",
        ge=0,
    )
    period_seconds: int = setting(
        "length of one period of every alarm",
        example=60,
        limit="SageMaker publishes these metrics once a minute, so a period is a whole number of minutes up to 3600",
        ge=60,
        le=3600,
        multiple_of=60,
        default=60,
    )
    error_rate: ErrorRate | None = setting(
        "alarm on the share of failed requests", example="{above: 0.05, datapoints: 2, of: 3}", default=None
    )
    latency_p99: Latency | None = setting(
        "alarm on the 99th percentile of latency", example="{above_ms: 500, datapoints: 3, of: 3}", default=None
    )
    prediction_distance: PredictionDistance | None = setting(
        "alarm on the model's own quality metric", example="{above: 0.5, datapoints: 2, of: 3}", default=None
    )
