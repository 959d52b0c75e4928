"""Makes sure that this machine has what the tests need besides Python packages: a real Chromium, and compiled kernels.

Run by ``make test``. The kernels take most of a minute of one processor; each process of the tests that came to them first would
compile them for itself.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from cordon.kernels import environment

ROOT: Final = Path(__file__).parent.parent
KERNELS: Final = ROOT / ".pytest_cache" / "kernels"
WHAT_TO_DO = (
    "the console's tests need Chromium: install Debian's package `chromium` (apt-get install chromium), then run make test again"
)


def chromium() -> str | None:
    """Path of the Chromium that the browser tests drive, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def main() -> int:
    """Compile the kernels and see to the browser, side by side."""
    compiling = [sys.executable, "-c", "from geofence.warm import warm; warm()"]
    with subprocess.Popen(compiling, cwd=ROOT, env=os.environ | environment(KERNELS)) as kernels:
        found = browser()
    return found or kernels.returncode


def browser() -> int:
    """Install Debian's Chromium where it is missing and we may; otherwise say what to do and fail."""
    if chromium():
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the console's tests", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in ("update -qq", "install -y -qq --no-install-recommends chromium"):
            subprocess.run(["apt-get", *command.split()], check=False, stdout=subprocess.DEVNULL, env=environment)
    if chromium():
        return 0
    print(WHAT_TO_DO, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
