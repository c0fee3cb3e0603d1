"""Workers of other task queues, each doing nothing but the send. They run in a venv of their own."""
