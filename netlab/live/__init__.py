"""The bench in the browser: `netlab live` serves boards, and each runs an experiment of real sockets.

`board` is the interface of a board, `registry` lists them, `runs` runs their experiments, `feed` carries
events to the pages, `site` is the app, `guard` checks every request. Pages' own files are in static/.
"""
