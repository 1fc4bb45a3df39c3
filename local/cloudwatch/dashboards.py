"""Dashboards: kept, and checked as far as their JSON can be told to be wrong. It must never draw one.

Source: the CloudWatch API reference, "Dashboard body structure and syntax".
"""

import json
import re
from typing import Any

from local.cloudwatch.paging import page
from local.context import Context, Request, Response
from local.errors import AwsError

_LISTED = 1_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_WIDGETS = ("metric", "text", "log", "alarm", "explorer", "custom")
_SIZES = {"width": (1, 24), "height": (1, 1000), "x": (0, 23), "y": (0, 100_000)}
_NEEDED = {"text": ("markdown",), "alarm": ("alarms",), "log": ("query",), "custom": ("endpoint",)}


class DashboardOperations:
    """Dashboards by name."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._dashboards: dict[str, Response] = {}

    def put_dashboard(self, request: Request) -> Response:
        """Create a dashboard or replace its body. A body that CloudWatch could not draw is refused."""
        name, body = request["DashboardName"], request["DashboardBody"]
        if not _NAME.fullmatch(name):
            said = "must have 1 to 255 letters, digits, - and _"
            raise AwsError("DashboardInvalidInputError", f"The dashboard name '{name}' is invalid: it {said}.")
        if problems := _problems(body):
            raise AwsError("DashboardInvalidInputError", f"The dashboard body is invalid: {'; '.join(problems)}.")
        self._dashboards[name] = {
            "DashboardName": name,
            "DashboardArn": f"arn:aws:cloudwatch::{self._context.account}:dashboard/{name}",
            "DashboardBody": body,
            "LastModified": self._context.clock.now(),
            "Size": len(body.encode()),
        }
        return {"DashboardValidationMessages": []}

    def get_dashboard(self, request: Request) -> Response:
        """A dashboard's body as it was put."""
        return self._existing(request["DashboardName"])

    def list_dashboards(self, request: Request) -> Response:
        """Dashboards by prefix, by name."""
        prefix = request.get("DashboardNamePrefix", "")
        found = [entry for name, entry in sorted(self._dashboards.items()) if name.startswith(prefix)]
        return page(found, request, "DashboardEntries", _LISTED)

    def delete_dashboards(self, request: Request) -> Response:
        """Delete dashboards: all of those named, or none."""
        for name in request["DashboardNames"]:
            self._existing(name)
        for name in request["DashboardNames"]:
            self._dashboards.pop(name, None)
        return {}

    def _existing(self, name: str) -> Response:
        if name not in self._dashboards:
            raise AwsError("DashboardNotFoundError", f"Dashboard {name} does not exist", 404)
        return self._dashboards[name]


def _problems(body: str) -> list[str]:
    """What is wrong with a body, each with its path; nothing when it can be drawn."""
    try:
        dashboard = json.loads(body)
    except (ValueError, RecursionError) as error:
        return [f"it is not JSON ({error})"]
    widgets = dashboard.get("widgets") if isinstance(dashboard, dict) else None
    if not isinstance(widgets, list):
        return ["/widgets should be an array"]
    return [problem for index, widget in enumerate(widgets) for problem in _widget(widget, f"/widgets/{index}")]


def _widget(widget: Any, path: str) -> list[str]:
    if not isinstance(widget, dict) or widget.get("type") not in _WIDGETS:
        return [f"{path}/type should be one of {', '.join(_WIDGETS)}"]
    problems = [
        f"{path}/{member} should be a whole number from {low} to {high}"
        for member, (low, high) in _SIZES.items()
        if member in widget and not (type(widget[member]) is int and low <= widget[member] <= high)
    ]
    properties = widget.get("properties")
    if not isinstance(properties, dict):
        return [*problems, f"{path}/properties should be an object"]
    needed = _NEEDED.get(widget["type"], ())
    problems += [f"{path}/properties should have {member}" for member in needed if member not in properties]
    if widget["type"] == "metric" and not ({"metrics", "annotations"} & properties.keys()):
        problems.append(f"{path}/properties should have metrics or annotations")
    if not isinstance(properties.get("metrics", []), list):
        problems.append(f"{path}/properties/metrics should be an array")
    return problems
