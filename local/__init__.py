"""SageMaker on this machine: a control plane that any AWS client can talk to, with no account and no Docker.

It imitates AWS and knows nothing of the project around it: it must never import `deploy`, `pipelines` or `steps`.
"""
