"""What is trained: the SageMaker Pipelines definition, and the commands that create and start it.

The owner of a project rewrites `definition.py` together with `steps/`. Only `sdk.py` and `definition.py` know the SDK.
"""
