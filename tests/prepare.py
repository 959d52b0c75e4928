"""Makes sure that this machine has what the tests need besides Python packages: a real Chromium. Run by ``make test``."""

import os
import shutil
import subprocess
import sys

WHAT_TO_DO = (
    "the console's tests need Chromium: install Debian's package `chromium` (apt-get install chromium), then run make test again"
)


def chromium() -> str | None:
    """Path of the Chromium that the browser tests drive, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def main() -> int:
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
