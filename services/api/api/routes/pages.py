"""The single-page application, as Vite built it."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

# Vite puts a digest of the content into the names under assets/: what is there never changes.
FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"

NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>VoIP Quality Monitor</title>
<h1>VoIP Quality Monitor is running, but its pages are not built yet</h1>
<p>Build them with <code>make web</code> in the folder of the project, then load this page again.</p>
<p>They are looked for in <code>VQM_WEB_DIR</code>. REST under <code>/api/v1</code> works without them.</p>
</html>
"""


class Pages(StaticFiles):
    """Files of a folder that may appear later."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)

    async def check_config(self) -> None:
        """A folder that is not there yet is no error."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code == 404 and path in (".", "index.html"):
                return HTMLResponse(NOT_BUILT, 503)
            raise
        response.headers["Cache-Control"] = FOR_EVER if path.startswith("assets/") else ASK_EACH_TIME
        return response
