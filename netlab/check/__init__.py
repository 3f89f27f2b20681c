"""A judge for any HTTP/1.1 server: the wire cases as data, and what plays them against a server.

The cases stand in `wire/`, one Markdown file for each construct; `cases` reads them. RFC 9110 and RFC 9112.
"""
