"""A small but real OpenID Connect provider on a loopback port: discovery, keys, code with PKCE, signed tokens."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "retrospec-test", "shared with nobody else"


class Provider:
    """Signs in whoever ``person`` says, at once; ``twist`` bends the next token's claims."""

    def __init__(self, address: str) -> None:
        self.issuer = address
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.published = [self.key]
        self.person: dict[str, Any] = {"sub": "u-1", "email": "ines@fern.example", "email_verified": True, "name": "Ines"}
        self.twist: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}

    def answer(self, path: str, query: dict[str, str], form: dict[str, str]) -> tuple[int, Any]:
        """Status, and a document or where to go."""
        if path == "/.well-known/openid-configuration":
            named = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")}
            return 200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **named}
        if path == "/keys":
            return 200, {"keys": [key.as_dict(private=False) for key in self.published]}
        if path == "/authorization":
            assert query["client_id"] == CLIENT_ID and query["code_challenge_method"] == "S256"
            code = f"code-{len(self.codes)}"
            self.codes[code] = query
            return 303, f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        return self._token(form)

    def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        is_right = (
            asked is not None
            and form.get("client_secret") == CLIENT_SECRET
            and form.get("redirect_uri") == asked["redirect_uri"]
            and challenge.rstrip(b"=").decode() == asked["code_challenge"]
        )
        if not is_right or asked is None:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= self.person | self.twist
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(claims)}

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)


@contextmanager
def provider() -> Iterator[Provider]:
    """One on a free port, for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, found = made.answer(parts.path, query, form)
            body = b"" if isinstance(found, str) else json.dumps(found).encode()
            self.send_response(status)
            if isinstance(found, str):
                self.send_header("Location", found)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
