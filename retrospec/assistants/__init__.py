"""``retrospec mcp``: lets an assistant look at issues and sessions over the HTTP API, by the Model Context Protocol."""
