r"""RE2 patterns of secrets: the loose ones that find where to look, the exact ones that redact.

``CANDIDATES`` runs once over the JSON text of a whole recording: one linear pass at about 300 MB/s,
so it may hit too often but never too rarely. It works on bytes with escapes still in them, hence
``[\\"']*`` after a name and a part of its own for escaped ASCII. ``EXACT`` patterns run only over text that was hit.
"""

_SPACE = r"(?:[ \-]|\xc2\xa0|\xe2\x80[\x80-\x94\xaf])"
"""Space, dash, and their typographic kin in UTF-8, byte by byte."""

SECRET_WORDS = (
    r"passw|passphrase|passcode|passwort|kennwort|motdepasse|contrase|pwd|secret|token|api[_\-]?key|access[_\-]?key|account[_\-]?key"
    r"|master[_\-]?key|service[_\-]?key|admin[_\-]?key|subscription[_\-]?key|private[_\-]?key|signing[_\-]?key|encryption[_\-]?key|ssh[_\-]?key"
    r"|authorization|bearer|cookie|credential|csrf|xsrf|jwt|signature|session[_\-]?id|session[_\-]?key|sess[_\-]?id|cvv|cvc|security[_\-]?code|one[_\-]?time"
    r"|verification[_\-]?code|social[_\-]?security|national[_\-]?i|tax[_\-]?id|steuer[_\-]?id|passport|license|personnummer"
    r"|codice[_\-]?fiscale|aadha|cc-csc|(?:card|cc)[_\-]?(?:number|no|num)|phone|mobile|telefon|whatsapp|msisdn|tel-national"
)
_SHORT_WORDS = (
    r"pass|pw|pin|pin[_\-]?code|otp|totp|mfa[_\-]?code|otp[_\-]?code|csc|auth|sid|sig|ssn|nino|bsn|cpf|pesel|nir|sin|dni|nie|curp|pan|tel|cell|fax|handy"
    r"|auth[_\-]?(?:header|string)"
)

_START = r"(?:\b|\\[nrtbf])"
r"""A word's start, also behind an escape: in ``\n4111`` of a JSON text the ``n`` is no letter."""

