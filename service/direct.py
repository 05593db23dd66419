"""Routes that are asked thousands of times a minute, without the steps that FastAPI takes for all others.

For a route whose only input is a JSON body there are no dependencies to solve and no parameters to collect, and an
answer that is a `Response` already needs no second look.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class DirectRoute(APIRoute):
    """A route of an endpoint `(request, body) -> Response`, whose `body` is a pydantic model.

    What is no valid body goes FastAPI's own way, so that errors look alike everywhere.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `fastapi.routing.APIRoute`."""
        usual = super().get_route_handler()
        endpoint = self.endpoint
        model = endpoint.__annotations__["body"]

        async def handle(request: Request) -> Response:
            try:
                body = model.model_validate(json.loads(await request.body()))
            except (ValueError, RecursionError):
                return await usual(request)
            answer: Response = await endpoint(request, body)
            return answer

        return handle
