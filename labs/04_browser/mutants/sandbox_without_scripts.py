"""A sandbox that runs no scripts makes no requests either.

caught by: test_the_sandboxed_page_alone_has_no_origin
"""
    # >>> task 1: serve the pages
    if request.method not in ("GET", "HEAD"):
        return netlab.Response(405, fields={"Allow": "GET, HEAD"})
    if request.path not in ("/", "/sandbox"):
        return netlab.Response(404)
    fields = {"Content-Type": HTML}
    if request.path == "/sandbox":
        fields["Content-Security-Policy"] = "sandbox"
    return netlab.Response(200, PAGE, fields)
    # <<< task 1
