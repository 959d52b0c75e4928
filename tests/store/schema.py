"""Writes store/schema.sql again from the migrations (``make schema``), for a person to read in the diff."""

import tempfile
from pathlib import Path

from store.migrate import SCHEMA, schema, upgrade
from store.postgres import Postgres


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="cordon-schema-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server is another user
        server = Postgres(folder, fsync=False)
        server.start()
        try:
            upgrade(server.dsn)
            SCHEMA.write_text(schema(server.dsn))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
