"""SageMaker Model Registry: package groups and their policies, packages, approval, life cycle, and its events."""

from local.registry.service import Registry

__all__ = ["Registry"]
