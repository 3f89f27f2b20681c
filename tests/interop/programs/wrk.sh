# URL ROOT SCRATCH: half a second or so of load on two connections; a response that is no 2xx fails it.
wrk -t 1 -c 2 -d 1s "$1/" > "$3/told" && ! grep -q 'Non-2xx\|Socket errors' "$3/told"
