"""The `forbear` command and the typed client of the campaign API."""
