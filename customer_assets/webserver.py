"""Dagster's web server, deaf to other web pages: `python -m customer_assets.webserver`.

It takes the options of `dagster-webserver`. Any page in a browser of this machine can send requests
to a server on it. So refused are: a request by another host name, which somebody may have led here;
one that a page of another origin sends; a query by GET, which an image's address can be. A bare
`dg dev` has none of this.
"""

from urllib.parse import urlsplit

from dagster_webserver import app
from dagster_webserver.cli import cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")


class SameOriginMiddleware:
    """Serves what this server's own pages ask for, and what is no page of a browser.

    A browser says of each POST and each web socket from which origin it comes, and no page can
    make it say another.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        why = _refused(HTTPConnection(scope)) if scope["type"] in ("http", "websocket") else None
        served = PlainTextResponse(why, status_code=403) if why else self._app
        await served(scope, receive, send)


def _refused(asked: HTTPConnection) -> str | None:
    origin = asked.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != asked.headers.get("host"):
        return f"A page of {origin} may ask nothing here."
    is_query = asked.scope.get("method") == "GET" and asked.url.path.endswith("/graphql")
    if is_query and "text/html" not in asked.headers.get("accept", ""):
        return "A query is sent by POST."
    return None


class GuardedWebserver(DagsterWebserver):
    """Dagster's web server behind both looks."""

    def build_middleware(self) -> list[Middleware]:
        return [
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS),
            Middleware(SameOriginMiddleware),
            *super().build_middleware(),
        ]


if __name__ == "__main__":
    # The command makes its server by this name; a server of one's own it takes by no option.
    setattr(app, "DagsterWebserver", GuardedWebserver)  # noqa: B010
    cli(auto_envvar_prefix="DAGSTER_WEBSERVER")
