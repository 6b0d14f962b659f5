"""A full-size file is read within the promised memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dataset_builder.synthesis import synthesize

#: Peak resident memory that reading a full file may take, in MiB.
LIMIT_MIB = 600

# The high-water mark of the process's own memory: unlike getrusage, it forgets the parent's.
_SCRIPT = """
import sys
from pathlib import Path
from dataset_builder.reading import read_survey
survey = read_survey(sys.argv[1])
print(len(survey), survey.answers.shape[1], len(survey.countries))
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", ["full.csv", "full.sav"])
def test_full_file_stays_under_the_limit(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    synthesize(path)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(path)], capture_output=True, text=True, check=True
    )
    counts, peak = done.stdout.splitlines()
    assert counts == "94278 259 64"
    assert float(peak) < LIMIT_MIB
