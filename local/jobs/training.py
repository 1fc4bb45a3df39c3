"""The plan of a Training job in script mode, from its CreateTrainingJob request.

Script mode is the framework containers' contract: the hyperparameters sagemaker_program and sagemaker_submit_directory
name a script and the archive it is in; the others become its arguments, and SM_* variables say where everything is.
Source: README of aws/sagemaker-training-toolkit, "Important environment variables". It must never do any I/O.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.context import Request
from local.jobs.job import JobError, model_artifacts
from local.jobs.plan import HOST, Download, Plan, Upload, command, rewrite

_NETWORK = "eth0"


def plan(request: Request, arn: str, folder: Path, environment: Mapping[str, str]) -> Plan:
    """Raises JobError when the request cannot run here."""
    decoded = {key: _decoded(value) for key, value in request.get("HyperParameters", {}).items()}
    program, source = _script(decoded)
    own = {key: value for key, value in decoded.items() if not key.startswith("sagemaker_")}
    arguments = _arguments(own)
    channels = {channel["ChannelName"]: channel for channel in request.get("InputDataConfig", [])}
    configuration = {
        "hyperparameters": request.get("HyperParameters", {}),
        "inputdataconfig": {name: _channel_configuration(channel, request) for name, channel in channels.items()},
        "resourceconfig": _resources(request),
    }
    variables = _variables(folder, own, channels, configuration) | {
        "SM_USER_ARGS": _compact(arguments),
        "SM_USER_ENTRY_POINT": program,
        "SM_MODULE_NAME": program.removesuffix(".py"),
        "SM_MODULE_DIR": source,
        "TRAINING_JOB_NAME": request["TrainingJobName"],
        "TRAINING_JOB_ARN": arn,
    }
    output = model_artifacts(request).removesuffix("/model.tar.gz")
    return Plan(
        files={folder / f"input/config/{name}.json": json.dumps(value) for name, value in configuration.items()},
        folders=(folder / "model", folder / "output/data", folder / "input/data"),
        downloads=tuple(
            Download(_source(channel)["S3Uri"], folder / "input/data" / name) for name, channel in channels.items()
        ),
        source=source,
        command=command(["python3", program], arguments, folder),
        environment={**environment, **variables, **rewrite(request.get("Environment", {}), folder)},
        working_directory=folder / "code",
        uploads=(
            Upload(folder / "model", output, "model.tar.gz"),
            Upload(folder / "output/data", output, "output.tar.gz"),
        ),
    )


def _script(hyperparameters: dict[str, Any]) -> tuple[str, str]:
    program = hyperparameters.get("sagemaker_program")
    source = hyperparameters.get("sagemaker_submit_directory")
    if not program:
        raise JobError(
            "The hyperparameter sagemaker_program is missing: training with a container's built-in algorithm is not "
            "offered here, only a script of yours (sagemaker_program, sagemaker_submit_directory)."
        )
    if not str(program).endswith(".py"):
        raise JobError(f"The hyperparameter sagemaker_program is {program}; only a Python script (.py) runs here.")
    if not str(source).startswith("s3://"):
        raise JobError(f"The hyperparameter sagemaker_submit_directory is {source}; it must be an s3:// archive.")
    return str(program), str(source)


def _decoded(value: str) -> Any:
    """Hyperparameters travel as strings; frameworks read them as JSON where they are JSON."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    pairs = [
        (f"--{name}" if len(name) > 1 else f"-{name}", str(value)) for name, value in sorted(hyperparameters.items())
    ]
    return [word for pair in pairs for word in pair]


def _channel_configuration(channel: Request, request: Request) -> dict[str, str]:
    mode = request.get("AlgorithmSpecification", {}).get("TrainingInputMode", "File")
    described = {
        "ContentType": channel.get("ContentType"),
        "TrainingInputMode": channel.get("InputMode", mode),
        "S3DistributionType": _source(channel).get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {key: value for key, value in described.items() if value is not None}


def _source(channel: Request) -> Request:
    if "S3DataSource" not in channel["DataSource"]:
        raise JobError(f"Channel {channel['ChannelName']} has no S3DataSource, the only data source offered here.")
    source: Request = channel["DataSource"]["S3DataSource"]
    return source


def _resources(request: Request) -> dict[str, Any]:
    instance = request.get("ResourceConfig", {}).get("InstanceType", "local")
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": [HOST]}
    return {
        "current_host": HOST,
        "current_instance_type": instance,
        "current_group_name": "homogeneousCluster",
        "hosts": [HOST],
        "instance_groups": [group],
        "network_interface_name": _NETWORK,
    }


def _variables(
    folder: Path, hyperparameters: Mapping[str, Any], channels: Mapping[str, Any], configuration: Mapping[str, Any]
) -> dict[str, str]:
    data = folder / "input/data"
    return {
        "SM_MODEL_DIR": str(folder / "model"),
        "SM_OUTPUT_DIR": str(folder / "output"),
        "SM_OUTPUT_DATA_DIR": str(folder / "output/data"),
        "SM_INPUT_DIR": str(folder / "input"),
        "SM_INPUT_CONFIG_DIR": str(folder / "input/config"),
        "SM_CHANNELS": _compact(sorted(channels)),
        "SM_HPS": _compact(hyperparameters),
        "SM_HOSTS": _compact([HOST]),
        "SM_CURRENT_HOST": HOST,
        "SM_NUM_CPUS": str(os.cpu_count() or 1),
        "SM_NUM_GPUS": "0",
        "SM_NETWORK_INTERFACE_NAME": _NETWORK,
        "SM_LOG_LEVEL": "20",
        "SM_RESOURCE_CONFIG": _compact(configuration["resourceconfig"]),
        "SM_INPUT_DATA_CONFIG": _compact(configuration["inputdataconfig"]),
        **{f"SM_CHANNEL_{name.upper()}": str(data / name) for name in channels},
        **{f"SM_HP_{name.upper()}": _text(value) for name, value in hyperparameters.items()},
    }


def _text(value: Any) -> str:
    return _compact(value) if isinstance(value, dict | list) else "" if value is None else str(value)


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
