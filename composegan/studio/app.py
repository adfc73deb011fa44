"""The server's addresses. Handlers check what the browser sent and leave the work to the worker's thread."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from composegan.model.saved_model import Model
from composegan.session.session import Session
from composegan.studio.answers import answered
from composegan.studio.desk import Desk, Place
from composegan.studio.exports import EXPORTS
from composegan.studio.guard import Guard
from composegan.studio.sliders import Sliders
from composegan.studio.stack import stack_of
from composegan.studio.uploads import (
    FILE,
    body_of,
    json_of,
    painting_of,
    session_of,
    whole,
    with_mask,
)
from composegan.studio.wall import AT_ONCE, Wall
from composegan.studio.wire import cropped, packed, state_of, thumbnail
from composegan.studio.words import title
from composegan.studio.worker import LAYERS, WALL, Worker

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}


class Studio:
    """The handlers. model: resident; folder: of the saved documents."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.model, self.desk, self.wall, self.worker = model, Desk(model, folder), Wall(model), Worker()
        self.directions = Sliders(model)
        page = Path(str(files("composegan.studio"))) / "page"
        self.page = {path.relative_to(page).as_posix(): path for path in page.rglob("*.*") if path.suffix in TYPES}

    @answered
    async def file(self, request: Request) -> Response:
        """A file of the page, by its name in a list: no path from the browser is opened."""
        path = self.page.get(request.path_params.get("name", "index.html"))
        return Response("not found", 404) if path is None else FileResponse(path, media_type=TYPES[path.suffix])

    @answered
    async def about(self, request: Request) -> Response:
        """The model: its size and classes."""
        model = self.model
        classes = [
            {"name": name, "title": title(name), "color": "#{:02x}{:02x}{:02x}".format(*color), "fixed": index == 0}
            for index, (name, color) in enumerate(zip(model.classes, model.colors, strict=True))
        ]
        size = {"width": model.generator.width, "height": model.generator.height}
        return JSONResponse({**size, "domain": model.domain, "classes": classes, "group": AT_ONCE})

    @answered
    async def pictures(self, request: Request) -> Response:
        """A group of the wall."""
        number = request.path_params["number"]
        return JSONResponse(await self.worker.run(lambda: self.wall.group(number), WALL))

    @answered
    async def begin(self, request: Request) -> Response:
        """A new session with a picture of the wall."""
        picture = whole(await json_of(request), "picture")
        place = await self.worker.run(lambda: self.desk.add(Session(self.model, picture)))
        return JSONResponse({"key": place.key})

    @answered
    async def open(self, request: Request) -> Response:
        """A new session with a document."""
        content = await body_of(request, FILE)
        place = await self.worker.run(lambda: self.desk.add(session_of(content, self.model)))
        return JSONResponse({"key": place.key})

    @answered
    async def show(self, request: Request) -> Response:
        """The picture as it is."""
        return await self._changed(request, lambda place: None)

    @answered
    async def original(self, request: Request) -> Response:
        """The picture that the session began with."""
        key = request.path_params["key"]
        content = await self.worker.run(lambda: packed(self.desk.at(key).session.original, {}))
        return Response(content, media_type="application/octet-stream")

    @answered
    async def preview(self, request: Request) -> Response:
        """The picture after a request that is not recorded; 204 if a newer one has arrived meanwhile."""
        content = await json_of(request)
        key, turn = request.path_params["key"], whole(content, "turn")
        if known := self.desk.known(key):
            known.newest = max(known.newest, turn)

        def work() -> bytes | None:
            place = self.desk.at(key)
            if turn < place.newest:
                return None
            asked = self._asked(place, content)
            return packed(place.session.preview(asked, bool(content.get("instead"))), {"turn": turn})

        made = await self.worker.run(work)
        return Response(status_code=204) if made is None else Response(made, media_type="application/octet-stream")

    @answered
    async def do(self, request: Request) -> Response:
        """Apply a request."""
        content = await json_of(request)

        def change(place: Place) -> None:
            place.session.do(self._asked(place, content), bool(content.get("instead")))

        return await self._changed(request, change)

    @answered
    async def step(self, request: Request) -> Response:
        """Undo or redo so many steps: below 0 is undo."""
        steps = max(-5000, min(5000, whole(await json_of(request), "steps")))

        def change(place: Place) -> None:
            for _ in range(abs(steps)):
                if not (place.session.undo() if steps < 0 else place.session.redo()):
                    break

        return await self._changed(request, change)

    @answered
    async def lock(self, request: Request) -> Response:
        """Lock or unlock a class."""
        content = await json_of(request)
        name = str(content.get("class"))
        return await self._changed(request, lambda place: place.session.lock([name], bool(content.get("locked"))))

    @answered
    async def sliders(self, request: Request) -> Response:
        """The sliders of a class; found now if they are not known yet, beside the worker's thread."""
        name = request.path_params["name"]
        return JSONResponse(await to_thread(self.directions.of, name))

    @answered
    async def import_mask(self, request: Request) -> Response:
        """Paint a whole label map, a PNG."""
        content = await body_of(request, FILE)
        return await self._changed(request, lambda place: place.session.do(painting_of(content, self.model)))

    @answered
    async def layers(self, request: Request) -> Response:
        """Small pictures of the layers, from back to front."""
        key = request.path_params["key"]

        def work() -> list[dict[str, str]]:
            layers = stack_of(self.desk.at(key).session)
            pairs = zip(layers.classes, layers.images, strict=True)
            return [{"name": name, "image": thumbnail(cropped(image))} for name, image in pairs]

        return JSONResponse(await self.worker.run(work, LAYERS))

    @answered
    async def script(self, request: Request) -> Response:
        """The steps as command lines and as Python."""
        key = request.path_params["key"]

        def work() -> dict[str, Any]:
            session = self.desk.at(key).session
            return {"commands": "\n".join(session.commands()), "python": session.python()}

        return JSONResponse(await self.worker.run(work))

    @answered
    async def export(self, request: Request) -> Response:
        """A file to keep."""
        key, kind = request.path_params["key"], request.path_params["kind"]
        if kind not in EXPORTS:
            return JSONResponse({"error": "There is no such file."}, 404)
        text = request.query_params.get("scale", "1")
        scale = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
        name, media, make = EXPORTS[kind]
        content = await self.worker.run(lambda: make(self.desk.at(key).session, scale), LAYERS)
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=media, headers=headers)

    def _asked(self, place: Place, content: dict[str, Any]) -> Any:
        """The request of a session in what the page sent. A direction that it names is added to the session."""
        asked = with_mask(content.get("request"), self.model)
        slide = asked.get("slide") if isinstance(asked, dict) else None
        name = slide.get("direction") if isinstance(slide, dict) else None
        if isinstance(name, str) and name not in place.session.directions and name in self.directions.found:
            place.session.add_direction(self.directions.found[name])
        return asked

    async def _changed(self, request: Request, change: Callable[[Place], object]) -> Response:
        """The picture and the state after a change, which is saved once it has been answered."""
        key = request.path_params["key"]

        def work() -> tuple[Place, bytes]:
            place = self.desk.at(key)
            change(place)
            return place, packed(place.session.picture, state_of(place.session))

        place, content = await self.worker.run(work)
        saving = None if request.method == "GET" else _after(self.worker.run, lambda: self.desk.save(place))
        return Response(content, media_type="application/octet-stream", background=saving)