CANDIDATES: tuple[str, ...] = (
    # email: ``logo@2x.png`` is not one
    r"@(?:[A-Za-z\x80-\xff]|[0-9](?:[0-9a-wyzA-WYZ\-.\x80-\xff]|x[^.]))[A-Za-z0-9\-\\\x80-\xff]*\.[A-Za-z\\\x80-\xff]|%40[A-Za-z0-9]",
    # fields and parameters by name
    rf"(?i:{SECRET_WORDS})[\w\-\[\]]*[\\\"']*\s*[:=]",
    rf"{_START}(?i:{_SHORT_WORDS})(?:[_\-]?(?i:number|no))?\]?[\\\"']*\s*[:=]",
    rf"(?:[:,{{](?:\\*\")?\s*(?:name|key|type|autocomplete)\\*\"\s*:\s*|\[\s*)\\*\"(?:[\w\-]*(?i:{SECRET_WORDS})[\w\-\[\]]*|(?i:{_SHORT_WORDS}))\\*\"",
    r"[?&#](?:code|key|ticket|hash|session|auth|invite|invitation|reset|verify|nonce)=[^&#\s\"\\]{16}",
    r"/[^\s\"/@:]*:[^\s\"/@]+@",
    # tokens by shape
    rf"{_START}eyJ[A-Za-z0-9_\-]{{5,}}\.",
    rf"{_START}(?:[sr]k_(?:live|test)_|whsec_|sk-[A-Za-z0-9]|gh[pousr]_[A-Za-z0-9]|github_pat_|glpat-|xox[abeoprs]-|xapp-|GOCSPX-)",
    rf"{_START}(?:A[KSBC][ICS]A[0-9A-Z]{{4}}|AIza[\w\-]{{4}}|ya29\.|SG\.[\w\-]{{4}}|npm_[A-Za-z0-9]{{4}}|pypi-[\w\-]{{4}}|dapi[0-9a-f]{{4}}|hf_[A-Za-z0-9]{{4}})",
    rf"{_START}(?:SK[0-9a-f]{{6}}|key-[0-9a-f]{{6}}|do[opr]_v1_|shp(?:at|ca|pa|ss)_|sq0(?:atp|csp)-|lin_api_|ntn_[A-Za-z0-9]{{4}}|sntry[su]_|hvs\.[\w\-]{{4}}|rubygems_)",
    rf"[0-9]:AA[\w\-]{{4}}|hooks\.slack\.com|{_START}(?:ATATT3|NRAK-|PMAK-)|-----BEGIN",
    rf"{_START}(?i:bearer|basic|digest)[ \\+][A-Za-z0-9+/=._~\-]{{8}}",
    # numbers
    # none is written in single digits, as the paths of SVG icons are
    rf"[0-9]{{4}}(?:{_SPACE}{{0,2}}[0-9]){{10}}",
    rf"{_START}[12] [0-9]{{2}} [0-9]{{2}} [0-9]{{2}} [0-9]{{3}} [0-9]{{3}}|{_START}[0-9]{{2}} [0-9]{{3}} [0-9]{{3}} [0-9]{{3}}\b",
    rf"{_START}(?:[A-Z]{{2}}[0-9]{{2}}[ \-]?(?:[A-Z0-9]{{4}}[ \-]?){{2}}[A-Z0-9]{{3}}|[a-z]{{2}}[0-9]{{2}} ?(?:[a-z0-9]{{4}} ?){{2}}[a-z0-9]{{3}})",
    r"(?:\+|%2B)[1-9][0-9 ().\-/\xc2\xa0]{6}",
    r"\([0-9]{2,5}\)[ \-/]?[0-9]{2}",
    r"[2-9][0-9]{2}[\-][2-9][0-9]{2}[\-][0-9]{4}|[2-9][0-9]{2}[.][2-9][0-9]{2}[.][0-9]{4}",
    r"(?:[^0-9A-Za-z\-.,/:]|\\[nrtbf])0[0-9]{1,4}[ \-/](?:[0-9]{4,8}|[0-9]{2,3}[ \-/][0-9]{2})",
    rf"{_START}0(?:[1-9](?:\.[0-9]{{2}}){{4}}|0[1-9][0-9]{{8}}|1[5-7][0-9]{{8}}|7[0-9]{{9}})",
    r"(?i:call|ring|sms|mob|cell|tel|fax|portable|m.vil)[^0-9A-Za-z+(\x00{}]{1,4}[0-9(+][0-9 ().\-/]{6}",
    r"(?i:phone|mobile|telefon|telephone|whatsapp|handy|celular)[^0-9A-Za-z+(\x00{}]{1,6}[0-9(+][0-9 ().\-/]{6}",
    rf"{_START}(?:[0-9]{{11}}|[0-9]{{17}}[xX])\b",
    r"[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
    r"[0-9]{3}-[0-9]{3}-[0-9]{3}\b|[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}",
    rf"{_START}(?i:ssn|sin|bsn|security|insurance|burgerservicenummer|sofi)[^0-9\x00{{}}\"]{{1,12}}[0-9]{{3}}[ \-]?[0-9]{{2}}",
    rf"{_START}(?:[XYZxyz0-9][0-9]{{7}}-?[A-Za-z]|[A-Za-z]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[A-Da-d])\b",
    rf"{_START}(?:[A-Z]{{6}}[0-9]{{2}}[A-Z][0-9]{{2}}[A-Z]|[a-z]{{6}}[0-9]{{2}}[a-z][0-9]{{2}}[a-z])[0-9]{{3}}[A-Za-z]\b",
    rf"{_START}(?i:[A-Z]{{4}}[0-9]{{6}}[HM][A-Z]{{5}}[0-9A-Z][0-9])\b",
    rf"[0-9]{{6}}[\-+A][0-9]{{3}}[0-9A-Y]|{_START}[0-9]{{4}} [0-9]{{4}} [0-9]{{4}}\b",
    # text that hides ASCII behind escapes, and numbers no decoder accepts
    r"\\u(?:00[2-7aA]|20[0-2])|[0-9@:]\\/|[:,\[]\s*-?[0-9.]+[eE]\+?[0-9]{3,}[\s,}\]]",
)

_SEP = r"[ \-\x{00a0}\x{2000}-\x{2014}\x{202f}]"

