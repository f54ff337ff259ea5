"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    _calls()
    _media()
    _signalling()
    _own()
    if op.get_bind().dialect.name == "postgresql":
        _index_parts_of_texts_on_postgresql()
    else:
        _index_parts_of_texts_on_sqlite()


def _calls() -> None:
    """Calls, with an index for each order of the list."""
    op.create_table(
        "calls",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
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
        sa.Column("injected_loss_percent", sa.Double(), nullable=True),
        sa.Column("injected_jitter_ms", sa.Double(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("verdict_at", sa.Double(), nullable=True),
        sa.Column("verdict_final", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("final_code", sa.Integer(), nullable=True),
        sa.Column("codec", sa.String(), nullable=True),
        sa.Column("mos", sa.Double(), nullable=True),
        sa.Column("loss_percent", sa.Double(), nullable=True),
        sa.Column("jitter_ms", sa.Double(), nullable=True),
        sa.Column("caller_mos", sa.Double(), nullable=True),
        sa.Column("caller_loss_percent", sa.Double(), nullable=True),
        sa.Column("caller_jitter_ms", sa.Double(), nullable=True),
        sa.Column("callee_mos", sa.Double(), nullable=True),
        sa.Column("callee_loss_percent", sa.Double(), nullable=True),
        sa.Column("callee_jitter_ms", sa.Double(), nullable=True),
        sa.Column("directions", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_calls")),
        sa.UniqueConstraint("call_id", name=op.f("uq_calls_call_id")),
    )
    op.create_index(op.f("ix_calls_answered_at_number"), "calls", ["answered_at", "number"], unique=False)
    op.create_index(op.f("ix_calls_callee_jitter_ms_number"), "calls", ["callee_jitter_ms", "number"], unique=False)
    op.create_index(
        op.f("ix_calls_callee_loss_percent_number"), "calls", ["callee_loss_percent", "number"], unique=False
    )
    op.create_index(op.f("ix_calls_callee_mos_number"), "calls", ["callee_mos", "number"], unique=False)
    op.create_index(op.f("ix_calls_callee_number"), "calls", ["callee", "number"], unique=False)
    op.create_index(op.f("ix_calls_caller_jitter_ms_number"), "calls", ["caller_jitter_ms", "number"], unique=False)
    op.create_index(
        op.f("ix_calls_caller_loss_percent_number"), "calls", ["caller_loss_percent", "number"], unique=False
    )
    op.create_index(op.f("ix_calls_caller_mos_number"), "calls", ["caller_mos", "number"], unique=False)
    op.create_index(op.f("ix_calls_caller_number"), "calls", ["caller", "number"], unique=False)
    op.create_index(op.f("ix_calls_codec_number"), "calls", ["codec", "number"], unique=False)
    op.create_index(op.f("ix_calls_codec_started_at_number"), "calls", ["codec", "started_at", "number"], unique=False)
    op.create_index(op.f("ix_calls_duration_s_number"), "calls", ["duration_s", "number"], unique=False)
    op.create_index(op.f("ix_calls_ended_at_number"), "calls", ["ended_at", "number"], unique=False)
    op.create_index(op.f("ix_calls_final_code_number"), "calls", ["final_code", "number"], unique=False)
    op.create_index(op.f("ix_calls_hangup_by_number"), "calls", ["hangup_by", "number"], unique=False)
    op.create_index(op.f("ix_calls_jitter_ms_number"), "calls", ["jitter_ms", "number"], unique=False)
    op.create_index(op.f("ix_calls_live_started_at_number"), "calls", ["live", "started_at", "number"], unique=False)
    op.create_index(op.f("ix_calls_loss_percent_number"), "calls", ["loss_percent", "number"], unique=False)
    op.create_index(op.f("ix_calls_mos_number"), "calls", ["mos", "number"], unique=False)
    op.create_index(op.f("ix_calls_started_at_number"), "calls", ["started_at", "number"], unique=False)


def _media() -> None:
    """What belongs to calls."""
    op.create_table(
        "streams",
        sa.Column(
            "stream_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("call", sa.BigInteger(), nullable=False),
        sa.Column("media_id", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("ssrc", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("mos_min", sa.Double(), nullable=True),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("row_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", name=op.f("pk_streams")),
        sa.UniqueConstraint(
            "call", "media_id", "direction", "ssrc", name=op.f("uq_streams_call_media_id_direction_ssrc")
        ),
    )
    op.create_index(op.f("ix_streams_row_s_started_at"), "streams", ["row_s", "started_at"], unique=False)
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
        sa.Column("details", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("stream_id", "bucket", name=op.f("pk_slices")),
        sqlite_with_rowid=False,
    )
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
    op.create_index(op.f("ix_sip_messages_at"), "sip_messages", ["at"], unique=False)
    op.create_index(op.f("ix_sip_messages_call_id_at"), "sip_messages", ["call_id", "at"], unique=False)


def _signalling() -> None:
    """Devices, gateways and who knocks."""
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
        "gateways",
        sa.Column("aor", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("transport", sa.String(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("state_since", sa.Double(), nullable=True),
        sa.Column("probed_at", sa.Double(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("rtt_ms", sa.Double(), nullable=True),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("aor", "contact", name=op.f("pk_gateways")),
    )
    op.create_index(op.f("ix_gateways_seen_at"), "gateways", ["seen_at"], unique=False)
    op.create_table(
        "gateway_probes",
        sa.Column("aor", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("rtt_ms", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("aor", "contact", "at", name=op.f("pk_gateway_probes")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_gateway_probes_at"), "gateway_probes", ["at"], unique=False)
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
        sa.Column("until", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_security_events")),
    )
    op.create_index(op.f("ix_security_events_at"), "security_events", ["at"], unique=False)


def _own() -> None:
    """What the api needs for itself."""
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
        "positions",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_positions")),
    )
    op.create_table(
        "users",
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_users")),
    )
    # ### end Alembic commands ###

    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)


def _index_parts_of_texts_on_sqlite() -> None:
    """Three characters in a row, wherever they are (https://sqlite.org/fts5.html#the_trigram_tokenizer), kept up by
    triggers."""
    op.execute(
        "CREATE VIRTUAL TABLE calls_text USING fts5("
        "caller, callee, call_id, content='calls', content_rowid='number', tokenize='trigram')"
    )
    insert = (
        "INSERT INTO calls_text (rowid, caller, callee, call_id) "
        "VALUES (new.number, new.caller, new.callee, new.call_id);"
    )
    delete = (
        "INSERT INTO calls_text (calls_text, rowid, caller, callee, call_id) "
        "VALUES ('delete', old.number, old.caller, old.callee, old.call_id);"
    )
    op.execute(f"CREATE TRIGGER calls_text_insert AFTER INSERT ON calls BEGIN {insert} END")
    op.execute(f"CREATE TRIGGER calls_text_delete AFTER DELETE ON calls BEGIN {delete} END")
    op.execute(
        "CREATE TRIGGER calls_text_update AFTER UPDATE OF caller, callee ON calls "
        f"WHEN old.caller IS NOT new.caller OR old.callee IS NOT new.callee BEGIN {delete} {insert} END"
    )


def _index_parts_of_texts_on_postgresql() -> None:
    """The same there (https://www.postgresql.org/docs/current/pgtrgm.html); the owner of a database may add it."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    # Of an expression: one of the columns themselves would also be taken to look up a Call-ID, and be slow at it.
    texts = "coalesce(caller, '') || chr(10) || coalesce(callee, '') || chr(10) || call_id"
    op.execute(f"CREATE INDEX ix_calls_text ON calls USING gin (({texts}) gin_trgm_ops)")
