"""Reports for staff: the command ``report`` and pages on the public host. No tables."""
