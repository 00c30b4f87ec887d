"""The database: schema, migrations, one repository a concern."""
