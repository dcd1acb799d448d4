"""The actions of ``manage.py history``, a module per subject."""
