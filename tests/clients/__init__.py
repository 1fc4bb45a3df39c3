"""AWS's own programs against the stand-in: the CLI, the SageMaker Python SDK, the code that serves in its images."""
