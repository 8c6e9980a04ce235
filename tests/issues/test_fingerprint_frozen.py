"""Keys of fingerprint v1 as they were shipped. A key that moves reshuffles every team's issues: change the code back,
or begin fingerprint v2 beside it.
"""

from typing import Any

import pytest

from retrospec.domain.marker import MarkerKind
from retrospec.issues.fingerprint_v1 import fingerprint

FROZEN: list[tuple[MarkerKind, str, Any, str, str]] = [
    (MarkerKind.JS_EXCEPTION, 'Uncaught Error: Order 123 is gone', {'stack': 'Error: Order 123 is gone\n    at total (https://shop.example/assets/cart-Q2w6Zjyy.js:12:3)\n    at pay (https://shop.example/assets/cart-Q2w6Zjyy.js:40:1)'}, '/cart', '4d46266cfaa30d5de9e0b405'),
    (MarkerKind.JS_EXCEPTION, 'TypeError: t is undefined', {'type': 'TypeError', 'message': 't is undefined', 'stack': 'f@https://shop.example/assets/index-Q2w6Zjyy.js:1:164\nZt@https://shop.example/assets/index-Q2w6Zjyy.js:1:9942'}, '/cart', '4cb3cc291d731639160a3544'),
    (MarkerKind.JS_EXCEPTION, "SyntaxError: Unexpected token '<'", {'type': 'SyntaxError', 'message': "Unexpected token '<'", 'filename': 'https://shop.example/assets/cart-Q2w6Zjyy.js', 'lineno': 1, 'colno': 1}, '/cart', '4ebb4892bf37b6fc0c8568d6'),
    (MarkerKind.JS_EXCEPTION, "ReferenceError: Can't find variable: cart", None, '/cart', '8d07578f378583f17d0313ef'),
    (MarkerKind.JS_EXCEPTION, 'TypeError: x is not a function at pay (https://shop.example/app.js:1:2)', None, '', 'fc92b130064be3e6b77fd0cd'),
    (MarkerKind.JS_EXCEPTION, 'TypeError: x', {'type': 'TypeError', 'message': 'x', 'frames': [{'function': 'total', 'file': 'webpack://shop/./src/cart.ts', 'line': 4, 'mapped': True}]}, '', '5ba277052fafc543bc092c63'),
    (MarkerKind.API_ERROR, 'POST /api/orders/10042/pay?x=1 returned 502', None, '/cart', '0c3ce5d8265acaf0e78675ac'),
    (MarkerKind.API_ERROR, 'request', {'method': 'get', 'url': 'https://api.other.example/v1/items/9f8e7d6c5b4a', 'status': 404}, '/cart', '653c281a91977db8428a470b'),
    (MarkerKind.API_ERROR, 'Failed to fetch', {'method': 'GET', 'url': '/api/stock', 'failure': 'network'}, '/cart', 'a21365ce0f5774be16ddf5fe'),
    (MarkerKind.VALIDATION_FAILED, 'Please enter an email address.', {'form': 'sign-up', 'rule': 'typeMismatch', 'control': {'selector': 'input#email', 'inputType': 'email'}}, '/join', 'a696548d82d1cc19d85dc287'),
    (MarkerKind.VALIDATION_FAILED, 'Validation failed: #phone', None, '/join', '17661bc76143f5b25d7959be'),
    (MarkerKind.UI_NO_EFFECT, 'Rage click on #pay', None, '/cart/9', '9e57b33b36411035d84c95e7'),
    (MarkerKind.UI_NO_EFFECT, 'Dead click', {'signal': 'dead_click', 'control': {'tag': 'button', 'name': 'Add 2 to cart', 'landmark': 'Results', 'selector': 'div.css-1x2y3z > button'}}, '/search', 'e5c221f2d3c0c8e28417aad8'),
    (MarkerKind.UI_NO_EFFECT, 'Reload loop', {'signal': 'reload_loop', 'count': 3}, '/orders/10042?tab=1', '9a1d7aea61fbd48130d8dd26'),
    (MarkerKind.UI_NO_EFFECT, 'Something odd 12', None, '/x', '12b6d13c7a2c14a4169390a0'),
]


@pytest.mark.parametrize(("kind", "label", "evidence", "route", "key"), FROZEN)
def test_a_shipped_key_stays(kind: MarkerKind, label: str, evidence: Any, route: str, key: str) -> None:
    assert fingerprint(kind, label, evidence, site="https://shop.example", route=route).key == key
