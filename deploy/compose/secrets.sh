#!/bin/sh
# Make the secrets that compose.yaml asks for, once; what is there already stays.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets && cd secrets
[ -s database_password ] || openssl rand -hex 24 > database_password
[ -s database_url ] || printf 'postgresql://osteoscreen:%s@postgres/osteoscreen' "$(cat database_password)" > database_url
# hosts that read each other's files show the same one: copy it to all of them
[ -s files_token ] || openssl rand -hex 32 > files_token
[ -s grafana_password ] || openssl rand -hex 12 > grafana_password
# a viewer's token, from the site's page Tokens, when it runs
[ -e metrics_token ] || : > metrics_token
[ -s site.key ] || openssl req -x509 -newkey rsa:3072 -nodes -days 825 -subj "/CN=${1:-site}" \
    -addext "subjectAltName=DNS:${1:-site},DNS:site,DNS:localhost" -keyout site.key -out site.crt 2>/dev/null
# containers read them as users of their own, and the folder is closed to everybody else's
chmod 0444 ./*
chmod 0700 .
