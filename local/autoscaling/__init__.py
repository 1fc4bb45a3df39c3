"""Application Auto Scaling for endpoint variants: scalable targets, target tracking policies, scaling activities."""

from local.autoscaling.service import AutoScaling

__all__ = ["AutoScaling"]
