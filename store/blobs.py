"""Content-addressed blobs: SHA-256 of the plain bytes → zstd, with a dictionary once there is one."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
import zstandard

from store.errors import StoreError
from store.retention import PrunedError, removals
from store.schema import blob, dictionary, log, tombstone

_LEVEL = 3
_DICTIONARY_BYTES = 64 * 1024
_SAMPLES_WANTED = 256
_SAMPLE_BYTES = 100 * _DICTIONARY_BYTES
_LARGEST_SAMPLE = 32 * 1024
_LARGEST_BLOB = 1 << 30
_CHUNK = 500
_BLOB = sa.select(blob).where(blob.c.hash == sa.bindparam("key"))


@dataclass(slots=True)
class Blobs:
    """Reads and writes compressed bytes on a connection that the caller has opened."""

    current: int | None = None
    _compressors: dict[int | None, zstandard.ZstdCompressor] = field(default_factory=dict)
    _decompressors: dict[int | None, zstandard.ZstdDecompressor] = field(default_factory=dict)

    def load(self, connection: sa.Connection) -> None:
        """Find the newest dictionary, with which new bytes are compressed."""
        self.current = connection.execute(sa.select(sa.func.max(dictionary.c.id))).scalar()

    def compress(self, connection: sa.Connection, data: bytes) -> tuple[int | None, bytes]:
        """Return the dictionary that was used and the compressed bytes.

        Raises:
            StoreError: the dictionary is damaged.
        """
        if self.current not in self._compressors:
            try:
                trained = self._dictionary(connection, self.current)
                self._compressors[self.current] = (
                    zstandard.ZstdCompressor(level=_LEVEL, dict_data=trained)
                    if trained
                    else zstandard.ZstdCompressor(level=_LEVEL)
                )
            except (ValueError, zstandard.ZstdError) as error:
                raise StoreError(f"the store is damaged: {error}", "Run `annexa verify`.") from error
        return self.current, self._compressors[self.current].compress(data)

    def decompress(self, connection: sa.Connection, dictionary_id: int | None, data: bytes) -> bytes:
        """Return the plain bytes.

        Raises:
            ValueError: the bytes are damaged or the dictionary is missing.
        """
        try:
            if dictionary_id not in self._decompressors:
                trained = self._dictionary(connection, dictionary_id)
                self._decompressors[dictionary_id] = (
                    zstandard.ZstdDecompressor(dict_data=trained) if trained else zstandard.ZstdDecompressor()
                )
            return self._decompressors[dictionary_id].decompress(
                data, max_output_size=_LARGEST_BLOB, allow_extra_data=False
            )
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error

    def missing(self, connection: sa.Connection, hashes: Iterable[bytes]) -> set[bytes]:
        """Return those of the hashes that the store does not hold."""
        wanted = list(dict.fromkeys(hashes))
        held: set[bytes] = set()
        for i in range(0, len(wanted), _CHUNK):
            query = sa.select(blob.c.hash).where(blob.c.hash.in_(wanted[i : i + _CHUNK]))
            held.update(connection.execute(query).scalars())
        return set(wanted) - held

    def put(self, connection: sa.Connection, blobs: Mapping[bytes, bytes]) -> None:
        """Keep the blobs that the store does not hold yet; keys are the SHA-256 of the values."""
        rows = []
        for key in self.missing(connection, blobs):
            dictionary_id, data = self.compress(connection, blobs[key])
            rows.append({"hash": key, "dictionary_id": dictionary_id, "data": data})
        if rows:
            connection.execute(blob.insert(), rows)

    def get(self, connection: sa.Connection, key: bytes) -> bytes:
        """Return a blob.

        Raises:
            PrunedError: retention let it go.
            StoreError: the store does not hold it, or it is damaged.
        """
        row = connection.execute(_BLOB, {"key": key}).first()
        return self.plain(connection, key, *((row.dictionary_id, row.data) if row else (None, None)))

    def plain(
        self, connection: sa.Connection, key: bytes, dictionary_id: int | None, compressed: bytes | None
    ) -> bytes:
        """Return the blob of a row that the caller has read; None where there is no row.

        Raises:
            PrunedError: retention let it go.
            StoreError: the store does not hold it, or it is damaged.
        """
        if compressed is None:
            raise self._gone(connection, key)
        try:
            data = self.decompress(connection, dictionary_id, compressed)
            if hashlib.sha256(data).digest() != key:
                raise ValueError("its content has another hash")
        except ValueError as error:
            raise StoreError(f"blob {key.hex()} is damaged: {error}", "Run `annexa verify`.") from error
        return data

    def train(self, connection: sa.Connection) -> bool:
        """Train the store's dictionary once there is enough to learn from, and recompress.

        Hashes are taken over plain bytes, so recompression changes no evidence.

        Returns:
            whether a dictionary was made.
        """
        if self.current is not None:
            return False
        trained = self._trained(connection)
        if trained is None:
            return False
        self._recompress(connection, trained)
        return True

    def retrain(
        self, connection: sa.Connection, progress: Callable[[int, int], None] = lambda done, of: None
    ) -> bool:
        """Make the dictionary anew from what is held now, or do without, and recompress.

        A dictionary is made of pieces of what it was trained on, which would outlive what was removed.

        Args:
            progress: told how many of how many blobs are done.

        Returns:
            whether a dictionary was made.
        """
        if self.current is None:
            return False
        self._recompress(connection, self._trained(connection), progress)
        return self.current is not None

    def _recompress(
        self,
        connection: sa.Connection,
        trained: bytes | None,
        progress: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        if trained is None:
            self.current = None
        else:
            self.current = connection.execute(
                dictionary.insert().returning(dictionary.c.id), {"data": trained}
            ).scalar_one()
        keys = connection.execute(sa.select(blob.c.hash)).scalars().all()
        for number, key in enumerate(keys):
            progress(number, len(keys))
            dictionary_id, data = self.compress(connection, self.get(connection, key))
            connection.execute(
                blob.update().where(blob.c.hash == key).values(dictionary_id=dictionary_id, data=data)
            )
        for row in connection.execute(
            sa.select(log).where(log.c.entry.is_not(None), log.c.dictionary_id.is_distinct_from(self.current))
        ).all():
            plain = self.decompress(connection, row.dictionary_id, row.entry)
            dictionary_id, data = self.compress(connection, plain)
            connection.execute(
                log.update().where(log.c.seq == row.seq).values(dictionary_id=dictionary_id, entry=data)
            )
        connection.execute(dictionary.delete().where(dictionary.c.id.is_distinct_from(self.current)))
        self._compressors.clear()
        self._decompressors.clear()

    def _gone(self, connection: sa.Connection, key: bytes) -> StoreError:
        let_go = sa.select(sa.func.max(tombstone.c.seq)).where(tombstone.c.hash == key)
        entry = connection.execute(let_go).scalar()
        for removal in removals(connection, self) if entry is not None else ():
            if removal.entry == entry:
                return PrunedError(key, removal)
        return StoreError(f"the store holds no blob {key.hex()}", "Run `annexa verify`.")

    def _trained(self, connection: sa.Connection) -> bytes | None:
        samples = self._samples(connection)
        if len(samples) < _SAMPLES_WANTED:
            return None
        try:
            return zstandard.train_dictionary(_DICTIONARY_BYTES, samples).as_bytes()
        except zstandard.ZstdError:
            # Too little in them to learn from; there will be more after another run.
            return None

    def _samples(self, connection: sa.Connection) -> list[bytes | bytearray | memoryview]:
        # Hashes are as good as random, so the first ones in their order are a fair sample.
        query = sa.select(blob.c.dictionary_id, blob.c.data).order_by(blob.c.hash)
        samples: list[bytes | bytearray | memoryview] = []
        left = _SAMPLE_BYTES
        for dictionary_id, data in connection.execute(query):
            plain = self.decompress(connection, dictionary_id, data)
            if len(plain) <= _LARGEST_SAMPLE:
                samples.append(plain)
                left -= len(plain)
            if left <= 0:
                break
        return samples

    def _dictionary(
        self, connection: sa.Connection, dictionary_id: int | None
    ) -> zstandard.ZstdCompressionDict | None:
        if dictionary_id is None:
            return None
        data = connection.execute(
            sa.select(dictionary.c.data).where(dictionary.c.id == dictionary_id)
        ).scalar()
        if data is None:
            raise ValueError(f"compression dictionary {dictionary_id} is missing")
        return zstandard.ZstdCompressionDict(data)
