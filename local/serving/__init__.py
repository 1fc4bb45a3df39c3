"""Model servers: processes that serve a model.tar.gz over HTTP as SageMaker's XGBoost container does.

It must never know of endpoints, variants or traffic: that is hosting's business.
"""

from local.serving.archive import ArchiveError
from local.serving.instance import Instance, StartError
from local.serving.nursery import warm_up
from local.serving.spec import Spec

__all__ = ["ArchiveError", "Instance", "Spec", "StartError", "warm_up"]
