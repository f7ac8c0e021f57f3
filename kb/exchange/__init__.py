"""Formats that are read or written, one module for each. Leaves out the database's own merge, which is `kb.store`."""
