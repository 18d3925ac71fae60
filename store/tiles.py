"""The log as files (C2SP tlog-tiles): tiles of 256 hashes, bundles of 256 entries, a reader for proofs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from store.errors import StoreError
from store.proof import HASH_SIZE, HashReader
from store.tree import leaf_hash, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
LARGEST_ENTRY = 0xFFFF
"""A bundle gives the length of an entry in two bytes."""

_TILES_KEPT = 64


@dataclass(frozen=True, slots=True)
class Tile:
    """Names a tile of hashes; ``str()`` gives its path.

    Attributes:
        level: 0 for leaf hashes; each level above stands for 256 times as many leaves a hash.
        width: how many hashes it has, 256 if it is full.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        return f"tile/{self.level}/{_numbered(self.index, self.width)}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Names a bundle of entries; ``str()`` gives its path."""

    index: int
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        return f"tile/entries/{_numbered(self.index, self.width)}"


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles of a tree, lowest level first.

    Args:
        since: a smaller size whose tiles are there already; they are left out.
    """
    level = 0
    while size:
        full, rest = divmod(size, TILE_WIDTH)
        for index in range(since // TILE_WIDTH, full):
            yield Tile(level, index)
        if rest and size != since:
            yield Tile(level, full, rest)
        level, size, since = level + 1, full, since // TILE_WIDTH


def bundles_of(size: int, since: int = 0) -> Iterator[Bundle]:
    """Yield the bundles of entries of a tree; those of the smaller size ``since`` are left out."""
    for tile in tiles_of(size, since):
        if tile.level:
            return
        yield Bundle(tile.index, tile.width)


def tile_data(read: HashReader, tile: Tile) -> bytes:
    """Return the bytes of a tile, from the subtree hashes of the log."""
    first = tile.index * TILE_WIDTH
    return b"".join(read(tile.level * TILE_HEIGHT, first + i) for i in range(tile.width))


def hash_tiles(leaves: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of every tile over these leaf hashes, holding at most one tile a level."""
    levels: list[tuple[int, bytearray]] = []
    for leaf in leaves:
        level, value = 0, leaf
        while True:
            if level == len(levels):
                levels.append((0, bytearray()))
            index, hashes = levels[level]
            hashes += value
            if len(hashes) < TILE_WIDTH * HASH_SIZE:
                break
            yield str(Tile(level, index)), bytes(hashes)
            levels[level] = index + 1, bytearray()
            level, value = level + 1, _fold(bytes(hashes))
    for level, (index, hashes) in enumerate(levels):
        if hashes:
            yield str(Tile(level, index, len(hashes) // HASH_SIZE)), bytes(hashes)


def entry_bundles(entries: Iterable[bytes], index: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of every bundle of these entries.

    Args:
        index: of the bundle that the first of them begins.

    Raises:
        ValueError: an entry is longer than a bundle can say.
    """
    waiting: list[bytes] = []
    for entry in entries:
        waiting.append(entry)
        if len(waiting) == TILE_WIDTH:
            yield str(Bundle(index)), pack(waiting)
            index, waiting = index + 1, []
    if waiting:
        yield str(Bundle(index, len(waiting))), pack(waiting)


def pack(entries: Iterable[bytes]) -> bytes:
    """Return a bundle: each entry behind its length in two bytes, big-endian.

    Raises:
        ValueError: an entry is longer than that can say.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise ValueError(f"an entry of {len(entry)} bytes is too long for a bundle ({LARGEST_ENTRY})")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def unpack(data: bytes) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        ValueError: it is cut short.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise ValueError("a bundle of entries is cut short")
        entries.append(data[at + 2 : end])
        at = end
    return entries


class TileFolder:
    """Reads a log of a known size from a folder of tiles; as a :data:`HashReader` it serves proofs.

    It takes the files as they are. What is read is right if :func:`store.proof.root_at` over it gives
    the root of a checkpoint, and a proof from it is right if it verifies.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size
        self._kept: dict[Tile, bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return a subtree's root, folded from at most 128 hashes of one tile.

        Raises:
            StoreError: the tile is missing or of another length.
            ValueError: the log has no such subtree.
        """
        if level < 0 or index < 0 or (index + 1) << level > self.size:
            raise ValueError(f"{self.size} leaves have no complete subtree {index} at level {level}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, first = divmod(index << height, TILE_WIDTH)
        hashes = self._tile(tile_level, tile_index)
        return _fold(hashes[first * HASH_SIZE : (first + (1 << height)) * HASH_SIZE])

    def entries(self, index: int) -> list[bytes]:
        """Return the entries of a bundle, as many as this size of the log has.

        Raises:
            StoreError: the bundle is missing or damaged.
            ValueError: the log has no such bundle.
        """
        width = self._width(0, index)
        path, data = self._read(Bundle(index, width), Bundle(index))
        try:
            entries = unpack(data)
        except ValueError as error:
            raise StoreError(f"{path} is damaged: {error}") from error
        if len(entries) < width:
            raise StoreError(f"{path} is damaged: it has {len(entries)} entries, not {width}")
        return entries[:width]

    def check_entries(self) -> None:
        """Check that every entry has the hash that the lowest tiles give it.

        Raises:
            StoreError: one has not, or a file is missing or damaged.
        """
        for bundle in bundles_of(self.size):
            for i, entry in enumerate(self.entries(bundle.index)):
                seq = bundle.index * TILE_WIDTH + i
                if leaf_hash(entry) != self(0, seq):
                    raise StoreError(f"entry {seq} is not the one that the tiles have")

    def _tile(self, level: int, index: int) -> bytes:
        tile = Tile(level, index, self._width(level, index))
        data = self._kept.get(tile)
        if data is None:
            path, data = self._read(tile, Tile(level, index))
            if len(data) % HASH_SIZE or not tile.width <= len(data) // HASH_SIZE <= TILE_WIDTH:
                raise StoreError(f"{path} is damaged: it has {len(data)} bytes")
            if len(self._kept) >= _TILES_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[tile] = data
        return data

    def _width(self, level: int, index: int) -> int:
        width = min((self.size >> level * TILE_HEIGHT) - index * TILE_WIDTH, TILE_WIDTH)
        if index < 0 or width <= 0:
            raise ValueError(f"{self.size} leaves have no tile {index} at level {level}")
        return width

    def _read(self, wanted: Tile | Bundle, full: Tile | Bundle) -> tuple[Path, bytes]:
        # A log may drop a partial tile once the full one is there.
        for name in dict.fromkeys((str(wanted), str(full))):
            path = self.folder / name
            try:
                return path, path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(f"{path} cannot be read: {error.strerror}") from error
        raise StoreError(f"{self.folder / str(wanted)} is missing")


def _numbered(index: int, width: int) -> str:
    # 1234067 is x001/x234/067, so that no file has the name of a folder.
    name = f"{index % 1000:03d}"
    while index := index // 1000:
        name = f"x{index % 1000:03d}/{name}"
    return name if width == TILE_WIDTH else f"{name}.p/{width}"


def _fold(hashes: bytes) -> bytes:
    while len(hashes) > HASH_SIZE:
        hashes = b"".join(
            node_hash(hashes[i : i + HASH_SIZE], hashes[i + HASH_SIZE : i + 2 * HASH_SIZE])
            for i in range(0, len(hashes), 2 * HASH_SIZE)
        )
    return hashes
