"""Forgets HEAD.

caught by: test_head_is_answered_like_get
"""
    # >>> task 1: serve the pages
    if request.method != "GET":
        return netlab.Response(405, fields={"Allow": "GET, HEAD"})
    if request.path not in ("/", "/sandbox"):
        return netlab.Response(404)
    fields = {"Content-Type": HTML}
    if request.path == "/sandbox":
        fields["Content-Security-Policy"] = "sandbox allow-scripts"
    return netlab.Response(200, PAGE, fields)
    # <<< task 1
