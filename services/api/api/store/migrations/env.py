"""What Alembic runs: the migrations, on the connection that `Database.migrate` hands over."""

from alembic import context

from api.store import access

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=access.users.metadata,  # the others' too: they share it
    render_as_batch=True,  # SQLite cannot alter a column in place
)
with context.begin_transaction():
    context.run_migrations()
