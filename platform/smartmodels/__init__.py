"""Smart Django models for schema-per-tenant applications."""
