"""What the test extension 997 injects on purpose into the media on its way back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds two columns to the calls."""
    op.add_column("calls", sa.Column("injected_loss_percent", sa.Double(), nullable=True))
    op.add_column("calls", sa.Column("injected_jitter_ms", sa.Double(), nullable=True))
