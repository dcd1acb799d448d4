"""The composition root: settings, URLs and entry points. Imports everything, is imported by nobody."""
