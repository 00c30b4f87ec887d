"""Run by Alembic: migrates inside the transaction that ``store.migrate`` has opened."""

from alembic import context

from mis_bridge.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction holds all of it
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
