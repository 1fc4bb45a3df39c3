"""Reads executions and packages back through the operations any client has, in the report's words.

It must never keep what it read: the registry and the executions are the truth.
"""

import json
from collections.abc import Callable
from typing import Any


def auc(block: dict[str, Any]) -> float:
    """The AUC in a block of SageMaker's model-quality format."""
    return float(block["binary_classification_metrics"]["auc"]["value"])


def execution(sagemaker: Any, arn: str, speed: float) -> dict[str, Any]:
    """An execution as the report has it. Its seconds are real: a job does real work at any speed."""
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    steps = list(reversed(_steps(sagemaker, arn)))
    registered = [s["Metadata"]["RegisterModel"]["Arn"] for s in steps if "RegisterModel" in s.get("Metadata", {})]
    return {
        "arn": arn,
        "status": described["PipelineExecutionStatus"],
        "reason": described.get("FailureReason", ""),
        "model_package_arn": registered[0] if registered else None,
        "steps": [
            {
                "name": step["StepName"],
                "status": step["StepStatus"],
                "seconds": _seconds(step, speed),
                "cached": "CacheHitResult" in step,
            }
            for step in steps
        ],
    }


def _steps(sagemaker: Any, execution: str) -> list[Any]:
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=execution)
    return [step for page in pages for step in page["PipelineExecutionSteps"]]


def _seconds(step: dict[str, Any], speed: float) -> float:
    if "StartTime" not in step or "EndTime" not in step:
        return 0.0
    return round(float((step["EndTime"] - step["StartTime"]).total_seconds()) / speed, 3)


def output_uri(sagemaker: Any, execution: str, step: str, output: str) -> str:
    """The S3 prefix that a processing step of an execution wrote an output to."""
    steps = _steps(sagemaker, execution)
    arn = next(s["Metadata"]["ProcessingJob"]["Arn"] for s in steps if s["StepName"] == step)
    job = sagemaker.describe_processing_job(ProcessingJobName=arn.rpartition("/")[2])
    outputs = {found["OutputName"]: found["S3Output"]["S3Uri"] for found in job["ProcessingOutputConfig"]["Outputs"]}
    return str(outputs[output])


def packages(sagemaker: Any, read: Callable[[str], str], group: str) -> list[dict[str, Any]]:
    """Every version of a group: ARN, approval, life cycle, and what its evaluation measured. `read` reads an S3 URI."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelPackageType="Versioned"
    )
    found = []
    for summary in (summary for page in pages for summary in page["ModelPackageSummaryList"]):
        cycle = summary.get("ModelLifeCycle", {})
        described = sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
        metrics = described["ModelMetrics"]
        found.append(
            {
                "arn": summary["ModelPackageArn"],
                "version": summary["ModelPackageVersion"],
                "approval_status": summary["ModelApprovalStatus"],
                "lifecycle": " ".join(filter(None, (cycle.get("Stage"), cycle.get("StageStatus")))),
                "auc": auc(json.loads(read(metrics["ModelQuality"]["Statistics"]["S3Uri"]))),
                "evaluation_report": metrics["Explainability"]["Report"]["S3Uri"],
            }
        )
    return found
