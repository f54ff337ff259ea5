"""The schema. Times are epoch seconds; what is only shown and never searched is JSON text.

Users, sessions, tokens and the audit log are in `access.py`. Migrations (`migrations/versions`) bring a database to
this state; a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite numbers rows by itself only when the key's type is INTEGER; PostgreSQL needs 64 bits.
RowId = BigInteger().with_variant(Integer(), "sqlite")

# One row a call: fold.Signalling, and what follows from it and is searched or sorted by.
calls = Table(
    "calls",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("first_seen_at", Double, nullable=False),
    Column("last_seen_at", Double, nullable=False),
    Column("first_attempt_at", Double),
    Column("last_attempt_at", Double),
    Column("caller", String),
    Column("callee", String),
    Column("source", String),
    Column("user_agent", String),
    Column("extension", String),
    Column("ringing_at", Double),
    Column("answered_at", Double),
    Column("answered_code", Integer),
    Column("callee_user_agent", String),
    Column("signalled_codec", String),
    Column("signalled_codec_at", Double),
    Column("updated_at", Double),
    Column("on_hold", Boolean, nullable=False),
    Column("last_end_at", Double),
    Column("hangup_by", String),
    Column("end_code", Integer),
    Column("reason", String),
    Column("impaired", Boolean, nullable=False),
    Column("injected_loss_percent", Double),
    Column("injected_jitter_ms", Double),
    Column("started_at", Double, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("codec", String),
    Column("mos", Double),
    Index(None, "started_at", "call_id"),
    Index(None, "live", "started_at", "call_id"),
    Index(None, "codec", "started_at"),
    Index(None, "mos"),
)

# What each party sends: quality.Direction.
directions = Table(
    "directions",
    metadata,
    Column("call_id", String, primary_key=True),
    Column("direction", String, primary_key=True),
    Column("mos", Double),
    Column("mos_min", Double),
    Column("r_factor", Double),
    Column("packets_expected", BigInteger),
    Column("packets_received", BigInteger),
    Column("packets_lost", BigInteger),
    Column("loss_percent", Double),
    Column("discard_percent", Double),
    Column("duplicates", BigInteger),
    Column("reordered", BigInteger),
    Column("jitter_ms", Double),
    Column("jitter_max_ms", Double),
    Column("rtt_ms", Double),
    Column("delay_ms", Double),
    Column("delay_source", String),
    Column("burst_r", Double),
    Column("codec", String),
    Column("ptime_ms", Double),
    Column("ssrc", BigInteger),
)

# One row an RTP stream: fold.MeasuredStream, its totals as JSON.
streams = Table(
    "streams",
    metadata,
    Column("stream_id", RowId, primary_key=True, autoincrement=True),
    Column("call_id", String, nullable=False),
    Column("media_id", String, nullable=False),
    Column("direction", String, nullable=False),
    Column("ssrc", BigInteger, nullable=False),
    Column("codec", String),
    Column("payload_type", Integer),
    Column("clock_rate", Integer),
    Column("ptime_ms", Double),
    Column("source", String),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("mos_min", Double),
    Column("total", Text, nullable=False),
    Column("total_at", Double, nullable=False),
    Column("total_final", Boolean, nullable=False),
    UniqueConstraint("call_id", "media_id", "direction", "ssrc"),
)

# Five seconds of a stream: rollup.Row. The largest table by far, hence the short key.
slices = Table(
    "slices",
    metadata,
    Column("stream_id", RowId, primary_key=True, autoincrement=False),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column("places", BigInteger, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("duration_s", Double, nullable=False),
    Column("packets_expected", BigInteger, nullable=False),
    Column("packets_received", BigInteger, nullable=False),
    Column("packets_lost", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("reordered", BigInteger, nullable=False),
    Column("bytes_received", BigInteger, nullable=False),
    Column("jitter_ms", Double),
    Column("jitter_max_ms", Double),
    Column("mos_sum", Double, nullable=False),
    Column("r_sum", Double, nullable=False),
    Column("judged_packets", BigInteger, nullable=False),
    Column("impaired", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# The ladder. The key is a digest of the event itself: delivered or published twice, it is stored once.
sip_messages = Table(
    "sip_messages",
    metadata,
    Column("event_id", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("call_id", String, nullable=False),
    Column("direction", String, nullable=False),
    Column("transport", String, nullable=False),
    Column("local", String, nullable=False),
    Column("remote", String, nullable=False),
    Column("method", String, nullable=False),
    Column("cseq", BigInteger, nullable=False),
    Column("status", Integer),
    Column("reason_phrase", String),
    Column("text", Text, nullable=False),
    Index(None, "call_id", "at"),
)

# One row a contact of an address of record: devices.Device.
registrations = Table(
    "registrations",
    metadata,
    Column("aor", String, primary_key=True),
    Column("contact", String, primary_key=True),
    Column("seen_at", Double, nullable=False),
    Column("source", String, nullable=False),
    Column("transport", String, nullable=False),
    Column("user_agent", String),
    Column("registered_at", Double),
    Column("refreshed_at", Double),
    Column("expires_at", Double),
    Column("gone_at", Double),
    Column("gone_how", String),
    Index(None, "seen_at"),
)

security_events = Table(
    "security_events",
    metadata,
    Column("event_id", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("type", String, nullable=False),
    Column("source", String, nullable=False),
    Column("transport", String, nullable=False),
    Column("method", String),
    Column("account", String),
    Column("call_id", String),
    Column("reason", String),
    Column("count", BigInteger, nullable=False),
    Index(None, "at"),
)

# Stream entries that are no event of ours, the newest few, for whoever looks for their writer.
rejected_entries = Table(
    "rejected_entries",
    metadata,
    Column("stream", String, primary_key=True),
    Column("entry_id", String, primary_key=True),
    Column("rejected_at", Double, nullable=False),
    Column("reason", String, nullable=False),
    Column("fields", Text, nullable=False),
    Index(None, "rejected_at"),
)

# How far each stream is stored, so that a live view that starts from the database knows where to read on.
positions = Table(
    "positions",
    metadata,
    Column("stream", String, primary_key=True),
    Column("entry_id", String, nullable=False),
)
