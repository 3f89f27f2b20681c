"""Looks at the path first: the method of a page that is not there would be allowed.

caught by: test_another_method_is_405_and_hears_which_are_allowed
"""
    # >>> task 1: serve the pages
    if request.path not in ("/", "/sandbox"):
        return netlab.Response(404)
    if request.method not in ("GET", "HEAD"):
        return netlab.Response(405, fields={"Allow": "GET, HEAD"})
    fields = {"Content-Type": HTML}
    if request.path == "/sandbox":
        fields["Content-Security-Policy"] = "sandbox allow-scripts"
    return netlab.Response(200, PAGE, fields)
    # <<< task 1
