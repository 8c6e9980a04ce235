"""``retrospec mcp``."""

import click

from retrospec.domain.errors import RetroSpecError


@click.command()
@click.option("--url", envvar="RETROSPEC_URL", required=True, show_envvar=True, help="Where the dashboard is.")
@click.option("--key", envvar="RETROSPEC_KEY", required=True, show_envvar=True, help="A key with the scope read; from the environment no process list shows it.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Speak streamable HTTP on this port of 127.0.0.1 instead of stdio.")
def mcp(url: str, key: str, port: int | None) -> None:
    """Let an assistant look at issues, sessions, traces and frames, by the Model Context Protocol.

    Read only, over the HTTP API of a server that may be anywhere. Needs the extra: pip install 'retrospec[mcp]'.

    \b
    Example:
      RETROSPEC_KEY=rs_… retrospec mcp --url https://retrospec.example.com
    """
    from retrospec.client import Client

    try:
        from retrospec.assistants.server import make_server
    except ModuleNotFoundError as error:
        raise RetroSpecError("The MCP SDK is not installed.", hint="pip install 'retrospec[mcp]'") from error
    with Client(url, key) as client:
        server = make_server(client)
        if port is None:
            server.run("stdio")
        else:
            server.run("streamable-http", host="127.0.0.1", port=port)
