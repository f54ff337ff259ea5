"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("first_seen_at", sa.Double(), nullable=False),
        sa.Column("last_seen_at", sa.Double(), nullable=False),
        sa.Column("first_attempt_at", sa.Double(), nullable=True),
        sa.Column("last_attempt_at", sa.Double(), nullable=True),
        sa.Column("caller", sa.String(), nullable=True),
        sa.Column("callee", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.Column("extension", sa.String(), nullable=True),
        sa.Column("ringing_at", sa.Double(), nullable=True),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("answered_code", sa.Integer(), nullable=True),
        sa.Column("callee_user_agent", sa.String(), nullable=True),
        sa.Column("signalled_codec", sa.String(), nullable=True),
        sa.Column("signalled_codec_at", sa.Double(), nullable=True),
        sa.Column("updated_at", sa.Double(), nullable=True),
        sa.Column("on_hold", sa.Boolean(), nullable=False),
        sa.Column("last_end_at", sa.Double(), nullable=True),
        sa.Column("hangup_by", sa.String(), nullable=True),
        sa.Column("end_code", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("impaired", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("codec", sa.String(), nullable=True),
        sa.Column("mos", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_codec_started_at"), "calls", ["codec", "started_at"], unique=False)
    op.create_index(op.f("ix_calls_live_started_at_call_id"), "calls", ["live", "started_at", "call_id"], unique=False)
    op.create_index(op.f("ix_calls_mos"), "calls", ["mos"], unique=False)
    op.create_index(op.f("ix_calls_started_at_call_id"), "calls", ["started_at", "call_id"], unique=False)
    op.create_table(
        "directions",
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("mos", sa.Double(), nullable=True),
        sa.Column("mos_min", sa.Double(), nullable=True),
        sa.Column("r_factor", sa.Double(), nullable=True),
        sa.Column("packets_expected", sa.BigInteger(), nullable=True),
        sa.Column("packets_received", sa.BigInteger(), nullable=True),
        sa.Column("packets_lost", sa.BigInteger(), nullable=True),
        sa.Column("loss_percent", sa.Double(), nullable=True),
        sa.Column("discard_percent", sa.Double(), nullable=True),
        sa.Column("duplicates", sa.BigInteger(), nullable=True),
        sa.Column("reordered", sa.BigInteger(), nullable=True),
        sa.Column("jitter_ms", sa.Double(), nullable=True),
        sa.Column("jitter_max_ms", sa.Double(), nullable=True),
        sa.Column("rtt_ms", sa.Double(), nullable=True),
        sa.Column("delay_ms", sa.Double(), nullable=True),
        sa.Column("delay_source", sa.String(), nullable=True),
        sa.Column("burst_r", sa.Double(), nullable=True),
        sa.Column("codec", sa.String(), nullable=True),
        sa.Column("ptime_ms", sa.Double(), nullable=True),
        sa.Column("ssrc", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "direction", name=op.f("pk_directions")),
    )
    op.create_table(
        "positions",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_positions")),
    )
    op.create_table(
        "registrations",
        sa.Column("aor", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("transport", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.Column("registered_at", sa.Double(), nullable=True),
        sa.Column("refreshed_at", sa.Double(), nullable=True),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("gone_at", sa.Double(), nullable=True),
        sa.Column("gone_how", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("aor", "contact", name=op.f("pk_registrations")),
    )
    op.create_index(op.f("ix_registrations_seen_at"), "registrations", ["seen_at"], unique=False)
    op.create_table(
        "rejected_entries",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("rejected_at", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "entry_id", name=op.f("pk_rejected_entries")),
    )
    op.create_index(op.f("ix_rejected_entries_rejected_at"), "rejected_entries", ["rejected_at"], unique=False)
    op.create_table(
        "security_events",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("transport", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("call_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_security_events")),
    )
    op.create_index(op.f("ix_security_events_at"), "security_events", ["at"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "sip_messages",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("transport", sa.String(), nullable=False),
        sa.Column("local", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("cseq", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reason_phrase", sa.String(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_sip_messages")),
    )
    op.create_index(op.f("ix_sip_messages_call_id_at"), "sip_messages", ["call_id", "at"], unique=False)
    op.create_table(
        "slices",
        sa.Column(
            "stream_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("bucket", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("places", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("packets_expected", sa.BigInteger(), nullable=False),
        sa.Column("packets_received", sa.BigInteger(), nullable=False),
        sa.Column("packets_lost", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("reordered", sa.BigInteger(), nullable=False),
        sa.Column("bytes_received", sa.BigInteger(), nullable=False),
        sa.Column("jitter_ms", sa.Double(), nullable=True),
        sa.Column("jitter_max_ms", sa.Double(), nullable=True),
        sa.Column("mos_sum", sa.Double(), nullable=False),
        sa.Column("r_sum", sa.Double(), nullable=False),
        sa.Column("judged_packets", sa.BigInteger(), nullable=False),
        sa.Column("impaired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", "bucket", name=op.f("pk_slices")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "streams",
        sa.Column(
            "stream_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("media_id", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("ssrc", sa.BigInteger(), nullable=False),
        sa.Column("codec", sa.String(), nullable=True),
        sa.Column("payload_type", sa.Integer(), nullable=True),
        sa.Column("clock_rate", sa.Integer(), nullable=True),
        sa.Column("ptime_ms", sa.Double(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("mos_min", sa.Double(), nullable=True),
        sa.Column("total", sa.Text(), nullable=False),
        sa.Column("total_at", sa.Double(), nullable=False),
        sa.Column("total_final", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_streams")),
        sa.UniqueConstraint(
            "call_id", "media_id", "direction", "ssrc", name=op.f("uq_streams_call_id_media_id_direction_ssrc")
        ),
    )
    op.create_table(
        "users",
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_users")),
    )


def downgrade() -> None:
    """Drops the tables, and all that was stored."""
    for name in (
        "users",
        "streams",
        "slices",
        "sip_messages",
        "sessions",
        "security_events",
        "rejected_entries",
        "registrations",
        "positions",
        "directions",
        "calls",
    ):
        op.drop_table(name)
