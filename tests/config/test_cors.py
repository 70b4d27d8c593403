"""api.cors: an origin that no browser sends, or that is anybody's, is refused where it is written."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import ValidationError

from config.cors import DEFAULT_MAX_AGE, Cors
from tests import example

# As browsers send them (URL standard, "origin", serialized; HTML standard's examples).
ORIGINS = [
    "https://shop.example",
    "https://shop.example:8443",
    "https://a.b-c.d.example",
    "https://xn--wgv71a119e.jp",
    "https://203.0.113.7",
    "https://[2001:db8::1]:8443",
    "https://localhost",
    "http://localhost",
    "http://localhost:3000",
    "http://127.0.0.1:5173",
    "http://[::1]:8080",
    "http://shop.localhost:3000",
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_origin_as_browsers_send_it_is_taken(origin: str) -> None:
    assert Cors(origins=(origin,)).origins == (origin,)
    # Another library's idea of the same: nothing is left over, and nothing would be written otherwise.
    assert str(httpx.URL(origin)) == origin and urlsplit(origin).path == ""


# What is written -> what the message tells to write, or why it can't be mended.
REFUSED = {
    "*": "list the origin of each of your pages",
    "https://*": "list the origin of each of your pages",
    "https://*.shop.example": "list the origin of each of your pages",
    "null": "it is the origin of files and sandboxed frames",
    "https://shop.example/": "write https://shop.example",
    "https://shop.example/app": "write https://shop.example",
    "https://shop.example?a=b": "write https://shop.example",
    "https://shop.example#a": "write https://shop.example",
    "https://user@shop.example": "write https://shop.example",
    "https://user:word@shop.example": "write https://shop.example",
    "https://shop.example:443": "write https://shop.example",
    "http://localhost:80": "write http://localhost",
    "https://Shop.example": "write https://shop.example",
    "HTTPS://shop.example": "write https://shop.example",
    "shop.example": "as in https://shop.example",
    "shop.example:8443": "as in https://shop.example:8443",
    "//shop.example": "begin it with https://",
    "capacitor://localhost": "begin it with https://",
    "file:///": "begin it with https://",
    "javascript:alert(1)": "begin it with https://",
    "http://shop.example": "write https://shop.example",
    "http://shop.example:8080": "write https://shop.example:8080",
    "http://localhost.evil.example": "write https://localhost.evil.example",
    "http://127.0.0.1.evil.example": "write https://127.0.0.1.evil.example",
    "http://192.168.0.7:3000": "write https://192.168.0.7:3000",
    "https://": "the host is none that a browser sends",
    "https://:443": "the host is none that a browser sends",
    "https://shop..example": "the host is none that a browser sends",
    "https://-shop.example": "the host is none that a browser sends",
    "https://shop.example:0": "the host is none that a browser sends",
    "https://shop.example:99999": "write https://, a host and, if it is not 443, a port",
    "https://[::1": "write https://, a host and, if it is not 443, a port",
    "https://日本語.jp": "xn--",
    'https://shop.example"': "the host is none that a browser sends",
    "https://shop.example'": "the host is none that a browser sends",
    "https://shop.example,https://app.example": "the host is none that a browser sends",
    "https://shop.example https://app.example": "the host is none that a browser sends",
    "https://$origin": "the host is none that a browser sends",
    "https://shop.example\n": "write https://shop.example",
    " https://shop.example": "begin it with https://",
}


@pytest.mark.parametrize("origin", REFUSED)
def test_what_no_browser_sends_is_refused_with_its_cure(origin: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Cors(origins=(origin,))
    told = str(refused.value)
    assert f"origins has {origin!r}: " in told and REFUSED[origin] in told
    cure = re.search(r"(?:: write|as in) (https?://[^\s,]+)", told)
    assert cure is None or Cors(origins=(cure[1],)).origins == (cure[1],), "what it says to write is taken"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"origins": ["https://a.example", "https://a.example"]}, "'https://a.example' twice: keep one"),
        ({"origins": [""]}, "at least 1 character"),
        ({"origins": [f"https://{'a' * 200}.example"]}, "at most 200 characters"),
        ({"origins": [f"https://a{n}.example" for n in range(11)]}, "at most 10 items"),
        ({"origins": ["https://a.example"], "max_age_seconds": -1}, "greater than or equal to 0"),
        ({"origins": ["https://a.example"], "max_age_seconds": 86401}, "less than or equal to 86400"),
        ({"max_age_seconds": 60}, "max_age_seconds is 60 and origins is empty"),
        ({"origins": ["https://a.example"], "credentials": True}, "Extra inputs are not permitted"),
    ],
)
def test_other_keys_are_refused_with_their_value(given: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(told)):
        Cors.model_validate(given)


def test_none_and_an_empty_list_are_no_cors() -> None:
    for cors in (None, {}, {"origins": []}, {"origins": [], "max_age_seconds": DEFAULT_MAX_AGE}):
        assert example.settings(api={"cors": cors}).api.page_origins == ()
