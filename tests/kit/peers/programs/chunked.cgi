#!/bin/sh
# A CGI program: the text beside it, without a Content-Length, so that the server sends it in chunks.
printf 'Content-Type: text/plain\r\n\r\n'
exec cat "${SCRIPT_FILENAME%.cgi}.txt"
