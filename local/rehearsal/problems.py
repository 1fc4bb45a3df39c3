"""What can end a rehearsal before its story does. The message is for the person who started it."""


class RehearsalError(Exception):
    """It cannot go on. `exit_code`: 2 when the request was wrong, 1 otherwise."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
