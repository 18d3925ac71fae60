"""A folder beside an export with what it refers to, each file named by its SHA-256."""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from store import files
from store.errors import StoreError
from store.record import Record


class Documents:
    """Writes what is asked for, once.

    Args:
        out: the export; the folder is named after it.
    """

    def __init__(self, out: Path, record: Record) -> None:
        self.folder = out.with_name(f"{out.name}.documents")
        self._record = record

    def blobs(self, hashes: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Write blobs; yield each hash with how the export refers to it, "" if retention let it go."""
        with self._record.engine.connect() as connection:
            blobs = self._record.blobs
            blobs.load(connection)
            for sha256 in hashes:
                key = bytes.fromhex(sha256)
                if blobs.missing(connection, [key]):
                    yield sha256, ""
                    continue
                path = self.folder / sha256[:2] / f"{sha256}.json"
                self._write(path, sha256, [blobs.get(connection, key)])
                yield sha256, self._href(path)

    def attached(self, sha256: str) -> str:
        """Copy a file that a statement brought, and return how the export refers to it; "" if it is gone.

        Raises:
            StoreError: it is not what was filed.
        """
        source = files.path_of(self._record.path, sha256)
        if not source.is_file():
            return ""
        path = self.folder / "files" / sha256[:2] / sha256
        self._write(path, sha256, files.chunks(source))
        return self._href(path)

    def _href(self, path: Path) -> str:
        return quote(path.relative_to(self.folder.parent).as_posix())

    def _write(self, path: Path, sha256: str, chunks: Iterable[bytes]) -> None:
        if path.is_file() and files.digest_of(path)[0] == sha256:
            return
        self.folder.mkdir(mode=0o700, exist_ok=True)  # The mode is of the last part of a path only.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{secrets.token_hex(4)}.new")
        digest = hashlib.sha256()
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                for chunk in chunks:
                    digest.update(chunk)
                    target.write(chunk)
            if digest.hexdigest() != sha256:
                raise StoreError(f"what is kept as {sha256} has another hash", "Run `annexa verify`.")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
