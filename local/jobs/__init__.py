"""Processing and Training jobs as processes of this machine, with SageMaker's container contract and no Docker."""

from local.jobs.service import Jobs

__all__ = ["Jobs"]
