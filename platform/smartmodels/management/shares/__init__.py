"""``manage.py share``: one module per subject."""
