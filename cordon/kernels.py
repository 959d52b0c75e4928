"""Where compiled kernels are kept between starts: a folder named by what they were compiled from."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Final

# Packages with Numba code. Numba's cache does not notice an edited callee in another file, so all their sources name the folder.
COMPILED: Final = ("model", "geofence", "alerts")


def environment(data_dir: Path) -> dict[str, str]:
    """The setting that Numba reads at import; children get it from their parent."""
    hashed = hashlib.sha256(version("numba").encode())
    root = Path(__file__).parent.parent
    for package in COMPILED:
        for source in sorted((root / package).glob("*.py")):
            hashed.update(source.read_bytes())
    return {"NUMBA_CACHE_DIR": str(data_dir / "kernels" / hashed.hexdigest()[:16])}
