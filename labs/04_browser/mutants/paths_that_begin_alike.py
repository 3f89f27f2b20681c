"""Compares the beginning of the path.

caught by: test_another_path_is_not_found
"""
    # >>> task 1: serve the pages
    if request.method not in ("GET", "HEAD"):
        return netlab.Response(405, fields={"Allow": "GET, HEAD"})
    if request.path != "/" and not request.path.startswith("/sandbox"):
        return netlab.Response(404)
    fields = {"Content-Type": HTML}
    if request.path == "/sandbox":
        fields["Content-Security-Policy"] = "sandbox allow-scripts"
    return netlab.Response(200, PAGE, fields)
    # <<< task 1