URL_USERINFO = r"://([^\s/@:\"'<>\[\]]*:[^\s/@\"'<>]+)@"
PRIVATE_KEY = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)"
JWT = r"\beyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*){0,3}"
AUTH_SCHEME = r"(?i)\b(?:bearer|basic|digest)[ +]+([A-Za-z0-9+/=._~\-]{8,})"
COOKIE_LINE = r"(?i)\b(?:set-)?cookie2?:[ \t]*([^\s=;\"']+=[^\r\n\"'\\]+)"
_QUERY_WORDS = "code|key|ticket|hash|session|auth|invite|invitation|reset|verify|nonce"
NAME_AND_SIGN = (
    rf"([\w\-.\[\]%$]*(?i:{SECRET_WORDS}{{own}})[\w\-.\[\]%$]*|\b(?i:(?:x[_\-])?(?:{_SHORT_WORDS}|{_QUERY_WORDS}))(?:[_\-]?(?i:number|no))?)"
    r"(?:\\*[\"']?\s{{0,3}})([:=])\s{{0,3}}"
)
"""A telling name and the sign behind it; ``{own}`` is where a project's own names go, each behind a ``|``."""
API_KEY = "|".join(
    (
        r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{8,}",
        r"\bwhsec_[A-Za-z0-9+/=]{16,}",
        r"\bsk-(?:proj-|ant-|or-|svcacct-|admin-)?[A-Za-z0-9_\-]{20,}",
        r"\bgh[pousr]_[A-Za-z0-9]{20,}",
        r"\bgithub_pat_[A-Za-z0-9_]{20,}",
        r"\bglpat-[A-Za-z0-9_\-]{16,}",
        r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}",
        r"\bxapp-[A-Za-z0-9\-]{16,}",
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
        r"\bAIza[A-Za-z0-9_\-]{30,}",
        r"\bya29\.[A-Za-z0-9_\-]{16,}",
        r"\bGOCSPX-[A-Za-z0-9_\-]{16,}",
        r"\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}",
        r"\bnpm_[A-Za-z0-9]{30,}",
        r"\bpypi-[A-Za-z0-9_\-]{16,}",
        r"\bSK[0-9a-f]{32}\b",
        r"\bkey-[0-9a-f]{32}\b",
        r"\bdapi[0-9a-f]{32}",
        r"\bhf_[A-Za-z0-9]{30,}",
        r"\bdo[opr]_v1_[0-9a-f]{32,}",
        r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
        r"\bsq0(?:atp|csp)-[A-Za-z0-9_\-]{20,}",
        r"\blin_api_[A-Za-z0-9]{32,}",
        r"\bntn_[A-Za-z0-9]{32,}",
        r"\bsntry[su]_[A-Za-z0-9_=+/\-]{32,}",
        r"\bhvs\.[A-Za-z0-9_\-]{20,}",
        r"\brubygems_[0-9a-f]{32,}",
        r"\b[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}",
        r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,}",
        r"\bATATT3[A-Za-z0-9_\-=]{30,}",
        r"\bNRAK-[A-Z0-9]{27}",
        r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    )
)
EMAIL = (
    r"[\p{L}\p{N}._%+'\-]*[\p{L}\p{N}_+%\-](?:@|%40)"
    r"(?:[\p{L}\p{N}](?:[\p{L}\p{N}\-]*[\p{L}\p{N}])?\.)+(?:xn--[A-Za-z0-9\-]*[A-Za-z0-9]|\p{L}\p{L}+)"
)
IBAN = r"(?i)\b[A-Z]{2}[0-9]{2}[A-Z0-9 \-\x{00a0}]{11,46}"
DIGIT_RUN = rf"[0-9](?:{_SEP}{{0,2}}[0-9]){{8,}}"
"""Nine digits or more, however grouped: cards and ids are looked for inside."""
_ID_WORDS = r"ssn|sin|bsn|social (?:security|insurance)|burgerservicenummer|sofi"
ID_AFTER_WORD = rf"(?i)\b(?:{_ID_WORDS})(?: (?:number|no|nr))?[.:#= ]{{1,4}}(?:is )?([0-9]{{3}}[ -]?[0-9]{{2,3}}[ -]?[0-9]{{3,4}})\b"
LETTERED_ID = (
    r"(?i)\b(?:[XYZ0-9][0-9]{7}-?[A-Z]|[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]|[0-9]{6}[\-+A][0-9]{3}[0-9A-Y]|[0-9]{17}X"
    r"|[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z]|[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9])\b"
)
DOTTED_ID = r"\b(?:[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}|[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2})\b"

_PHONE_TAIL = r"[0-9 ().\-/\x{00a0}\x{2009}\x{2010}-\x{2013}\x{202f}]{5,20}[0-9]"
PHONE_INTERNATIONAL = rf"(?:\+|%2B|\b00)[1-9]{_PHONE_TAIL}"
PHONE_GROUPED = (
    r"\([2-9][0-9]{2}\)[ \x{00a0}\-]?[2-9][0-9]{2}[ .\-]?[0-9]{4}|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}|[2-9][0-9]{2}\.[2-9][0-9]{2}\.[0-9]{4}"
    r"|\([0-9]{2}\) ?9?[0-9]{4}-[0-9]{4}|\(0[0-9]{1,4}\)[ \-/]?[0-9]{2,8}(?:[ \-][0-9]{2,6}){0,3}"
    r"|0[0-9]{1,4}(?:[ \-/][0-9]{2,8}){1,4}|0[1-9](?:\.[0-9]{2}){4}|01[5-7][0-9]{8,9}|07[0-9]{9}"
)
PHONE_AFTER_WORD = (
    r"(?i)\b(?:(?:tele)?phone|mobile?|tel|telefon|t.l.phone|tel.fono|fax|whatsapp|cell|call(?: us)?(?: at| on)?|handy|portable|m.vil|celular|sms|ring)"
    r"(?: ?(?:number|no|nr|n))?[.:=\"'\\ \x{00a0}]{1,5}(?:is )?([+(]?[0-9][0-9 ().\-/\x{00a0}]{5,18}[0-9])"
)
