"""SageMaker Pipelines: an interpreter of the pipeline definition JSON, exactly as an SDK sends it."""

from local.pipelines.service import Pipelines

__all__ = ["Pipelines"]
