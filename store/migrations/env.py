"""What alembic runs to bring a database up to date: on the connection that store/migrate.py hands it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
