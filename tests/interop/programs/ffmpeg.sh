# URL ROOT SCRATCH: play a second of sound, to nowhere.
case "$1" in https:*) trust="-ca_file $2 -tls_verify 1" ;; *) trust= ;; esac
ffmpeg -v error $trust -i "$1/sound.wav" -f null -
