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

# What a list of calls can be sorted by.
CALL_ORDERS = (
    "started_at",
    "answered_at",
    "ended_at",
    "duration_s",
    "caller",
    "callee",
    "codec",
    "final_code",
    "hangup_by",
    "mos",
    "loss_percent",
    "jitter_ms",
    "caller_mos",
    "caller_loss_percent",
    "caller_jitter_ms",
    "callee_mos",
    "callee_loss_percent",
    "callee_jitter_ms",
)

# One row a call: fold.Signalling, and what follows from it and from the streams and is searched or sorted by. The
# number is short, so that the many indexes are.
calls = Table(
    "calls",
    metadata,
    Column("number", RowId, primary_key=True, autoincrement=False),
    Column("call_id", String, nullable=False, unique=True),
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
    Column("verdict", Text),
    Column("verdict_at", Double),
    Column("verdict_final", Boolean, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("duration_s", Double),  # from answer to end; null: never answered, or not ended
    Column("live", Boolean, nullable=False),
    Column("final_code", Integer),
    Column("codec", String),
    # of the worse direction, and of each
    Column("mos", Double),
    Column("loss_percent", Double),
    Column("jitter_ms", Double),
    Column("caller_mos", Double),
    Column("caller_loss_percent", Double),
    Column("caller_jitter_ms", Double),
    Column("callee_mos", Double),
    Column("callee_loss_percent", Double),
    Column("callee_jitter_ms", Double),
    Column("directions", Text, nullable=False),  # quality.Direction of each party that sent something
    Index(None, "live", "started_at", "number"),
    Index(None, "codec", "started_at", "number"),
    *(Index(None, name, "number") for name in CALL_ORDERS),
    # Beside these there is an index of parts of the caller, callee and call_id, of the kind that each database has: see
    # migrations.
)

# One row an RTP stream: fold.MeasuredStream, its report as one JSON text, so that new measures change no table.
streams = Table(
    "streams",
    metadata,
    Column("stream_id", RowId, primary_key=True, autoincrement=False),
    Column("call", BigInteger, nullable=False),  # calls.number
    Column("media_id", String, nullable=False),
    Column("direction", String, nullable=False),
    Column("ssrc", BigInteger, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("mos_min", Double),
    Column("final", Boolean, nullable=False),
    Column("report", Text, nullable=False),
    Column("row_s", Integer, nullable=False),  # how long its rows in `slices` are; 0: they are gone
    UniqueConstraint("call", "media_id", "direction", "ssrc"),
    Index(None, "row_s", "started_at"),
)

# Five seconds of a stream, later a minute: rollup.Row. The largest table by far, hence the short key.
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
    Column("details", Text),  # the other measures of rollup.DETAILS, as JSON
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
    Index(None, "at"),
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
    Column("until", Double),  # of a ban
    Index(None, "at"),
)

# One row a probed contact: gateways.Gateway.
gateways = Table(
    "gateways",
    metadata,
    Column("aor", String, primary_key=True),
    Column("contact", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("transport", String, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("state", String),
    Column("state_since", Double),
    Column("probed_at", Double),
    Column("code", Integer),
    Column("rtt_ms", Double),
    Column("answered_at", Double),
    Index(None, "seen_at"),
)

# Each probe of a contact.
gateway_probes = Table(
    "gateway_probes",
    metadata,
    Column("aor", String, primary_key=True),
    Column("contact", String, primary_key=True),
    Column("at", Double, primary_key=True),
    Column("code", Integer),
    Column("rtt_ms", Double),
    Index(None, "at"),
    sqlite_with_rowid=False,
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

# Uploaded capture files: shapes.CaptureView, who looks after it, and the CaptureReport.
captures = Table(
    "captures",
    metadata,
    Column("capture_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("uploaded_by", String, nullable=False),
    Column("uploaded_at", Double, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("progress", Double),
    Column("finished_at", Double),
    Column("error", String),
    Column("streams", Integer),
    Column("instance", String, nullable=False),
    Column("report", Text),
    Index(None, "uploaded_at", "capture_id"),
)

# SIP accounts: shared.accounts.SipAccount as JSON, with HA1 and never a password.
accounts = Table(
    "accounts",
    metadata,
    Column("name", String, primary_key=True),
    Column("account", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("password_changed_at", Double, nullable=False),
)

# One row once somebody has managed accounts: the version of them all. Without it the published ones are in use.
accounts_version = Table("accounts_version", metadata, Column("version", String, primary_key=True))
