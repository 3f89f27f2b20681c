"""The target has a query, the path has not.

caught by: test_the_page_is_html_in_utf_8
"""
    # >>> task 1: serve the pages
    if request.method not in ("GET", "HEAD"):
        return netlab.Response(405, fields={"Allow": "GET, HEAD"})
    if request.target not in ("/", "/sandbox"):
        return netlab.Response(404)
    fields = {"Content-Type": HTML}
    if request.path == "/sandbox":
        fields["Content-Security-Policy"] = "sandbox allow-scripts"
    return netlab.Response(200, PAGE, fields)
    # <<< task 1
