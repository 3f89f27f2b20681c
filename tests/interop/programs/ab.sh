# URL ROOT SCRATCH: twenty requests, keep-alive.
ab -q -k -n 20 -c 1 "$1/" | grep -q 'Failed requests: *0'
