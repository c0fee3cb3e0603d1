"""The campaign API and the console: HTTP in, use cases called, HTTP out. One file per resource."""
