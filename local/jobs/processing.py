"""The plan of a Processing job, from its CreateProcessingJob request.

Outputs are uploaded when the script has succeeded, also those that ask for Continuous. It must never do any I/O.
Source: the developer guide, "How Amazon SageMaker Processing Configures Input and Output".
"""

import json
from collections.abc import Mapping
from pathlib import Path

from local.context import Request
from local.jobs.job import JobError
from local.jobs.plan import HOST, Download, Plan, Upload, command, local_folder, rewrite


def plan(request: Request, arn: str, folder: Path, environment: Mapping[str, str]) -> Plan:
    """Raises JobError when the request cannot run here."""
    application = request["AppSpecification"]
    if not application.get("ContainerEntrypoint"):
        raise JobError(
            "AppSpecification.ContainerEntrypoint is missing: there is no image here whose own entry point could run; "
            "name the command, such as ['python3', '/opt/ml/processing/input/code/script.py']."
        )
    uploads = _uploads(request, folder)
    return Plan(
        files={
            folder / "config/processingjobconfig.json": json.dumps(
                rewrite({"ProcessingJobArn": arn, **request}, folder), default=str
            ),
            folder / "config/resourceconfig.json": json.dumps({"current_host": HOST, "hosts": [HOST]}),
        },
        folders=(folder / "processing", folder / "output", *(upload.folder for upload in uploads)),
        downloads=_downloads(request, folder),
        source=None,
        command=command(application["ContainerEntrypoint"], application.get("ContainerArguments", []), folder),
        environment={**environment, **rewrite(request.get("Environment", {}), folder)},
        working_directory=folder,
        uploads=uploads,
    )


def _downloads(request: Request, folder: Path) -> tuple[Download, ...]:
    return tuple(
        Download(item["S3Input"]["S3Uri"], _folder(item["S3Input"], folder, f"ProcessingInput {item['InputName']}"))
        for item in request.get("ProcessingInputs", [])
        if "S3Input" in item and not item.get("AppManaged")
    )


def _uploads(request: Request, folder: Path) -> tuple[Upload, ...]:
    return tuple(
        Upload(_folder(item["S3Output"], folder, f"ProcessingOutput {item['OutputName']}"), item["S3Output"]["S3Uri"])
        for item in request.get("ProcessingOutputConfig", {}).get("Outputs", [])
        if "S3Output" in item and not item.get("AppManaged")
    )


def _folder(s3: Request, folder: Path, what: str) -> Path:
    if "LocalPath" not in s3:
        raise JobError(f"{what} has no LocalPath.")
    return local_folder(s3["LocalPath"], folder, what)
