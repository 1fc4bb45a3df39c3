"""SageMaker hosting on this machine: models, endpoint configs, endpoints that really serve, deployment guardrails.

It must never know what a model predicts, nor who asked for a deployment.
"""

from local.hosting.invocation import InvokeResponse
from local.hosting.service import Hosting

__all__ = ["Hosting", "InvokeResponse"]
