"""Django's admin per namespace and for staff, with history, diff and revert."""
