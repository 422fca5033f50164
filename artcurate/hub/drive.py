"""Google Drive: from a file's id to the address of its bytes.

Drive answers for a large file with a page that says it cannot scan it for viruses; the address of
the bytes stands in a form on that page. `gdown`, whose authors follow Google's changes, reads the
page; the bytes are fetched like every other file.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from artcurate.hub.catalogue import DrivePlace
from artcurate.net.http import Http, RefusedError, read_limited, require_success

#: Another server that speaks as Drive does, for tests and proxies.
ENDPOINT_VARIABLE = "ARTCURATE_DRIVE_ENDPOINT"
_ENDPOINT = "https://drive.google.com"
_MAX_PAGE = 1 << 20


def address_of(http: Http, place: DrivePlace) -> Callable[[], str]:
    """A function that asks Drive for the address under which the bytes of `place` lie now.

    It raises TransientError, and RefusedError where Drive does not give the file.
    """
    endpoint = os.environ.get(ENDPOINT_VARIABLE, _ENDPOINT).rstrip("/")
    first = f"{endpoint}/uc?export=download&id={place.id}"

    def locate() -> str:
        with http.get(first) as response:
            require_success(response)
            if not response.headers.get("Content-Type", "").startswith("text/html"):
                return str(response.url)
            page = read_limited(response, _MAX_PAGE).decode("utf-8", errors="replace")
        return _address_on(page, place)

    return locate


def _address_on(page: str, place: DrivePlace) -> str:
    from gdown.download import get_url_from_gdrive_confirmation
    from gdown.exceptions import FileURLRetrievalError

    try:
        return get_url_from_gdrive_confirmation(page)
    except (FileURLRetrievalError, KeyError, AssertionError):
        # The last two are how gdown meets a form without the fields it looks for.
        reason = (
            "too many people fetched it today" if "quota" in page.lower() else "it gives no way"
        )
        raise RefusedError(
            f"{place.file}: Google Drive does not give it to a program ({reason}); try again "
            "tomorrow, or fetch it in a browser and add --from FILE."
        ) from None
