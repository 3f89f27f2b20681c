# URL ROOT SCRATCH: wget has no chunked upload and no Expect.
set -eu
wget -q --ca-certificate="$2" -O "$3/two" "$1/" "$1/"
half=$(($(wc -c < "$3/two") / 2))
echo "hello $half"
echo "hello $half"
wget -S --spider --ca-certificate="$2" "$1/" 2>&1 | sed -n 's/^ *content-length: */head /ip'
wget -q --ca-certificate="$2" -O - "$1/stream" | wc -c | sed 's/^ */stream /'
echo "range $(wget -q --ca-certificate="$2" --start-pos=65536 -O - "$1/file")"
