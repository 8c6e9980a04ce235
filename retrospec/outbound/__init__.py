"""The way out: every request of the server to an address that people or other servers named goes through here."""
