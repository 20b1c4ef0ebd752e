"""How other libraries do the same job: an environment each, one loopback server, one dated table (TABLE.md)."""
