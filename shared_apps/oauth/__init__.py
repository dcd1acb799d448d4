"""Applications that people of a namespace let in (OAuth 2). The only app that knows django-oauth-toolkit."""
