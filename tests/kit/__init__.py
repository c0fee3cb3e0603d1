"""What tests of several parts share: servers, databases, clocks. Nothing in here is shipped."""
