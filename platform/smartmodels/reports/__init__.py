"""Reports: querysets over one or many namespaces as pandas frames. The only room that knows pandas."""
