"""An image that was built, as tests look at it and run it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "deploy"), str(ROOT / "tests/system")]
from root_folder import inside  # noqa: E402

# What ends by itself takes far less.
RUN_SECONDS = 120
# The user that the Dockerfile makes.
USER = "10001:10001"


@dataclass
class Image:
    root: Path
    config: dict

    def command(self, *command: str, writable: tuple[str, ...] = ("/data",)) -> list[str]:
        """As a container engine is to start it: the image's user, a read-only root, and only a volume to write to."""
        return inside(self.root, list(command), user=self.config["User"], read_only=True, writable=writable)

    def run(self, *command: str, **how) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(*command, **how), capture_output=True, text=True, timeout=RUN_SECONDS)


def cannot(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)
