"""The world outside Forbear: providers, borrowers, the stepped clock, and the servers to run it all on one machine.

For demos, tests and benchmarks. No service imports it, and it imports no service.
"""
