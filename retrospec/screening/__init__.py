"""Everything that needs the browser, for the running server: looks, films asked for by hand, filmstrips."""
