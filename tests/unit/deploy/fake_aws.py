"""An in-memory AWS with a small state machine and a clock that only moves when somebody waits.

Requests are checked against botocore's service models (names, types, required members, patterns, ranges), so that a
plan which AWS would refuse fails here. It can die after any call that changes something, with or without its effect.
"""

import io
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

ACCOUNT = "111122223333"
REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/serving"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
STARTUP = 240
READS = ("describe_", "list_", "get_", "head_", "invoke_")


class Killed(BaseException):
    """The process died here."""


class FakeClock:
    """AWS's time; waiting is the only thing that makes it pass."""

    def __init__(self) -> None:
        self.time = START
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self.time

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += timedelta(seconds=seconds)
        if len(self.waits) > 2000:
            raise AssertionError("waited 2000 times: the loop does not end")


@cache
def operations(service: str) -> dict[str, Any]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def arn(resource: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{resource}"


def package_arn(version: int) -> str:
    return arn(f"model-package/flight-delay/{version}")


class Client:
    """One service of the fake, with boto3's method names."""

    def __init__(self, world: "FakeAws", service: str) -> None:
        self._world = world
        self._service = service

    def __getattr__(self, method: str) -> Any:
        return lambda **parameters: self._world.call(self._service, method, parameters)

    def get_paginator(self, method: str) -> Any:
        return Paginator(self._world, self._service, method)


class Paginator:
    def __init__(self, world: "FakeAws", service: str, method: str) -> None:
        self._arguments = world, service, method

    def paginate(self, **parameters: Any) -> list[Any]:
        world, service, method = self._arguments
        return [world.call(service, method, parameters)]


class FakeAws:
    """State as plain dicts. `bad` maps a guardrail's name to the minute of traffic at which its alarm fires.

    `failing_share` is the share of a variant's requests that fail, by the variant's name or a part of it.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sagemaker, self.cloudwatch, self.s3 = (Client(self, name) for name in ("sagemaker", "cloudwatch", "s3"))
        self.runtime, self.autoscaling = (
            Client(self, name) for name in ("sagemaker-runtime", "application-autoscaling")
        )
        self.quotas, self.sns, self.events = (Client(self, name) for name in ("service-quotas", "sns", "events"))
        self.targets: dict[str, dict[str, Any]] = {}
        self.dashboards: dict[str, str] = {}
        self.told: list[dict[str, Any]] = []
        self.quota = 20
        self.answer = "0.25"
        self.packages: dict[str, dict[str, Any]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.alarms: dict[str, dict[str, Any]] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.endpoint: dict[str, Any] | None = None
        self.objects: set[str] = set()
        self.experiments: dict[str, dict[str, Any]] = {}
        self.bad: dict[str, float] = {}
        self.failing_share: dict[str, float] = {}
        self.breaks: str = ""
        self.requests_per_minute = 100.0
        self.refused_per_minute = 0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.errors: dict[str, list[ClientError]] = {}
        self.kill_at: int | None = None
        self.kill_before_effect = False
        self.remembers_deployment = True

    # -- the wire

    def call(self, service: str, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.tick()
        operation = operations(service)[method]
        check(parameters, operation.input_shape)
        if self.errors.get(method):
            raise self.errors[method].pop(0)
        changes = not method.startswith(READS)
        dies = changes and self.kill_at == len(self.changes) + 1
        if dies and self.kill_before_effect:
            self.kill_at = None
            raise Killed
        self.calls.append((operation.name, parameters))
        answer = getattr(self, method)(**parameters)
        if dies:
            self.kill_at = None
            raise Killed
        return answer or {}

    @property
    def changes(self) -> list[tuple[str, dict[str, Any]]]:
        return [call for call in self.calls if not xform_name(call[0]).startswith(READS)]

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.calls)

    # -- registry

    def add_package(self, version: int, **values: Any) -> str:
        name = package_arn(version)
        data = f"s3://models/{version}/model.tar.gz"
        self.objects.add(data)
        self.packages[name] = {
            "ModelPackageArn": name,
            "ModelPackageGroupName": "flight-delay",
            "ModelPackageVersion": version,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": "Approved",
            "InferenceSpecification": {"Containers": [{"Image": "image", "ModelDataUrl": data}]},
            **values,
        }
        return name

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        return self._get(self.packages, ModelPackageName, "ModelPackage {} does not exist.")

    def list_model_packages(
        self, ModelPackageGroupName: str, ModelPackageType: str, ModelApprovalStatus: str = "", **order: Any
    ) -> dict[str, Any]:
        assert ModelPackageType == "Versioned"
        found = [p for p in self.packages.values() if p["ModelPackageGroupName"] == ModelPackageGroupName]
        found = [p for p in found if ModelApprovalStatus in ("", p["ModelApprovalStatus"])]
        if order.get("SortOrder") == "Descending":
            found.reverse()
        return {"ModelPackageSummaryList": found}

    def update_model_package(self, ModelPackageArn: str, **changes: Any) -> None:
        for value in changes.get("CustomerMetadataProperties", {}).values():
            assert re.fullmatch(r"[\w .:/=+\-@]{1,256}", value), value
        self.packages[ModelPackageArn].update(changes)

    # -- models and configs

    def create_model(self, ModelName: str, Tags: Any = None, **values: Any) -> None:
        self._new(self.models, ModelName, "Cannot create already existing model")
        self.models[ModelName] = {"ModelName": ModelName, **values}

    def describe_model(self, ModelName: str) -> dict[str, Any]:
        return self._get(self.models, ModelName, 'Could not find model "{}".')

    def create_endpoint_config(self, EndpointConfigName: str, Tags: Any, **values: Any) -> None:
        self._new(self.configs, EndpointConfigName, "Cannot create already existing endpoint configuration")
        assert all(variant["ModelName"] in self.models for variant in values["ProductionVariants"])
        name = arn(f"endpoint-config/{EndpointConfigName}")
        self.tags[name] = {tag["Key"]: tag["Value"] for tag in Tags}
        self.configs[EndpointConfigName] = {
            "EndpointConfigName": EndpointConfigName,
            "EndpointConfigArn": name,
            "CreationTime": self.clock.now(),
            **values,
        }

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        return self._get(self.configs, EndpointConfigName, 'Could not find endpoint configuration "{}".')

    def delete_endpoint(self, EndpointName: str) -> None:
        self.endpoint = None

    def list_endpoint_configs(self, NameContains: str) -> dict[str, Any]:
        return {"EndpointConfigs": [item for name, item in self.configs.items() if NameContains in name]}

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:
        assert self.endpoint
        assert EndpointConfigName not in (self.endpoint["EndpointConfigName"], self.endpoint.get("pending"))
        del self.configs[EndpointConfigName]

    def delete_model(self, ModelName: str) -> None:
        del self.models[ModelName]

    def list_tags(self, ResourceArn: str) -> dict[str, Any]:
        return {"Tags": [{"Key": k, "Value": v} for k, v in self.tags.get(ResourceArn, {}).items()]}

    def add_tags(self, ResourceArn: str, Tags: Any) -> None:
        self.tags.setdefault(ResourceArn, {}).update({tag["Key"]: tag["Value"] for tag in Tags})

    def delete_tags(self, ResourceArn: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            self.tags[ResourceArn].pop(key, None)

    # -- the endpoint

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:
        if self.endpoint:
            raise refusal("CreateEndpoint", "Cannot create already existing endpoint")
        self._get(self.configs, EndpointConfigName, 'Could not find endpoint configuration "{}".')
        self.endpoint = {
            "EndpointName": EndpointName,
            "EndpointConfigName": EndpointConfigName,
            "EndpointStatus": "Creating",
            "until": self.clock.now() + timedelta(seconds=STARTUP),
            "instances": self._instances(EndpointConfigName),
        }

    def update_endpoint(
        self,
        EndpointName: str,
        EndpointConfigName: str,
        RetainAllVariantProperties: bool = False,
        ExcludeRetainedVariantProperties: Any = (),
        DeploymentConfig: dict[str, Any] | None = None,
    ) -> None:
        assert self.endpoint
        if self.endpoint["EndpointStatus"] != "InService":
            raise refusal("UpdateEndpoint", f"Cannot update in-progress endpoint {EndpointName}")
        self._get(self.configs, EndpointConfigName, 'Could not find endpoint configuration "{}".')
        policy = (DeploymentConfig or {}).get("BlueGreenUpdatePolicy", {})
        for alarm in (DeploymentConfig or {}).get("AutoRollbackConfiguration", {}).get("Alarms", []):
            assert alarm["AlarmName"] in self.alarms
        traffic = self.clock.now() + timedelta(seconds=STARTUP)
        bakes = policy.get("TrafficRoutingConfiguration", {}).get("WaitIntervalInSeconds", 0)
        bakes += policy.get("TerminationWaitInSeconds", 0)
        rolling = (DeploymentConfig or {}).get("RollingUpdatePolicy", {})
        bakes += rolling.get("WaitIntervalInSeconds", 0)
        self.endpoint.pop("weights", None)
        self.endpoint.update(
            EndpointStatus="Updating",
            pending=EndpointConfigName,
            traffic=traffic,
            until=traffic + timedelta(seconds=bakes),
            retained=self.endpoint["instances"] if RetainAllVariantProperties else None,
        )
        self.endpoint.pop("FailureReason", None)
        if self.remembers_deployment:
            self.endpoint["LastDeploymentConfig"] = DeploymentConfig

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        if not self.endpoint or self.endpoint["EndpointName"] != EndpointName:
            raise refusal("DescribeEndpoint", f'Could not find endpoint "{EndpointName}".')
        told = ("EndpointName", "EndpointConfigName", "EndpointStatus", "FailureReason", "LastDeploymentConfig")
        said = {key: self.endpoint[key] for key in told if self.endpoint.get(key)}
        said["EndpointArn"] = arn(f"endpoint/{EndpointName}")
        weights = self.endpoint.get("weights", {})
        said["ProductionVariants"] = [
            {
                "VariantName": variant["VariantName"],
                "DesiredInstanceCount": self.endpoint["instances"],
                "DesiredWeight": weights.get(variant["VariantName"], variant["InitialVariantWeight"]),
            }
            for variant in self.configs[self.endpoint["EndpointConfigName"]]["ProductionVariants"]
        ]
        if self.endpoint.get("pending"):
            baking = "Baking" if self.clock.now() >= self.endpoint["traffic"] else "Creating"
            variant = {"VariantName": "AllTraffic", "VariantStatus": [{"Status": baking}]}
            said["PendingDeploymentSummary"] = {
                "EndpointConfigName": self.endpoint["pending"],
                "ProductionVariants": [variant],
            }
        return said

    def update_endpoint_weights_and_capacities(self, EndpointName: str, DesiredWeightsAndCapacities: Any) -> None:
        assert self.endpoint
        weights = {item["VariantName"]: item["DesiredWeight"] for item in DesiredWeightsAndCapacities}
        self.endpoint["weights"] = {**self.endpoint.get("weights", {}), **weights}

    # -- inference experiments

    def create_inference_experiment(self, Name: str, Tags: Any, EndpointName: str, **values: Any) -> None:
        self._new(self.experiments, Name, "Cannot create already existing experiment")
        name = arn(f"inference-experiment/{Name}")
        self.tags[name] = {tag["Key"]: tag["Value"] for tag in Tags}
        self.experiments[Name] = {
            "Name": Name,
            "Arn": name,
            "Type": "ShadowMode",
            "CreationTime": self.clock.now(),
            "EndpointMetadata": {"EndpointName": EndpointName},
            "starts": self.clock.now() + timedelta(seconds=STARTUP),
            **values,
        }

    def describe_inference_experiment(self, Name: str) -> dict[str, Any]:
        found = self._get(self.experiments, Name, "Inference experiment {} does not exist.")
        return found | {"Status": self._experiment_status(found)}

    def list_inference_experiments(self, Type: str) -> dict[str, Any]:
        assert Type == "ShadowMode"
        return {"InferenceExperiments": [self.describe_inference_experiment(name) for name in self.experiments]}

    def stop_inference_experiment(self, Name: str, ModelVariantActions: Any, DesiredState: str) -> None:
        assert self._experiment_status(self.experiments[Name]) == "Running"
        self.experiments[Name] |= {"stops": self.clock.now() + timedelta(seconds=STARTUP), "ended": DesiredState}

    def _experiment_status(self, experiment: dict[str, Any]) -> str:
        if "stops" in experiment:
            return str(experiment["ended"]) if self.clock.now() >= experiment["stops"] else "Stopping"
        return "Running" if self.clock.now() >= experiment["starts"] else "Creating"

    def tick(self) -> None:
        """Let everything happen that is due by now."""
        endpoint = self.endpoint
        if not endpoint or "until" not in endpoint:
            return None
        pending = endpoint.get("pending")
        if pending and self.breaks and self.clock.now() >= endpoint["traffic"]:
            return self._settle(FailureReason=self.breaks)
        for name, minute in self.bad.items():
            at = endpoint.get("traffic", START) + timedelta(minutes=minute)
            if pending and f"{pending}-{name}" in self.alarms and at <= min(self.clock.now(), endpoint["until"]):
                self._fire(f"{pending}-{name}", at)
                return self._settle()
        if self.clock.now() >= endpoint["until"]:
            if pending:
                endpoint["instances"] = endpoint["retained"] or self._instances(pending)
                endpoint["EndpointConfigName"] = pending
            self._settle()
        return None

    def _settle(self, **values: str) -> None:
        assert self.endpoint
        self.endpoint.pop("pending", None)
        del self.endpoint["until"]
        self.endpoint.update(EndpointStatus="InService", **values)

    def _instances(self, config: str) -> int:
        return int(self.configs[config]["ProductionVariants"][0]["InitialInstanceCount"])

    # -- CloudWatch

    def put_metric_alarm(self, AlarmName: str, **values: Any) -> None:
        state = self.alarms.get(AlarmName, {}).get("StateValue", "INSUFFICIENT_DATA")
        self.alarms[AlarmName] = {"AlarmName": AlarmName, "StateValue": state, "StateReason": "", **values}

    def describe_alarms(self, AlarmNamePrefix: str, AlarmTypes: list[str]) -> dict[str, Any]:
        assert AlarmTypes == ["MetricAlarm"]
        return {"MetricAlarms": [a for name, a in self.alarms.items() if name.startswith(AlarmNamePrefix)]}

    def describe_alarm_history(self, AlarmName: str, HistoryItemType: str, ScanBy: str) -> dict[str, Any]:
        assert (HistoryItemType, ScanBy) == ("StateUpdate", "TimestampDescending")
        return {"AlarmHistoryItems": self.history.get(AlarmName, [])[::-1]}

    def set_alarm_state(self, AlarmName: str, StateValue: str, StateReason: str) -> None:
        assert StateValue == "ALARM"
        self._fire(AlarmName, self.clock.now(), StateReason)
        if self.endpoint and AlarmName.startswith(self.endpoint.get("pending") or "nothing"):
            self._settle()

    def _fire(self, name: str, at: datetime, reason: str = "") -> None:
        reason = reason or (
            f"Threshold Crossed: 2 out of the last 3 datapoints [0.42 ({at:%H:%M})] were greater than the threshold."
        )
        self.alarms[name].update(StateValue="ALARM", StateReason=reason)
        data = json.dumps({"newState": {"stateValue": "ALARM", "stateReason": reason}})
        back = json.dumps({"newState": {"stateValue": "OK", "stateReason": "fine again"}})
        self.history[name] = [{"HistoryData": data}, {"HistoryData": back}]

    def get_metric_data(
        self, MetricDataQueries: Any, StartTime: datetime, EndTime: datetime, ScanBy: str = ""
    ) -> dict[str, Any]:
        minutes = int((min(EndTime, self.clock.now()) - StartTime).total_seconds() // 60)
        results = []
        for query in MetricDataQueries:
            metric = query["MetricStat"]["Metric"]
            variant = next(item["Value"] for item in metric["Dimensions"] if item["Name"] == "VariantName")
            failing = next((share for part, share in self.failing_share.items() if part in variant), 0.0)
            rates = {
                "Invocations": self.requests_per_minute,
                "Invocation4XXErrors": self.refused_per_minute,
                "Invocation5XXErrors": self.requests_per_minute * failing,
            }
            values = [rates[metric["MetricName"]]] * minutes if metric["MetricName"] in rates else [20_000.0]
            results.append({"Label": query["Label"], "Values": values})
        return {"MetricDataResults": results}

    def delete_alarms(self, AlarmNames: list[str]) -> None:
        for name in AlarmNames:
            del self.alarms[name]

    def put_dashboard(self, DashboardName: str, DashboardBody: str) -> None:
        self.dashboards[DashboardName] = DashboardBody

    # -- what surrounds it

    def describe_scalable_targets(self, ServiceNamespace: str, ResourceIds: list[str]) -> dict[str, Any]:
        assert ServiceNamespace == "sagemaker"
        return {"ScalableTargets": [self.targets[name] for name in ResourceIds if name in self.targets]}

    def register_scalable_target(self, ResourceId: str, **values: Any) -> None:
        self.targets[ResourceId] = values

    def put_scaling_policy(self, ResourceId: str, **values: Any) -> None:
        self.targets[ResourceId] |= {"policy": values}

    def deregister_scalable_target(self, ResourceId: str, **_: Any) -> None:
        del self.targets[ResourceId]

    def list_service_quotas(self, ServiceCode: str) -> dict[str, Any]:
        assert ServiceCode == "sagemaker"
        return {"Quotas": [{"QuotaName": "ml.m5.large for endpoint usage", "Value": float(self.quota)}]}

    def invoke_endpoint(self, EndpointName: str, Body: bytes, ContentType: str, Accept: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.answer.encode())}

    def publish(self, **message: Any) -> None:
        self.told.append(message)

    def put_events(self, Entries: list[dict[str, Any]]) -> None:
        self.told += Entries

    # -- S3

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if f"s3://{Bucket}/{Key}" not in self.objects:
            raise ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")
        return {}

    # -- helpers

    @staticmethod
    def _get(table: dict[str, Any], name: str, message: str) -> dict[str, Any]:
        if name not in table:
            raise refusal("Describe", message.format(name))
        found: dict[str, Any] = table[name]
        return found

    @staticmethod
    def _new(table: dict[str, Any], name: str, message: str) -> None:
        if name in table:
            raise refusal("Create", f'{message} "{name}"')


def refusal(operation: str, message: str, code: str = "ValidationException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def check(value: Any, shape: Any) -> None:
    """Everything that botocore's model says about a request, also the patterns and maxima that boto3 lets pass."""
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()
    _check(value, shape, shape.name)


def _check(value: Any, shape: Any, path: str) -> None:
    if shape.type_name == "structure":
        for name, member in value.items():
            _check(member, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        assert shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", len(value)), path
        for member in value:
            _check(member, shape.member, path)
    elif shape.type_name == "string":
        assert shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", len(value)), (path, value)
        pattern = shape.metadata.get("pattern")
        if pattern and r"\p{" not in pattern and r"\u" not in pattern:  # Java spells these otherwise
            assert re.fullmatch(pattern, value), (path, value)
        assert not shape.enum or value in shape.enum, (path, value)
    elif shape.type_name in {"integer", "float", "double"}:
        assert value >= shape.metadata.get("min", value), (path, value)
        assert value <= shape.metadata.get("max", value), (path, value)
