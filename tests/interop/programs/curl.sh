# URL ROOT SCRATCH: all of curl's steps on one connection. The server counts.
set -eu
head -c 300000 /dev/zero > "$3/data"
curl -sS --http1.1 --cacert "$2" -w 'hello %{size_download}\n' -o /dev/null "$1/" \
    --next -sS --http1.1 --cacert "$2" -w 'hello %{size_download}\n' -o /dev/null "$1/" \
    --next -sS --http1.1 --cacert "$2" -I -w 'head %header{content-length}\n' -o /dev/null "$1/" \
    --next -sS --http1.1 --cacert "$2" -w 'stream %{size_download}\n' -o /dev/null "$1/stream" \
    --next -sS --http1.1 --cacert "$2" -X POST -H 'Transfer-Encoding: chunked' -T "$3/data" -w '\n' "$1/upload" \
    --next -sS --http1.1 --cacert "$2" -H 'Expect: 100-continue' --expect100-timeout 20 \
        --data-binary "@$3/data" -w '\n' "$1/continue" \
    --next -sS --http1.1 --cacert "$2" -r 65-69 -w '\n' "$1/file" > "$3/told"
# The bodies of an upload, of the one that waited for 100, and of the range are bare lines.
sed -e '5s/^/upload /' -e '6s/^/continue /' -e '7s/^/range /' "$3/told"
