"""A view that is drawn again and again: in place on a terminal, elsewhere once for every change."""

import shutil
from typing import TextIO

UP_AND_CLEAR = "\x1b[{}A\x1b[J"


class Screen:
    """The last view that was shown on a stream."""

    def __init__(self, stream: TextIO, columns: int | None = None) -> None:
        self._stream = stream
        self._columns = columns or shutil.get_terminal_size().columns
        self._shown = ""

    def show(self, text: str) -> None:
        """Show a view in the place of the last one."""
        if self._stream.isatty():
            text = "\n".join(self._cut(line) for line in text.split("\n"))
        if text == self._shown:
            return
        if self._shown and self._stream.isatty():
            self._stream.write(UP_AND_CLEAR.format(self._shown.count("\n") + 1))
        print(text, file=self._stream, flush=True)
        self._shown = text

    def _cut(self, line: str) -> str:
        return line if len(line) <= self._columns else f"{line[: self._columns - 1]}…"
