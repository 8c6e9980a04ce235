"""What a sign-in at a provider carries out and brings back: apart from the client, whose libraries cost 15 MB."""

import secrets

import msgspec


class Errand(msgspec.Struct, kw_only=True):
    """What one sign-in remembers between the way out and the way back."""

    state: str
    nonce: str
    verifier: str


class Claims(msgspec.Struct, kw_only=True):
    """Who the provider says it is."""

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    name: str

    @property
    def key(self) -> str:
        """Names the person for good; addresses change hands."""
        return f"{self.issuer}|{self.subject}"


def new_errand() -> Errand:
    """Fresh random values for one sign-in."""
    return Errand(
        state=secrets.token_urlsafe(24), nonce=secrets.token_urlsafe(24), verifier=secrets.token_urlsafe(48)
    )
