"""What an execution can be told without changing the definition: instances, data windows, hyperparameters, limits.

These are the pipeline's parameters with their defaults; it must never hold a value that belongs to one account.
"""

from typing import Any

CACHE_FOR = "P30D"

# Pipeline parameter: (train.py's hyperparameter, default)
HYPERPARAMETERS = {
    "NumRound": ("num_round", "300"),
    "MaxDepth": ("max_depth", "6"),
    "Eta": ("eta", "0.15"),
    "Subsample": ("subsample", "0.9"),
    "ColsampleByTree": ("colsample_bytree", "0.7"),
    "MinChildWeight": ("min_child_weight", "20"),
    "EarlyStoppingRounds": ("early_stopping_rounds", "10"),
    "Seed": ("seed", "2013"),
    "ExcludeFeatures": ("exclude_features", "none"),
}

# Metric name: what SageMaker looks for in the training log
METRICS = {
    "train:auc": r"train-auc:([0-9.]+)",
    "validation:auc": r"validation-auc:([0-9.]+)",
    "validation:logloss": r"validation-logloss:([0-9.]+)",
}

TEXT = {
    "ProcessingInstanceType": "ml.m5.xlarge",
    "TrainingInstanceType": "ml.m5.xlarge",
    "TrainMonths": "2013-01:2013-08",
    "ValidationMonths": "2013-09:2013-09",
    "TestMonths": "2013-10:2013-12",
    "GitCommit": "unknown",
}
COUNTS = {"ProcessingInstanceCount": 1, "TrainingInstanceCount": 1}
LIMITS = {"MinAuc": 0.85, "MaxAucDrop": 0.005}


def parameters(bucket: str) -> dict[str, Any]:
    """The SDK's parameter objects by name. Hyperparameters are strings, as SageMaker's map of them is."""
    from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString

    text = {
        "InputData": f"s3://{bucket}/raw",
        **TEXT,
        **{name: default for name, (_, default) in HYPERPARAMETERS.items()},
    }
    return {
        **{name: ParameterString(name=name, default_value=value) for name, value in text.items()},
        **{name: ParameterInteger(name=name, default_value=value) for name, value in COUNTS.items()},
        **{name: ParameterFloat(name=name, default_value=value) for name, value in LIMITS.items()},
    }
