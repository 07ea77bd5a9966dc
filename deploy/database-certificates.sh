#!/bin/sh
# Certificates of the database machines, by an authority of their own: sh database-certificates.sh FOLDER db-1 db-2 db-3
#
# Run it on a machine that is kept offline, again for a machine that is added or whose certificate ends (remove its two files
# first). On each database machine, in /etc/credit-registry/database:
#   ca.pem            ca.pem, on the machines of the registry as well
#   machine.pem       NAME.pem
#   machine-key.pem   NAME-key.pem; of root and a group that holds the users etcd and postgres, mode 0640
# Each is good for its machine's name and for "primary", the name by which PgBouncer reaches whichever is the primary.
set -eu
umask 077
folder=$1
shift
mkdir -p "$folder"
cd "$folder"
new_key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"

if [ ! -e ca.pem ]; then
  # shellcheck disable=SC2086 - several words
  openssl req -x509 $new_key -days 3650 -subj "/CN=Database machines of the registry" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca-key.pem -out ca.pem
fi
for name; do
  if [ -e "$name.pem" ]; then
    echo "$folder/$name.pem is there already, and stays"
    continue
  fi
  # shellcheck disable=SC2086 - likewise
  openssl req -new $new_key -subj "/CN=$name" -addext "subjectAltName=DNS:$name,DNS:primary" \
    -addext "extendedKeyUsage=serverAuth,clientAuth" -addext "keyUsage=critical,digitalSignature" \
    -keyout "$name-key.pem" -out "$name.csr"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca-key.pem -days 825 -copy_extensions copy -out "$name.pem"
  rm "$name.csr"
done
