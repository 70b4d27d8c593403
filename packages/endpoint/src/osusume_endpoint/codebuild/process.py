"""The shell that runs a build's script, with all that it starts."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from osusume_endpoint import paths, processes


class Writes(Protocol):
    def write(self, line: str) -> None: ...


@dataclass(frozen=True)
class Prepared:
    """`exports` is the folder that the script leaves the exported variables in."""

    shell: str
    script: Path
    source: Path
    exports: Path
    exported: tuple[str, ...]
    variables: Mapping[str, str]


class Process:
    def __init__(self, process: subprocess.Popen[bytes], reports: Any, prepared: Prepared) -> None:
        self._process, self._reports, self._prepared = process, reports, prepared

    @classmethod
    def start(cls, prepared: Prepared) -> Process:
        reading, writing = os.pipe()
        try:
            process = processes.spawn(
                # Handed over as the input, which becomes descriptor 3: dash takes numbers of one digit alone.
                [prepared.shell, "-c", '. "$0" 3>&0 </dev/null', str(prepared.script)],
                stdin=writing,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(prepared.variables),
                cwd=prepared.source,
                start_new_session=True,
            )
        finally:
            os.close(writing)
        return cls(process, os.fdopen(reading), prepared)

    def reports(self, log: Writes | None) -> Iterator[str]:
        """Lines of descriptor 3 until the shell has ended; what it left running is ended then."""
        lines: queue.Queue[str | None] = queue.Queue()
        printing = threading.Thread(target=self._print, args=(log,), daemon=True)
        reporting = threading.Thread(target=self._report, args=(lines,), daemon=True)
        printing.start()
        reporting.start()
        while (line := lines.get()) is not None:
            yield line
        self._process.wait()
        self.kill()
        printing.join()

    def _report(self, lines: queue.Queue[str | None]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in self._reports:
                lines.put(line.rstrip("\n"))
        lines.put(None)

    def _print(self, log: Writes | None) -> None:
        for line in self._process.stdout or ():
            if log is not None:
                log.write(line.decode(errors="replace").rstrip("\n"))

    def exported(self) -> list[dict[str, str]]:
        folder = self._prepared.exports
        return [
            {"name": name, "value": paths.inside(folder, name).read_text()}
            for name in self._prepared.exported
        ]

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