def _after(run: Callable[..., Awaitable[Any]], job: Callable[[], object]) -> Any:
    from starlette.background import BackgroundTask

    return BackgroundTask(run, job, LAYERS)


def make_app(model: Model, folder: Path, host: str = "127.0.0.1", token: str = "") -> Starlette:
    """The whole application. token: see `Guard`."""
    studio, one = Studio(model, folder), "/api/picture/{key}"
    studio.desk.tidy()
    routes = [
        Route("/", studio.file), Route("/page/{name:path}", studio.file), Route("/api/about", studio.about),
        Route("/api/wall/{number:int}", studio.pictures), Route("/api/begin", studio.begin, methods=["POST"]),
        Route("/api/sliders/{name}", studio.sliders), Route("/api/open", studio.open, methods=["POST"]),
        Route(one, studio.show),
        Route(f"{one}/original", studio.original), Route(f"{one}/preview", studio.preview, methods=["POST"]),
        Route(f"{one}/do", studio.do, methods=["POST"]), Route(f"{one}/step", studio.step, methods=["POST"]),
        Route(f"{one}/lock", studio.lock, methods=["POST"]),
        Route(f"{one}/mask", studio.import_mask, methods=["POST"]), Route(f"{one}/layers", studio.layers),
        Route(f"{one}/script", studio.script), Route(f"{one}/export/{{kind}}", studio.export),
    ]  # fmt: skip
    return Starlette(routes=routes, middleware=[Middleware(Guard, host=host, token=token)])
