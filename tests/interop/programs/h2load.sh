# URL ROOT SCRATCH: twenty requests on one connection.
h2load --h1 -n 20 -c 1 "$1/" | grep -q ' 20 succeeded, 0 failed'
