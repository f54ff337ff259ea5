"""Uploaded captures and their reports."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "captures",
        sa.Column("capture_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("uploaded_at", sa.Double(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("streams", sa.Integer(), nullable=True),
        sa.Column("instance", sa.String(), nullable=False),
        sa.Column("report", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("capture_id", name=op.f("pk_captures")),
    )
    op.create_index(op.f("ix_captures_uploaded_at_capture_id"), "captures", ["uploaded_at", "capture_id"], unique=False)
