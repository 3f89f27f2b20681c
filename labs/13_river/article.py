"""The FastAPI script of the article "The Backend Architect Day 3", quoted unchanged below this heading.

It is not ours: netlab/asgi/README.md says what it does on netlab, and tests/asgi/test_page.py runs it.
"""

# ruff: noqa: B007, I001
# fmt: off
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
import time

app = FastAPI()

# A Generator that yields data lazily (See Phase I: Lazy Evaluation)
def fake_video_streamer():
    for i in range(10):
        time.sleep(0.5)  # Simulate reading from disk
        yield b"Here is a 1MB chunk of video binary data...\n"

@app.get("/video")
async def stream_video():
    # FastAPI will keep the TCP socket open and stream chunks as they yield
    # Server RAM usage remains practically zero.
    return StreamingResponse(fake_video_streamer(), media_type="video/mp4")
