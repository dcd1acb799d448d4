"""The REST API of a namespace. The only room that knows Django REST framework."""
