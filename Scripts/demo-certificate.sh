#!/usr/bin/env bash
# Makes a certificate for this machine that nobody vouches for, good for a month, and prints the
# options with which the demo takes it. Browsers warn of it; `curl --cacert` trusts it by its file.
set -euo pipefail
folder=$(mktemp -d "${TMPDIR:-/tmp}/stargate-demo.XXXXXX")
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
echo "a certificate for localhost and 127.0.0.1, good for 30 days: $folder/cert.pem" >&2
echo "--tls-cert $folder/cert.pem --tls-key $folder/key.pem"
