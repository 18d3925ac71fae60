"""The tables. Alembic's migrations create them; a test holds the two against each other.

Intervals instead of copies: a resource's content and a finding's outcome are rows that a
collection opens and another closes. An open row costs nothing in a run that sees it unchanged.
"""

import sqlalchemy as sa

HEAD = "0001"
"""The newest migration; kept here so that opening a current store need not load Alembic."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Hash = sa.LargeBinary(32)
_OPEN = sa.text("closed IS NULL")
_CLOSED = sa.text("closed IS NOT NULL")
_KEPT = sa.text("entry IS NOT NULL")


def _id() -> sa.Column[int]:
    return sa.Column("id", Id, primary_key=True)


def _fk(name: str, target: str, *, nullable: bool = False) -> sa.Column[int]:
    # Deferred, because a collection's row is written after the rows that it opens.
    key = sa.ForeignKey(f"{target}.id", deferrable=True, initially="DEFERRED")
    return sa.Column(name, Id, key, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


meta = sa.Table("meta", metadata, sa.Column("key", sa.Text, primary_key=True), _text("value"))

run = sa.Table(
    "run",
    metadata,
    _id(),
    sa.Column("uid", sa.Text, nullable=False, unique=True),
    _text("started"),
    _text("finished", nullable=True),
    _text("status"),
    _text("trigger"),
    _text("summary", nullable=True),
)

scope = sa.Table(
    "scope",
    metadata,
    _id(),
    _text("provider"),
    _text("external_id"),
    _text("name"),
    sa.UniqueConstraint("provider", "external_id"),
)

series = sa.Table(
    "series",
    metadata,
    _id(),
    _fk("scope_id", "scope"),
    _text("resource_type"),
    _text("region"),
    sa.UniqueConstraint("scope_id", "resource_type", "region"),
    comment="what is collected again and again: one type in one scope and region; type '' is the scope",
)

resource = sa.Table(
    "resource",
    metadata,
    _id(),
    _fk("series_id", "series"),
    _text("resource_id"),
    sa.UniqueConstraint("series_id", "resource_id"),
    comment="resource_id '' stands for the series itself",
)

collection_state = sa.Table(
    "collection_state",
    metadata,
    _id(),
    _fk("series_id", "series"),
    sa.Column("complete", sa.Boolean, nullable=False),
    sa.Column("resources", sa.Integer, nullable=False),
    sa.Column("gaps", sa.Integer, nullable=False),
    sa.Column("content_root", Hash, nullable=False),
    sa.Column("findings_root", Hash, nullable=False),
    sa.Column("checks", Hash, nullable=False, comment="digest over what was judged by"),
    sa.Column("report", Hash, nullable=False, comment="blob: provenance and gaps"),
    sa.Column("manifest", Hash, nullable=True, comment="blob: what an incomplete collection did see"),
    comment="what a collection came to; collections that came to the same share a row",
)

collection = sa.Table(
    "collection",
    metadata,
    _id(),
    _fk("run_id", "run"),
    _fk("series_id", "series"),
    _fk("state_id", "collection_state"),
    _text("started"),
    _text("finished"),
    _text("provider_time", nullable=True),
    sa.Column("skew_ms", sa.Integer, nullable=True, comment="the provider's clock minus ours"),
    sa.Column("seq", Id, nullable=False, unique=True, comment="its entry in the log"),
    sa.Index(None, "series_id"),
    sa.Index(None, "run_id"),
)

content = sa.Table(
    "content",
    metadata,
    _id(),
    _fk("resource_pk", "resource"),
    _text("name"),
    _text("region"),
    sa.Column("hash", Hash, nullable=False),
    _fk("opened", "collection"),
    _fk("closed", "collection", nullable=True),
    sa.Index("uq_content_open", "resource_pk", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    sa.Index(None, "resource_pk"),
    sa.Index(None, "name"),
    sa.Index(None, "opened"),
    sa.Index("ix_content_closed", "closed", sqlite_where=_CLOSED, postgresql_where=_CLOSED),
)

check = sa.Table(
    "check_applied",
    metadata,
    _id(),
    _text("check_id"),
    sa.Column("digest", Hash, nullable=False, comment="of the check as applied, which is kept as a blob"),
    sa.UniqueConstraint("check_id", "digest"),
)

finding = sa.Table(
    "finding",
    metadata,
    _id(),
    _fk("resource_pk", "resource"),
    _text("check_id"),
    _fk("check_pk", "check_applied"),
    _text("outcome"),
    _text("reason", nullable=True),
    _text("observed", nullable=True),
    sa.Column("decided", Hash, nullable=True, comment="stands for reason and observed once they are pruned"),
    sa.Column("document", Hash, nullable=True),
    _fk("since", "collection"),
    _fk("opened", "collection"),
    _fk("closed", "collection", nullable=True),
    sa.Index(
        "uq_finding_open", "resource_pk", "check_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
    ),
    # With the check and the outcome, findings are counted over any time without reading them.
    sa.Index("ix_finding_opened", "opened", "check_pk", "outcome"),
    sa.Index(
        "ix_finding_closed",
        "closed",
        "check_pk",
        "outcome",
        sqlite_where=_CLOSED,
        postgresql_where=_CLOSED,
    ),
)

blob = sa.Table(
    "blob",
    metadata,
    sa.Column("hash", Hash, primary_key=True),
    _fk("dictionary_id", "dictionary", nullable=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

dictionary = sa.Table("dictionary", metadata, _id(), sa.Column("data", sa.LargeBinary, nullable=False))

log = sa.Table(
    "log",
    metadata,
    sa.Column("seq", Id, primary_key=True, autoincrement=False),
    _text("kind"),
    sa.Column("hash", Hash, nullable=False, comment="of the leaf"),
    _fk("dictionary_id", "dictionary", nullable=True),
    sa.Column("entry", sa.LargeBinary, nullable=True, comment="null where the rows say it: collections"),
    sa.Index("ix_log_kept", "kind", sqlite_where=_KEPT, postgresql_where=_KEPT),
)

log_state = sa.Table(
    "log_state",
    metadata,
    _id(),
    sa.Column("size", Id, nullable=False),
    sa.Column("frontier", sa.LargeBinary, nullable=False),
)

checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("size", Id, primary_key=True, autoincrement=False),
    sa.Column("root", Hash, nullable=False),
    _text("at"),
    _text("note", nullable=True),
)

timestamp = sa.Table(
    "timestamp",
    metadata,
    _id(),
    sa.Column("size", Id, sa.ForeignKey("checkpoint.size"), nullable=False),
    _text("authority"),
    sa.Column("token", sa.LargeBinary, nullable=False),
)

tombstone = sa.Table(
    "tombstone",
    metadata,
    sa.Column("hash", Hash, primary_key=True),
    sa.Column("seq", Id, primary_key=True, autoincrement=False, comment="the entry that let it go"),
    comment="payloads that retention let go; their hashes stay",
)
