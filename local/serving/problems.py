"""What can be wrong with a model. It must never hold a reason that is not the model's."""


class LoadError(Exception):
    """The model cannot be served; the message says why."""
