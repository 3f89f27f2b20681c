# Varnish in front of netlab. Tested by `make interop`; the words in @ are filled in by it.
# Start it with -p backend_idle_timeout=60 (its default): shorter than netlab's 75 s.
vcl 4.1;

backend netlab {
    .host = "127.0.0.1";
    .port = "@upstream@";
}

sub vcl_recv {
    unset req.http.Forwarded;
    # What must not be cached is not held back either: each client has a request of its own.
    return (pass);
}

sub vcl_backend_response {
    # Pieces are handed on as they come (the default, said because it matters).
    set beresp.do_stream = true;
}
