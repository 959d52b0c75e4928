"""Where compiled kernels are kept between starts: a folder named by what they were compiled from."""

import hashlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import Final

import platformdirs

# Packages with Numba code. Numba's cache does not notice an edited callee in another file, so all their sources name the folder.
COMPILED: Final = ("model", "geofence", "alerts")


def environment(kept: Path | None = None) -> dict[str, str]:
    """The setting that Numba reads at import, for a child's environment; what stands there already is left.

    ``kept`` is the folder to keep compiled code under; this user's cache folder where not given, so that every instance of a
    machine shares it.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return {}
    folder = kept or platformdirs.user_cache_path("cordon") / "kernels"
    return {"NUMBA_CACHE_DIR": str(folder / sources())}


def sources() -> str:
    """Of what code kernels are compiled, and by it zones: a name that changes with any of it."""
    hashed = hashlib.sha256(version("numba").encode())
    root = Path(__file__).parent.parent
    for package in COMPILED:
        for source in sorted((root / package).glob("*.py")):
            hashed.update(source.read_bytes())
    return hashed.hexdigest()[:16]
