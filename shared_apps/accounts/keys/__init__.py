"""API keys of a namespace over REST and on the pages of its admins."""
