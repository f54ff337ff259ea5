"""What Prometheus scrapes."""

import ipaddress

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from api.door import demand, identify
from api.metrics import CONTENT_TYPE
from api.parts import Parts, PartsOf
from api.problems import answers
from shared.health import alive

router = APIRouter(tags=["system"])


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **answers(401, 403, 503)},
)
async def metrics(request: Request, parts: PartsOf) -> Response:
    """For the addresses of VQM_METRICS_NETWORKS, for tokens with the scope `metrics` or `read`, and for whoever is
    signed in."""
    if not _may_scrape(request, parts):
        try:
            demand(await identify(request, parts), "metrics", "read")
        except HTTPException as refused:
            detail = f"{refused.detail}; or name this address in VQM_METRICS_NETWORKS"
            raise HTTPException(refused.status_code, detail, refused.headers) from None
    services = parts.services.observe(await alive(parts.state))
    return Response(parts.tally.page(services, await parts.workers.live()), media_type=CONTENT_TYPE)


def _may_scrape(request: Request, parts: Parts) -> bool:
    if request.client is None:
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    return any(address in network for network in parts.metrics_networks)
